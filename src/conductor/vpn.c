/* SPDX-License-Identifier: Apache-2.0 */
/* VPNs and their member sites: records only, no workflow. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/failpoint.h"
#include "base/text.h"
#include "base/uuid.h"
#include "conductor/request.h"
#include "model/json.h"

static const json_t *body(const struct input *in)
{
        return json_object_get(in->request->args, "vpn");
}

static const char *vpn_id_of(const struct input *in)
{
        const char *id = json_string_value(json_object_get(body(in), "id"));

        return id && text_equal(in->request->method, "create_vpn") ? id : input_text(in, "vpn_id");
}

int vpn_plan(struct turn *t, const struct input *in)
{
        const char *id = vpn_id_of(in);
        int r;

        if (!uuid_valid(id))
                return 0;
        r = idset_add(&t->plan.vpns, id);
        r = r ? r : idset_add(&t->plan.vpn_members, id);
        return r || !text_equal(in->request->method, "delete_vpn")
                       ? r
                       : idset_add(&t->plan.links_of_vpn, id);
}

static int reply_vpn(struct turn *t, const struct vpn *v)
{
        json_t *sites = json_array();
        const struct vpn_site *m;
        size_t at = 0;
        int r;

        while ((m = view_next(&t->view, T_VPN_SITE, &at)))
                if (text_equal(m->vpn_id, v->id))
                        json_array_append_new(sites, json_string(m->site_id));
        r = out_reply(t, "vpn", vpn_to_json(v, sites));
        json_decref(sites);
        return r;
}

static int vpn_event(struct turn *t, const struct vpn *v, const struct caller *who,
                     const char *type)
{
        struct event e = { 0 };

        TEXT_SET(e.project_id, v->project_id);
        TEXT_SET(e.object_type, "vpn");
        TEXT_SET(e.object_id, v->id);
        TEXT_SET(e.request_id, who->request_id);
        TEXT_SET(e.type, type);
        return event_put(t, &e);
}

/* The VPN that the request names, with who asks, or NULL with the refusal. */
static struct vpn *vpn_asked_for(struct turn *t, const struct input *in, struct caller *who,
                                 struct fault *why)
{
        struct vpn *v = caller_of(in, who, why)
                                ? vpn_of_caller(t, who, input_text(in, "vpn_id"), why)
                                : NULL;

        return v && revision_check(in, "VPN", v->id, v->revision_number, why) == 0 ? v : NULL;
}

static void vpn_touch(struct turn *t, struct vpn *v)
{
        v->revision_number++;
        v->updated_ms = t->now_ms;
        view_dirty(v);
}

int vpn_create(struct turn *t, const struct input *in, struct fault *why)
{
        struct vpn row = { .revision_number = 1, .created_ms = t->now_ms, .updated_ms = t->now_ms };
        const json_t *j = body(in);
        struct caller who;
        struct vpn *v;
        int r;

        if (!caller_of(in, &who, why) || !json_read_id(j, "id", JSON_REQUIRED, row.id, why) ||
            !json_read_text(j, "name", JSON_OPTIONAL, row.name, sizeof row.name, why) ||
            !json_read_text(j, "description", JSON_OPTIONAL, row.description,
                            sizeof row.description, why) ||
            !json_read_text(j, "type", JSON_REQUIRED, row.type, sizeof row.type, why))
                return why->code;
        v = view_get(&t->view, T_VPN, row.id);
        if (v) /* the same request again */
                return text_equal(v->project_id, who.project_id)
                               ? reply_vpn(t, v)
                               : refuse_unknown(why, "VPN", row.id);
        r = quota_take(t, who.project_id, &(struct quota_limits){ .vpns = 1 }, why);
        if (r)
                return r;
        TEXT_SET(row.project_id, who.project_id);
        TEXT_SET(row.made_by, t->parent_id);
        v = view_put(&t->view, T_VPN, &row);
        if (!v)
                return err_raise(-ENOMEM);
        r = vpn_event(t, v, &who, "vpn.create");
        return r ? r : reply_vpn(t, v);
}

/* A link of the VPN that ends at the site (NULL: at any), or NULL. */
static const struct vlink *link_at(struct turn *t, const char *vpn_id, const char *site_id)
{
        const struct vlink *l;
        size_t at = 0;

        while ((l = view_next(&t->view, T_VLINK, &at))) {
                struct vport *const *ports = view_ports(&t->view, l->id);

                if (!text_equal(l->vpn_id, vpn_id))
                        continue;
                if (!site_id)
                        return l;
                for (int side = 0; side < SIDE_N; side++)
                        if (ports[side] && text_equal(ports[side]->site_id, site_id))
                                return l;
        }
        return NULL;
}

int vpn_update(struct turn *t, const struct input *in, struct fault *why)
{
        const json_t *j = body(in);
        struct vpn changed;
        struct caller who;
        struct vpn *v;
        int r;

        v = vpn_asked_for(t, in, &who, why);
        if (!v)
                return why->code;
        changed = *v;
        if (!json_read_text(j, "name", JSON_OPTIONAL, changed.name, sizeof changed.name, why) ||
            !json_read_text(j, "description", JSON_OPTIONAL, changed.description,
                            sizeof changed.description, why) ||
            tags_change(changed.tags, j, why))
                return why->code;
        *v = changed;
        vpn_touch(t, v);
        r = vpn_event(t, v, &who, "vpn.update");
        return r ? r : reply_vpn(t, v);
}

/* The members that 'op' made and no link needs; NULL: all. */
static int members_remove(struct turn *t, const struct vpn *v, const struct operation *op)
{
        const struct vpn_site *m;
        size_t at = 0;
        int r = 0;

        while (r == 0 && (m = view_next(&t->view, T_VPN_SITE, &at)))
                if (text_equal(m->vpn_id, v->id) &&
                    (!op || (text_equal(m->made_by, op->id) && !link_at(t, v->id, m->site_id))))
                        r = view_remove(&t->view, T_VPN_SITE, m);
        return r;
}

int vpn_delete(struct turn *t, const struct input *in, struct fault *why)
{
        const struct vlink *l;
        struct caller who;
        struct vpn *v;
        int r;

        v = vpn_asked_for(t, in, &who, why);
        if (!v)
                return why->code;
        l = link_at(t, v->id, NULL);
        if (l)
                return fault_set(
                        why, 409, "vpn.in_use",
                        "VPN %s still has virtual links, among them %s; delete them first.", v->id,
                        l->id);
        r = members_remove(t, v, NULL);
        r = r ? r : reply_vpn(t, v);
        r = r ? r : vpn_event(t, v, &who, "vpn.delete");
        return r ? r : view_remove(&t->view, T_VPN, v);
}

/* ---- members ---- */

int vpn_site_plan(struct turn *t, const struct input *in)
{
        int r = vpn_plan(t, in);

        r = r ? r : plan_site(t, input_text(in, "site_id"));
        return r || !uuid_valid(input_text(in, "vpn_id"))
                       ? r
                       : idset_add(&t->plan.links_of_vpn, input_text(in, "vpn_id"));
}

int vpn_site_refine(struct turn *t, const struct input *in)
{
        const struct site *s = site_find(t, input_text(in, "site_id"));

        return s ? idset_add(&t->plan.candidates, s->id) : 0;
}

static bool site_has_type(struct turn *t, const char *site_id, const char *type)
{
        const struct gateway *g;
        size_t at = 0;

        while ((g = view_next(&t->view, T_GATEWAY, &at)))
                if (text_equal(g->site_id, site_id) && text_equal(g->type, type))
                        return true;
        return false;
}

/* Asked for by itself, a member does not go with the connection that made it. */
static int member_keep(struct turn *t, const struct vpn *v, const struct site *s)
{
        char key[2 * ID_SIZE + 1];
        struct vpn_site *m;

        snprintf(key, sizeof key, "%s/%s", v->id, s->id);
        m = view_get(&t->view, T_VPN_SITE, key);
        if (!m || !m->made_by[0])
                return 0;
        m->made_by[0] = '\0';
        view_dirty(m);
        return 0;
}

int vpn_add_site(struct turn *t, const struct input *in, struct fault *why)
{
        struct vpn_site member = { .created_ms = t->now_ms };
        const struct site *s;
        struct caller who;
        struct vpn *v;
        int r;

        v = vpn_asked_for(t, in, &who, why);
        if (!v)
                return why->code;
        s = site_find(t, input_text(in, "site_id"));
        if (!s)
                return refuse_unknown(why, "Site", input_text(in, "site_id"));
        if (vpn_has_site(t, v->id, s->id))
                return member_keep(t, v, s) ? err_raise(-ENOMEM) : reply_vpn(t, v);
        if (!site_has_type(t, s->id, v->type))
                return fault_set(why, 409, "site.no_gateway_of_type",
                                 "Site %s has no gateway of type %s, which VPN %s needs.", s->name,
                                 v->type, v->id);
        TEXT_SET(member.vpn_id, v->id);
        TEXT_SET(member.site_id, s->id);
        TEXT_SET(member.made_by, t->parent_id);
        if (!view_put(&t->view, T_VPN_SITE, &member))
                return err_raise(-ENOMEM);
        vpn_touch(t, v);
        r = vpn_event(t, v, &who, "vpn.add_site");
        return r ? r : reply_vpn(t, v);
}

int vpn_remove_site(struct turn *t, const struct input *in, struct fault *why)
{
        struct vpn_site member = { 0 };
        const struct vlink *l;
        const struct site *s;
        struct caller who;
        struct vpn *v;
        int r;

        if (FAILPOINT("conductor.remove_site"))
                return err_raise(-EIO);
        v = vpn_asked_for(t, in, &who, why);
        if (!v)
                return why->code;
        s = site_find(t, input_text(in, "site_id"));
        if (!s || !vpn_has_site(t, v->id, s->id))
                return refuse_unknown(why, "Site", input_text(in, "site_id"));
        l = link_at(t, v->id, s->id);
        if (l)
                return fault_set(why, 409, "site.in_use",
                                 "Virtual link %s of VPN %s ends at site %s; delete it first.",
                                 l->id, v->id, s->name);
        TEXT_SET(member.vpn_id, v->id);
        TEXT_SET(member.site_id, s->id);
        r = view_remove(&t->view, T_VPN_SITE, &member);
        if (r < 0)
                return r;
        vpn_touch(t, v);
        r = vpn_event(t, v, &who, "vpn.remove_site");
        return r ? r : reply_vpn(t, v);
}

/* ---- what a connection made ---- */

int vpn_take_back(struct turn *t, const struct operation *op)
{
        const struct caller who = { .project_id = op->project_id, .request_id = op->request_id };
        struct vpn *v;
        int r;

        if (!map_get(&t->plan.links_of_vpn.known, op->vpn_id)) {
                r = idset_add(&t->plan.vpns, op->vpn_id);
                r = r ? r : idset_add(&t->plan.vpn_members, op->vpn_id);
                r = r ? r : idset_add(&t->plan.links_of_vpn, op->vpn_id);
                return r < 0 ? -ENOMEM : -EAGAIN;
        }
        v = view_get(&t->view, T_VPN, op->vpn_id);
        if (!v || !view_is_locked(&t->view, T_VPN, op->vpn_id))
                return 0; /* deleted meanwhile */
        if (text_equal(v->made_by, op->id) && !link_at(t, v->id, NULL)) {
                r = members_remove(t, v, NULL);
                r = r ? r : vpn_event(t, v, &who, "vpn.delete");
                return r ? r : view_remove(&t->view, T_VPN, v);
        }
        vpn_touch(t, v);
        return members_remove(t, v, op);
}
