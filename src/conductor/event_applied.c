/* SPDX-License-Identifier: Apache-2.0 */
/* `ports_applied`: what a gateway was read to hold after a command. Results count whatever the
 * attempt they belong to; only the gate asks for the command's own number. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "base/uuid.h"
#include "conductor/event.h"
#include "model/want.h"

static int plan_results(struct idset *set, const json_t *list)
{
        const json_t *j;
        size_t i;
        int r = 0;

        json_array_foreach (list, i, j) {
                const char *id = json_string_value(json_object_get(j, "id"));

                if (r == 0 && id && uuid_valid(id))
                        r = idset_add(set, id);
        }
        return r;
}

int applied_plan(struct turn *t, const struct input *in)
{
        const json_t *args = in->request->args;
        const char *name = json_string_value(json_object_get(args, "gateway"));
        int r = event_plan_gateway(t, in, name);

        r = r ? r : plan_results(&t->plan.ports, json_object_get(args, "ports"));
        r = r ? r : plan_results(&t->plan.attachments, json_object_get(args, "attachments"));
        r = r ? r
              : plan_results(&t->plan.ports_of_attachment, json_object_get(args, "attachments"));
        return r ? r : idset_add(&t->plan.released, event_gateway_known(t, in));
}

/* What one event did, until all its results are in. */
struct applied {
        struct turn *t;
        struct gateway *g;
        struct idset links;  /* to look at */
        struct idset failed; /* links with a final refusal */
        bool whole;          /* the command failed as a whole: the gate's matter, not its objects' */
        bool newest;         /* it answers the gateway's last command */
        bool old;            /* of an epoch that is over: what it tells was read anew since */
};

static int work_done(struct applied *a, const char *object_id, int64_t generation)
{
        const struct work *w = view_get(&a->t->view, T_WORK, object_id);
        struct work key = { 0 };

        if (!w || w->generation != generation)
                return 0; /* done before, or a newer desire waits */
        TEXT_SET(key.object_id, object_id);
        return view_remove(&a->t->view, T_WORK, &key);
}

/* What may work later is tried again later: it alone. */
static int work_later(struct applied *a, const struct want_result *res)
{
        struct work *w = view_get(&a->t->view, T_WORK, res->id);

        if (w && w->generation == res->generation && !a->whole)
                gate_postpone(a->t, w, res->fault.retry_after_ms);
        return 0;
}

/* What a link that was deleted by force left behind: gone, still there, or to be asked again. */
static int leftover_result(struct applied *a, const struct want_result *res)
{
        const struct work *w = view_get(&a->t->view, T_WORK, res->id);
        const struct leftover *left = view_get(&a->t->view, T_LEFTOVER, res->id);
        int r;

        if (!w || !text_equal(w->gateway_id, a->g->id))
                return 0;
        if (!left && !map_get(&a->t->plan.leftovers.known, res->id))
                return idset_add(&a->t->plan.leftovers, res->id) < 0 ? -ENOMEM : -EAGAIN;
        if (res->generation != w->generation)
                return 0;
        if (res->fault.retry_after_ms > 0)
                return work_later(a, res);
        r = work_done(a, res->id, res->generation);
        return r || !left || res->present || fault_is_set(&res->fault) ? r
                                                                       : resource_gone(a->t, left);
}

static int port_result(struct applied *a, const struct want_result *res)
{
        struct vport *p = view_get(&a->t->view, T_VPORT, res->id);
        struct vlink *l;
        int r;

        if (!p)
                return leftover_result(a, res);
        l = view_get(&a->t->view, T_VLINK, p->link_id);
        if (!text_equal(p->gateway_id, a->g->id) || (l && l->wan_domain[0]))
                return 0; /* somebody else's */
        if (fault_is_set(&res->fault)) {
                if (res->generation != p->generation)
                        return 0;
                TEXT_SET(p->reason, res->fault.message);
                view_dirty(p);
                if (res->fault.retry_after_ms > 0)
                        return work_later(a, res);
                r = work_done(a, p->id, res->generation);
                return r ? r : idset_add(&a->failed, p->link_id);
        }
        if (res->generation < p->confirmed_generation || res->generation > p->generation)
                return 0;
        if (l && l->exchange && !a->newest)
                return 0; /* what it made may be another by now: the newest command tells */
        held_change(a->g, p->id, p->present, p->confirmed_generation, res->present,
                    res->generation);
        p->confirmed_generation = res->generation;
        p->present = res->present;
        p->verified_ms = a->t->now_ms;
        if (res->generation == p->generation)
                p->reason[0] = '\0';
        view_dirty(p);
        r = work_done(a, p->id, res->generation);
        if (r == 0 && l && l->exchange && !work_is_left_alone(a->t, l->id))
                r = res->present ? exchange_take(a->t, l, p, res->object)
                    : p->wanted  ? 0 /* the answer to an older wish: what it makes now comes */
                                 : exchange_forget(a->t, p);
        r = work_alone(a->t, p->link_id, r);
        return r ? r : idset_add(&a->links, p->link_id);
}

/* Links that come out of this attachment and are in the batch. */
static int links_of_attachment(struct applied *a, const char *attachment_id, struct idset *set)
{
        const struct vport *p;
        size_t at = 0;
        int r = 0;

        while (r == 0 && (p = view_next(&a->t->view, T_VPORT, &at)))
                if (text_equal(p->attachment_id, attachment_id))
                        r = idset_add(set, p->link_id);
        return r;
}

static int attachment_result(struct applied *a, const struct want_result *res)
{
        struct attachment *at = view_get(&a->t->view, T_ATTACHMENT, res->id);
        int r;

        if (!at || !text_equal(at->gateway_id, a->g->id))
                return 0;
        if (fault_is_set(&res->fault)) {
                if (res->generation != at->generation)
                        return 0;
                TEXT_SET(at->reason, res->fault.message);
                view_dirty(at);
                if (res->fault.retry_after_ms > 0)
                        return work_later(a, res);
                r = work_done(a, at->id, res->generation);
                return r ? r : links_of_attachment(a, at->id, &a->failed);
        }
        if (res->generation < at->confirmed_generation || res->generation > at->generation)
                return 0;
        held_change(a->g, at->id, at->present, at->confirmed_generation, res->present,
                    res->generation);
        at->confirmed_generation = res->generation;
        at->present = res->present;
        at->reason[0] = '\0';
        if (res->vif_id[0])
                TEXT_SET(at->vif_id, res->vif_id);
        view_dirty(at);
        r = work_done(a, at->id, res->generation);
        r = r ? r : links_of_attachment(a, at->id, &a->links);
        if (r == 0 && !at->wanted && !at->present && at->n_ports == 0 && at->plug == PLUG_NONE &&
            at->confirmed_generation == at->generation)
                r = attachment_gone(a->t, at); /* else when it is unplugged, too */
        return r;
}

/* The reason at a link's end, for the operation that fails. */
static const char *reason_of(struct turn *t, const char *link_id, const char **ret_site)
{
        struct vport *const *ports = view_ports(&t->view, link_id);

        for (int side = 0; side < SIDE_N; side++) {
                const struct vport *p = ports[side];
                const struct attachment *at =
                        p ? view_get(&t->view, T_ATTACHMENT, p->attachment_id) : NULL;

                if (!p || (!p->reason[0] && !(at && at->reason[0])))
                        continue;
                *ret_site = p->site_name;
                return p->reason[0] ? p->reason : at->reason;
        }
        return NULL;
}

static int feed_links(struct applied *a)
{
        struct turn *t = a->t;
        int r = 0;

        for (size_t i = 0; i < a->failed.n && r == 0; i++) {
                struct vlink *l = view_get(&t->view, T_VLINK, a->failed.texts[i]);
                const char *site = NULL;
                const char *reason = reason_of(t, a->failed.texts[i], &site);

                if (l && !work_is_left_alone(t, l->id))
                        r = work_alone(t, l->id, work_port_failed(t, l, site, reason));
        }
        for (size_t i = 0; i < a->links.n && r == 0; i++) {
                struct vlink *l = view_get(&t->view, T_VLINK, a->links.texts[i]);

                if (l && !work_is_left_alone(t, l->id))
                        r = work_alone(t, l->id, work_look(t, l));
        }
        return r;
}

/* What the answer means for the gate. */
static int gate_answer(struct applied *a, const struct apply_result *res, int64_t seq)
{
        if (!seq || seq != a->g->inflight_seq || !a->g->inflight_by || a->old)
                return 0; /* an earlier attempt: the gate waits for another, or is open */
        if (res->expired) {
                a->g->attempts++;
                return gate_due(a->t, a->g->id);
        }
        if (text_equal(res->fault.type, "gateway.stale"))
                return gate_stale(a->t, a->g);
        return a->whole ? gate_pause(a->t, a->g, &res->fault) : gate_open(a->t, a->g);
}

int applied_handle(struct turn *t, const struct input *in, struct fault *why)
{
        struct applied a = { .t = t };
        OWN(apply_result_done) struct apply_result res = { 0 };
        int64_t seq = json_integer_value(json_object_get(in->request->args, "seq"));
        bool stale; /* nothing was done, and the ports are not to blame */
        int r = event_gateway(t, in, &a.g);

        if (r || !a.g)
                return r;
        r = lock_work(t, a.g->id);
        if (r)
                return r;
        if (apply_result_from_json(in->request->args, &res, why))
                return why->code;
        a.newest = seq == a.g->seq;
        a.whole = fault_is_set(&res.fault);
        a.old = json_integer_value(json_object_get(in->request->args, "epoch")) < a.g->epoch;
        stale = a.old || text_equal(res.fault.type, "gateway.stale");
        for (size_t i = 0; i < res.n_ports && r == 0 && !stale; i++)
                r = port_result(&a, &res.ports[i]);
        for (size_t i = 0; i < res.n_attachments && r == 0 && !stale; i++)
                r = attachment_result(&a, &res.attachments[i]);
        r = r ? r : gate_answer(&a, &res, seq);
        r = r ? r : feed_links(&a);
        idset_done(&a.links);
        idset_done(&a.failed);
        return r;
}
