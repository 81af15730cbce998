/* SPDX-License-Identifier: Apache-2.0 */
/* An operation and the workflow it runs: start, feed, pre-empt, and what a link at rest does with
 * late answers. */
#include "conductor/turn.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/text.h"
#include "conductor/flows.h"

const char *const work_event_name[EV_N] = {
        [EV_NONE] = "NONE",
        [EV_GO] = "GO",
        [EV_PORTS_OK] = "PORTS_OK",
        [EV_PORT_FAILED] = "PORT_FAILED",
        [EV_PLUGS_OK] = "PLUGS_OK",
        [EV_PLUG_FAILED] = "PLUG_FAILED",
        [EV_TIMEOUT] = "TIMEOUT",
        [EV_GAVE_UP] = "GAVE_UP",
        [EV_FORCED] = "FORCED",
        [EV_LINKS_OK] = "LINKS_OK",
        [EV_LINK_FAILED] = "LINK_FAILED",
        [EV_LINKS_GONE] = "LINKS_GONE",
};

const struct flow *const conductor_flows[] = {
        &flow_create, &flow_update,  &flow_delete,  &flow_attach, &flow_detach,
        &flow_enable, &flow_disable, &flow_connect, NULL,
};

const struct flow *flow_of(int64_t operation_kind)
{
        assert(operation_kind >= 0 && operation_kind < OP_KIND_N);
        return conductor_flows[operation_kind];
}

struct attachment *subject_attachment(const struct subject *s, int side)
{
        const struct vport *p = s->ports[side];

        return p ? view_get(&s->t->view, T_ATTACHMENT, p->attachment_id) : NULL;
}

void subject_reason(struct subject *s)
{
        if (s->reason && !s->op->reason[0])
                snprintf(s->op->reason, sizeof s->op->reason, "%s%s%.440s", s->site ? s->site : "",
                         s->site ? ": " : "", s->reason);
}

static int history(struct subject *s, const struct flow *f, const struct flow_row *row)
{
        struct event e = { .row = row->pos, .duration_ms = s->t->now_ms - s->op->state_ms };
        bool end = row->within_ms == 0;

        TEXT_SET(e.project_id, s->op->project_id);
        TEXT_SET(e.object_type, s->l ? "virtual_link" : "connection");
        TEXT_SET(e.object_id, s->l ? s->op->link_id : s->op->id);
        TEXT_SET(e.operation_id, s->op->id);
        TEXT_SET(e.request_id, s->op->request_id);
        TEXT_SET(e.user_id, s->op->user_id);
        TEXT_SET(e.from, f->states[row->state]);
        TEXT_SET(e.to, f->states[row->next]);
        TEXT_SET(e.site, s->site);
        TEXT_SET(e.reason, s->reason || !end ? s->reason : s->op->reason);
        snprintf(e.type, sizeof e.type, "%s.%s.%s", e.object_type, f->name,
                 row->state == f->start  ? "start"
                 : !end                  ? "step"
                 : !strcmp(e.to, "DONE") ? "end"
                                         : "error");
        return event_put(s->t, &e);
}

/* Stores the state the row leads to, its deadline and its history. */
static int on_row(void *subject, const struct flow_row *row)
{
        struct subject *s = subject;
        const struct flow *f = flow_of(s->op->kind);
        int r;

        FAILPOINT_MARK(row->pos);
        if (row->event != EV_TIMEOUT)
                s->op->retries = 0;
        if (text_equal(f->states[row->next], "FAILED"))
                subject_reason_at_least(s);
        else
                subject_reason(s);
        r = history(s, f, row);
        if (row->next != row->state)
                s->op->state_ms = s->t->now_ms;
        TEXT_SET(s->op->state, f->states[row->next]);
        view_dirty(s->op);
        if (r == 0 && row->within_ms)
                return timer_set_operation(
                        s->t, s->op,
                        s->t->now_ms + row->within_ms * s->t->c->timing.step_percent / 100);
        return r ? r : timer_clear(s->t, TIMER_OPERATION, s->op->id);
}

int work_run(struct subject *s, enum work_event event)
{
        const struct flow *f = s->op->kind < OP_KIND_N ? flow_of(s->op->kind) : NULL;
        int state = f ? status_index(f->states, f->n_states, s->op->state) : -1;
        int r;

        if (state < 0)
                return 0; /* a workflow or state of a newer program: leave it to that */
        r = flow_feed(f, &state, event, on_row, s);
        return r < 0 ? r : 0;
}

static struct subject subject_of(struct turn *t, struct vlink *l, struct operation *op)
{
        return (struct subject){ .t = t, .op = op, .l = l, .ports = view_ports(&t->view, l->id) };
}

int work_start_on(struct turn *t, struct vlink *l, enum operation_kind kind, enum work_event event,
                  const char *request_id, const char *attachment_id, struct operation **ret)
{
        struct operation row = {
                .kind = kind, .result = OP_RUNNING, .started_ms = t->now_ms, .state_ms = t->now_ms
        };
        const struct flow *f = flow_of(kind);
        struct subject s;

        t->c->new_id(row.id);
        TEXT_SET(row.project_id, l->project_id);
        TEXT_SET(row.request_id, request_id);
        TEXT_SET(row.user_id, turn_user(t));
        TEXT_SET(row.link_id, l->id);
        TEXT_SET(row.attachment_id, attachment_id);
        TEXT_SET(row.parent_id, t->parent_id);
        TEXT_SET(row.state, f->states[f->start]);
        TEXT_SET(l->operation_id, row.id);
        view_dirty(l);
        s = subject_of(t, l, view_put(&t->view, T_OPERATION, &row));
        if (!s.op)
                return err_raise(-ENOMEM);
        if (ret)
                *ret = s.op;
        return work_run(&s, event);
}

int work_start(struct turn *t, struct vlink *l, enum operation_kind kind, const char *request_id,
               const char *attachment_id, struct operation **ret)
{
        return work_start_on(t, l, kind, EV_GO, request_id, attachment_id, ret);
}

int work_feed(struct turn *t, struct vlink *l, enum work_event event, const char *site,
              const char *reason)
{
        struct subject s = subject_of(t, l, view_get(&t->view, T_OPERATION, l->operation_id));

        if (!s.op || s.op->result != OP_RUNNING)
                return 0;
        s.site = site;
        s.reason = reason;
        return work_run(&s, event);
}

/* A link at rest changed: with its status_reason, if it has one. */
static int link_operating(struct turn *t, struct vlink *l, enum operating now)
{
        struct event e = { 0 };

        TEXT_SET(e.project_id, l->project_id);
        TEXT_SET(e.object_type, "virtual_link");
        TEXT_SET(e.object_id, l->id);
        TEXT_SET(e.type, "virtual_link.status");
        TEXT_SET(e.from, operating_name[l->operating]);
        TEXT_SET(e.to, operating_name[now]);
        TEXT_SET(e.reason, l->status_reason);
        l->operating = now;
        view_dirty(l);
        return event_put(t, &e);
}

int work_alone(struct turn *t, const char *id, int r)
{
        if (r >= 0 || r == -EAGAIN || r == -ENOMEM)
                return r;
        log_error("left_alone", "object=%s trace=\"%s\"", id, err_trace());
        return idset_add(&t->plan.left_alone, id) < 0 ? -ENOMEM : -EAGAIN;
}

bool work_is_left_alone(const struct turn *t, const char *id)
{
        return map_get(&t->plan.left_alone.known, id) != NULL;
}

int work_port_failed(struct turn *t, struct vlink *l, const char *site, const char *reason)
{
        const struct operation *op = view_get(&t->view, T_OPERATION, l->operation_id);
        struct vport *const *ports = view_ports(&t->view, l->id);
        bool there =
                ports[SIDE_A] && ports[SIDE_A]->present && ports[SIDE_Z] && ports[SIDE_Z]->present;

        if (op && op->result == OP_RUNNING && op->kind != OP_ATTACH && op->kind != OP_DETACH)
                return work_feed(t, l, EV_PORT_FAILED, site, reason);
        if (l->operating != OPER_ONLINE)
                return 0;
        snprintf(l->status_reason, sizeof l->status_reason, "%s%s%.440s", site ? site : "",
                 site ? ": " : "", reason ? reason : "");
        return link_operating(t, l, there ? OPER_DEGRADED : OPER_OFFLINE);
}

/* Both ends confirmed what an undone change left wanted. From limits in between one step leads
 * back: senders go up to what receivers take, receivers down to what is sent. Then the link works
 * as before. */
static int mend(struct subject *s)
{
        struct vlink *l = s->l;
        int r = step_limit_old(s);

        r = r ? r : step_ports_settled(s);
        if (r != EV_PORTS_OK)
                return r; /* an error, or the ends are asked */
        r = resource_settle(s->t, l, s->ports);
        if (r < 0)
                return r;
        l->status_reason[0] = '\0';
        l->verified_ms = s->t->now_ms;
        return link_operating(s->t, l, OPER_ONLINE);
}

int work_mend(struct turn *t, struct vlink *l)
{
        struct subject s = { .t = t, .l = l, .ports = view_ports(&t->view, l->id) };

        return mend(&s);
}

int work_settle(struct turn *t, struct vlink *l)
{
        struct vport *const *ports = view_ports(&t->view, l->id);
        struct subject s = { .t = t, .l = l, .ports = ports };

        if (step_ports_settled(&s) != EV_PORTS_OK)
                return 0;
        if (l->provisioning == PROV_ERROR && !ports[SIDE_A]->wanted && !ports[SIDE_Z]->wanted)
                return resource_release_link(t, l, ports);
        if (l->provisioning != PROV_ACTIVE || l->operation_id[0])
                return 0;
        if (!l->admin_state_up)
                return step_settle_off(t, l, ports);
        return l->operating != OPER_ONLINE ? mend(&s) : 0;
}

int work_look(struct turn *t, struct vlink *l)
{
        struct subject s = subject_of(t, l, view_get(&t->view, T_OPERATION, l->operation_id));
        int r;

        if (!s.op || s.op->result != OP_RUNNING)
                return work_settle(t, l);
        r = step_ports_settled(&s);
        if (r == EV_PORTS_OK)
                r = work_run(&s, EV_PORTS_OK);
        if (r < 0 || s.op->result != OP_RUNNING)
                return r < 0 ? r : 0;
        r = step_plugs_settled(&s);
        return r == EV_PLUGS_OK ? work_run(&s, EV_PLUGS_OK) : r < 0 ? r : 0;
}

int work_part_ended(struct turn *t, const struct operation *op)
{
        return op->parent_id[0] ? timer_set(t, TIMER_PARENT, op->parent_id, t->now_ms) : 0;
}

int work_preempt(struct turn *t, struct vlink *l, const char *reason)
{
        struct operation *op = view_get(&t->view, T_OPERATION, l->operation_id);
        struct event e = { 0 };

        if (!op || op->result != OP_RUNNING)
                return 0;
        op->result = OP_PREEMPTED;
        op->finished_ms = t->now_ms;
        TEXT_SET(op->reason, reason);
        view_dirty(op);
        for (int side = 0; side < SIDE_N; side++) {
                struct subject s = subject_of(t, l, op);
                struct attachment *a = subject_attachment(&s, side);

                if (a && text_equal(a->operation_id, op->id)) {
                        a->operation_id[0] = '\0';
                        view_dirty(a);
                }
        }
        TEXT_SET(e.project_id, op->project_id);
        TEXT_SET(e.object_type, "virtual_link");
        TEXT_SET(e.object_id, l->id);
        TEXT_SET(e.operation_id, op->id);
        TEXT_SET(e.request_id, op->request_id);
        TEXT_SET(e.from, op->state);
        snprintf(e.type, sizeof e.type, "virtual_link.%s.preempted",
                 op->kind < OP_KIND_N ? operation_kind_name[op->kind] : "operation");
        l->operation_id[0] = '\0';
        view_dirty(l);
        int r = event_put(t, &e);

        r = r ? r : timer_clear(t, TIMER_OPERATION, op->id);
        return r ? r : work_part_ended(t, op);
}

int work_timeout(struct turn *t, const char *operation_id)
{
        struct operation *op = view_get(&t->view, T_OPERATION, operation_id);
        struct vlink *l = op ? view_get(&t->view, T_VLINK, op->link_id) : NULL;
        bool over_links = op && op->kind == OP_CONNECT;
        struct timer timer = { .kind = TIMER_OPERATION };

        if ((l || over_links) && op->result == OP_RUNNING &&
            (freeze_of(t) ||
             (l && !restore_judges(t, l)))) /* nobody can answer: time stands still */
                return timer_set_operation(t, op, t->now_ms + 4 * FROZEN_LOOK_MS);
        if (over_links && op->result == OP_RUNNING)
                return work_run(&(struct subject){ .t = t, .op = op }, EV_TIMEOUT);
        if (l && op->result == OP_RUNNING && text_equal(l->operation_id, op->id))
                return work_feed(t, l, EV_TIMEOUT, NULL, NULL);
        TEXT_SET(timer.ref_id, operation_id);
        return view_remove(&t->view, T_TIMER, &timer);
}
