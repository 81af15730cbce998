/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted and what is unique: bandwidth of gateways per direction, integers per gateway.
 * All under the gateways' locks. */
#include "conductor/turn.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

int64_t resource_left(const struct gateway *g, enum direction d)
{
        return d == TO_WAN ? g->capacity_to_wan_kbps - g->reserved_to_wan_kbps
                           : g->capacity_from_wan_kbps - g->reserved_from_wan_kbps;
}

/* A direction of the link as one of the four things counted. */
struct share {
        enum side side;
        enum direction direction;
        bool a_to_z;
};
static const struct share shares[] = {
        { SIDE_A, TO_WAN, true },
        { SIDE_A, FROM_WAN, false },
        { SIDE_Z, TO_WAN, false },
        { SIDE_Z, FROM_WAN, true },
};
enum { SHARES_N = sizeof shares / sizeof *shares };

int refuse_unread(const struct gateway *g, struct fault *why)
{
        fault_set(why, 503, "gateway.unread",
                  "The database was restored, and gateway %s at site %s was not read since; try again "
                  "in a moment.",
                  g->name, g->site_name);
        why->retry_after_ms = 5000;
        return why->code;
}

/* What the link holds now: the greater of what it has and what a running change wants, until both
 * ends are through; nothing before its ports have labels and after they gave them back. */
static int64_t share_held(const struct vlink *l, struct vport *const ports[SIDE_N],
                          const struct share *s)
{
        int64_t has = s->a_to_z ? l->a_to_z_kbps : l->z_to_a_kbps;
        int64_t goal = s->a_to_z ? l->goal_a_to_z_kbps : l->goal_z_to_a_kbps;

        if (!ports[s->side]->label)
                return 0;
        return has > goal ? has : goal;
}

static int64_t *reserved_of(struct gateway *g, enum direction d)
{
        return d == TO_WAN ? &g->reserved_to_wan_kbps : &g->reserved_from_wan_kbps;
}

static int refuse_bandwidth(const struct gateway *g, const struct share *s, int64_t left,
                            struct fault *why)
{
        fault_set(why, 409, "link.bandwidth_unavailable",
                  "Gateway %s at site %s has %" PRId64
                  " kbit/s left %s the WAN; ask for that much or less, or free some.",
                  g->name, g->site_name, left, s->direction == TO_WAN ? "towards" : "from");
        fault_details(why,
                      "{\"gateway_id\": \"%s\", \"direction\": \"%s\", \"available_kbps\": %" PRId64
                      "}",
                      g->id, s->a_to_z ? "a_to_z" : "z_to_a", left);
        return why->code;
}

static int gateways_lock(struct turn *t, struct vport *const ports[SIDE_N],
                         struct gateway *ret[SIDE_N])
{
        int r = 0;

        for (int side = 0; side < SIDE_N; side++) {
                int again = lock_gateway(t, ports[side]->gateway_id, &ret[side]);

                r = r ? r : again;
        }
        return r;
}

/* Replaces what the link holds, whether or not there is as much. */
static int hold_shares(struct turn *t, const struct vlink *l, struct vport *const ports[SIDE_N],
                       struct gateway *const gateways[SIDE_N], int64_t a_to_z_kbps,
                       int64_t z_to_a_kbps)
{
        for (int i = 0; i < SHARES_N; i++) {
                const struct share *s = &shares[i];
                struct gateway *g = gateways[s->side];
                int64_t kbps = s->a_to_z ? a_to_z_kbps : z_to_a_kbps;
                struct reservation row = { .direction = s->direction,
                                           .kbps = kbps,
                                           .from_ms = t->now_ms };

                *reserved_of(g, s->direction) += kbps - share_held(l, ports, s);
                view_dirty(g);
                TEXT_SET(row.link_id, l->id);
                TEXT_SET(row.resource_id, g->id);
                if (kbps ? !view_put(&t->view, T_RESERVATION, &row)
                         : view_remove(&t->view, T_RESERVATION, &row) < 0)
                        return err_raise(-ENOMEM);
        }
        return 0;
}

int resource_reserve(struct turn *t, const struct vlink *l, struct vport *const ports[SIDE_N],
                     int64_t a_to_z_kbps, int64_t z_to_a_kbps, struct fault *why)
{
        struct gateway *gateways[SIDE_N] = { NULL };
        int r = gateways_lock(t, ports, gateways);

        if (r < 0)
                return r;
        for (int i = 0; i < SHARES_N; i++) {
                const struct share *s = &shares[i];
                int64_t more = (s->a_to_z ? a_to_z_kbps : z_to_a_kbps) - share_held(l, ports, s);
                int64_t left = resource_left(gateways[s->side], s->direction);

                if (more > 0 && more > left)
                        return refuse_bandwidth(gateways[s->side], s,
                                                left + share_held(l, ports, s), why);
        }
        return hold_shares(t, l, ports, gateways, a_to_z_kbps, z_to_a_kbps);
}

int resource_overbooked(const struct gateway *g, struct fault *why)
{
        if (resource_left(g, TO_WAN) >= 0 && resource_left(g, FROM_WAN) >= 0)
                return 0;
        return fault_set(why, 409, "link.bandwidth_unavailable",
                         "Gateway %s at site %s has more links than bandwidth; free some.", g->name,
                         g->site_name);
}

int resource_follow(struct turn *t, const struct vlink *l, struct vport *const ports[SIDE_N],
                    int64_t a_to_z_kbps, int64_t z_to_a_kbps)
{
        struct gateway *gateways[SIDE_N] = { NULL };
        int r = gateways_lock(t, ports, gateways);

        return r < 0 ? r : hold_shares(t, l, ports, gateways, a_to_z_kbps, z_to_a_kbps);
}

int resource_settle(struct turn *t, struct vlink *l, struct vport *const ports[SIDE_N])
{
        int r;

        if (l->goal_a_to_z_kbps == l->a_to_z_kbps && l->goal_z_to_a_kbps == l->z_to_a_kbps)
                return 0;
        r = resource_reserve(t, l, ports, l->a_to_z_kbps, l->z_to_a_kbps, NULL);
        if (r)
                return r;
        l->goal_a_to_z_kbps = l->a_to_z_kbps;
        l->goal_z_to_a_kbps = l->z_to_a_kbps;
        view_dirty(l);
        return 0;
}

/* What the link held at the gateway is held by the port that stays behind: a link of the same id
 * may come again, for a request may come twice. */
static int reservations_pass(struct turn *t, const char *link_id, const struct leftover *to)
{
        int r = 0;

        for (enum direction d = TO_WAN; d <= FROM_WAN && r >= 0; d++) {
                struct reservation row = { .direction = d, .from_ms = t->now_ms };

                TEXT_SET(row.link_id, link_id);
                TEXT_SET(row.resource_id, to->gateway_id);
                r = view_remove(&t->view, T_RESERVATION, &row);
                TEXT_SET(row.link_id, to->port_id);
                row.kbps = d == TO_WAN ? to->to_wan_kbps : to->from_wan_kbps;
                if (r >= 0 && row.kbps && !view_put(&t->view, T_RESERVATION, &row))
                        r = err_raise(-ENOMEM);
        }
        return r < 0 ? r : 0;
}

int resource_leave(struct turn *t, const struct vlink *l, struct vport *p, bool left)
{
        struct vport *const ports[SIDE_N] = { p, p };
        struct leftover row = { .generation = p->generation,
                                .label = p->label,
                                .created_ms = t->now_ms };
        int r;

        for (int i = 0; i < SHARES_N; i++) {
                if ((int64_t)shares[i].side != p->side)
                        continue;
                *(shares[i].direction == TO_WAN ? &row.to_wan_kbps : &row.from_wan_kbps) =
                        share_held(l, ports, &shares[i]);
        }
        TEXT_SET(row.port_id, p->id);
        TEXT_SET(row.link_id, l->id);
        TEXT_SET(row.vpn_id, l->vpn_id);
        TEXT_SET(row.gateway_id, p->gateway_id);
        TEXT_SET(row.attachment_id, p->holds ? p->attachment_id : "");
        p->label = 0; /* it is the leftover's */
        r = row.label ? reservations_pass(t, l->id, &row) : 0;
        if (r < 0 || !left)
                return r < 0 ? r : row.label ? resource_gone(t, &row) : 0;
        return view_put(&t->view, T_LEFTOVER, &row) ? 0 : err_raise(-ENOMEM);
}

int resource_gone(struct turn *t, const struct leftover *left)
{
        struct gateway *g = NULL;
        int r = lock_gateway(t, left->gateway_id, &g);

        if (r < 0)
                return r;
        r = resource_uncount(t, g, left->port_id, left->to_wan_kbps, left->from_wan_kbps);
        r = r ? r : resource_free(t, left->gateway_id, INTEGER_LABEL, left->label);
        return r ? r : view_remove(&t->view, T_LEFTOVER, left);
}

int resource_release_link(struct turn *t, const struct vlink *l, struct vport *const ports[SIDE_N])
{
        int r;

        if (!ports[SIDE_A] || !ports[SIDE_Z] || (!ports[SIDE_A]->label && !ports[SIDE_Z]->label))
                return 0; /* given back before */
        r = resource_reserve(t, l, ports, 0, 0, NULL);
        for (int side = 0; side < SIDE_N && r == 0; side++) {
                r = resource_free(t, ports[side]->gateway_id, INTEGER_LABEL, ports[side]->label);
                ports[side]->label = 0;
                view_dirty(ports[side]);
        }
        return r;
}

static void pool_name(const char *gateway_id, enum integer_kind kind, char ret[KEY_SIZE])
{
        snprintf(ret, KEY_SIZE, "%s:%s", gateway_id, integer_kind_name[kind]);
}

/* True when something was found, at whatever gateway, that sends to this label of 'g', and is not
 * gone yet: who received with it would hear another's traffic. */
static bool is_sent_to(struct turn *t, const struct gateway *g, enum integer_kind kind,
                       int64_t value)
{
        const struct leftover *left;
        const struct found *f;
        size_t at = 0;

        while (kind == INTEGER_LABEL && (f = view_next(&t->view, T_FOUND, &at)))
                if (f->peer_label == value && text_equal(f->peer_address, g->address))
                        return true;
        at = 0;
        while (kind == INTEGER_LABEL && (left = view_next(&t->view, T_LEFTOVER, &at)))
                if (left->peer_label == value && text_equal(left->peer_address, g->address))
                        return true;
        return false;
}

/* The released value that rested longest, or NULL. */
static struct integer *rested(struct turn *t, const struct gateway *g, enum integer_kind kind,
                              const char *pool)
{
        struct integer *i, *best = NULL;
        size_t at = 0;

        while ((i = view_next(&t->view, T_INTEGER, &at)))
                if (!strcmp(i->pool, pool) && !i->owner_id[0] && i->free_after_ms <= t->now_ms &&
                    !is_sent_to(t, g, kind, i->value) &&
                    (!best || i->free_after_ms < best->free_after_ms))
                        best = i;
        return best;
}

static int64_t *cursor_of(struct gateway *g, enum integer_kind kind)
{
        return kind == INTEGER_LABEL ? &g->cursor_label : &g->cursor_tag;
}

/* Who may send to 'g' is known when all gateways of its WAN domain were read. */
static int senders_known(struct turn *t, const struct gateway *g, struct fault *why)
{
        const struct gateway *other;
        size_t at = 0;

        if (!map_get(&t->plan.found_of_peer.known, g->address) ||
            !map_get(&t->plan.domains.known, g->domain))
                return idset_add(&t->plan.found_of_peer, g->address) < 0 ||
                                       idset_add(&t->plan.leftovers_of_peer, g->address) < 0 ||
                                       idset_add(&t->plan.domains, g->domain) < 0
                               ? -ENOMEM
                               : -EAGAIN;
        while ((other = view_next(&t->view, T_GATEWAY, &at)))
                if (text_equal(other->domain, g->domain) && gateway_is_unread(t, other))
                        return refuse_unread(other, why);
        return 0;
}

static int allocate(struct turn *t, struct gateway *g, enum integer_kind kind,
                    const char *owner_id, int64_t *ret, struct fault *why)
{
        int64_t *cursor = cursor_of(g, kind);
        int64_t value = gateway_range_next(g, kind, *cursor);
        struct integer fresh = { .kind = kind }, *row = &fresh;
        int r = 0;

        for (; r == 0 && value && is_sent_to(t, g, kind, value);
             value = gateway_range_next(g, kind, value))
                r = resource_free(t, g->id, kind, value); /* for later */
        if (r)
                return r;
        fresh.value = value;
        if (value) {
                *cursor = value;
                view_dirty(g);
                TEXT_SET(fresh.gateway_id, g->id);
                row = view_put(&t->view, T_INTEGER, &fresh);
                if (!row)
                        return err_raise(-ENOMEM);
        } else {
                char pool[KEY_SIZE];

                pool_name(g->id, kind, pool);
                row = rested(t, g, kind, pool);
                if (!row && !map_get(&t->plan.pools.known, pool))
                        return idset_add(&t->plan.pools, pool) < 0 ? -ENOMEM : -EAGAIN;
                if (!row)
                        return fault_set(
                                why, 409, "gateway.integers_exhausted",
                                "Gateway %s at site %s has no %s left; links that were deleted "
                                "give theirs back after a while.",
                                g->name, g->site_name, integer_kind_name[kind]);
                row->pool[0] = '\0';
                view_dirty(row);
        }
        TEXT_SET(row->owner_id, owner_id);
        *ret = row->value;
        return 0;
}

int resource_allocate(struct turn *t, struct gateway *g, enum integer_kind kind,
                      const char *owner_id, int64_t *ret, struct fault *why)
{
        int r = 0;

        if (gateway_is_unread(t, g))
                return refuse_unread(g, why);
        if (restore_runs(t) && kind == INTEGER_LABEL)
                r = senders_known(t, g, why);
        return r ? r : allocate(t, g, kind, owner_id, ret, why);
}

int resource_free(struct turn *t, const char *gateway_id, enum integer_kind kind, int64_t value)
{
        struct integer row = {
                .kind = kind,
                .value = value,
                .free_after_ms = t->now_ms + t->c->timing.quarantine_ms,
        };

        if (!value)
                return 0;
        TEXT_SET(row.gateway_id, gateway_id);
        pool_name(gateway_id, kind, row.pool);
        return view_put(&t->view, T_INTEGER, &row) ? 0 : err_raise(-ENOMEM);
}

/* ---- what a gateway was found to hold ---- */

/* Values that were skipped come to be free like released ones; of a jump beyond all measure only the
 * first. */
enum { GAP_MAX = 8192 };

static int cursor_pass(struct turn *t, struct gateway *g, enum integer_kind kind, int64_t value)
{
        int64_t *last = cursor_of(g, kind), next;
        int r = 0;

        if (value <= *last || gateway_range_next(g, kind, value - 1) != value)
                return 0;
        for (int i = 0; r == 0 && i < GAP_MAX; i++) {
                next = gateway_range_next(g, kind, *last);
                if (!next || next >= value)
                        break;
                *last = next;
                r = resource_free(t, g->id, kind, next);
        }
        *last = value;
        view_dirty(g);
        return r;
}

/* An access side whose tag is another's by now is not at its gateway, nor in a network. */
static int tag_lost(struct turn *t, struct gateway *g, struct attachment *a)
{
        struct fault why = { 0 };
        int r;

        attachment_forget(a);
        a->tag = 0;
        a->vif_id[0] = '\0';
        a->generation++;
        r = allocate(t, g, INTEGER_TAG, a->id, &a->tag, &why);
        if (r > 0)
                TEXT_SET(a->reason, why.message);
        if (r < 0)
                return r;
        return view_get(&t->view, T_WORK, a->id) ? gate_enqueue_attachment(t, a, "") : 0;
}

/* Whoever has the integer by the rows does not have it at the gateway. */
static int integer_lost(struct turn *t, struct gateway *g, enum integer_kind kind, int64_t value,
                        const char *owner_id)
{
        struct leftover *left;
        struct attachment *a;
        struct vport *p;
        size_t at = 0;
        int r = 0;

        while (r == 0 && kind == INTEGER_LABEL && (p = view_next(&t->view, T_VPORT, &at))) {
                const struct vlink *l = view_get(&t->view, T_VLINK, p->link_id);

                if (l && p->label == value && text_equal(p->gateway_id, g->id) &&
                    !text_equal(p->id, owner_id))
                        r = resource_leave(t, l, p, false);
        }
        at = 0;
        while (r == 0 && kind == INTEGER_LABEL && (left = view_next(&t->view, T_LEFTOVER, &at)))
                if (left->label == value && text_equal(left->gateway_id, g->id) &&
                    !text_equal(left->port_id, owner_id)) {
                        left->label = 0;
                        view_dirty(left);
                }
        at = 0;
        while (r == 0 && kind == INTEGER_TAG && (a = view_next(&t->view, T_ATTACHMENT, &at)))
                if (a->tag == value && text_equal(a->gateway_id, g->id) &&
                    !text_equal(a->id, owner_id))
                        r = tag_lost(t, g, a);
        return r;
}

bool resource_is_there(struct turn *t, const struct gateway *g, enum integer_kind kind,
                       int64_t value)
{
        const struct attachment *a;
        const struct vport *p;
        size_t at = 0;

        while (kind == INTEGER_LABEL && (p = view_next(&t->view, T_VPORT, &at)))
                if (p->present && p->label == value && text_equal(p->gateway_id, g->id))
                        return true;
        at = 0;
        while (kind == INTEGER_TAG && (a = view_next(&t->view, T_ATTACHMENT, &at)))
                if (a->present && a->tag == value && text_equal(a->gateway_id, g->id))
                        return true;
        return false;
}

int resource_claim(struct turn *t, struct gateway *g, enum integer_kind kind, int64_t value,
                   const char *owner_id)
{
        struct integer row = { .kind = kind, .value = value };
        int r = cursor_pass(t, g, kind, value);

        r = r ? r : integer_lost(t, g, kind, value, owner_id);
        if (r)
                return r;
        TEXT_SET(row.gateway_id, g->id);
        TEXT_SET(row.owner_id, owner_id);
        return view_put(&t->view, T_INTEGER, &row) ? 0 : err_raise(-ENOMEM);
}

int resource_count(struct turn *t, struct gateway *g, const char *holder_id, int64_t tx_kbps,
                   int64_t rx_kbps)
{
        for (enum direction d = TO_WAN; d <= FROM_WAN; d++) {
                struct reservation row = { .direction = d, .from_ms = t->now_ms };

                row.kbps = d == TO_WAN ? tx_kbps : rx_kbps;
                *reserved_of(g, d) += row.kbps;
                TEXT_SET(row.link_id, holder_id);
                TEXT_SET(row.resource_id, g->id);
                if (row.kbps && !view_put(&t->view, T_RESERVATION, &row))
                        return err_raise(-ENOMEM);
        }
        view_dirty(g);
        return 0;
}

int resource_uncount(struct turn *t, struct gateway *g, const char *holder_id, int64_t tx_kbps,
                     int64_t rx_kbps)
{
        int r = 0;

        for (enum direction d = TO_WAN; d <= FROM_WAN && r == 0; d++) {
                struct reservation row = { .direction = d };

                *reserved_of(g, d) -= d == TO_WAN ? tx_kbps : rx_kbps;
                TEXT_SET(row.link_id, holder_id);
                TEXT_SET(row.resource_id, g->id);
                r = view_remove(&t->view, T_RESERVATION, &row);
        }
        view_dirty(g);
        return r;
}
