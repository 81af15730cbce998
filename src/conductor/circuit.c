/* SPDX-License-Identifier: Apache-2.0 */
/* Links whose way over the WAN a WAN driver makes. What is wanted waits as one row, the newest
 * desire wins; a command only tells the driver hosts to look at it, so it may come twice, late or
 * never. The answer speaks for both ends. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "base/uuid.h"
#include "conductor/flows.h"
#include "conductor/request.h"
#include "messages/topics.h"
#include "model/circuit.h"
#include "model/want.h"

enum {
        DEADLINE_MS = 300000,  /* of a domain that the settings do not name any more */
        LEFT_ALONE_MS = 15000, /* what could not be folded, for an error of ours, is tried again */
};

const struct wan_domain *circuit_wan(const struct turn *t, const char *domain)
{
        for (size_t i = 0; i < t->c->n_wans; i++)
                if (text_equal(t->c->wans[i].name, domain))
                        return &t->c->wans[i];
        return NULL;
}

/* ---- asking ---- */

static int end_fill(struct turn *t, const struct vport *p, struct circuit_end *ret)
{
        const struct attachment *a = view_get(&t->view, T_ATTACHMENT, p->attachment_id);
        const struct gateway *g = view_get(&t->view, T_GATEWAY, p->gateway_id);

        TEXT_SET(ret->port_id, p->id);
        ret->generation = p->generation;
        if (!p->wanted)
                return 0;
        if (!a || !g)
                return err_raise(-ENOENT);
        TEXT_SET(ret->site, p->site_name);
        TEXT_SET(ret->gateway, g->name);
        TEXT_SET(ret->address, g->address);
        ret->tag = a->tag;
        return 0;
}

/* What the circuit carries is never less than what is sent into it: each direction has the limit
 * of the end that receives. */
int circuit_enqueue(struct turn *t, struct vlink *l, const char *request_id)
{
        struct vport *const *ports = view_ports(&t->view, l->id);
        struct work w = { .kind = WORK_CIRCUIT, .created_ms = t->now_ms };
        struct circuit_want want = { .mtu = l->mtu };
        json_auto_t *json = NULL;
        char *text;
        bool fits;
        int r = 0;

        if (!ports[SIDE_A] || !ports[SIDE_Z])
                return err_raise(-ENOENT);
        want.present = ports[SIDE_A]->wanted && ports[SIDE_Z]->wanted;
        want.a_to_z_kbps = ports[SIDE_Z]->rx_kbps;
        want.z_to_a_kbps = ports[SIDE_A]->rx_kbps;
        for (int side = 0; side < SIDE_N && r == 0; side++) {
                r = end_fill(t, ports[side], &want.ends[side]);
                want.generation += ports[side]->generation;
        }
        if (r)
                return r;
        TEXT_SET(want.link_id, l->id);
        TEXT_SET(want.vpn_id, l->vpn_id);
        TEXT_SET(want.domain, l->wan_domain);
        TEXT_SET(want.project_id, l->project_id);
        json = circuit_want_to_json(&want);
        text = json ? json_dumps(json, JSON_COMPACT) : NULL;
        fits = text && TEXT_SET(w.want, text);
        mem_free(text);
        if (!fits)
                return err_raise(text ? -EMSGSIZE : -ENOMEM);
        TEXT_SET(w.object_id, l->id);
        TEXT_SET(w.gateway_id, l->id);
        TEXT_SET(w.link_id, l->id);
        TEXT_SET(w.project_id, l->project_id);
        TEXT_SET(w.request_id, request_id);
        w.generation = want.generation;
        if (!view_put(&t->view, T_WORK, &w))
                return err_raise(-ENOMEM);
        return idset_add(&t->circuits, l->id);
}

int circuit_again(struct turn *t, const char *link_id)
{
        return idset_add(&t->circuits, link_id);
}

/* A command may wait in the queue, and is then at work. The operation that waits for it waits as
 * long. */
static int patience(struct turn *t, const struct work *w, int64_t deadline_ms)
{
        const struct vlink *l = view_get(&t->view, T_VLINK, w->link_id);
        const struct operation *op = l ? view_get(&t->view, T_OPERATION, l->operation_id) : NULL;
        int64_t until_ms = t->now_ms + 2 * deadline_ms + t->c->timing.answer_margin_ms;
        int r = timer_set(t, TIMER_CIRCUIT, w->link_id, until_ms);

        if (r == 0 && op && op->result == OP_RUNNING && op->kind != OP_ATTACH &&
            op->kind != OP_DETACH)
                r = timer_set_operation(t, op, until_ms + t->c->timing.answer_margin_ms);
        return r;
}

static int send(struct turn *t, const struct work *w)
{
        struct timer timer = { .kind = TIMER_CIRCUIT };
        json_auto_t *json = json_loads(w->want, 0, NULL);
        const struct wan_domain *wan;
        struct circuit_want want;
        struct fault why;
        int64_t deadline_ms;
        int r;

        if (circuit_want_from_json(json, &want, &why))
                return err_raise(-EBADMSG);
        wan = circuit_wan(t, want.domain);
        deadline_ms = wan ? wan->deadline_ms : DEADLINE_MS;
        TEXT_SET(timer.ref_id, w->link_id);
        r = out_cast_to(t, TOPIC_WAN, want.domain, "set_circuit",
                        json_pack("{s:s, s:I}", "link_id", w->link_id, "generation",
                                  (json_int_t)w->generation),
                        w->request_id, deadline_ms, &timer);
        return r ? r : patience(t, w, deadline_ms);
}

int circuit_pump(struct turn *t)
{
        int r = 0;

        for (size_t i = 0; i < t->circuits.n && r == 0; i++) {
                const char *link_id = t->circuits.texts[i];
                const struct work *w = view_get(&t->view, T_WORK, link_id);

                if (work_is_left_alone(t, link_id))
                        r = timer_set(t, TIMER_CIRCUIT, link_id, t->now_ms + LEFT_ALONE_MS);
                else if (!w)
                        r = timer_clear(t, TIMER_CIRCUIT, link_id);
                else if (freeze_of(t))
                        r = timer_set(t, TIMER_CIRCUIT, link_id, t->now_ms + FROZEN_LOOK_MS);
                else
                        r = work_alone(t, link_id, send(t, w));
        }
        return r;
}

/* ---- the answer ---- */

#define DRIFT "The WAN did not hold its circuit as it should; it was set again."

static int circuit_plan(struct turn *t, const struct input *in)
{
        const char *id = input_text(in, "link_id");
        int r = uuid_valid(id) ? idset_add(&t->plan.links, id) : 0;

        return r || !uuid_valid(id) ? r : idset_add(&t->plan.circuits, id);
}

struct answer {
        struct turn *t;
        struct vlink *l; /* NULL: it was deleted by force, and may have come again without a WAN */
        struct work *w;  /* what is wanted, or NULL */
        bool newest;     /* it answers just that */
        bool changed;    /* something had to be done for it */
        struct apply_result res;
};

/* A link that was deleted may have come again under its id: an answer is about the ends it names.
 */
static bool is_of_link(const struct answer *a)
{
        struct vport *const *ports = view_ports(&a->t->view, a->l->id);

        for (size_t i = 0; i < SIDE_N; i++)
                if (!ports[i] || !text_equal(ports[i]->id, a->res.ports[i].id))
                        return false;
        return true;
}

static void note_reason(struct answer *a, const char *reason)
{
        struct vport *const *ports = view_ports(&a->t->view, a->l->id);

        for (int side = 0; side < SIDE_N; side++) {
                TEXT_SET(ports[side]->reason, reason);
                view_dirty(ports[side]);
        }
}

/* It is asked for again until it is done: soon while that may help, else at the pace of audits. The
 * operation hears at once when it does not. */
static int failed(struct answer *a)
{
        struct turn *t = a->t;
        const struct fault *f = &a->res.fault;
        bool final = f->retry_after_ms == 0;
        char reason[REASON_SIZE];
        int r;

        gate_postpone(t, a->w, f->retry_after_ms);
        r = timer_set(t, TIMER_CIRCUIT, a->w->link_id,
                      final ? t->now_ms + t->c->timing.audit_ms : a->w->after_ms);
        if (r || !a->l)
                return r;
        note_reason(a, f->message);
        snprintf(reason, sizeof reason, "WAN %s: %.420s", a->l->wan_domain, f->message);
        return final ? work_port_failed(t, a->l, NULL, reason) : 0;
}

/* An end that is on its way out leaves its access side now; one that is switched off stays. */
static int confirm(struct answer *a, struct vport *p, const struct want_result *res)
{
        struct turn *t = a->t;
        struct subject s = {
                .t = t,
                .l = a->l,
                .op = view_get(&t->view, T_OPERATION, a->l->operation_id),
                .ports = view_ports(&t->view, a->l->id),
        };
        bool leaves =
                a->l->provisioning != PROV_ACTIVE && a->l->provisioning != PROV_PENDING_UPDATE;

        if (res->generation < p->confirmed_generation || res->generation > p->generation)
                return 0;
        p->confirmed_generation = res->generation;
        p->present = res->present;
        p->verified_ms = t->now_ms;
        view_dirty(p);
        if (res->generation != p->generation)
                return 0;
        p->reason[0] = '\0';
        return leaves && !p->wanted && p->holds ? step_let_go(&s, p) : 0;
}

static int leftover_gone(struct turn *t, const struct leftover *left)
{
        struct attachment *a = NULL;
        int r = lock_attachment(t, left->attachment_id, &a);

        if (r < 0)
                return r;
        if (a) {
                a->n_ports--;
                view_dirty(a);
        }
        if (a && a->n_ports == 0)
                r = attachment_leave(t, a, "");
        return r ? r : resource_gone(t, left);
}

/* What links of this id left behind when they were deleted by force. */
static int leftovers_gone(struct turn *t, const char *link_id)
{
        const struct leftover *left;
        size_t at = 0;
        int r = 0;

        while (r == 0 && (left = view_next(&t->view, T_LEFTOVER, &at)))
                if (left->attachment_id[0] && text_equal(left->link_id, link_id))
                        r = leftover_gone(t, left);
        return r;
}

static int done(struct answer *a, const char *link_id)
{
        struct turn *t = a->t;
        const struct caller nobody = { .request_id = "" };
        struct work key = { 0 };
        int r = 0;

        TEXT_SET(key.object_id, link_id);
        if (a->newest) {
                r = leftovers_gone(t, link_id);
                r = r ? r : view_remove(&t->view, T_WORK, &key);
                r = r ? r : timer_clear(t, TIMER_CIRCUIT, link_id);
        }
        if (r == 0 && a->changed && a->newest && a->l && !a->l->operation_id[0])
                r = link_event(t, a->l, &nobody, "virtual_link.circuit_set", "", DRIFT);
        for (int side = 0; side < SIDE_N && a->l && r == 0; side++)
                r = confirm(a, view_ports(&t->view, link_id)[side], &a->res.ports[side]);
        return r || !a->l ? r : work_look(t, a->l);
}

static int answered(struct answer *a, const char *link_id)
{
        int r = 0;

        if (a->l && !is_of_link(a))
                return circuit_again(a->t, link_id);
        if (!fault_is_set(&a->res.fault))
                r = done(a, link_id);
        else if (a->newest)
                r = failed(a);
        /* Else it was another's turn meanwhile. */
        return r || a->newest || !a->w ? r : circuit_again(a->t, link_id);
}

static int circuit_handle(struct turn *t, const struct input *in, struct fault *why)
{
        const char *link_id = input_text(in, "link_id");
        int64_t generation = json_integer_value(json_object_get(in->request->args, "generation"));
        struct answer a = {
                .t = t,
                .l = view_get(&t->view, T_VLINK, link_id),
                .w = view_get(&t->view, T_WORK, link_id),
        };
        int r = apply_result_from_json(in->request->args, &a.res, why);

        if (r)
                return r < 0 ? err_pass(r) : why->code;
        if (a.l && !a.l->wan_domain[0])
                a.l = NULL;
        a.changed = json_is_true(json_object_get(in->request->args, "changed"));
        a.newest = a.w && a.w->generation == generation;
        if (a.res.n_ports != SIDE_N)
                r = fault_set(why, 400, "message.invalid", "ports: both ends are needed.");
        else if (work_is_left_alone(t, link_id))
                r = circuit_again(t, link_id);
        else
                r = work_alone(t, link_id, answered(&a, link_id));
        apply_result_done(&a.res);
        return r;
}

/* clang-format off */
const struct method circuit_methods[] = {
        /* name           kind           plan          refine  handle, needs_sites */
        { "circuit_set",  INPUT_CIRCUIT, circuit_plan, NULL,   circuit_handle, false },
        { 0 },
};
/* clang-format on */
