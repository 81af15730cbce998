/* SPDX-License-Identifier: Apache-2.0 */
/* The workflow of a connection: all its links, or none of them. Each link has a workflow of its own,
 * whose operation is a part of this one; when a part ends, the whole is looked at. */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "base/text.h"
#include "conductor/flows.h"
#include "conductor/request.h"

enum { PAUSE_MS = 60000, PAUSE_LIMIT_MS = 3600000 };

/* The next of the operations that create the links; start with *at = 0. */
static const struct operation *next_part(const struct subject *s, size_t *at)
{
        const struct operation *part;

        while ((part = view_next(&s->t->view, T_OPERATION, at)))
                if (part->kind == OP_CREATE && text_equal(part->parent_id, s->op->id))
                        return part;
        return NULL;
}

/* Whether all links came to be, or one did not. */
static int look_made(void *subject)
{
        struct subject *s = subject;
        const struct operation *part;
        bool all = true;
        size_t at = 0;

        while ((part = next_part(s, &at))) {
                all = all && part->result == OP_DONE;
                if (part->result != OP_FAILED && part->result != OP_PREEMPTED)
                        continue;
                snprintf(s->op->reason, sizeof s->op->reason, "Virtual link %s: %.440s",
                         part->link_id, part->reason);
                s->reason = s->op->reason;
                view_dirty(s->op);
                return EV_LINK_FAILED;
        }
        return all ? EV_LINKS_OK : 0;
}

static int look_made_or_give_up(void *subject)
{
        struct subject *s = subject;
        int made = look_made(s);

        if (made || s->op->retries++ == 0)
                return made;
        s->reason = s->op->reason;
        TEXT_SET(s->op->reason, "Not all links came to be in time.");
        return EV_GAVE_UP;
}

static int look_gone(void *subject)
{
        struct subject *s = subject;
        const struct operation *part;
        size_t at = 0;

        while ((part = next_part(s, &at)))
                if (view_get(&s->t->view, T_VLINK, part->link_id))
                        return 0;
        return EV_LINKS_GONE;
}

/* Every link is asked to go that is not going already. */
static int take_back(void *subject)
{
        struct subject *s = subject;
        const struct operation *part;
        size_t at = 0;
        int r = 0;

        while (r == 0 && (part = next_part(s, &at))) {
                struct vlink *l = view_get(&s->t->view, T_VLINK, part->link_id);

                if (l)
                        r = link_take_back(s->t, l, s->op);
        }
        return r ? r : look_gone(s);
}

/* What could not be taken away is asked to go again, ever more slowly. */
static int take_back_again(void *subject)
{
        struct subject *s = subject;
        int64_t pause_ms = PAUSE_MS;
        int r = take_back(s);

        for (int64_t i = s->op->retries++; i > 0 && pause_ms < PAUSE_LIMIT_MS; i--)
                pause_ms *= 2;
        return r ? r
                 : timer_set_operation(
                           s->t, s->op,
                           s->t->now_ms + pause_ms * s->t->c->timing.step_percent / 100);
}

static int finish(struct subject *s, enum operation_result result)
{
        s->op->result = result;
        s->op->finished_ms = s->t->now_ms;
        view_dirty(s->op);
        return 0;
}

static int end_connected(void *subject)
{
        return finish(subject, OP_DONE);
}

static int end_taken_back(void *subject)
{
        struct subject *s = subject;
        int r = vpn_take_back(s->t, s->op);

        return r ? r : finish(s, OP_FAILED);
}

enum { START, LINKS, UNDO, DONE, FAILED, STATE_N };
static const char *const states[STATE_N] = { "START", "LINKS", "UNDO", "DONE", "FAILED" };

/* clang-format off */
static const struct flow_row rows[] = {
        /* pos  state  event           act                            next    within ms */
        { 801, START, EV_GO,          FLOW_DO(look_made),            LINKS,  60000 },
        { 802, LINKS, EV_LINKS_OK,    FLOW_DO(end_connected),        DONE,   0 },
        { 803, LINKS, EV_LINK_FAILED, FLOW_DO(take_back),            UNDO,   60000 },
        { 804, LINKS, EV_TIMEOUT,     FLOW_DO(look_made_or_give_up), LINKS,  60000 },
        { 805, LINKS, EV_GAVE_UP,     FLOW_DO(take_back),            UNDO,   60000 },
        { 806, UNDO,  EV_LINKS_GONE,  FLOW_DO(end_taken_back),       FAILED, 0 },
        { 807, UNDO,  EV_TIMEOUT,     FLOW_DO(take_back_again),      UNDO,   60000 },
        { 0 },
};
/* clang-format on */

const struct flow flow_connect = WORKFLOW("connect", rows, states, START);

int connect_look(struct turn *t, const char *operation_id)
{
        struct operation *op = view_get(&t->view, T_OPERATION, operation_id);
        struct subject s = { .t = t, .op = op };
        int event = 0, r = timer_clear(t, TIMER_PARENT, operation_id);

        if (r || !op || op->result != OP_RUNNING)
                return r;
        if (text_equal(op->state, states[LINKS]))
                event = look_made(&s);
        else if (text_equal(op->state, states[UNDO]))
                event = look_gone(&s);
        return event > 0 ? work_run(&s, (enum work_event)event) : event;
}
