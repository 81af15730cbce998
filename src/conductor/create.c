/* SPDX-License-Identifier: Apache-2.0 */
/* The workflow that creates a link: both ends, then the networks it names; or nothing. Where a WAN
 * driver makes the way between them, it brings about both ends (circuit.c). */
#include "conductor/flows.h"

enum { START, PORTS, PLUG, UNDO_PLUG, UNDO, DONE, FAILED, STATE_N };
static const char *const states[STATE_N] = { "START", "PORTS", "PLUG",  "UNDO_PLUG",
                                             "UNDO",  "DONE",  "FAILED" };

/* clang-format off */
static const struct flow_row rows[] = {
        /* pos  state      event           act                            next       within ms */
        { 101, START,     EV_GO,          FLOW_DO(step_want_ports),      PORTS,     30000 },
        { 102, PORTS,     EV_PORTS_OK,    FLOW_DO(step_plug),            PLUG,      30000 },
        { 103, PORTS,     EV_PORT_FAILED, FLOW_DO(step_drop_ports),      UNDO,      30000 },
        { 104, PORTS,     EV_TIMEOUT,     FLOW_DO(step_ask_ports_again), PORTS,     15000 },
        { 105, PORTS,     EV_GAVE_UP,     FLOW_DO(step_drop_ports),      UNDO,      30000 },
        { 106, PLUG,      EV_PLUGS_OK,    FLOW_DO(end_online),           DONE,      0 },
        { 107, PLUG,      EV_PLUG_FAILED, FLOW_DO(step_unplug_failed),   UNDO_PLUG, 30000 },
        { 108, PLUG,      EV_TIMEOUT,     FLOW_DO(step_ask_plugs_again), PLUG,      15000 },
        { 109, PLUG,      EV_GAVE_UP,     FLOW_DO(step_unplug_failed),   UNDO_PLUG, 30000 },
        { 110, UNDO_PLUG, EV_PLUGS_OK,    FLOW_DO(step_drop_ports),      UNDO,      30000 },
        { 111, UNDO_PLUG, EV_PLUG_FAILED, FLOW_DO(step_drop_ports),      UNDO,      30000 },
        { 112, UNDO_PLUG, EV_TIMEOUT,     FLOW_DO(step_drop_ports),      UNDO,      30000 },
        { 113, UNDO,      EV_PORTS_OK,    FLOW_DO(end_error),            FAILED,    0 },
        { 114, UNDO,      EV_PORT_FAILED, FLOW_DO(end_error),            FAILED,    0 },
        { 115, UNDO,      EV_TIMEOUT,     FLOW_DO(end_error),            FAILED,    0 },
        { 116, UNDO,      EV_PLUG_FAILED, FLOW_DO(end_error),            FAILED,    0 },
        { 0 },
};
/* clang-format on */

const struct flow flow_create = WORKFLOW("create", rows, states, START);
