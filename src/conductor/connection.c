/* SPDX-License-Identifier: Apache-2.0 */
/* Admission of a connection: a VPN (a new one, unless one is named), its members and a link between
 * every two of its sites, each as if it had been asked for alone, in the one transaction. What
 * becomes of them is the workflow's (connect.c). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "conductor/flows.h"
#include "conductor/request.h"
#include "model/json.h"

enum { ENDS_MAX = 8 };

struct ask {
        struct caller who;
        const json_t *body, *ends, *bandwidth;
        char id[ID_SIZE], vpn_id[ID_SIZE], type[TYPE_SIZE], name[NAME_SIZE];
        bool makes_vpn;
        size_t n_ends;
        struct {
                char site[NAME_SIZE], gateway_id[ID_SIZE];
        } end[ENDS_MAX];
        int64_t a_to_z_kbps, z_to_a_kbps;
};

static int ask_ends(struct ask *ask, struct fault *why)
{
        ask->n_ends = json_array_size(ask->ends);
        if (ask->n_ends < 2 || ask->n_ends > ENDS_MAX)
                return fault_set(why, 400, "request.invalid",
                                 "endpoints must name 2 to %d different sites.", ENDS_MAX);
        for (size_t i = 0; i < ask->n_ends; i++) {
                const json_t *j = json_array_get(ask->ends, i);

                if (!json_is_object(j))
                        return fault_set(why, 400, "request.invalid",
                                         "endpoints must be a list of objects.");
                if (!json_read_text(j, "site_id", JSON_REQUIRED, ask->end[i].site,
                                    sizeof ask->end[i].site, why) ||
                    !json_read_id(j, "gateway_id", JSON_OPTIONAL, ask->end[i].gateway_id, why))
                        return why->code;
        }
        return 0;
}

static int ask_read(const struct input *in, struct ask *ret, struct fault *why)
{
        const json_t *j = json_object_get(in->request->args, "connection");
        char new_vpn_id[ID_SIZE] = "";

        *ret = (struct ask){ .body = j };
        ret->ends = json_object_get(j, "endpoints");
        ret->bandwidth = json_object_get(j, "bandwidth");
        if (!caller_of(in, &ret->who, why) || !json_read_id(j, "id", JSON_REQUIRED, ret->id, why) ||
            !json_read_id(j, "vpn_id", JSON_OPTIONAL, ret->vpn_id, why) ||
            !json_read_id(j, "new_vpn_id", JSON_OPTIONAL, new_vpn_id, why) ||
            !json_read_text(j, "type", JSON_OPTIONAL, ret->type, sizeof ret->type, why) ||
            !json_read_text(j, "name", JSON_OPTIONAL, ret->name, sizeof ret->name, why) ||
            !json_read_int(ret->bandwidth, "a_to_z_kbps", JSON_REQUIRED, 1, KBPS_MAX,
                           &ret->a_to_z_kbps, why) ||
            !json_read_int(ret->bandwidth, "z_to_a_kbps", JSON_REQUIRED, 1, KBPS_MAX,
                           &ret->z_to_a_kbps, why))
                return why->code;
        ret->makes_vpn = !ret->vpn_id[0];
        if (ret->makes_vpn && !new_vpn_id[0])
                return fault_set(why, 400, "request.invalid",
                                 "A connection names vpn_id, or new_vpn_id for the VPN to make.");
        if (ret->makes_vpn)
                TEXT_SET(ret->vpn_id, new_vpn_id);
        return ask_ends(ret, why);
}

/* ---- the gateways: one a site, all of one type and domain ---- */

struct choice {
        struct gateway *gateways[ENDS_MAX];
        int64_t left; /* at the scarcest, with all links there */
};

/* What 'g' would have left in its scarcer direction as the end 'i': a link's first end is the site
 * that is named first. */
static int64_t end_left(const struct gateway *g, const struct ask *ask, size_t i)
{
        int64_t first = (int64_t)(ask->n_ends - 1 - i), second = (int64_t)i;
        int64_t to = resource_left(g, TO_WAN) - first * ask->a_to_z_kbps -
                     second * ask->z_to_a_kbps;
        int64_t from = resource_left(g, FROM_WAN) - first * ask->z_to_a_kbps -
                       second * ask->a_to_z_kbps;

        return to < from ? to : from;
}

static bool fits(const struct turn *t, const struct ask *ask, const struct gateway *g, size_t i,
                 const struct site *s, bool locked)
{
        return text_equal(g->site_id, s->id) && (!ask->type[0] || text_equal(g->type, ask->type)) &&
               (!ask->end[i].gateway_id[0] || text_equal(g->id, ask->end[i].gateway_id)) &&
               (!locked || view_is_locked(&t->view, T_GATEWAY, g->id));
}

/* Beside 'first' at the first site. False: some site has none that goes with it. */
static bool choose_beside(struct turn *t, const struct ask *ask, struct gateway *first,
                          const struct site *const *sites, bool locked, struct choice *ret)
{
        *ret = (struct choice){ { first }, end_left(first, ask, 0) };
        for (size_t i = 1; i < ask->n_ends; i++) {
                int64_t most = INT64_MIN;
                struct gateway *g;
                size_t at = 0;

                while ((g = view_next(&t->view, T_GATEWAY, &at)))
                        if (fits(t, ask, g, i, sites[i], locked) && text_equal(g->type, first->type) &&
                            text_equal(g->domain, first->domain) && end_left(g, ask, i) > most) {
                                ret->gateways[i] = g;
                                most = end_left(g, ask, i);
                        }
                if (!ret->gateways[i])
                        return false;
                ret->left = most < ret->left ? most : ret->left;
        }
        return true;
}

/* Those that leave most at the scarcest. 'locked': only among rows that are locked. */
static bool choose(struct turn *t, const struct ask *ask, const struct site *const *sites,
                   bool locked, struct choice *ret)
{
        struct gateway *g;
        struct choice c;
        bool any = false;
        size_t at = 0;

        while ((g = view_next(&t->view, T_GATEWAY, &at)))
                if (fits(t, ask, g, 0, sites[0], locked) &&
                    choose_beside(t, ask, g, sites, locked, &c) && (!any || c.left > ret->left)) {
                        *ret = c;
                        any = true;
                }
        return any;
}

/* ---- the parts, as requests of their own ---- */

typedef int (*part_work)(struct turn *t, const struct input *in, void *user);

static int with_part(struct turn *t, const struct input *in, const char *method, json_t *take_args,
                     part_work work, void *user)
{
        struct request request = *in->request;
        struct input part = *in;
        int r;

        request.method = (char *)(uintptr_t)method;
        request.args = take_args;
        part.request = &request;
        r = take_args ? work(t, &part, user) : err_raise(-ENOMEM);
        json_decref(take_args);
        return r;
}

/* Nobody asked for that alone: its reply is not sent. */
static void drop_reply(struct turn *t)
{
        json_decref(t->outs->outs[--t->outs->n].body);
}

static int make_vpn(struct turn *t, const struct input *in, void *why)
{
        int r = vpn_create(t, in, why);

        if (r == 0)
                drop_reply(t);
        return r;
}

static int make_member(struct turn *t, const struct input *in, void *why)
{
        int r = vpn_add_site(t, in, why);

        if (r == 0)
                drop_reply(t);
        return r;
}

static int make_link(struct turn *t, const struct input *in, void *why)
{
        int r = link_create(t, in, why);

        if (r == 0)
                drop_reply(t);
        return r;
}

static int plan_link(struct turn *t, const struct input *in, void *user)
{
        (void)user;
        return link_create_refine(t, in);
}

/* A link's name: the connection's where there is one, else with the sites it joins. */
static json_t *link_name(const struct ask *ask, const char *a, const char *z)
{
        char name[NAME_SIZE + 2 * SITE_SIZE + 2];

        TEXT_SET(name, ask->name);
        if (ask->n_ends > 2 && text_utf8_length(ask->name) + strlen(a) + strlen(z) + 2 <= 255)
                snprintf(name, sizeof name, "%s%s%s-%s", ask->name, ask->name[0] ? "-" : "", a, z);
        return json_string(name);
}

static json_t *link_end(const struct ask *ask, size_t i, const struct gateway *g)
{
        json_t *end = json_copy(json_array_get(ask->ends, i));

        if (end)
                json_object_set_new(end, "gateway_id", json_string(g->id));
        return end;
}

static json_t *link_args(const struct ask *ask, const char *link_id, size_t a, size_t z,
                         const struct choice *c, const struct site *const *sites)
{
        return json_pack("{s{ss so ss s[oo] sO}}", "virtual_link", "id", link_id, "name",
                         link_name(ask, sites[a]->name, sites[z]->name), "vpn_id", ask->vpn_id,
                         "endpoints", link_end(ask, a, c->gateways[a]),
                         link_end(ask, z, c->gateways[z]), "bandwidth", ask->bandwidth);
}

static int each_link(struct turn *t, const struct input *in, const struct ask *ask,
                     const struct choice *c, const struct site *const *sites, part_work work,
                     void *user)
{
        int r = 0;

        for (size_t a = 0; a < ask->n_ends && r == 0; a++)
                for (size_t z = a + 1; z < ask->n_ends && r == 0; z++) {
                        char id[ID_SIZE];

                        t->c->new_id(id);
                        r = with_part(t, in, "create_virtual_link",
                                      link_args(ask, id, a, z, c, sites), work, user);
                }
        return r;
}

/* ---- what to read and lock ---- */

int connection_plan(struct turn *t, const struct input *in)
{
        struct fault why;
        struct ask ask;
        int r;

        if (ask_read(in, &ask, &why))
                return 0; /* the handler says it */
        r = idset_add(&t->plan.operations, ask.id);
        r = r ? r : idset_add(&t->plan.parents, ask.id);
        r = r ? r : idset_add(&t->plan.vpns, ask.vpn_id);
        r = r ? r : idset_add(&t->plan.vpn_members, ask.vpn_id);
        for (size_t i = 0; i < ask.n_ends && r == 0; i++)
                r = plan_site(t, ask.end[i].site);
        return r;
}

static bool find_sites(struct turn *t, const struct ask *ask, const struct site *ret[ENDS_MAX],
                       size_t *ret_missing)
{
        for (size_t i = 0; i < ask->n_ends; i++) {
                ret[i] = site_find(t, ask->end[i].site);
                if (!ret[i]) {
                        *ret_missing = i;
                        return false;
                }
        }
        return true;
}

/* The links are planned as if the VPN that is to be made were there. */
static int shell_vpn(struct turn *t, const struct ask *ask, const struct gateway *g,
                     struct vpn **ret)
{
        struct vpn row = { 0 };
        const struct store_rows rows = { .rows = &row, .n = 1 };
        int r;

        TEXT_SET(row.id, ask->vpn_id);
        TEXT_SET(row.project_id, ask->who.project_id);
        TEXT_SET(row.type, g->type);
        r = view_load(&t->view, T_VPN, &rows, false);
        *ret = view_get(&t->view, T_VPN, ask->vpn_id);
        return r;
}

int connection_refine(struct turn *t, const struct input *in)
{
        const struct site *sites[ENDS_MAX] = { NULL };
        struct vpn *shell = NULL;
        const struct vpn *v;
        struct choice c;
        struct fault why;
        struct ask ask;
        size_t missing;
        int r = 0;

        if (ask_read(in, &ask, &why) || !find_sites(t, &ask, sites, &missing))
                return 0;
        v = view_get(&t->view, T_VPN, ask.vpn_id);
        if (v)
                TEXT_SET(ask.type, v->type);
        for (size_t i = 0; i < ask.n_ends && r == 0; i++)
                r = idset_add(&t->plan.candidates, sites[i]->id);
        if (r || (!v && !ask.makes_vpn) || !choose(t, &ask, sites, false, &c))
                return r;
        if (!v)
                r = shell_vpn(t, &ask, c.gateways[0], &shell);
        r = r ? r : each_link(t, in, &ask, &c, sites, plan_link, NULL);
        if (shell)
                view_forget(shell);
        return r;
}

/* ---- the decision ---- */

static int reply_connection(struct turn *t, const struct operation *op)
{
        json_auto_t *ids = json_array();
        const struct operation *part;
        size_t at = 0;

        while ((part = view_next(&t->view, T_OPERATION, &at)))
                if (part->kind == OP_CREATE && text_equal(part->parent_id, op->id))
                        json_array_append_new(ids, json_string(part->link_id));
        return out_reply(t, "connection", connection_to_json(op, ids));
}

static int refuse_gateways(struct turn *t, const struct ask *ask, const struct site *const *sites,
                           struct fault *why)
{
        char names[ENDS_MAX * (SITE_SIZE + 2)] = "";
        size_t n = 0;

        for (size_t i = 0; i < ask->n_ends; i++) {
                const char *id = ask->end[i].gateway_id;
                const struct gateway *g = *id ? view_get(&t->view, T_GATEWAY, id) : NULL;

                if (*id && (!g || !text_equal(g->site_id, sites[i]->id)))
                        return refuse_unknown(why, "Gateway", id);
                n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "",
                                      sites[i]->name);
        }
        return fault_set(why, 409, "gateway.domain_mismatch",
                         "The sites %s have no gateways of one type%s%s in one WAN domain.", names,
                         ask->type[0] ? ", " : "", ask->type);
}

static int check_sites(struct turn *t, const struct ask *ask, const struct site **sites,
                       struct fault *why)
{
        size_t missing = 0;

        if (!find_sites(t, ask, sites, &missing))
                return refuse_unknown(why, "Site", ask->end[missing].site);
        for (size_t i = 0; i < ask->n_ends; i++)
                for (size_t j = 0; j < i; j++)
                        if (text_equal(sites[i]->id, sites[j]->id))
                                return fault_set(why, 400, "request.same_site",
                                                 "A connection joins different sites; %s is named twice.",
                                                 sites[i]->name);
        return 0;
}

/* All of it, under the operation 't->parent_id'. */
static int make_all(struct turn *t, const struct input *in, const struct ask *ask,
                    const struct choice *c, const struct site *const *sites, struct fault *why)
{
        const char *description =
                json_string_value(json_object_get(ask->body, "description"));
        int r = 0;

        if (ask->makes_vpn)
                r = with_part(t, in, "create_vpn",
                              json_pack("{s{ss ss ss ss}}", "vpn", "id", ask->vpn_id, "name",
                                        ask->name, "description", description ? description : "", "type",
                                        c->gateways[0]->type),
                              make_vpn, why);
        for (size_t i = 0; i < ask->n_ends && r == 0; i++)
                if (!vpn_has_site(t, ask->vpn_id, sites[i]->id))
                        r = with_part(t, in, "add_site",
                                      json_pack("{ss ss}", "vpn_id", ask->vpn_id, "site_id",
                                                sites[i]->id),
                                      make_member, why);
        return r ? r : each_link(t, in, ask, c, sites, make_link, why);
}

static int start(struct turn *t, const struct ask *ask, const struct vpn *v, struct operation **ret)
{
        struct operation row = { .kind = OP_CONNECT,
                                 .result = OP_RUNNING,
                                 .started_ms = t->now_ms,
                                 .state_ms = t->now_ms };

        TEXT_SET(row.id, ask->id);
        TEXT_SET(row.project_id, v ? v->project_id : ask->who.project_id);
        TEXT_SET(row.request_id, ask->who.request_id);
        TEXT_SET(row.user_id, turn_user(t));
        TEXT_SET(row.vpn_id, ask->vpn_id);
        TEXT_SET(row.state, flow_connect.states[flow_connect.start]);
        *ret = view_put(&t->view, T_OPERATION, &row);
        return *ret ? 0 : err_raise(-ENOMEM);
}

int connection_create(struct turn *t, const struct input *in, struct fault *why)
{
        const struct site *sites[ENDS_MAX] = { NULL };
        const struct vpn *v = NULL;
        struct operation *op;
        struct choice c = { .left = -1 };
        struct ask ask;
        int r = ask_read(in, &ask, why);

        if (r)
                return r;
        op = view_get(&t->view, T_OPERATION, ask.id);
        if (op) /* the same request again */
                return op->kind == OP_CONNECT && text_equal(op->project_id, ask.who.project_id)
                               ? reply_connection(t, op)
                               : refuse_unknown(why, "Connection", ask.id);
        if (!ask.makes_vpn) {
                v = vpn_of_caller(t, &ask.who, ask.vpn_id, why);
                if (!v)
                        return why->code;
                if (ask.type[0] && !text_equal(ask.type, v->type))
                        return fault_set(why, 409, "vpn.type_mismatch",
                                         "VPN %s is of type %s, not %s.", v->id, v->type, ask.type);
                TEXT_SET(ask.type, v->type);
        }
        r = check_sites(t, &ask, sites, why);
        if (r)
                return r;
        if (!(choose(t, &ask, sites, true, &c) && c.left >= 0) &&
            !choose(t, &ask, sites, false, &c)) /* rows moved since they were chosen */
                return refuse_gateways(t, &ask, sites, why);
        r = work_admit(t, ask.who.project_id, why);
        r = r ? r : start(t, &ask, v, &op);
        if (r)
                return r;
        TEXT_SET(t->parent_id, op->id);
        r = make_all(t, in, &ask, &c, sites, why);
        t->parent_id[0] = '\0';
        r = r ? r : work_run(&(struct subject){ .t = t, .op = op }, EV_GO);
        return r ? r : reply_connection(t, op);
}
