/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual ports: the ends of links, and plugging them into the tenant's networks. */
#include "api-server/api.h"
#include "api-server/body.h"
#include "api-server/handlers.h"
#include "api-server/problem.h"
#include "api-server/routes.h"

/* clang-format off */
static const char *const side_name[] = { "a", "z" };
static const struct filter filters[] = {
        FILTERS_OF_A_PROJECT,
        FILTER("virtual_link_id", "link_id",    FILTER_ID),
        FILTER("site_id",         "site_id",    FILTER_ID),
        FILTER("gateway_id",      "gateway_id", FILTER_ID),
        FILTER_WORDS("side",            "side",       side_name, SIDE_N),
        FILTER("vif_id",          NULL,         FILTER_TEXT),
        FILTER("network_id",      NULL,         FILTER_TEXT),
        FILTER("port_id",         NULL,         FILTER_TEXT),
        FILTER("plug_status",     NULL,         FILTER_TEXT),
        FILTER("status",          NULL,         FILTER_TEXT),
        { 0 },
};
const struct attribute attach_attributes[] = {
        { "network_id", ATTR_ID, IN_POST, 0, NULL },
        { "port_id",    ATTR_ID, IN_POST, 0, NULL },
        { 0 },
};
const struct attribute no_attributes[] = { { 0 } };
static const char *const side_word[] = { "a", "z", NULL };
static const char *const plug_word[] = { "unplugged", "plugging", "plugged", "unplugging", NULL };
static const char *const status_word[] = { "ACTIVE", "DOWN", NULL };
static const struct shown shown[] = {
        SHOWN_OF_A_PROJECT,
        { "virtual_link_id", SHOWN_ID,   0,            NULL, NULL },
        { "side",            SHOWN_WORD, 0,            side_word, NULL },
        { "site_id",         SHOWN_ID,   0,            NULL, NULL },
        { "gateway_id",      SHOWN_ID,   0,            NULL, NULL },
        { "vif_id",          SHOWN_TEXT, MAY_BE_NULL,  NULL, NULL },
        { "network_id",      SHOWN_ID,   MAY_BE_NULL,  NULL, NULL },
        { "port_id",         SHOWN_ID,   MAY_BE_NULL,  NULL, NULL },
        { "plug_status",     SHOWN_WORD, 0,            plug_word, NULL },
        { "operation_id",    SHOWN_ID,   MAY_BE_NULL,  NULL, NULL },
        { "status",          SHOWN_WORD, 0,            status_word, NULL },
        { "status_reason",   SHOWN_TEXT, MAY_BE_NULL,  NULL, NULL },
        { "verified_at",     SHOWN_TIME, MAY_BE_NULL,  NULL, NULL },
        { "label",           SHOWN_INT,  TO_OPERATORS, NULL, NULL },
        { "tag",             SHOWN_INT,  TO_OPERATORS | MAY_BE_NULL, NULL, NULL },
        { "tx_kbps",         SHOWN_INT,  TO_OPERATORS, NULL, NULL },
        { "rx_kbps",         SHOWN_INT,  TO_OPERATORS, NULL, NULL },
        { "generation",      SHOWN_INT,  TO_OPERATORS, NULL, NULL },
        { 0 },
};
/* clang-format on */

static bool is_attached(const json_t *object, const json_t *args)
{
        const json_t *network = json_object_get(args, "network_id"),
                     *port = json_object_get(args, "port_id");

        return object && (!network || json_equal(json_object_get(object, "network_id"), network)) &&
               (!port || json_equal(json_object_get(object, "port_id"), port));
}

static bool is_detached(const json_t *object, const json_t *args)
{
        const char *plug = json_string_value(json_object_get(object, "plug_status"));

        (void)args;
        return text_equal(plug, "unplugged") || text_equal(plug, "unplugging");
}

/* clang-format off */
static const struct write attaching = { "attach_virtual_port", &virtual_port_resource, 202, is_attached, false };
static const struct write detaching = { "detach_virtual_port", &virtual_port_resource, 202, is_detached, false };
/* clang-format on */

static json_t *render(const struct view *v, size_t i)
{
        const struct vport *row = (const struct vport *)v->sets[0].rows + i;
        size_t n;
        const struct attachment *a =
                view_find(v, 1, sizeof *a, offsetof(struct attachment, id), row->attachment_id, &n);

        return vport_to_json(row, a, v->who->is_admin);
}

const struct resource virtual_port_resource = {
        .name = "virtual_port",
        .collection = "virtual_ports",
        .path = "/v1/virtual-ports",
        .noun = "Virtual port",
        .table = T_VPORT,
        .project_offset = offsetof(struct vport, project_id),
        .filters = filters,
        .shown = shown,
        .related = { { T_ATTACHMENT, "id", 0, offsetof(struct vport, attachment_id), false } },
        .render = render,
};

void virtual_port_attach(struct call *c)
{
        json_t *args = call_body(c, NULL, attach_attributes, IN_POST);
        struct fault why;

        if (!args)
                return;
        if (json_object_size(args) != 1) {
                body_refuse(&why, json_object_size(args) ? "port_id" : "network_id",
                            "exactly one of network_id and port_id is needed.");
                json_decref(args);
                call_refuse(c, &why);
                return;
        }
        json_object_set_new(args, "virtual_port_id", json_string(c->id));
        write_send(c, &attaching, args, c->id);
}

void virtual_port_detach(struct call *c)
{
        json_t *args =
                c->q->message.n_body ? call_body(c, NULL, no_attributes, IN_POST) : json_object();

        if (!args)
                return;
        json_object_set_new(args, "virtual_port_id", json_string(c->id));
        write_send(c, &detaching, args, c->id);
}
