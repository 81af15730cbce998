/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual links: asked for here, done by a workflow that the answer's operation_id follows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api-server/api.h"
#include "api-server/body.h"
#include "api-server/handlers.h"
#include "api-server/problem.h"
#include "api-server/routes.h"
#include "base/uuid.h"

/* clang-format off */
static const struct filter filters[] = {
        FILTERS_OF_A_PROJECT,
        FILTERS_OF_A_NAME,
        FILTERS_OF_CHANGE,
        FILTER("vpn_id",              "vpn_id",          FILTER_ID),
        FILTER("mtu",                 "mtu",             FILTER_INT),
        FILTER("status",              NULL,              FILTER_TEXT),
        FILTER_WORDS("provisioning_status", "provisioning",    provisioning_name, PROV_N),
        FILTER("operating_status",    NULL,              FILTER_TEXT),
        FILTER("status_reason",       "status_reason",   FILTER_TEXT),
        FILTER("admin_state_up",      "admin_state_up",  FILTER_BOOL),
        FILTER("operation_id",        "operation_id",    FILTER_ID),
        { 0 },
};
static const struct attribute endpoint_attributes[] = {
        { "site_id",    ATTR_SITE, IN_POST | NEEDED, 0, NULL },
        { "gateway_id", ATTR_ID,   IN_POST,          0, NULL },
        { "network_id", ATTR_ID,   IN_POST,          0, NULL },
        { "port_id",    ATTR_ID,   IN_POST,          0, NULL },
        { 0 },
};
static const struct attribute bandwidth_attributes[] = {
        { "a_to_z_kbps", ATTR_KBPS, IN_POST | IN_PUT | NEEDED, 0, NULL },
        { "z_to_a_kbps", ATTR_KBPS, IN_POST | IN_PUT | NEEDED, 0, NULL },
        { 0 },
};
const struct attribute virtual_link_attributes[] = {
        { "name",        ATTR_TEXT,   IN_POST | IN_PUT,          255, NULL },
        { "description", ATTR_TEXT,   IN_POST | IN_PUT,          255, NULL },
        { "vpn_id",      ATTR_ID,     IN_POST | NEEDED,          0,   NULL },
        { "endpoints",   ATTR_LIST,   IN_POST | NEEDED,          2,   endpoint_attributes },
        { "bandwidth",   ATTR_OBJECT, IN_POST | IN_PUT | NEEDED, 0,   bandwidth_attributes },
        { "admin_state_up", ATTR_BOOL, IN_PUT, 0, NULL },
        { "project_id",  ATTR_WORD,   IN_POST,                   255, NULL },
        { "tenant_id",   ATTR_WORD,   IN_POST,                   255, NULL },
        { 0 },
};
static const char *const status_word[] = { "BUILD", "ACTIVE", "DEGRADED", "DOWN", "ERROR", "UNKNOWN", NULL };
static const char *const provisioning_word[] = { "PENDING_CREATE", "ACTIVE", "PENDING_UPDATE", "PENDING_DELETE", "ERROR", NULL };
static const char *const operating_word[] = { "ONLINE", "DEGRADED", "OFFLINE", "SCHEDULED", "UNKNOWN", NULL };
static const struct shown shown_endpoint[] = {
        { "site_id",         SHOWN_ID, 0,           NULL, NULL },
        { "gateway_id",      SHOWN_ID, 0,           NULL, NULL },
        { "virtual_port_id", SHOWN_ID, 0,           NULL, NULL },
        { "network_id",      SHOWN_ID, MAY_BE_NULL, NULL, NULL },
        { "port_id",         SHOWN_ID, MAY_BE_NULL, NULL, NULL },
        { 0 },
};
static const struct shown shown_bandwidth[] = {
        { "a_to_z_kbps", SHOWN_INT, 0, NULL, NULL },
        { "z_to_a_kbps", SHOWN_INT, 0, NULL, NULL },
        { 0 },
};
static const struct shown shown[] = {
        SHOWN_OF_A_PROJECT,
        SHOWN_OF_A_NAME,
        { "vpn_id",              SHOWN_ID,      0,           NULL, NULL },
        { "endpoints",           SHOWN_OBJECTS, 0,           NULL, shown_endpoint },
        { "bandwidth",           SHOWN_OBJECT,  0,           NULL, shown_bandwidth },
        { "mtu",                 SHOWN_INT,     0,           NULL, NULL },
        { "status",              SHOWN_WORD,    0,           status_word, NULL },
        { "provisioning_status", SHOWN_WORD,    0,           provisioning_word, NULL },
        { "operating_status",    SHOWN_WORD,    0,           operating_word, NULL },
        { "status_reason",       SHOWN_TEXT,    MAY_BE_NULL, NULL, NULL },
        { "admin_state_up",      SHOWN_BOOL,    0,           NULL, NULL },
        { "operation_id",        SHOWN_ID,      MAY_BE_NULL, NULL, NULL },
        { "ignored_parameters",  SHOWN_TEXTS,   0,           NULL, NULL },
        { "wan_domain",          SHOWN_TEXT,    MAY_BE_NULL, NULL, NULL },
        { "tags",                SHOWN_TEXTS,   0,           NULL, NULL },
        { "verified_at",         SHOWN_TIME,    MAY_BE_NULL, NULL, NULL },
        SHOWN_OF_CHANGE,
        { 0 },
};
/* clang-format on */

/* One of many shows that all are there, but the answer is all of them. */
static bool cannot_be_told(const json_t *object, const json_t *args)
{
        (void)object;
        (void)args;
        return false;
}

static bool is_changed(const json_t *object, const json_t *args)
{
        return object && shows(object, json_object_get(args, "virtual_link"));
}

static bool is_building(const json_t *object, const json_t *args)
{
        const json_t *status = json_object_get(object, "provisioning_status");

        (void)args;
        return text_equal(json_string_value(status), "PENDING_CREATE");
}

static bool is_going(const json_t *object, const json_t *args)
{
        const json_t *status = json_object_get(object, "provisioning_status");

        (void)args;
        return !object || text_equal(json_string_value(status), "PENDING_DELETE");
}

/* clang-format off */
static const struct write creating = { "create_virtual_link", &virtual_link_resource, 202, write_is_there,   false };
static const struct write creating_many = { "create_virtual_links", &virtual_link_resource, 202, cannot_be_told, false };
static const struct write renaming = { "update_virtual_link", &virtual_link_resource, 200, is_changed, false };
static const struct write changing = { "update_virtual_link", &virtual_link_resource, 202, is_changed, false };
static const struct write retrying = { "retry_virtual_link", &virtual_link_resource, 202, is_building, false };
static const struct write forgetting = { "delete_virtual_link", &virtual_link_resource, 204, write_is_gone, false };
static const struct write deleting = { "delete_virtual_link", &virtual_link_resource, 202, is_going,   false };
/* clang-format on */

/* A link's row with what belongs to it. */
struct whole {
        const struct vlink *row;
        struct vport ends[SIDE_N];
        const struct attachment *attachments[SIDE_N];
        bool silent;
};

static void gather(const struct view *v, size_t i, struct whole *ret)
{
        const struct vlink *row = (const struct vlink *)v->sets[0].rows + i;
        size_t n, m;
        const struct vport *ports =
                view_find(v, 1, sizeof *ports, offsetof(struct vport, link_id), row->id, &n);

        *ret = (struct whole){ .row = row };
        for (size_t j = 0; j < n; j++) {
                enum side side = ports[j].side == SIDE_Z ? SIDE_Z : SIDE_A;

                ret->ends[side] = ports[j];
                ret->attachments[side] =
                        view_find(v, 2, sizeof(struct attachment), offsetof(struct attachment, id),
                                  ports[j].attachment_id, &m);
                ret->silent =
                        ret->silent || site_cache_silent(v->sites, ports[j].site_id, v->now_ms);
        }
}

static json_t *render(const struct view *v, size_t i)
{
        struct whole w;

        gather(v, i, &w);
        return vlink_to_json(w.row, w.ends, w.attachments, w.silent);
}

static void write_out(const struct view *v, size_t i, struct text *ret)
{
        struct whole w;

        gather(v, i, &w);
        vlink_write(w.row, w.ends, w.attachments, w.silent, ret);
}

const struct resource virtual_link_resource = {
        .name = "virtual_link",
        .collection = "virtual_links",
        .path = "/v1/virtual-links",
        .noun = "Virtual link",
        .table = T_VLINK,
        .needs_sites = true,
        .tagged = true,
        .project_offset = offsetof(struct vlink, project_id),
        .updating = "update_virtual_link",
        .filters = filters,
        .shown = shown,
        .related = { { T_VPORT, "link_id", 0, offsetof(struct vlink, id), false },
                     { T_ATTACHMENT, "id", 1, offsetof(struct vport, attachment_id), false } },
        .render = render,
        .write = write_out,
};

static bool one_plug_each(const json_t *link, const char *path, struct fault *why)
{
        json_t *endpoints = json_object_get(link, "endpoints"), *end;
        char name[96];
        size_t i;

        json_array_foreach (endpoints, i, end) {
                snprintf(name, sizeof name, "%s.endpoints[%zu]", path, i);
                if (json_object_get(end, "network_id") && json_object_get(end, "port_id")) {
                        body_refuse(why, name,
                                    "either network_id or port_id can be given, not both.");
                        return false;
                }
        }
        return true;
}

/* What the table cannot say of one link, and its id. False: the call has been refused. */
static bool complete(struct call *c, json_t *link, const char *path)
{
        json_t *own = json_incref(link);
        char id[UUID_TEXT];
        struct fault why;

        if (!call_owns(c, &own))
                return false;
        json_decref(own);
        if (!one_plug_each(link, path, &why)) {
                call_refuse(c, &why);
                return false;
        }
        uuid_new(id);
        json_object_set_new(link, "id", json_string(id));
        return true;
}

static void create_many(struct call *c, json_t *links)
{
        char path[64];
        json_t *link;
        size_t i;

        json_array_foreach (links, i, link) {
                snprintf(path, sizeof path, "virtual_links[%zu]", i);
                if (!complete(c, link, path))
                        return;
        }
        write_send(c, &creating_many, json_pack("{sO}", "virtual_links", links),
                   json_string_value(json_object_get(json_array_get(links, 0), "id")));
}

void virtual_link_create(struct call *c)
{
        const struct http_message *m = &c->q->message;
        json_auto_t *sent = NULL;
        struct fault why;

        if (body_read_many(m->body, m->n_body, "virtual_link", "virtual_links",
                           virtual_link_attributes, IN_POST, &sent, &why) != BODY_OK)
                call_refuse(c, &why);
        else if (json_is_array(sent))
                create_many(c, sent);
        else if (complete(c, sent, "virtual_link"))
                write_send(c, &creating, json_pack("{sO}", "virtual_link", sent),
                           json_string_value(json_object_get(sent, "id")));
}

void virtual_link_update(struct call *c)
{
        json_t *link = call_body(c, "virtual_link", virtual_link_attributes, IN_PUT);
        bool works = json_object_get(link, "bandwidth") || json_object_get(link, "admin_state_up");

        if (link)
                write_send(c, works ? &changing : &renaming,
                           json_pack("{ss so}", "virtual_link_id", c->id, "virtual_link", link),
                           c->id);
}

void virtual_link_delete(struct call *c)
{
        write_send(c, &deleting, json_pack("{ss}", "virtual_link_id", c->id), c->id);
}

/* 'more' are arguments besides the id; taken. */
static void operate(struct call *c, const struct write *w, json_t *more)
{
        json_auto_t *args = more;
        json_auto_t *nothing =
                c->q->message.n_body ? call_body(c, NULL, no_attributes, IN_POST) : json_object();

        if (!nothing)
                return;
        json_object_set_new(args, "virtual_link_id", json_string(c->id));
        write_send(c, w, json_incref(args), c->id);
}

void virtual_link_retry(struct call *c)
{
        operate(c, &retrying, json_object());
}

void virtual_link_force_delete(struct call *c)
{
        operate(c, &forgetting, json_pack("{sb}", "force", 1));
}
