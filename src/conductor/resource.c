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
        g->reserved_to_wan_kbps -= left->to_wan_kbps;
        g->reserved_from_wan_kbps -= left->from_wan_kbps;
        view_dirty(g);
        for (enum direction d = TO_WAN; d <= FROM_WAN && r == 0; d++) {
                struct reservation row = { .direction = d };

                TEXT_SET(row.link_id, left->port_id);
                TEXT_SET(row.resource_id, left->gateway_id);
                r = view_remove(&t->view, T_RESERVATION, &row);
        }
        r = r ? r : resource_free(t, left->gateway_id, INTEGER_LABEL, left->label);
        return r ? r : view_remove(&t->view, T_LEFTOVER, left);
}

int resource_release_link(struct turn *t, const struct vlink *l, struct vport *const ports[SIDE_N])
{
        int r;

        if (!ports[SIDE_A] || !ports[SIDE_Z] || !ports[SIDE_A]->label)
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

/* The released value that rested longest, or NULL. */
static struct integer *rested(struct turn *t, const char *pool)
{
        struct integer *i, *best = NULL;
        size_t at = 0;

        while ((i = view_next(&t->view, T_INTEGER, &at)))
                if (!strcmp(i->pool, pool) && !i->owner_id[0] && i->free_after_ms <= t->now_ms &&
                    (!best || i->free_after_ms < best->free_after_ms))
                        best = i;
        return best;
}

int resource_allocate(struct turn *t, struct gateway *g, enum integer_kind kind,
                      const char *owner_id, int64_t *ret, struct fault *why)
{
        int64_t *cursor = kind == INTEGER_LABEL ? &g->cursor_label : &g->cursor_tag;
        int64_t value = gateway_range_next(g, kind, *cursor);
        struct integer fresh = { .kind = kind, .value = value }, *row = &fresh;

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
                row = rested(t, pool);
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
