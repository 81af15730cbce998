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
static const struct attribute attach_attributes[] = {
        { "network_id", ATTR_ID, IN_POST, 0, NULL },
        { "port_id",    ATTR_ID, IN_POST, 0, NULL },
        { 0 },
};
static const struct attribute no_attributes[] = { { 0 } };
static const struct write attaching = { "attach_virtual_port", &virtual_port_resource, 202, false };
static const struct write detaching = { "detach_virtual_port", &virtual_port_resource, 202, false };
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
