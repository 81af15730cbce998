/* SPDX-License-Identifier: Apache-2.0 */
/* A database that may be older than what the gateways hold, because it was restored. Each gateway is
 * read in full before anything is changed there; then what the rows say of its links is confirmed,
 * replaced by what both gateways hold, or set aside for an operator. Nothing is cut, and nothing is
 * sent under a number that somebody else may have by now. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/err.h"
#include "base/text.h"
#include "conductor/flows.h"
#include "conductor/found.h"
#include "conductor/request.h"

/* One gateway's word starts no second restore so soon after the first: it alone is read again. */
enum { RESTORE_AGAIN_MS = 600000 };

const struct control *restore_of(const struct turn *t)
{
        return view_get(&t->view, T_CONTROL, CONTROL_RESTORE);
}

bool restore_runs(const struct turn *t)
{
        const struct control *c = restore_of(t);

        return c && c->is_on;
}

bool gateway_is_unread(const struct turn *t, const struct gateway *g)
{
        const struct control *c = restore_of(t);

        return g->read_ms != (c ? c->since_ms : 0);
}

bool restore_waits_for(const struct turn *t, const char *gateway_id)
{
        const struct gateway *g;

        if (!*gateway_id || !restore_runs(t))
                return false;
        g = view_get(&t->view, T_GATEWAY, gateway_id);
        return !g || gateway_is_unread(t, g);
}

void gateway_was_read(struct turn *t, struct gateway *g)
{
        const struct control *c = restore_of(t);

        g->read_ms = c ? c->since_ms : 0;
}

static int restore_event(struct turn *t, const char *type, const struct gateway *g,
                         const char *reason)
{
        struct event e = { 0 };

        TEXT_SET(e.object_type, g ? "gateway" : "control");
        TEXT_SET(e.object_id, g ? g->id : "");
        TEXT_SET(e.site, g ? g->site_name : "");
        TEXT_SET(e.type, type);
        TEXT_SET(e.reason, reason);
        return event_put(t, &e);
}

int restore_suspect(struct turn *t, struct gateway *g)
{
        const struct control *c = restore_of(t);
        struct control row = { .name = CONTROL_RESTORE, .is_on = true, .since_ms = t->now_ms };
        bool again = c && t->now_ms - c->since_ms < RESTORE_AGAIN_MS;
        int r;

        if (gateway_is_unread(t, g))
                return 0;
        if (again) {
                row = *c;
                row.is_on = true;
                g->read_ms = READ_NEVER;
                view_dirty(g);
        } else {
                snprintf(row.reason, sizeof row.reason,
                         "Gateway %s at site %s has seen commands that the database does not know.",
                         g->name, g->site_name);
        }
        if (!view_put(&t->view, T_CONTROL, &row))
                return err_raise(-ENOMEM);
        r = restore_event(t, "gateway.epoch", g,
                          "The gateway has seen commands that the database does not know.");
        return r || again ? r : restore_event(t, "control.restore", NULL, row.reason);
}

static const struct gateway *gateway_of_port(const struct turn *t, const struct vport *p)
{
        return p ? view_get(&t->view, T_GATEWAY, p->gateway_id) : NULL;
}

int restore_refuse(const struct turn *t, const struct vlink *l, struct fault *why)
{
        struct vport *const *ports = view_ports(&t->view, l->id);

        for (int side = 0; side < SIDE_N; side++) {
                const struct gateway *g = gateway_of_port(t, ports[side]);

                if (g && gateway_is_unread(t, g))
                        return refuse_unread(g, why);
        }
        return 0;
}

bool restore_judges(const struct turn *t, const struct vlink *l)
{
        struct fault ignored = { 0 };

        return !restore_refuse(t, l, &ignored);
}

/* The network has no fence, but answers count only under the number of the last command: numbers that
 * were given out after the backup are left behind. */
int restore_plugs(struct turn *t, const struct gateway *g)
{
        enum { LEAP = 1000000 };
        struct attachment *a;
        size_t at = 0;
        int r = 0;

        while (r == 0 && (a = view_next(&t->view, T_ATTACHMENT, &at))) {
                if (!text_equal(a->gateway_id, g->id))
                        continue;
                a->plug_generation += LEAP;
                a->plug_sent = 0;
                view_dirty(a);
                if (a->plug == PLUG_PLUGGING || a->plug == PLUG_UNPLUGGING)
                        r = timer_set(t, TIMER_PLUG, a->id, t->now_ms);
        }
        return r;
}

/* ---- judging a link ---- */

struct verdict {
        struct turn *t;
        struct vlink *l;
        struct vport *const *ports;
        struct found *found[SIDE_N]; /* otherwise than its row says */
        bool there[SIDE_N];
};

static int forget_work(struct turn *t, const struct vport *p)
{
        struct work key = { 0 };

        TEXT_SET(key.object_id, p->id);
        return view_remove(&t->view, T_WORK, &key);
}

int port_hold(struct turn *t, const struct vlink *l, const struct gateway *g, struct vport *p)
{
        const struct found *f;
        struct attachment *a;
        char key[KEY_SIZE];
        int r = 0;

        if (p->holds)
                return 0;
        snprintf(key, sizeof key, "%s:%s", l->vpn_id, g->id);
        if (!map_get(&t->plan.vpn_keys.known, key))
                return idset_add(&t->plan.vpn_keys, key) < 0 ? -ENOMEM : -EAGAIN;
        a = view_attachment_of(&t->view, key);
        f = a ? NULL : found_access(t, l->vpn_id, g->id);
        r = f ? found_to_attachment(t, f, l->project_id, g, &a) : 0;
        if (r || !a)
                return r;
        TEXT_SET(p->attachment_id, a->id);
        p->holds = true;
        view_dirty(p);
        return access_hold(t, a);
}

static int let_go(struct turn *t, struct vport *p)
{
        struct attachment *a = NULL;
        int r = lock_attachment(t, p->attachment_id, &a);

        if (r || !p->holds)
                return r;
        p->holds = false;
        view_dirty(p);
        if (!a)
                return 0;
        a->n_ports--;
        view_dirty(a);
        return a->n_ports == 0 ? attachment_leave(t, a, "") : 0;
}

/* The row of an end becomes what its gateway holds. */
static int end_as_found(struct verdict *v, int side)
{
        struct turn *t = v->t;
        struct vport *p = v->ports[side];
        struct found *f = v->found[side];
        struct gateway *g = NULL;
        int r = lock_gateway(t, p->gateway_id, &g);

        if (r)
                return r;
        p->wanted = p->present = true;
        p->reason[0] = '\0';
        p->verified_ms = t->now_ms;
        view_dirty(p);
        r = port_hold(t, v->l, g, p);
        if (r || !f)
                return r;
        p->generation = p->confirmed_generation = f->generation;
        p->tx_kbps = f->tx_kbps;
        p->rx_kbps = f->rx_kbps;
        if (p->label != f->number) {
                r = p->label ? resource_free(t, g->id, INTEGER_LABEL, p->label) : 0;
                r = r ? r : resource_claim(t, g, INTEGER_LABEL, f->number, p->id);
                p->label = f->number;
        }
        return r ? r : found_forget(t, g, f);
}

/* Under another label than its row's, if that has one, the other end sends to it. */
static int relabel(struct turn *t, struct vport *p, int64_t label)
{
        struct gateway *g = NULL;
        int r = lock_gateway(t, p->gateway_id, &g);

        if (r || resource_is_there(t, g, INTEGER_LABEL, label))
                return r;
        r = resource_free(t, g->id, INTEGER_LABEL, p->label);
        p->label = label;
        return r ? r : resource_claim(t, g, INTEGER_LABEL, label, p->id);
}

/* Without a label it has no share either, which the link was counted with. */
static int uncount(struct turn *t, const struct vlink *l, const struct vport *p)
{
        bool is_a = p->side == SIDE_A;
        struct gateway *g = NULL;
        int r = lock_gateway(t, p->gateway_id, &g);

        return r ? r
                 : resource_uncount(t, g, l->id, is_a ? l->a_to_z_kbps : l->z_to_a_kbps,
                                    is_a ? l->z_to_a_kbps : l->a_to_z_kbps);
}

/* It is not asked for; what it held is free, unless the other end is there and sends to it. */
static int end_as_gone(struct verdict *v, int side)
{
        struct turn *t = v->t;
        struct vport *p = v->ports[side];
        const struct found *peer = v->found[!side];
        int r = 0;

        if (v->there[!side] && peer && peer->peer_label != p->label)
                r = relabel(t, p, peer->peer_label);
        if (r == 0 && !p->label)
                r = uncount(t, v->l, p);
        else if (r == 0 && !v->there[!side])
                r = resource_leave(t, v->l, p, false);

        p->wanted = p->present = false;
        p->confirmed_generation = p->generation;
        p->tx_kbps = p->rx_kbps = 0;
        view_dirty(p);
        r = r ? r : exchange_forget(t, p);
        return r ? r : let_go(t, p);
}

static int verdict_event(struct verdict *v, const char *type, const char *reason)
{
        const struct caller nobody = { .request_id = "" };

        return link_event(v->t, v->l, &nobody, type, "", reason);
}

#define IN_QUESTION                                                                                \
        "The database was restored, and the gateways do not hold the link: an operator builds it "  \
        "again, or deletes it."

static int in_question(struct verdict *v)
{
        v->l->provisioning = PROV_ERROR;
        v->l->operating = OPER_OFFLINE;
        TEXT_SET(v->l->status_reason, IN_QUESTION);
        return verdict_event(v, "virtual_link.in_question", IN_QUESTION);
}

/* The link has the bandwidth that the ends which are there send with, or take. */
static int follow(struct verdict *v)
{
        struct vlink *l = v->l;
        bool free_rate = l->ignored[0] && !text_equal(l->ignored, "[]");
        int64_t rates[SIDE_N] = { l->a_to_z_kbps, l->z_to_a_kbps };
        int r;

        for (int side = 0; side < SIDE_N && !free_rate; side++) {
                const struct found *f = v->found[side];
                int64_t tx = f ? f->tx_kbps : v->ports[side]->tx_kbps;
                int64_t rx = f ? f->rx_kbps : v->ports[side]->rx_kbps;

                if (v->there[side] && tx)
                        rates[side] = tx;
                if (v->there[side] && !v->there[!side] && rx)
                        rates[!side] = rx;
                if (f)
                        l->mtu = f->mtu;
        }
        r = resource_follow(v->t, l, v->ports, rates[SIDE_A], rates[SIDE_Z]);
        l->a_to_z_kbps = l->goal_a_to_z_kbps = rates[SIDE_A];
        l->z_to_a_kbps = l->goal_z_to_a_kbps = rates[SIDE_Z];
        return r;
}

/* Both gateways hold it otherwise than the rows say: it was changed after the backup was made. */
static int as_found(struct verdict *v)
{
        struct vlink *l = v->l;
        char reason[REASON_SIZE];
        int r = follow(v);

        for (int side = 0; side < SIDE_N && r == 0; side++)
                r = end_as_found(v, side);
        if (r)
                return r;
        if (!v->ports[SIDE_A]->holds || !v->ports[SIDE_Z]->holds)
                return in_question(v); /* its VPN has no access side there */
        for (int side = 0; side < SIDE_N; side++)
                if (l->exchange ||
                    (v->found[side] && v->found[side]->peer_label != v->ports[!side]->label))
                        v->ports[side]->generation++; /* asked for once more, below */
        l->admin_state_up = true;
        l->provisioning = PROV_ACTIVE;
        l->operating = OPER_DEGRADED; /* until the ends were compared */
        l->status_reason[0] = '\0';
        snprintf(reason, sizeof reason,
                 "The database was restored; the gateways hold a newer state of the link, which is "
                 "taken: %" PRId64 " and %" PRId64 " kbit/s.",
                 l->a_to_z_kbps, l->z_to_a_kbps);
        r = verdict_event(v, "virtual_link.restored", reason);
        return r ? r : work_mend(v->t, l);
}

static int set_aside(struct verdict *v)
{
        int r = follow(v);

        for (int side = 0; side < SIDE_N && r == 0; side++)
                r = v->there[side] ? end_as_found(v, side) : end_as_gone(v, side);
        return r ? r : in_question(v);
}

/* The operation that the backup has under way, and perhaps others after it, came to an end. */
static int take_over(struct verdict *v)
{
        struct vlink *l = v->l;
        struct subject s = { .t = v->t, .l = l, .ports = v->ports };
        int r = work_preempt(v->t, l, "The database was restored; the gateways are newer.");

        l->revision_number++;
        l->updated_ms = v->t->now_ms;
        view_dirty(l);
        for (int side = 0; side < SIDE_N && r == 0; side++)
                r = forget_work(v->t, v->ports[side]);
        for (int side = 0; side < SIDE_N && r == 0; side++) {
                struct attachment *a = subject_attachment(&s, side);

                r = a ? wish_forget(&s, a) : 0;
        }
        return r;
}

/* An older state than the row's: what is under way goes on. */
static int forget_older(struct verdict *v)
{
        int r = 0;

        for (int side = 0; side < SIDE_N && r == 0; side++) {
                struct gateway *g = NULL;

                if (!v->found[side])
                        continue;
                r = lock_gateway(v->t, v->ports[side]->gateway_id, &g);
                r = r ? r : found_forget(v->t, g, v->found[side]);
        }
        return r;
}

static bool is_overbooked(const struct verdict *v)
{
        struct fault ignored = { 0 };

        for (int side = 0; side < SIDE_N; side++)
                if (resource_overbooked(gateway_of_port(v->t, v->ports[side]), &ignored))
                        return true;
        return false;
}

static int judge(struct turn *t, struct vlink *l)
{
        struct verdict v = { .t = t, .l = l, .ports = view_ports(&t->view, l->id) };
        bool newer = false, missing = false, lost = false;
        int r;

        if (!v.ports[SIDE_A] || !v.ports[SIDE_Z] || l->wan_domain[0] || !restore_judges(t, l))
                return 0; /* when the other gateway was read; a WAN driver's link is its controller's */
        for (int side = 0; side < SIDE_N; side++) {
                const struct vport *p = v.ports[side];

                v.found[side] = view_get(&t->view, T_FOUND, p->id);
                v.there[side] = v.found[side] || p->present;
                newer |= v.found[side] && v.found[side]->generation > p->generation;
                missing |= p->wanted && !v.there[side] && p->confirmed_generation > 0;
                lost |= !p->label && l->provisioning != PROV_ERROR &&
                        l->provisioning != PROV_PENDING_DELETE;
                r = idset_add(&t->pump, p->gateway_id); /* what has waited for both goes on */
                if (r)
                        return r;
        }
        if (newer || missing) {
                r = take_over(&v);
                if (r)
                        return r;
                return v.there[SIDE_A] && v.there[SIDE_Z] ? as_found(&v) : set_aside(&v);
        }
        r = forget_older(&v);
        if (r)
                return r;
        if (l->provisioning == PROV_PENDING_CREATE && (lost || is_overbooked(&v)))
                return work_feed(t, l, EV_PORT_FAILED, NULL,
                                 "The database was restored; others have what the link was to have.");
        if (lost) {
                r = take_over(&v);
                return r ? r : set_aside(&v);
        }
        return 0;
}

int restore_judge(struct turn *t, struct gateway *g)
{
        OWN(idset_done) struct idset links = { 0 };
        const struct vport *p;
        size_t at = 0;
        int r = 0;

        while (r == 0 && (p = view_next(&t->view, T_VPORT, &at)))
                if (text_equal(p->gateway_id, g->id))
                        r = idset_add(&links, p->link_id);
        for (size_t i = 0; i < links.n && r == 0; i++) {
                struct vlink *l = view_get(&t->view, T_VLINK, links.texts[i]);

                if (l && view_is_locked(&t->view, T_VLINK, l->id))
                        r = judge(t, l);
        }
        return r;
}
