/* SPDX-License-Identifier: Apache-2.0 */
/* An operator's word on a link that gateways hold and no row knows, or that rows know and gateways do
 * not hold: it is a link again, or it goes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"
#include "conductor/found.h"
#include "conductor/request.h"
#include "model/json.h"

static const char *id_of(const struct input *in)
{
        return input_text(in, "virtual_link_id");
}

int found_plan(struct turn *t, const struct input *in)
{
        const char *id = id_of(in);
        int r;

        if (!uuid_valid(id))
                return 0;
        r = idset_add(&t->plan.links, id);
        r = r ? r : idset_add(&t->plan.found, id);
        return r ? r : idset_add(&t->plan.found_of_link, id);
}

/* ---- what is found of a link ---- */

struct find {
        struct found *ends[SIDE_N];
        struct gateway *gateways[SIDE_N];
        struct attachment *attachments[SIDE_N];
        size_t n;
};

static void find_ends(struct turn *t, const char *link_id, struct find *ret)
{
        struct found *f;
        size_t at = 0;

        while ((f = view_next(&t->view, T_FOUND, &at)))
                if (f->kind == WORK_PORT && text_equal(f->link_id, link_id) &&
                    !view_get(&t->view, T_VPORT, f->id)) {
                        if (ret->n < SIDE_N)
                                ret->ends[ret->n] = f;
                        ret->n++;
                }
}

static int name_once(struct idset *set, const char *text)
{
        if (map_get(&set->known, text))
                return 0;
        return idset_add(set, text) < 0 ? -ENOMEM : -EAGAIN;
}

/* All rows that the two ends need: named, and the batch is run again, until they are there. */
static int lock_find(struct turn *t, struct find *f)
{
        int again = 0;
        char key[KEY_SIZE];

        for (size_t i = 0; i < f->n; i++) {
                int r = lock_gateway(t, f->ends[i]->gateway_id, &f->gateways[i]);

                if (r < 0 && r != -EAGAIN)
                        return r;
                again = again ? again : r;
                snprintf(key, sizeof key, "%s:%s", f->ends[i]->vpn_id, f->ends[i]->gateway_id);
                r = name_once(&t->plan.vpn_keys, key);
                again = again ? again : r;
                r = name_once(&t->plan.found_of_gateway, f->ends[i]->gateway_id);
                again = again ? again : r;
                r = name_once(&t->plan.vpns, f->ends[i]->vpn_id);
                again = again ? again : r;
                r = name_once(&t->plan.vpn_members, f->ends[i]->vpn_id);
                again = again ? again : r;
        }
        if (!again && f->n == SIDE_N) {
                pair_key_of(f->ends[0]->vpn_id, f->gateways[0]->id, f->gateways[1]->id, key);
                again = name_once(&t->plan.pair_keys, key);
        }
        return again;
}

/* ---- adopt ---- */

static int adopt_check(struct turn *t, const char *id, const struct find *f, struct fault *why)
{
        if (f->n != SIDE_N || text_equal(f->ends[0]->gateway_id, f->ends[1]->gateway_id) ||
            !text_equal(f->ends[0]->vpn_id, f->ends[1]->vpn_id))
                return fault_set(why, 409, "found.not_whole",
                                 "Virtual link %s was not found at two gateways; it can only be "
                                 "discarded.",
                                 id);
        for (int side = 0; side < SIDE_N; side++)
                if (!f->ends[side]->holds)
                        return fault_set(why, 409, "found.not_read",
                                         "Gateway %s has not told of virtual link %s in full yet.",
                                         f->gateways[side]->name, id);
                else if (gateway_is_unread(t, f->gateways[side]))
                        return refuse_unread(f->gateways[side], why);
        if (!text_equal(f->gateways[0]->domain, f->gateways[1]->domain) ||
            !text_equal(f->gateways[0]->type, f->gateways[1]->type))
                return fault_set(why, 409, "gateway.domain_mismatch",
                                 "The gateways of virtual link %s are of different kinds.", id);
        return 0;
}

/* The VPN that the gateways tell: as it is, or made for the project that the operator names. */
static int adopt_vpn(struct turn *t, const struct input *in, const struct find *f,
                     struct vpn **ret, struct fault *why)
{
        struct vpn row = { .revision_number = 1, .created_ms = t->now_ms, .updated_ms = t->now_ms };
        const char *project = input_text(in, "project_id");

        *ret = view_get(&t->view, T_VPN, f->ends[0]->vpn_id);
        if (*ret)
                return !*project || text_equal((*ret)->project_id, project)
                               ? 0
                               : fault_set(why, 409, "vpn.other_project",
                                           "VPN %s belongs to project %s.", (*ret)->id,
                                           (*ret)->project_id);
        if (!*project)
                return fault_set(why, 400, "found.no_project",
                                 "VPN %s is not known either; name the project that it belongs to.",
                                 f->ends[0]->vpn_id);
        TEXT_SET(row.id, f->ends[0]->vpn_id);
        if (!TEXT_SET(row.project_id, project))
                return fault_set(why, 400, "request.invalid", "project_id is too long.");
        TEXT_SET(row.type, f->gateways[0]->type);
        *ret = view_put(&t->view, T_VPN, &row);
        return *ret ? 0 : err_raise(-ENOMEM);
}

static int adopt_member(struct turn *t, const struct vpn *v, const struct gateway *g)
{
        struct vpn_site member = { .created_ms = t->now_ms };

        if (vpn_has_site(t, v->id, g->site_id))
                return 0;
        TEXT_SET(member.vpn_id, v->id);
        TEXT_SET(member.site_id, g->site_id);
        return view_put(&t->view, T_VPN_SITE, &member) ? 0 : err_raise(-ENOMEM);
}

static int adopt_access(struct turn *t, const struct vpn *v, struct find *f, int side,
                        struct fault *why)
{
        const struct gateway *g = f->gateways[side];
        const struct found *access;
        char key[KEY_SIZE];

        snprintf(key, sizeof key, "%s:%s", v->id, g->id);
        f->attachments[side] = view_attachment_of(&t->view, key);
        if (f->attachments[side])
                return 0;
        access = found_access(t, v->id, g->id);
        if (!access)
                return fault_set(why, 409, "found.not_whole",
                                 "Gateway %s at site %s holds no access side of VPN %s.", g->name,
                                 g->site_name, v->id);
        return found_to_attachment(t, access, v->project_id, g, &f->attachments[side]);
}

static struct vlink *adopt_link(struct turn *t, const char *id, const struct vpn *v,
                                const struct find *f)
{
        const struct found *a = f->ends[SIDE_A], *z = f->ends[SIDE_Z];
        struct vlink row = {
                .a_to_z_kbps = a->tx_kbps ? a->tx_kbps : 1,
                .z_to_a_kbps = z->tx_kbps ? z->tx_kbps : 1,
                .mtu = a->mtu,
                .provisioning = PROV_ACTIVE,
                .operating = OPER_DEGRADED,
                .admin_state_up = true,
                .exchange = gateway_can(f->gateways[SIDE_A], "exchange") &&
                            gateway_can(f->gateways[SIDE_Z], "exchange"),
                .revision_number = 1,
                .created_ms = t->now_ms,
                .updated_ms = t->now_ms,
        };

        TEXT_SET(row.id, id);
        TEXT_SET(row.project_id, v->project_id);
        TEXT_SET(row.vpn_id, v->id);
        TEXT_SET(row.ignored, a->tx_kbps && z->tx_kbps ? "[]" : "[\"bandwidth\"]");
        row.goal_a_to_z_kbps = row.a_to_z_kbps;
        row.goal_z_to_a_kbps = row.z_to_a_kbps;
        pair_key_of(v->id, f->gateways[SIDE_A]->id, f->gateways[SIDE_Z]->id, row.pair_key);
        return view_put(&t->view, T_VLINK, &row);
}

/* The end as a row; its integer is its own already, its bandwidth the link's from here on. */
static int adopt_port(struct turn *t, const struct vlink *l, const struct find *f, int side)
{
        struct found *end = f->ends[side];
        struct gateway *g = f->gateways[side];
        struct vport row = {
                .side = side,
                .generation = end->generation,
                .confirmed_generation = end->generation,
                .wanted = true,
                .present = true,
                .tx_kbps = end->tx_kbps,
                .rx_kbps = end->rx_kbps,
                .verified_ms = t->now_ms,
                .created_ms = t->now_ms,
                .holds = true,
        };

        TEXT_SET(row.id, end->id);
        TEXT_SET(row.link_id, l->id);
        TEXT_SET(row.project_id, l->project_id);
        TEXT_SET(row.site_id, g->site_id);
        TEXT_SET(row.site_name, g->site_name);
        TEXT_SET(row.gateway_id, g->id);
        TEXT_SET(row.attachment_id, f->attachments[side]->id);
        f->attachments[side]->n_ports += !end->attachment_id[0];
        view_dirty(f->attachments[side]);
        if (l->exchange || end->peer_label != f->ends[!side]->number)
                row.generation++; /* asked for once more, by the comparison that follows */
        return view_put(&t->view, T_VPORT, &row) ? 0 : err_raise(-ENOMEM);
}

static int adopt_count(struct turn *t, const struct vlink *l, const struct find *f)
{
        struct vport *const *ports = view_ports(&t->view, l->id);
        int r = 0;

        for (int side = 0; side < SIDE_N && r == 0; side++)
                r = resource_uncount(t, f->gateways[side], f->ends[side]->id,
                                     f->ends[side]->tx_kbps, f->ends[side]->rx_kbps);
        r = r ? r : resource_follow(t, l, ports, l->a_to_z_kbps, l->z_to_a_kbps);
        for (int side = 0; side < SIDE_N && r == 0; side++) {
                ports[side]->label = f->ends[side]->number;
                r = view_remove(&t->view, T_FOUND, f->ends[side]);
        }
        return r;
}

static int adopt(struct turn *t, const struct input *in, const struct caller *who, struct find *f,
                 struct fault *why)
{
        const struct vlink *other;
        struct vlink *l;
        struct vpn *v;
        char key[KEY_SIZE];
        int r = adopt_check(t, id_of(in), f, why);

        if (r)
                return r;
        if (strcmp(f->gateways[0]->site_name, f->gateways[1]->site_name) > 0) {
                *f = (struct find){ .ends = { f->ends[1], f->ends[0] },
                                    .gateways = { f->gateways[1], f->gateways[0] },
                                    .n = f->n };
        }
        pair_key_of(f->ends[0]->vpn_id, f->gateways[0]->id, f->gateways[1]->id, key);
        other = view_link_of_pair(&t->view, key);
        if (other)
                return fault_set(why, 409, "link.pair_in_use",
                                 "Virtual link %s is between the same gateways; discard one of them.",
                                 other->id);
        r = adopt_vpn(t, in, f, &v, why);
        for (int side = 0; side < SIDE_N && r == 0; side++) {
                r = adopt_member(t, v, f->gateways[side]);
                r = r ? r : adopt_access(t, v, f, side, why);
        }
        l = r ? NULL : adopt_link(t, id_of(in), v, f);
        if (!l)
                return r ? r : err_raise(-ENOMEM);
        for (int side = 0; side < SIDE_N && r == 0; side++)
                r = adopt_port(t, l, f, side);
        r = r ? r : adopt_count(t, l, f);
        r = r ? r : link_event(t, l, who, "virtual_link.adopted", "", "");
        r = r ? r : work_mend(t, l);
        return r ? r : reply_link(t, l);
}

int found_adopt(struct turn *t, const struct input *in, struct fault *why)
{
        struct find f = { 0 };
        struct caller who;
        int r;

        if (!operator_of(in, &who, why))
                return why->code;
        find_ends(t, id_of(in), &f);
        if (!f.n && view_get(&t->view, T_VLINK, id_of(in)))
                return link_retry(t, in, why);
        if (f.n && view_get(&t->view, T_VLINK, id_of(in)))
                return fault_set(why, 409, "found.id_in_use",
                                 "Virtual link %s was made anew since; discard what was found of it.",
                                 id_of(in));
        if (!f.n)
                return refuse_unknown(why, "Virtual link", id_of(in));
        r = f.n == SIDE_N ? lock_find(t, &f) : 0;
        return r ? r : adopt(t, in, &who, &f, why);
}

/* ---- discard ---- */

static bool has_ports(struct turn *t, const struct found *access)
{
        const struct found *f;
        size_t at = 0;

        while ((f = view_next(&t->view, T_FOUND, &at)))
                if (f->kind == WORK_PORT && text_equal(f->vpn_id, access->vpn_id) &&
                    text_equal(f->gateway_id, access->gateway_id))
                        return true;
        return false;
}

/* The end is left behind, as one whose link was deleted by force: asked to go until it is gone. */
static int discard_port(struct turn *t, struct found *f, struct gateway *g)
{
        struct leftover row = { .generation = f->generation + 1,
                                .peer_label = f->peer_label,
                                .created_ms = t->now_ms };
        struct attachment *a = NULL;
        struct found *access;
        int r = lock_attachment(t, f->attachment_id, &a);

        if (r)
                return r;
        if (f->holds) {
                row.label = f->number;
                row.to_wan_kbps = f->tx_kbps;
                row.from_wan_kbps = f->rx_kbps;
        }
        TEXT_SET(row.port_id, f->id);
        TEXT_SET(row.link_id, f->link_id);
        TEXT_SET(row.vpn_id, f->vpn_id);
        TEXT_SET(row.gateway_id, g->id);
        TEXT_SET(row.peer_address, f->peer_address);
        if (!view_put(&t->view, T_LEFTOVER, &row))
                return err_raise(-ENOMEM);
        r = view_remove(&t->view, T_FOUND, f);
        r = r ? r : gate_enqueue_leftover(t, &row);
        if (r == 0 && a) {
                a->n_ports--;
                view_dirty(a);
                r = a->n_ports == 0 ? attachment_leave(t, a, "") : 0;
        }
        access = a ? NULL : found_access(t, row.vpn_id, g->id);
        return r || !access || has_ports(t, access) ? r : found_leave(t, g, access);
}

static int discard_event(struct turn *t, const struct caller *who, const char *id)
{
        struct event e = { 0 };

        TEXT_SET(e.object_type, "virtual_link");
        TEXT_SET(e.object_id, id);
        TEXT_SET(e.request_id, who->request_id);
        TEXT_SET(e.type, "virtual_link.discarded");
        TEXT_SET(e.reason, "It was found at gateways, and no row knew it.");
        return event_put(t, &e);
}

static int discard_found(struct turn *t, const struct caller *who, const char *id, struct find *f,
                         struct fault *why)
{
        int r = 0;

        for (size_t i = 0; i < f->n; i++)
                if (gateway_is_unread(t, f->gateways[i]))
                        return refuse_unread(f->gateways[i], why);
        for (size_t i = 0; i < f->n && r == 0; i++)
                r = f->ends[i]->kind == WORK_PORT ? discard_port(t, f->ends[i], f->gateways[i])
                                                  : found_leave(t, f->gateways[i], f->ends[i]);
        r = r ? r : discard_event(t, who, id);
        return r ? r : out_reply(t, "discarded", json_string(id));
}

int found_discard(struct turn *t, const struct input *in, struct fault *why)
{
        const struct vlink *l = view_get(&t->view, T_VLINK, id_of(in));
        struct find f = { 0 };
        struct caller who;
        int r;

        if (!operator_of(in, &who, why))
                return why->code;
        find_ends(t, id_of(in), &f);
        if (!f.n && l)
                return l->provisioning == PROV_ERROR
                               ? link_delete(t, in, why)
                               : fault_set(why, 409, "link.not_in_error",
                                           "Virtual link %s is not in ERROR.", l->id);
        if (!f.n) {
                f.ends[0] = view_get(&t->view, T_FOUND, id_of(in));
                f.n = f.ends[0] != NULL;
        }
        if (!f.n || f.n > SIDE_N)
                return refuse_unknown(why, "Virtual link", id_of(in));
        r = lock_find(t, &f);
        if (r)
                return r;
        if (f.ends[0]->kind == WORK_ATTACHMENT && has_ports(t, f.ends[0]))
                return fault_set(why, 409, "found.in_use",
                                 "Links were found that come out there; discard them first.");
        return discard_found(t, &who, id_of(in), &f, why);
}
