/* SPDX-License-Identifier: Apache-2.0 */
/* Admission of a new link: what it names is checked, its gateways are chosen, bandwidth is counted
 * and integers are handed out, all in the creating transaction. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"
#include "conductor/found.h"
#include "conductor/request.h"
#include "drivers/wan/wan_driver.h"
#include "model/json.h"

struct endpoint {
        char site[NAME_SIZE]; /* id or name */
        char gateway_id[ID_SIZE], network_id[ID_SIZE], port_id[ID_SIZE];
};
struct ask {
        struct caller who;
        char id[ID_SIZE], vpn_id[ID_SIZE];
        char name[NAME_SIZE], description[DESCRIPTION_SIZE];
        struct endpoint ends[SIDE_N];
        int64_t a_to_z_kbps, z_to_a_kbps;
};

static int ask_endpoint(const json_t *j, struct endpoint *ret, struct fault *why)
{
        if (!json_is_object(j))
                return fault_set(why, 400, "request.invalid", "endpoints must be two objects.");
        if (!json_read_text(j, "site_id", JSON_REQUIRED, ret->site, sizeof ret->site, why) ||
            !json_read_id(j, "gateway_id", JSON_OPTIONAL, ret->gateway_id, why) ||
            !json_read_id(j, "network_id", JSON_OPTIONAL, ret->network_id, why) ||
            !json_read_id(j, "port_id", JSON_OPTIONAL, ret->port_id, why))
                return why->code;
        if (ret->network_id[0] && ret->port_id[0])
                return fault_set(why, 400, "request.invalid",
                                 "An endpoint names network_id or port_id, not both.");
        return 0;
}

static int ask_read(const struct input *in, struct ask *ret, struct fault *why)
{
        const json_t *j = json_object_get(in->request->args, "virtual_link");
        const json_t *ends = json_object_get(j, "endpoints");
        const json_t *bandwidth = json_object_get(j, "bandwidth");
        int r = 0;

        *ret = (struct ask){ 0 };
        if (!caller_of(in, &ret->who, why) || !json_read_id(j, "id", JSON_REQUIRED, ret->id, why) ||
            !json_read_id(j, "vpn_id", JSON_REQUIRED, ret->vpn_id, why) ||
            !json_read_text(j, "name", JSON_OPTIONAL, ret->name, sizeof ret->name, why) ||
            !json_read_text(j, "description", JSON_OPTIONAL, ret->description,
                            sizeof ret->description, why) ||
            !json_read_int(bandwidth, "a_to_z_kbps", JSON_REQUIRED, 1, KBPS_MAX, &ret->a_to_z_kbps,
                           why) ||
            !json_read_int(bandwidth, "z_to_a_kbps", JSON_REQUIRED, 1, KBPS_MAX, &ret->z_to_a_kbps,
                           why))
                return why->code;
        if (json_array_size(ends) != SIDE_N)
                return fault_set(why, 400, "request.invalid",
                                 "endpoints must name exactly two sites.");
        for (size_t side = 0; side < SIDE_N && r == 0; side++)
                r = ask_endpoint(json_array_get(ends, side), &ret->ends[side], why);
        return r;
}

static int64_t max64(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

static int64_t min64(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

/* What a gateway would have left in its scarcer direction with the link's end 'side' at it. */
static int64_t end_left(const struct gateway *g, const struct ask *ask, int side)
{
        int64_t there = side == SIDE_A ? ask->a_to_z_kbps : ask->z_to_a_kbps;
        int64_t back = side == SIDE_A ? ask->z_to_a_kbps : ask->a_to_z_kbps;

        return min64(resource_left(g, TO_WAN) - there, resource_left(g, FROM_WAN) - back);
}

void pair_key_of(const char *vpn_id, const char *a, const char *b, char ret[KEY_SIZE])
{
        bool swap = strcmp(a, b) > 0;

        snprintf(ret, KEY_SIZE, "%s:%s:%s", vpn_id, swap ? b : a, swap ? a : b);
}

static bool gateway_fits(const struct gateway *g, const struct site *s, const char *wanted_id,
                         const struct vpn *v)
{
        return text_equal(g->site_id, s->id) && text_equal(g->type, v->type) &&
               (!*wanted_id || text_equal(g->id, wanted_id));
}

/* The gateways that may be one end; the first 'n_sorted' have most left, in that order. */
struct candidate {
        struct gateway *gateway;
        int64_t left;
};
struct candidates {
        struct candidate *all;
        size_t n, n_sorted;
};

static int candidates_of(struct turn *t, const struct ask *ask, const struct vpn *v,
                         const struct site *s, int side, struct candidates *ret)
{
        struct gateway *g;
        size_t at = 0;

        *ret = (struct candidates){ .all = calloc(t->view.tables[T_GATEWAY].n + 1,
                                                  sizeof *ret->all) };
        if (!ret->all)
                return err_raise(-ENOMEM);
        while ((g = view_next(&t->view, T_GATEWAY, &at)))
                if (gateway_fits(g, s, ask->ends[side].gateway_id, v) && !gateway_is_unread(t, g))
                        ret->all[ret->n++] = (struct candidate){ g, end_left(g, ask, side) };
        return 0;
}

/* The one with the i-th most left, if that is more than 'least'. Few are ever asked for, so nothing
 * is sorted beforehand. */
static const struct candidate *candidate_at(struct candidates *c, size_t i, int64_t least)
{
        while (c->n_sorted <= i && c->n_sorted < c->n) {
                struct candidate *to = &c->all[c->n_sorted++], *most = to, swap = *to;

                for (struct candidate *at = to + 1; at < c->all + c->n; at++)
                        if (at->left > most->left)
                                most = at;
                *to = *most;
                *most = swap;
        }
        return i < c->n && c->all[i].left > least ? &c->all[i] : NULL;
}

/* A pair's worth is that of its scarcer end: so what begins below the best found ends the search. A
 * pair that the VPN has already is only found when there is no other. */
static int64_t best_pair(struct turn *t, const struct ask *ask, struct candidates ends[SIDE_N],
                         bool planned, struct gateway *ret[SIDE_N])
{
        const struct candidate *a, *z;
        int64_t best = INT64_MIN;

        for (size_t i = 0; (a = candidate_at(&ends[SIDE_A], i, best)); i++) {
                for (size_t j = 0; (z = candidate_at(&ends[SIDE_Z], j, best)); j++) {
                        char key[KEY_SIZE];
                        bool taken;

                        pair_key_of(ask->vpn_id, a->gateway->id, z->gateway->id, key);
                        taken = view_link_of_pair(&t->view, key) || map_get(&t->chosen.known, key);
                        if (!text_equal(a->gateway->domain, z->gateway->domain) ||
                            (planned && !map_get(&t->plan.pair_keys.known, key)) ||
                            (taken && ret[SIDE_A]))
                                continue;
                        best = taken ? best : min64(a->left, z->left);
                        ret[SIDE_A] = a->gateway;
                        ret[SIDE_Z] = z->gateway;
                }
        }
        return best;
}

/* The pair with most left among those of one domain, 'planned': that are locked for; both named:
 * that one. Gives what would be left; INT64_MIN when it is taken, or there is none at all ('ret' is
 * then left alone). */
static int choose(struct turn *t, const struct ask *ask, const struct vpn *v,
                  const struct site *const sites[SIDE_N], bool planned, struct gateway *ret[SIDE_N],
                  int64_t *ret_left)
{
        struct candidates ends[SIDE_N] = { 0 };
        int r = 0;

        for (int side = 0; side < SIDE_N && r == 0; side++)
                r = candidates_of(t, ask, v, sites[side], side, &ends[side]);
        if (r == 0)
                *ret_left = best_pair(t, ask, ends, planned, ret);
        for (int side = 0; side < SIDE_N; side++)
                free(ends[side].all);
        return r;
}

/* Why no pair fits, as exactly as the rows tell. */
static int refuse_gateways(struct turn *t, const struct ask *ask, const struct vpn *v,
                           const struct site *const sites[SIDE_N], struct fault *why)
{
        for (int side = 0; side < SIDE_N; side++) {
                const struct endpoint *end = &ask->ends[side];
                const struct gateway *g;
                bool any = false;
                size_t at = 0;

                while ((g = view_next(&t->view, T_GATEWAY, &at))) {
                        if (!text_equal(g->site_id, sites[side]->id) ||
                            (end->gateway_id[0] && !text_equal(g->id, end->gateway_id)))
                                continue;
                        any = true;
                        if (text_equal(g->type, v->type) && gateway_is_unread(t, g))
                                return refuse_unread(g, why);
                        if (end->gateway_id[0] && !text_equal(g->type, v->type))
                                return fault_set(
                                        why, 409, "gateway.type_mismatch",
                                        "Gateway %s at site %s is of type %s, VPN %s of type %s.",
                                        g->name, sites[side]->name, g->type, v->id, v->type);
                }
                if (!any && end->gateway_id[0])
                        return refuse_unknown(why, "Gateway", end->gateway_id);
        }
        return fault_set(why, 409, "gateway.domain_mismatch",
                         "Sites %s and %s have no two gateways of type %s in one WAN domain.",
                         sites[SIDE_A]->name, sites[SIDE_Z]->name, v->type);
}

/* ---- what to read and lock ---- */

int link_create_plan(struct turn *t, const struct input *in)
{
        struct fault why;
        struct ask ask;
        int r;

        if (ask_read(in, &ask, &why))
                return 0; /* the handler says it */
        r = idset_add(&t->plan.vpns, ask.vpn_id);
        r = r ? r : idset_add(&t->plan.vpn_members, ask.vpn_id);
        r = r ? r : idset_add(&t->plan.links, ask.id);
        r = r ? r : plan_site(t, ask.ends[SIDE_A].site);
        return r ? r : plan_site(t, ask.ends[SIDE_Z].site);
}

static int plan_ends(struct turn *t, const struct ask *ask, const struct vpn *v,
                     const struct site *const sites[SIDE_N], struct gateway *const gateways[SIDE_N])
{
        char key[KEY_SIZE];
        int r = 0;

        pair_key_of(v->id, gateways[SIDE_A]->id, gateways[SIDE_Z]->id, key);
        r = idset_add(&t->plan.pair_keys, key);
        for (int side = 0; side < SIDE_N && r == 0; side++) {
                r = idset_add(&t->plan.gateways, gateways[side]->id);
                snprintf(key, sizeof key, "%s:%s", v->id, gateways[side]->id);
                r = r ? r : idset_add(&t->plan.vpn_keys, key);
                if (ask->ends[side].network_id[0]) {
                        net_key_of(v->project_id, sites[side]->id, ask->ends[side].network_id, key);
                        r = r ? r : idset_add(&t->plan.net_keys, key);
                }
        }
        return r;
}

/* Those behind in the batch choose as if this link were there. The rows counted in are not locked
 * yet: what is under the locks replaces them, and decides. */
static int count_chosen(struct turn *t, const struct ask *ask,
                        struct gateway *const gateways[SIDE_N])
{
        char key[KEY_SIZE];

        for (int side = 0; side < SIDE_N; side++) {
                gateways[side]->reserved_to_wan_kbps +=
                        side == SIDE_A ? ask->a_to_z_kbps : ask->z_to_a_kbps;
                gateways[side]->reserved_from_wan_kbps +=
                        side == SIDE_A ? ask->z_to_a_kbps : ask->a_to_z_kbps;
        }
        pair_key_of(ask->vpn_id, gateways[SIDE_A]->id, gateways[SIDE_Z]->id, key);
        return idset_add(&t->chosen, key);
}

int link_create_refine(struct turn *t, const struct input *in)
{
        struct gateway *gateways[SIDE_N] = { NULL };
        const struct site *sites[SIDE_N];
        const struct vpn *v;
        struct fault why;
        struct ask ask;
        int64_t left;
        int r = 0;

        if (ask_read(in, &ask, &why))
                return 0;
        v = view_get(&t->view, T_VPN, ask.vpn_id);
        for (int side = 0; side < SIDE_N && r == 0; side++) {
                sites[side] = site_find(t, ask.ends[side].site);
                if (!v || !sites[side])
                        return 0;
                r = idset_add(&t->plan.candidates, sites[side]->id);
        }
        if (r == 0 && !(ask.ends[SIDE_A].gateway_id[0] && ask.ends[SIDE_Z].gateway_id[0]))
                r = idset_add(&t->plan.choices, v->id);
        r = r ? r : choose(t, &ask, v, sites, false, gateways, &left);
        if (r || !gateways[SIDE_A])
                return r;
        r = plan_ends(t, &ask, v, sites, gateways);
        return r ? r : count_chosen(t, &ask, gateways);
}

/* ---- the decision ---- */

int attachment_take(struct turn *t, const struct vpn *v, struct gateway *g, const struct site *s,
                    struct attachment **ret, struct fault *why)
{
        struct attachment row = { .created_ms = t->now_ms }, *a;
        char key[KEY_SIZE];
        int r;

        snprintf(key, sizeof key, "%s:%s", v->id, g->id);
        a = view_attachment_of(&t->view, key);
        if (a) {
                *ret = a;
                if (a->n_ports > 0 && a->plug != PLUG_UNPLUGGING)
                        return 0;
                fault_set(
                        why, 409, "attachment.leaving",
                        "VPN %s is just being taken off its network or gateway %s; try again in a moment.",
                        v->id, g->name);
                why->retry_after_ms = 1000;
                return why->code;
        }
        if (restore_runs(t)) { /* it may be there, and no row knows it */
                const struct found *found;

                if (!map_get(&t->plan.found_of_vpn.known, v->id))
                        return idset_add(&t->plan.found_of_vpn, v->id) < 0 ? -ENOMEM : -EAGAIN;
                found = found_access(t, v->id, g->id);
                if (found)
                        return found_to_attachment(t, found, v->project_id, g, ret);
        }
        t->c->new_id(row.id);
        TEXT_SET(row.project_id, v->project_id);
        TEXT_SET(row.vpn_id, v->id);
        TEXT_SET(row.vpn_key, key);
        TEXT_SET(row.site_id, s->id);
        TEXT_SET(row.site_name, s->name);
        TEXT_SET(row.gateway_id, g->id);
        TEXT_SET(row.gateway_name, g->name);
        r = resource_allocate(t, g, INTEGER_TAG, row.id, &row.tag, why);
        if (r)
                return r;
        *ret = view_put(&t->view, T_ATTACHMENT, &row);
        return *ret ? 0 : err_raise(-ENOMEM);
}

int attachment_wish(struct turn *t, struct attachment *a, const char *network_id,
                    const char *port_id, struct fault *why)
{
        if (!network_id[0] && !port_id[0])
                return 0;
        if (a->network_id[0] || a->port_id[0]) {
                if (network_id[0] ? text_equal(a->network_id, network_id)
                                  : text_equal(a->port_id, port_id))
                        return 0;
                return fault_set(
                        why, 409, "attachment.in_use",
                        "VPN %s is plugged into another network or port at site %s already.",
                        a->vpn_id, a->site_name);
        }
        if (network_enter(t, a, network_id, why))
                return why->code;
        TEXT_SET(a->port_id, port_id);
        return 0;
}

static int port_new(struct turn *t, const struct vlink *l, int side, const struct site *s,
                    const struct endpoint *end, struct attachment *a, struct vport **ret)
{
        struct vport row = { .side = side, .created_ms = t->now_ms, .holds = true };

        t->c->new_id(row.id);
        TEXT_SET(row.link_id, l->id);
        TEXT_SET(row.project_id, l->project_id);
        TEXT_SET(row.site_id, s->id);
        TEXT_SET(row.site_name, s->name);
        TEXT_SET(row.gateway_id, a->gateway_id);
        TEXT_SET(row.attachment_id, a->id);
        TEXT_SET(row.asked_network_id, end->network_id);
        TEXT_SET(row.asked_port_id, end->port_id);
        *ret = view_put(&t->view, T_VPORT, &row);
        a->n_ports++;
        view_dirty(a);
        return *ret ? 0 : err_raise(-ENOMEM);
}

static bool both_can(struct gateway *const g[SIDE_N], const char *capability)
{
        return gateway_can(g[SIDE_A], capability) && gateway_can(g[SIDE_Z], capability);
}

static struct vlink *link_new(struct turn *t, const struct ask *ask, const struct vpn *v,
                              struct gateway *const g[SIDE_N])
{
        const struct wan_domain *wan = circuit_wan(t, g[SIDE_A]->domain);
        bool limits = wan ? wan->can & WAN_CAN_LIMIT : both_can(g, "bandwidth");
        struct vlink row = {
                .a_to_z_kbps = ask->a_to_z_kbps,
                .z_to_a_kbps = ask->z_to_a_kbps,
                .goal_a_to_z_kbps = ask->a_to_z_kbps,
                .goal_z_to_a_kbps = ask->z_to_a_kbps,
                .mtu = min64(g[SIDE_A]->mtu, g[SIDE_Z]->mtu),
                .provisioning = PROV_PENDING_CREATE,
                .operating = OPER_OFFLINE,
                .admin_state_up = true,
                .exchange = !wan && both_can(g, "exchange"),
                .revision_number = 1,
                .created_ms = t->now_ms,
                .updated_ms = t->now_ms,
        };

        TEXT_SET(row.id, ask->id);
        TEXT_SET(row.project_id, v->project_id);
        TEXT_SET(row.vpn_id, v->id);
        TEXT_SET(row.name, ask->name);
        TEXT_SET(row.description, ask->description);
        TEXT_SET(row.wan_domain, wan ? wan->name : "");
        TEXT_SET(row.ignored, limits ? "[]" : "[\"bandwidth\"]");
        pair_key_of(v->id, g[SIDE_A]->id, g[SIDE_Z]->id, row.pair_key);
        return view_put(&t->view, T_VLINK, &row);
}

/* Everything was checked but what is counted and unique; a refusal from here on undoes nothing in
 * the view but its own rows, so these checks come in the order that leaves no trace. */
static int link_build(struct turn *t, const struct ask *ask, const struct vpn *v,
                      const struct site *const sites[SIDE_N],
                      struct gateway *const gateways[SIDE_N], struct fault *why)
{
        struct attachment *attachments[SIDE_N] = { NULL };
        struct vport blank[SIDE_N] = { 0 }, *ports[SIDE_N] = { &blank[SIDE_A], &blank[SIDE_Z] };
        struct vlink *l, shell = { 0 };
        int r = 0;

        TEXT_SET(shell.id, ask->id);
        for (int side = 0; side < SIDE_N; side++)
                TEXT_SET(blank[side].gateway_id, gateways[side]->id);
        r = resource_reserve(t, &shell, ports, ask->a_to_z_kbps, ask->z_to_a_kbps, why);
        for (int side = 0; side < SIDE_N && r == 0; side++) {
                r = attachment_take(t, v, gateways[side], sites[side], &attachments[side], why);
                r = r ? r
                      : attachment_wish(t, attachments[side], ask->ends[side].network_id,
                                        ask->ends[side].port_id, why);
        }
        if (r)
                return r;
        l = link_new(t, ask, v, gateways);
        if (!l)
                return err_raise(-ENOMEM);
        for (int side = 0; side < SIDE_N && r == 0; side++) {
                r = port_new(t, l, side, sites[side], &ask->ends[side], attachments[side],
                             &ports[side]);
                r = r ? r
                      : resource_allocate(t, gateways[side], INTEGER_LABEL, ports[side]->id,
                                          &ports[side]->label, why);
        }
        return r ? r : work_start(t, l, OP_CREATE, ask->who.request_id, "", NULL);
}

/* The same request again, by the id that it minted: *ret_done says that the reply is out. */
static int link_replay(struct turn *t, const struct ask *ask, bool *ret_done, struct fault *why)
{
        const struct vlink *l = view_get(&t->view, T_VLINK, ask->id);

        *ret_done = l != NULL;
        if (!l)
                return 0;
        return text_equal(l->project_id, ask->who.project_id)
                       ? reply_link(t, l)
                       : refuse_unknown(why, "Virtual link", ask->id);
}

static int sites_check(struct turn *t, const struct ask *ask, const struct vpn *v,
                       const struct site *ret[SIDE_N], struct fault *why)
{
        for (int side = 0; side < SIDE_N; side++) {
                ret[side] = site_find(t, ask->ends[side].site);
                if (!ret[side])
                        return refuse_unknown(why, "Site", ask->ends[side].site);
                if (!vpn_has_site(t, v->id, ret[side]->id))
                        return fault_set(why, 409, "vpn.site_not_member",
                                         "Site %s is not in VPN %s; add it first.", ret[side]->name,
                                         v->id);
        }
        if (text_equal(ret[SIDE_A]->id, ret[SIDE_Z]->id))
                return fault_set(why, 400, "request.same_site",
                                 "A link joins two different sites; both endpoints name %s.",
                                 ret[SIDE_A]->name);
        return 0;
}

int link_create(struct turn *t, const struct input *in, struct fault *why)
{
        struct gateway *gateways[SIDE_N] = { NULL };
        const struct site *sites[SIDE_N] = { NULL };
        const struct vpn *v;
        struct ask ask;
        char key[KEY_SIZE];
        int64_t left = INT64_MIN;
        bool done = false;
        int r = ask_read(in, &ask, why);

        r = r ? r : link_replay(t, &ask, &done, why);
        if (r || done)
                return r;
        v = vpn_of_caller(t, &ask.who, ask.vpn_id, why);
        if (!v)
                return why->code;
        r = sites_check(t, &ask, v, sites, why);
        if (r)
                return r;
        r = choose(t, &ask, v, sites, true, gateways, &left);
        if (r == 0 && left < 0) /* rows moved since they were chosen */
                r = choose(t, &ask, v, sites, false, gateways, &left);
        if (r)
                return r;
        if (!gateways[SIDE_A])
                return refuse_gateways(t, &ask, v, sites, why);
        pair_key_of(v->id, gateways[SIDE_A]->id, gateways[SIDE_Z]->id, key);
        if (!map_get(&t->plan.pair_keys.known, key))
                return plan_ends(t, &ask, v, sites, gateways) < 0 ? -ENOMEM : -EAGAIN;
        if (view_link_of_pair(&t->view, key))
                return fault_set(why, 409, "link.pair_in_use",
                                 "VPN %s already has a virtual link between gateways %s and %s.",
                                 v->id, gateways[SIDE_A]->name, gateways[SIDE_Z]->name);
        r = work_admit(t, ask.who.project_id, why);
        r = r ? r
              : quota_take(t, v->project_id,
                           &(struct quota_limits){
                                   .links = 1, .kbps = max64(ask.a_to_z_kbps, ask.z_to_a_kbps) },
                           why);
        r = r ? r : link_build(t, &ask, v, sites, gateways, why);
        if (r)
                return r;
        return reply_link(t, view_get(&t->view, T_VLINK, ask.id));
}
