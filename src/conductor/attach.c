/* SPDX-License-Identifier: Apache-2.0 */
/* The workflows that plug an access side into a network of its site, and take it out. */
#include "conductor/flows.h"

enum { START, PLUG, UNDO, DONE, FAILED, STATE_N };
static const char *const attach_states[STATE_N] = { "START", "PLUG", "UNDO", "DONE", "FAILED" };

/* clang-format off */
static const struct flow_row attach_rows[] = {
        /* pos  state  event           act                            next    within ms */
        { 401, START, EV_GO,          FLOW_DO(step_plug),            PLUG,   30000 },
        { 402, PLUG,  EV_PLUGS_OK,    FLOW_DO(end_active),           DONE,   0 },
        { 403, PLUG,  EV_PLUG_FAILED, FLOW_DO(step_unplug_own),      UNDO,   30000 },
        { 404, PLUG,  EV_TIMEOUT,     FLOW_DO(step_ask_plugs_again), PLUG,   15000 },
        { 405, PLUG,  EV_GAVE_UP,     FLOW_DO(step_unplug_own),      UNDO,   30000 },
        { 406, UNDO,  EV_PLUGS_OK,    FLOW_DO(end_kept),             FAILED, 0 },
        { 407, UNDO,  EV_PLUG_FAILED, FLOW_DO(end_kept),             FAILED, 0 },
        { 408, UNDO,  EV_TIMEOUT,     FLOW_DO(end_kept),             FAILED, 0 },
        { 0 },
};
/* clang-format on */

enum { D_START, D_UNPLUG, D_DONE, D_FAILED, D_STATE_N };
static const char *const detach_states[D_STATE_N] = { "START", "UNPLUG", "DONE", "FAILED" };

/* clang-format off */
static const struct flow_row detach_rows[] = {
        /* pos  state     event           act                            next      within ms */
        { 501, D_START,  EV_GO,          FLOW_DO(step_unplug_own),      D_UNPLUG, 30000 },
        { 502, D_UNPLUG, EV_PLUGS_OK,    FLOW_DO(end_active),           D_DONE,   0 },
        { 503, D_UNPLUG, EV_PLUG_FAILED, FLOW_DO(end_kept),             D_FAILED, 0 },
        { 504, D_UNPLUG, EV_TIMEOUT,     FLOW_DO(step_ask_plugs_again), D_UNPLUG, 15000 },
        { 505, D_UNPLUG, EV_GAVE_UP,     FLOW_DO(end_kept),             D_FAILED, 0 },
        { 0 },
};
/* clang-format on */

const struct flow flow_attach = WORKFLOW("attach", attach_rows, attach_states, START);
const struct flow flow_detach = WORKFLOW("detach", detach_rows, detach_states, D_START);
