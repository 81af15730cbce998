/* SPDX-License-Identifier: Apache-2.0 */
/* The workflow that takes a link away without a trace; also what is left of one that failed. */
#include "conductor/flows.h"

enum { START, UNPLUG, PORTS, DONE, FAILED, STATE_N };
static const char *const states[STATE_N] = { "START", "UNPLUG", "PORTS", "DONE", "FAILED" };

/* clang-format off */
static const struct flow_row rows[] = {
        /* pos  state   event           act                            next    within ms */
        { 301, START,  EV_GO,          FLOW_DO(step_unplug_last),     UNPLUG, 30000 },
        { 311, START,  EV_FORCED,      FLOW_DO(step_leave_ports),     DONE,   0 },
        { 302, UNPLUG, EV_PLUGS_OK,    FLOW_DO(step_drop_ports),      PORTS,  30000 },
        { 303, UNPLUG, EV_PLUG_FAILED, FLOW_DO(step_drop_ports),      PORTS,  30000 },
        { 304, UNPLUG, EV_TIMEOUT,     FLOW_DO(step_ask_plugs_again), UNPLUG, 15000 },
        { 305, UNPLUG, EV_GAVE_UP,     FLOW_DO(step_drop_ports),      PORTS,  30000 },
        { 306, PORTS,  EV_PORTS_OK,    FLOW_DO(end_gone),             DONE,   0 },
        { 307, PORTS,  EV_PORT_FAILED, FLOW_DO(end_error),            FAILED, 0 },
        { 308, PORTS,  EV_TIMEOUT,     FLOW_DO(step_ask_ports_again), PORTS,  15000 },
        { 309, PORTS,  EV_GAVE_UP,     FLOW_DO(end_error),            FAILED, 0 },
        { 310, PORTS,  EV_PLUG_FAILED, FLOW_DO(end_error),            FAILED, 0 },
        { 0 },
};
/* clang-format on */

const struct flow flow_delete = WORKFLOW("delete", rows, states, START);
