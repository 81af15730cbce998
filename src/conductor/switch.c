/* SPDX-License-Identifier: Apache-2.0 */
/* The workflows that switch a link off and on again (admin_state_up). Off: both ends are absent,
 * the link keeps its labels, its bandwidth and its place in the networks. */
#include "conductor/flows.h"

#include <stdio.h>

#include "base/text.h"

enum { START, PORTS, UNDO, DONE, FAILED, STATE_N };
static const char *const states[STATE_N] = { "START", "PORTS", "UNDO", "DONE", "FAILED" };

/* Both ends have confirmed that they are absent. */
static int end_off(void *subject)
{
        struct subject *s = subject;
        int r = step_settle_off(s->t, s->l, s->ports);

        return r ? r : end_active(s);
}

/* It was not to be, or an end did not confirm; that it is off stays wanted, and is asked for until
 * both have. */
static int end_still_off(void *subject)
{
        struct subject *s = subject;

        subject_reason_at_least(s);
        s->l->admin_state_up = false;
        s->l->operating = OPER_OFFLINE;
        TEXT_SET(s->l->status_reason, s->op->reason);
        return end_kept(s);
}

/* clang-format off */
static const struct flow_row enable_rows[] = {
        /* pos  state  event           act                            next    within ms */
        { 601, START, EV_GO,          FLOW_DO(step_want_ports),      PORTS,  30000 },
        { 602, PORTS, EV_PORTS_OK,    FLOW_DO(end_online),           DONE,   0 },
        { 603, PORTS, EV_PORT_FAILED, FLOW_DO(step_rest_ports),      UNDO,   30000 },
        { 604, PORTS, EV_TIMEOUT,     FLOW_DO(step_ask_ports_again), PORTS,  15000 },
        { 605, PORTS, EV_GAVE_UP,     FLOW_DO(step_rest_ports),      UNDO,   30000 },
        { 606, UNDO,  EV_PORTS_OK,    FLOW_DO(end_still_off),        FAILED, 0 },
        { 607, UNDO,  EV_PORT_FAILED, FLOW_DO(end_still_off),        FAILED, 0 },
        { 608, UNDO,  EV_TIMEOUT,     FLOW_DO(end_still_off),        FAILED, 0 },
        { 0 },
};
/* clang-format on */

enum { D_START, D_PORTS, D_DONE, D_FAILED, D_STATE_N };
static const char *const disable_states[D_STATE_N] = { "START", "PORTS", "DONE", "FAILED" };

/* clang-format off */
static const struct flow_row disable_rows[] = {
        /* pos  state    event           act                            next      within ms */
        { 701, D_START, EV_GO,          FLOW_DO(step_rest_ports),      D_PORTS,  30000 },
        { 702, D_PORTS, EV_PORTS_OK,    FLOW_DO(end_off),              D_DONE,   0 },
        { 703, D_PORTS, EV_PORT_FAILED, FLOW_DO(end_still_off),        D_FAILED, 0 },
        { 704, D_PORTS, EV_TIMEOUT,     FLOW_DO(step_ask_ports_again), D_PORTS,  15000 },
        { 705, D_PORTS, EV_GAVE_UP,     FLOW_DO(end_still_off),        D_FAILED, 0 },
        { 0 },
};
/* clang-format on */

const struct flow flow_enable = WORKFLOW("enable", enable_rows, states, START);
const struct flow flow_disable = WORKFLOW("disable", disable_rows, disable_states, D_START);
