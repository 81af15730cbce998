/* SPDX-License-Identifier: Apache-2.0 */
/* Tenants: ask for what they may have, for what they may not, and for nonsense. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sim/sim.h"

static size_t below(struct sim *s, size_t n)
{
        return random_below(&s->random, n);
}

static bool chance(struct sim *s, int percent)
{
        return random_chance(&s->random, percent);
}

static struct sim_call *call_new(struct sim *s, const char *method)
{
        struct sim_call *c;
        char id[ID_SIZE];

        if (s->n_calls == s->calls_room) {
                s->calls_room = s->calls_room ? 2 * s->calls_room : 64;
                s->calls = reallocarray(s->calls, s->calls_room, sizeof *s->calls);
                if (!s->calls)
                        abort();
        }
        c = &s->calls[s->n_calls++];
        *c = (struct sim_call){ .code = -1, .twin = s->n_calls - 1 };
        TEXT_SET(c->method, method);
        sim_new_id(s, id);
        snprintf(c->request_id, sizeof c->request_id, "req-%s", id);
        return c;
}

static void ask_as(struct sim *s, int project, bool is_admin, const char *method, json_t *take_args)
{
        const struct sim_call *c = call_new(s, method);
        json_auto_t *args = take_args;
        json_auto_t *context = json_pack("{ss ss sb}", "project_id", sim_projects[project], "request_id", c->request_id,
                                         "is_admin", is_admin);

        if (!args || !context) {
                sim_broken(s, "%s: arguments", method);
                return;
        }
        if (!json_object_get(args, "idempotency_key") && chance(s, 30)) { /* now and then the key of another */
                const struct sim_call *other = &s->calls[below(s, s->n_calls)];

                json_object_set_new(args, "idempotency_key", json_string(s->faults_over || chance(s, 90) ? c->request_id : other->request_id));
                json_object_set_new(args, "request_hash", json_string(c->request_id));
        }
        sim_trace(s, "tenant %d: #%lld %s", project, (long long)s->n_messages + 1, method);
        if (s->verbose) {
                char *text = json_dumps(args, JSON_COMPACT);

                sim_trace(s, "    %s", text);
                free(text);
        }
        sim_send(s, QUEUE_REQUESTS, 0, method, args, context, 0, (int)s->n_calls - 1);
}

static void ask(struct sim *s, int project, const char *method, json_t *take_args)
{
        ask_as(s, project, false, method, take_args);
}

void sim_answered(struct sim *s, int call, const struct out *o)
{
        struct sim_call *c = &s->calls[call];

        c->n_answers++;
        c->code = o->kind == OUT_FAULT ? o->fault.code : 0;
        if (!c->code && strcmp(c->method, "create_virtual_link") == 0)
                TEXT_SET(c->made, json_string_value(json_object_get(json_object_get(o->body, "virtual_link"), "id")));
        if (o->kind == OUT_FAULT)
                sim_trace(s, "    refused %s: %d %s %s", c->method, o->fault.code, o->fault.type, o->fault.message);
        if (c->code && c->code != 503 && (c->code < 400 || c->code > 499 || !o->fault.message[0] || !o->fault.type[0]))
                sim_broken(s, "%s was answered %d %s \"%s\"", c->method, c->code, o->fault.type, o->fault.message);
        if (c->code == 503 && !text_equal(o->fault.type, "service.frozen") &&
            (!s->restored || !text_equal(o->fault.type, "gateway.unread")))
                sim_broken(s, "%s was answered %s", c->method, o->fault.type);
        if (c->code != 503 && c->nonsense != (c->code == 400) && (!c->nonsense || !c->code))
                sim_broken(s, "%s was answered %d: %s", c->method, c->code, o->fault.message);
}

/* ---- VPNs ---- */

void sim_tenant_setup(struct sim *s)
{
        for (int i = 0; i < 3; i++) {
                char *id = s->vpns[s->n_vpns];

                sim_new_id(s, id);
                s->vpn_project[s->n_vpns++] = i % PROJECTS;
                ask(s, i % PROJECTS, "create_vpn", json_pack("{s{ss ss ss}}", "vpn", "id", id, "name", "v", "type", "mpls"));
        }
}

void sim_tenant_join(struct sim *s)
{
        for (size_t v = 0; v < s->n_vpns; v++)
                for (int i = 0; i < SITES; i++)
                        ask(s, s->vpn_project[v], "add_site",
                            json_pack("{ss ss}", "vpn_id", s->vpns[v], "site_id", s->sites[i].name));
}

static void site_change(struct sim *s, bool add)
{
        size_t v = below(s, s->n_vpns);
        const struct sim_site *site = &s->sites[below(s, SITES)];

        ask(s, s->vpn_project[v], add ? "add_site" : "remove_site",
            json_pack("{ss ss}", "vpn_id", s->vpns[v], "site_id", chance(s, 50) ? site->id : site->name));
}

static void vpn_touch(struct sim *s)
{
        size_t v = below(s, s->n_vpns);

        if (chance(s, 50))
                ask(s, s->vpn_project[v], "update_vpn",
                    json_pack("{ss s{ss}}", "vpn_id", s->vpns[v], "vpn", "name", "renamed"));
        else if (chance(s, 20))
                ask(s, s->vpn_project[v], "delete_vpn", json_pack("{ss}", "vpn_id", s->vpns[v]));
        else if (chance(s, 50)) /* may be a deleted one: its id is used again */
                ask(s, s->vpn_project[v], "create_vpn",
                    json_pack("{s{ss ss ss}}", "vpn", "id", s->vpns[v], "name", "v", "type", "mpls"));
}

/* ---- links ---- */

static int64_t some_kbps(struct sim *s)
{
        return 1 + (int64_t)below(s, chance(s, 15) ? 11000 : 2500);
}

static void name_network(struct sim *s, json_t *end, size_t site, int project)
{
        int owner = chance(s, 95) ? project : (project + 1) % PROJECTS;

        if (chance(s, 80))
                json_object_set_new(end, "network_id", json_string(s->sites[site].networks[owner][below(s, NETWORKS)]));
        else
                json_object_set_new(end, "port_id", json_string(s->sites[site].ports[owner][below(s, OWN_PORTS)]));
}

static json_t *endpoint(struct sim *s, size_t site, int project)
{
        json_t *end = json_pack("{ss}", "site_id", chance(s, 50) ? s->sites[site].id : s->sites[site].name);

        if (chance(s, 40))
                name_network(s, end, site, project);
        return end;
}

/* What must be refused, and leave nothing. */
static void ask_nonsense(struct sim *s)
{
        static const char *const methods[] = { "create_vpn", "add_site", "create_virtual_link", "create_connection", "update_virtual_link",
                                               "delete_virtual_link", "attach_virtual_port", "drop_table" };
        static const char *const values[] = {
                "{}", "{\"vpn\": 7, \"virtual_link\": null}", "{\"virtual_link_id\": \"x\", \"virtual_port_id\": []}",
                "{\"vpn\": {\"id\": \"00000000-0000-4000-8000-000000000000\", \"name\": \"n\"}}",
                "{\"virtual_link\": {\"id\": \"00000000-0000-4000-8000-000000000000\", \"vpn_id\": \"\", \"endpoints\": [1, 2],"
                " \"bandwidth\": {\"a_to_z_kbps\": 0, \"z_to_a_kbps\": -1}}}",
                "{\"vpn_id\": \"00000000-0000-4000-8000-000000000000\", \"site_id\": \"nowhere\"}",
                "{\"connection\": {\"id\": \"00000000-0000-4000-8000-000000000000\", \"endpoints\": [{}, 3], \"bandwidth\": 1}}",
        };
        const char *value = values[below(s, sizeof values / sizeof *values)];

        ask(s, (int)below(s, PROJECTS), methods[below(s, sizeof methods / sizeof *methods)], json_loads(value, 0, NULL));
        s->calls[s->n_calls - 1].nonsense = true;
}

static void link_create(struct sim *s)
{
        size_t v = below(s, s->n_vpns), a = below(s, SITES), z = (a + 1 + below(s, SITES - 1)) % SITES;
        int project = s->vpn_project[v];
        json_t *args;
        char *id;

        if (s->n_links == LINKS_MAX)
                return;
        id = s->links[s->n_links++];
        sim_new_id(s, id);
        args = json_pack("{s{ss ss ss s[oo] s{sI sI}}}", "virtual_link", "id", id, "name", "l", "vpn_id", s->vpns[v],
                         "endpoints", endpoint(s, a, project), endpoint(s, z, project), "bandwidth", "a_to_z_kbps",
                         (json_int_t)some_kbps(s), "z_to_a_kbps", (json_int_t)some_kbps(s));
        if (chance(s, 15)) { /* twice, as by a client that heard nothing: the API mints another id */
                char again[ID_SIZE];

                sim_new_id(s, again);
                json_object_set_new(args, "idempotency_key", json_string(id));
                json_object_set_new(args, "request_hash", json_string("same"));
                ask(s, project, "create_virtual_link", json_deep_copy(args));
                json_object_set_new(json_object_get(args, "virtual_link"), "id", json_string(again));
                ask(s, project, "create_virtual_link", args);
                s->calls[s->n_calls - 1].twin = s->n_calls - 2;
                return;
        }
        ask(s, chance(s, 97) ? project : (project + 1) % PROJECTS, "create_virtual_link", args);
}

/* In a VPN that is there, or one made for it; of two sites, or of all. */
static void connect_sites(struct sim *s)
{
        size_t v = below(s, s->n_vpns), first = below(s, SITES), n = chance(s, 60) ? 2 : SITES;
        bool makes_vpn = chance(s, 70);
        int project = s->vpn_project[v];
        char id[ID_SIZE], vpn_id[ID_SIZE];
        json_t *ends = json_array(), *args;

        sim_new_id(s, id);
        sim_new_id(s, vpn_id);
        for (size_t i = 0; i < n; i++)
                json_array_append_new(ends, endpoint(s, (first + i) % SITES, project));
        args = json_pack("{s{ss ss so s{sI sI}}}", "connection", "id", id, makes_vpn ? "new_vpn_id" : "vpn_id",
                         makes_vpn ? vpn_id : s->vpns[v], "endpoints", ends, "bandwidth", "a_to_z_kbps",
                         (json_int_t)some_kbps(s), "z_to_a_kbps", (json_int_t)some_kbps(s));
        if (chance(s, 15)) /* twice, as by a client that heard nothing */
                ask(s, project, "create_connection", json_deep_copy(args));
        ask(s, chance(s, 97) ? project : (project + 1) % PROJECTS, "create_connection", args);
}

static const struct vlink *some_link(struct sim *s)
{
        size_t n = s->db.tables[T_VLINK].n;

        return n ? store_rows_at(&s->db.tables[T_VLINK], &store_tables[T_VLINK], below(s, n)) : NULL;
}

static int project_of(struct sim *s, const char *id)
{
        int mine = text_equal(id, sim_projects[0]) ? 0 : 1;

        return chance(s, 97) ? mine : (mine + 1) % PROJECTS;
}

static void link_update(struct sim *s)
{
        const struct vlink *l = some_link(s);
        json_t *args;

        if (!l)
                return;
        args = json_pack("{ss s{s{sI sI}}}", "virtual_link_id", l->id, "virtual_link", "bandwidth", "a_to_z_kbps",
                         (json_int_t)(chance(s, 30) ? l->a_to_z_kbps : some_kbps(s)), "z_to_a_kbps",
                         (json_int_t)some_kbps(s));
        if (chance(s, 20))
                json_object_set_new(args, "revision_number", json_integer(l->revision_number));
        ask(s, project_of(s, l->project_id), "update_virtual_link", args);
}

static void link_delete(struct sim *s)
{
        const struct vlink *l = some_link(s);

        if (l)
                ask(s, project_of(s, l->project_id), "delete_virtual_link", json_pack("{ss}", "virtual_link_id", l->id));
}

static void link_switch(struct sim *s)
{
        const struct vlink *l = some_link(s), *off = l;
        size_t at = 0;

        while (off && off->admin_state_up)
                off = sim_db_next(&s->db, T_VLINK, &at);
        if (off && chance(s, s->lasting ? 85 : 60))
                l = off;
        if (l)
                ask(s, project_of(s, l->project_id), "update_virtual_link",
                    json_pack("{ss s{sb}}", "virtual_link_id", l->id, "virtual_link", "admin_state_up",
                              chance(s, 80) ? !l->admin_state_up : l->admin_state_up));
}

/* What operators do, and tenants may not. */
static void rescue(struct sim *s)
{
        const struct vlink *l = some_link(s), *ill = l;
        bool is_admin = chance(s, 95);
        size_t at = 0;

        while (ill && ill->provisioning != PROV_ERROR)
                ill = sim_db_next(&s->db, T_VLINK, &at);
        if (sim_is_frozen(s) ? chance(s, 80) : chance(s, 8))
                ask_as(s, 0, is_admin, sim_is_frozen(s) ? "unfreeze" : "freeze", json_pack("{ss}", "reason", "work on the WAN"));
        else if (chance(s, 5))
                sim_operator_release(s);
        else if (ill && chance(s, 80))
                ask_as(s, 0, is_admin, "retry_virtual_link", json_pack("{ss}", "virtual_link_id", ill->id));
        else if (l && chance(s, 40))
                ask_as(s, 0, is_admin, "delete_virtual_link", json_pack("{ss sb}", "virtual_link_id", l->id, "force", 1));
}

void sim_operator_ask(struct sim *s, const char *method, json_t *take_args)
{
        ask_as(s, 0, true, method, take_args);
}

void sim_operator_release(struct sim *s)
{
        const struct gateway *g;
        size_t at = 0;

        if (sim_is_frozen(s))
                ask_as(s, 0, true, "unfreeze", json_object());
        while ((g = sim_db_next(&s->db, T_GATEWAY, &at)))
                if (g->brake == BRAKE_HALTED)
                        ask_as(s, 0, true, "release_gateway", json_pack("{ss}", "gateway_id", g->id));
        sim_restore_found(s);
}

static void port_change(struct sim *s, bool attach)
{
        size_t n = s->db.tables[T_VPORT].n;
        const struct vport *p;
        json_t *args;
        int project;
        size_t site = 0;

        if (!n)
                return;
        p = store_rows_at(&s->db.tables[T_VPORT], &store_tables[T_VPORT], below(s, n));
        project = text_equal(p->project_id, sim_projects[0]) ? 0 : 1;
        while (!text_equal(s->sites[site].id, p->site_id))
                site++;
        args = json_pack("{ss}", "virtual_port_id", p->id);
        if (attach)
                name_network(s, args, site, project);
        ask(s, project_of(s, p->project_id), attach ? "attach_virtual_port" : "detach_virtual_port", args);
}

/* A port of the tenant's own gets a VIF-ID of ours. */
static void take_vif_id(struct sim *s)
{
        size_t n = s->db.tables[T_ATTACHMENT].n;
        const struct attachment *a;

        if (!n)
                return;
        a = store_rows_at(&s->db.tables[T_ATTACHMENT], &store_tables[T_ATTACHMENT], below(s, n));
        for (int i = 0; i < SITES && a->vif_id[0]; i++) {
                int project = text_equal(a->project_id, sim_projects[0]) ? 0 : 1;

                if (!text_equal(s->sites[i].name, a->site_name))
                        continue;
                if (chance(s, 10))
                        project = (project + 1) % PROJECTS;
                sim_trace(s, "tenant %d uses VIF-ID %s", project, a->vif_id);
                TEXT_SET(s->sites[i].device_id[project][below(s, OWN_PORTS)], a->vif_id);
                sim_cloud_tell(s, &s->sites[i]);
        }
}

static bool some_device_fails(const struct sim *s)
{
        for (int i = 0; i < GATEWAYS; i++)
                if (s->gateways[i].calm_ms > s->now_ms + 60000)
                        return true;
        return false;
}

void sim_tenant_step(struct sim *s)
{
        size_t what = below(s, 100);

        if (s->lasting && some_device_fails(s) && chance(s, 40))
                what = 37; /* a link is switched on while its gateway is away for long */
        else if (s->lasting && chance(s, 40)) /* changes, which then wait in vain */
                what = chance(s, 50) ? 32 + below(s, 9) : 72 + below(s, 17);
        if (chance(s, sim_is_frozen(s) ? 30 : 6)) {
                rescue(s);
                return;
        }
        if (what < 8)
                connect_sites(s);
        else if (what < 32)
                link_create(s);
        else if (what < 38)
                link_switch(s);
        else if (what < 55)
                link_update(s);
        else if (what < 72)
                link_delete(s);
        else if (what < 82)
                port_change(s, true);
        else if (what < 89)
                port_change(s, false);
        else if (what < 91)
                take_vif_id(s);
        else if (what < 95)
                site_change(s, chance(s, 80));
        else if (what < 98)
                vpn_touch(s);
        else
                ask_nonsense(s);
}

void sim_tenant_delete_links(struct sim *s)
{
        const struct vlink *l;
        size_t at = 0;

        while ((l = sim_db_next(&s->db, T_VLINK, &at)))
                ask(s, text_equal(l->project_id, sim_projects[0]) ? 0 : 1, "delete_virtual_link",
                    json_pack("{ss}", "virtual_link_id", l->id));
}

void sim_tenant_delete_vpns(struct sim *s)
{
        const struct vpn *v;
        size_t at = 0;

        while ((v = sim_db_next(&s->db, T_VPN, &at)))
                ask(s, text_equal(v->project_id, sim_projects[0]) ? 0 : 1, "delete_vpn",
                    json_pack("{ss}", "vpn_id", v->id));
}
