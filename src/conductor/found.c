/* SPDX-License-Identifier: Apache-2.0 */
#include "conductor/found.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "base/uuid.h"
#include "conductor/request.h"
#include "model/want.h"

static struct attachment *access_of(struct turn *t, const struct found *f)
{
        char key[KEY_SIZE];

        snprintf(key, sizeof key, "%s:%s", f->vpn_id, f->gateway_id);
        return view_attachment_of(&t->view, key);
}

int access_hold(struct turn *t, struct attachment *a)
{
        a->n_ports++;
        view_dirty(a);
        if (a->wanted)
                return 0;
        a->wanted = true; /* it was on its way out */
        a->generation++;
        return gate_enqueue_attachment(t, a, "");
}

/* Those that use 'a' use what was found in its place. */
static void pass_users(struct turn *t, const struct attachment *a, const char *id)
{
        struct operation *op;
        struct vport *p;
        struct found *f;
        size_t at = 0;

        while ((p = view_next(&t->view, T_VPORT, &at)))
                if (text_equal(p->attachment_id, a->id)) {
                        TEXT_SET(p->attachment_id, id);
                        view_dirty(p);
                }
        at = 0;
        while ((f = view_next(&t->view, T_FOUND, &at)))
                if (text_equal(f->attachment_id, a->id)) {
                        TEXT_SET(f->attachment_id, id);
                        view_dirty(f);
                }
        at = 0;
        while ((op = view_next(&t->view, T_OPERATION, &at)))
                if (text_equal(op->attachment_id, a->id)) {
                        TEXT_SET(op->attachment_id, id);
                        view_dirty(op);
                }
}

/* What waits names the access side. */
static int renew_work(struct turn *t, const char *attachment_id)
{
        struct vport *p;
        size_t at = 0;
        int r = 0;

        while (r == 0 && (p = view_next(&t->view, T_VPORT, &at))) {
                struct vlink *l = view_get(&t->view, T_VLINK, p->link_id);

                if (l && text_equal(p->attachment_id, attachment_id) &&
                    view_get(&t->view, T_WORK, p->id))
                        r = gate_enqueue_port(t, l, p, "");
        }
        return r;
}

/* The VPN has another access side at the gateway than its row says, for that one was taken away and
 * this one made since: the row becomes it. */
static int become(struct turn *t, struct gateway *g, struct attachment *a, const struct found *f)
{
        struct attachment row = *a;
        struct work key = { 0 };
        int r;

        if (a->plug == PLUG_PLUGGED || a->plug == PLUG_UNPLUGGING) {
                attachment_forget(a);
                row = *a;
        }
        TEXT_SET(row.id, f->id);
        TEXT_SET(row.vif_id, f->vif_id);
        row.tag = f->number;
        row.generation = row.confirmed_generation = f->generation;
        row.wanted = row.present = true;
        row.reason[0] = '\0';
        TEXT_SET(key.object_id, a->id);
        pass_users(t, a, f->id);
        r = view_remove(&t->view, T_WORK, &key);
        r = r ? r : resource_free(t, g->id, INTEGER_TAG, a->tag);
        r = r ? r : view_remove(&t->view, T_ATTACHMENT, a);
        a = r ? NULL : view_put(&t->view, T_ATTACHMENT, &row);
        if (!a)
                return r ? r : err_raise(-ENOMEM);
        r = a->n_ports ? renew_work(t, a->id) : attachment_leave(t, a, "");
        return r ? r : view_remove(&t->view, T_FOUND, f);
}

/* It was told of: nobody else gets its integer and its bandwidth, and the access side that it uses
 * stays. */
static int count(struct turn *t, struct gateway *g, struct found *f)
{
        enum integer_kind kind = f->kind == WORK_PORT ? INTEGER_LABEL : INTEGER_TAG;
        struct attachment *a = access_of(t, f);
        int r = 0;

        if (resource_is_there(t, g, kind, f->number))
                return 0; /* a row's object has it there too: one of them is told wrong */
        r = resource_claim(t, g, kind, f->number, f->id);
        if (r == 0 && f->kind == WORK_PORT)
                r = resource_count(t, g, f->id, f->tx_kbps, f->rx_kbps);
        if (r == 0 && a && f->kind == WORK_ATTACHMENT && !a->present)
                return become(t, g, a, f);
        if (r == 0 && a && f->kind == WORK_PORT) {
                TEXT_SET(f->attachment_id, a->id);
                r = access_hold(t, a);
        }
        f->holds = true;
        view_dirty(f);
        return r;
}

/* An end of ours in another state than its row's: until that was judged both count. */
static int count_more(struct turn *t, struct gateway *g, struct found *f)
{
        struct vport *p = view_get(&t->view, T_VPORT, f->id);
        struct vlink *l = view_get(&t->view, T_VLINK, p->link_id);
        int r = f->number == p->label ? 0 : resource_claim(t, g, INTEGER_LABEL, f->number, f->id);

        if (r == 0 && l && f->generation > p->generation) /* it uses its access side */
                r = port_hold(t, l, g, p);

        f->holds = true;
        view_dirty(f);
        return r ? r : resource_count(t, g, f->id, f->tx_kbps, f->rx_kbps);
}

int found_forget(struct turn *t, struct gateway *g, struct found *f)
{
        enum integer_kind kind = f->kind == WORK_PORT ? INTEGER_LABEL : INTEGER_TAG;
        const struct vport *p = view_get(&t->view, T_VPORT, f->id);
        struct attachment *a = NULL;
        int r = lock_attachment(t, f->attachment_id, &a);

        if (r == 0 && f->holds && !(p && p->label == f->number))
                r = resource_free(t, g->id, kind, f->number);
        if (r == 0 && f->holds && f->kind == WORK_PORT)
                r = resource_uncount(t, g, f->id, f->tx_kbps, f->rx_kbps);
        if (r == 0 && a) {
                a->n_ports--;
                view_dirty(a);
                r = a->n_ports == 0 ? attachment_leave(t, a, "") : 0;
        }
        return r ? r : view_remove(&t->view, T_FOUND, f);
}

/* The key of the network it is plugged into; "" when another VPN of the project has it. */
static int network_take(struct turn *t, const struct found *f, const char *project_id,
                        const struct gateway *g, char ret[KEY_SIZE])
{
        char key[KEY_SIZE];

        if (!f->neutron_port_id[0])
                return 0;
        net_key_of(project_id, g->site_id, f->network_id, key);
        if (!map_get(&t->plan.net_keys.known, key))
                return idset_add(&t->plan.net_keys, key) < 0 ? -ENOMEM : -EAGAIN;
        if (!network_holder(t, key, f->id)) /* else two VPNs are in it: their tenant can tell why */
                memcpy(ret, key, KEY_SIZE);
        return 0;
}

int found_to_attachment(struct turn *t, const struct found *f, const char *project_id,
                        const struct gateway *g, struct attachment **ret)
{
        struct attachment row = {
                .tag = f->number,
                .generation = f->generation,
                .confirmed_generation = f->generation,
                .wanted = true,
                .present = true,
                .created_ms = t->now_ms,
        };
        struct found *port;
        size_t at = 0;
        int r = *project_id ? network_take(t, f, project_id, g, row.net_key) : 0;

        if (r)
                return r;
        TEXT_SET(row.id, f->id);
        TEXT_SET(row.project_id, project_id);
        TEXT_SET(row.vpn_id, f->vpn_id);
        snprintf(row.vpn_key, sizeof row.vpn_key, "%s:%s", f->vpn_id, g->id);
        TEXT_SET(row.site_id, g->site_id);
        TEXT_SET(row.site_name, g->site_name);
        TEXT_SET(row.gateway_id, g->id);
        TEXT_SET(row.gateway_name, g->name);
        TEXT_SET(row.vif_id, f->vif_id);
        while ((port = view_next(&t->view, T_FOUND, &at)))
                if (port->kind == WORK_PORT && port->holds && !port->attachment_id[0] &&
                    text_equal(port->vpn_id, f->vpn_id) && text_equal(port->gateway_id, g->id)) {
                        TEXT_SET(port->attachment_id, f->id);
                        view_dirty(port);
                        row.n_ports++;
                }
        if (f->neutron_port_id[0]) {
                row.plug = PLUG_PLUGGED;
                TEXT_SET(row.network_id, f->network_id);
                TEXT_SET(row.neutron_port_id, f->neutron_port_id);
        }
        *ret = view_put(&t->view, T_ATTACHMENT, &row);
        return *ret ? view_remove(&t->view, T_FOUND, f) : err_raise(-ENOMEM);
}

int found_leave(struct turn *t, struct gateway *g, const struct found *f)
{
        struct attachment *a;
        char id[ID_SIZE];
        int r;

        TEXT_SET(id, f->id);
        r = found_to_attachment(t, f, "", g, &a);
        if (r)
                return r;
        snprintf(a->vpn_key, sizeof a->vpn_key, "%s:%s", id, g->id); /* the VPN may have another */
        return attachment_leave(t, a, "");
}

struct found *found_access(struct turn *t, const char *vpn_id, const char *gateway_id)
{
        struct found *f;
        size_t at = 0;

        while ((f = view_next(&t->view, T_FOUND, &at)))
                if (f->kind == WORK_ATTACHMENT && f->holds && text_equal(f->vpn_id, vpn_id) &&
                    text_equal(f->gateway_id, gateway_id))
                        return f;
        return NULL;
}

/* ---- an audit ---- */

/* Until its link was judged the state in which an end was found is kept. */
static bool is_open(struct turn *t, const struct gateway *g, const struct vport *p)
{
        const struct vlink *l = view_get(&t->view, T_VLINK, p->link_id);

        return gateway_is_unread(t, g) || (l && !l->wan_domain[0] && !restore_judges(t, l));
}

/* True for what no row knows at this gateway, or while it is to be read otherwise than the row
 * does. */
static bool is_odd(struct turn *t, const struct gateway *g, const char *id, int64_t generation)
{
        const struct vport *p = view_get(&t->view, T_VPORT, id);
        const struct attachment *a = view_get(&t->view, T_ATTACHMENT, id);

        if (p && text_equal(p->gateway_id, g->id))
                return generation && generation != p->generation && is_open(t, g, p);
        if (a && text_equal(a->gateway_id, g->id)) /* without its VIF-ID nobody sees its plug */
                return gateway_is_unread(t, g) && !a->vif_id[0];
        return !view_get(&t->view, T_LEFTOVER, id);
}

static int note(struct turn *t, struct gateway *g, const char *id, int64_t generation)
{
        struct found row = { .generation = generation, .created_ms = t->now_ms };
        struct found *f = view_get(&t->view, T_FOUND, id);
        bool odd = uuid_valid(id) && is_odd(t, g, id, generation);
        int r = 0;

        if (f && !text_equal(f->gateway_id, g->id))
                return 0;
        if (f && (!odd || f->generation != generation)) {
                r = found_forget(t, g, f);
                f = NULL;
        }
        if (r || f || !odd)
                return r;
        TEXT_SET(row.id, id);
        TEXT_SET(row.gateway_id, g->id);
        return view_put(&t->view, T_FOUND, &row) ? 0 : err_raise(-ENOMEM);
}

static void fill(struct found *f, const struct object_detail *d)
{
        f->kind = d->link_id[0] ? WORK_PORT : WORK_ATTACHMENT;
        f->number = d->number;
        f->peer_label = d->peer_label;
        f->tx_kbps = d->tx_kbps;
        f->rx_kbps = d->rx_kbps;
        f->mtu = d->mtu;
        TEXT_SET(f->link_id, d->link_id);
        TEXT_SET(f->vpn_id, d->vpn_id);
        TEXT_SET(f->peer_address, d->peer_address);
        TEXT_SET(f->vif_id, d->vif_id);
        view_dirty(f);
}

static int describe(struct turn *t, struct gateway *g, const json_t *j, size_t *n_named)
{
        struct attachment *a;
        struct object_detail d;
        struct fault why = { 0 };
        struct found *f;

        if (object_detail_from_json(j, &d, &why)) {
                log_warn("description_invalid", "gateway=%s reason=\"%s\"", g->name, why.message);
                return 0;
        }
        f = view_get(&t->view, T_FOUND, d.id);
        if (!f || f->number || !text_equal(f->gateway_id, g->id) || d.generation != f->generation)
                return 0;
        fill(f, &d);
        *n_named += f->kind == WORK_ATTACHMENT;
        a = view_get(&t->view, T_ATTACHMENT, f->id);
        if (a) {
                TEXT_SET(a->vif_id, d.vif_id);
                view_dirty(a);
                return view_remove(&t->view, T_FOUND, f);
        }
        return view_get(&t->view, T_VPORT, f->id) ? count_more(t, g, f) : count(t, g, f);
}

/* The gateway lost it: what it left in the site's network goes too. */
static int gone(struct turn *t, struct gateway *g, struct found *f)
{
        return f->kind == WORK_ATTACHMENT && f->holds && f->neutron_port_id[0]
                       ? found_leave(t, g, f)
                       : found_forget(t, g, f);
}

int found_take(struct turn *t, struct gateway *g, const struct map *there, const json_t *described,
               size_t *ret_open)
{
        struct found *f;
        const char *id;
        const json_t *j;
        void *value;
        size_t at = 0, i, n_named = 0;
        int r = 0;

        while (r == 0 && (value = map_next(there, &at, &id)))
                r = note(t, g, id, (int64_t)(uintptr_t)value - 1);
        at = 0;
        while (r == 0 && (f = view_next(&t->view, T_FOUND, &at)))
                if (text_equal(f->gateway_id, g->id) && !map_get(there, f->id))
                        r = gone(t, g, f);
        json_array_foreach (described, i, j)
                r = r ? r : describe(t, g, j, &n_named);
        at = 0;
        *ret_open = n_named; /* whether they are plugged is asked with their VIF-IDs */
        while (r == 0 && (f = view_next(&t->view, T_FOUND, &at)))
                *ret_open += text_equal(f->gateway_id, g->id) && !f->number;
        return r;
}
