/* SPDX-License-Identifier: Apache-2.0 */
/* The workflow that changes a live link's bandwidth. Per direction the receiving limit is never
 * below the sending one: the first step raises receivers and lowers senders, the second does the
 * other ends. A failure walks the same steps back. */
#include "conductor/flows.h"

#include <stdio.h>

enum { START, FIRST, SECOND, UNDO_SECOND, UNDO_FIRST, DONE, FAILED, STATE_N };
static const char *const states[STATE_N] = {
        "START", "FIRST", "SECOND", "UNDO_SECOND", "UNDO_FIRST", "DONE", "FAILED",
};

static int64_t max64(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

static int64_t min64(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

/* Receivers at the greater, senders at the lesser of old and new. */
static int limit_between(struct subject *s)
{
        const struct vlink *l = s->l;
        int64_t tx_a = min64(l->a_to_z_kbps, l->goal_a_to_z_kbps);
        int64_t rx_z = max64(l->a_to_z_kbps, l->goal_a_to_z_kbps);
        int64_t tx_z = min64(l->z_to_a_kbps, l->goal_z_to_a_kbps);
        int64_t rx_a = max64(l->z_to_a_kbps, l->goal_z_to_a_kbps);
        const struct end_limits limits[SIDE_N] = {
                [SIDE_A] = { .tx_kbps = tx_a, .rx_kbps = rx_a },
                [SIDE_Z] = { .tx_kbps = tx_z, .rx_kbps = rx_z },
        };

        return step_limit_ports(s, limits);
}

static int limit_goal(struct subject *s)
{
        const struct vlink *l = s->l;
        const struct end_limits limits[SIDE_N] = {
                [SIDE_A] = { .tx_kbps = l->goal_a_to_z_kbps, .rx_kbps = l->goal_z_to_a_kbps },
                [SIDE_Z] = { .tx_kbps = l->goal_z_to_a_kbps, .rx_kbps = l->goal_a_to_z_kbps },
        };

        return step_limit_ports(s, limits);
}

static int then_settled(struct subject *s, int r)
{
        return r ? r : step_ports_settled(s);
}

static int ask_between(void *subject)
{
        return then_settled(subject, limit_between(subject));
}

static int ask_goal(void *subject)
{
        struct subject *s = subject;

        return then_settled(s, limit_goal(s));
}

static int ask_old(void *subject)
{
        struct subject *s = subject;

        return then_settled(s, step_limit_old(s));
}

/* Both ends have confirmed: only now is what became free given back. */
static int settle_on(struct subject *s, int64_t a_to_z_kbps, int64_t z_to_a_kbps)
{
        int r = resource_reserve(s->t, s->l, s->ports, a_to_z_kbps, z_to_a_kbps, NULL);

        if (r == 0) {
                s->l->a_to_z_kbps = s->l->goal_a_to_z_kbps = a_to_z_kbps;
                s->l->z_to_a_kbps = s->l->goal_z_to_a_kbps = z_to_a_kbps;
        }
        return r;
}

static int end_changed(void *subject)
{
        struct subject *s = subject;
        int r = settle_on(s, s->l->goal_a_to_z_kbps, s->l->goal_z_to_a_kbps);

        return r ? r : end_online(s);
}

static int end_restored(void *subject)
{
        struct subject *s = subject;
        int r = settle_on(s, s->l->a_to_z_kbps, s->l->z_to_a_kbps);

        return r ? r : end_kept(s);
}

/* What is wanted now could not be confirmed at both ends. It stays wanted and is asked for again,
 * and the greater of old and new stays counted, until they have answered. Limits in between stay
 * where they are: what sends the least and takes the most is safe whatever the other end does. */
static int end_degraded(void *subject)
{
        struct subject *s = subject;

        subject_reason_at_least(s);
        s->l->operating = OPER_DEGRADED;
        snprintf(s->l->status_reason, sizeof s->l->status_reason, "%.500s", s->op->reason);
        return end_kept(s);
}

/* clang-format off */
static const struct flow_row rows[] = {
        /* pos  state        event           act                            next         within ms */
        { 201, START,       EV_GO,          FLOW_DO(ask_between),          FIRST,       30000 },
        { 202, FIRST,       EV_PORTS_OK,    FLOW_DO(ask_goal),             SECOND,      30000 },
        { 203, FIRST,       EV_PORT_FAILED, FLOW_DO(ask_old),              UNDO_FIRST,  30000 },
        { 204, FIRST,       EV_TIMEOUT,     FLOW_DO(step_ask_ports_again), FIRST,       15000 },
        { 205, FIRST,       EV_GAVE_UP,     FLOW_DO(ask_old),              UNDO_FIRST,  30000 },
        { 206, SECOND,      EV_PORTS_OK,    FLOW_DO(end_changed),          DONE,        0 },
        { 207, SECOND,      EV_PORT_FAILED, FLOW_DO(ask_between),          UNDO_SECOND, 30000 },
        { 208, SECOND,      EV_TIMEOUT,     FLOW_DO(step_ask_ports_again), SECOND,      15000 },
        { 209, SECOND,      EV_GAVE_UP,     FLOW_DO(ask_between),          UNDO_SECOND, 30000 },
        { 210, UNDO_SECOND, EV_PORTS_OK,    FLOW_DO(ask_old),              UNDO_FIRST,  30000 },
        { 211, UNDO_SECOND, EV_PORT_FAILED, FLOW_DO(end_degraded),         FAILED,      0 },
        { 212, UNDO_SECOND, EV_TIMEOUT,     FLOW_DO(end_degraded),         FAILED,      0 },
        { 213, UNDO_FIRST,  EV_PORTS_OK,    FLOW_DO(end_restored),         FAILED,      0 },
        { 214, UNDO_FIRST,  EV_PORT_FAILED, FLOW_DO(end_degraded),         FAILED,      0 },
        { 215, UNDO_FIRST,  EV_TIMEOUT,     FLOW_DO(end_degraded),         FAILED,      0 },
        { 0 },
};
/* clang-format on */

const struct flow flow_update = WORKFLOW("update", rows, states, START);
