/* SPDX-License-Identifier: Apache-2.0 */
/* VPNs: rows of the database only, so their changes are done when they are answered. */
#include "api-server/api.h"
#include "api-server/body.h"
#include "api-server/handlers.h"
#include "api-server/routes.h"
#include "base/uuid.h"

/* clang-format off */
static const struct filter filters[] = {
        FILTERS_OF_A_PROJECT,
        FILTERS_OF_A_NAME,
        FILTERS_OF_CHANGE,
        FILTER("type", "type", FILTER_TEXT),
        { 0 },
};
static const struct attribute attributes[] = {
        { "name",        ATTR_TEXT, IN_POST | IN_PUT, 255,           NULL },
        { "description", ATTR_TEXT, IN_POST | IN_PUT, 255,           NULL },
        { "type",        ATTR_WORD, IN_POST | NEEDED, TYPE_SIZE - 1, NULL },
        { "project_id",  ATTR_WORD, IN_POST,          255,           NULL },
        { "tenant_id",   ATTR_WORD, IN_POST,          255,           NULL },
        { 0 },
};
static const struct attribute site_attributes[] = {
        { "site_id", ATTR_SITE, IN_POST | NEEDED, 0, NULL },
        { 0 },
};
static const struct write creating    = { "create_vpn",  &vpn_resource, 201, true };
static const struct write updating    = { "update_vpn",  &vpn_resource, 200, false };
static const struct write deleting    = { "delete_vpn",  &vpn_resource, 204, false };
static const struct write adding      = { "add_site",    &vpn_resource, 200, false };
static const struct write removing    = { "remove_site", &vpn_resource, 200, false };
/* clang-format on */

static json_t *render(const struct view *v, size_t i)
{
        const struct vpn *row = (const struct vpn *)v->sets[0].rows + i;
        size_t n;
        const struct vpn_site *members =
                view_find(v, 1, sizeof *members, offsetof(struct vpn_site, vpn_id), row->id, &n);
        json_auto_t *ids = json_array();

        for (size_t j = 0; j < n; j++)
                json_array_append_new(ids, json_string(members[j].site_id));
        return vpn_to_json(row, ids);
}

const struct resource vpn_resource = {
        .name = "vpn",
        .collection = "vpns",
        .path = "/v1/vpns",
        .noun = "VPN",
        .table = T_VPN,
        .tagged = true,
        .project_offset = offsetof(struct vpn, project_id),
        .filters = filters,
        .related = { { T_VPN_SITE, "vpn_id", 0, offsetof(struct vpn, id), false } },
        .render = render,
};

void vpn_create(struct call *c)
{
        char id[UUID_TEXT];
        json_t *vpn = call_body(c, "vpn", attributes, IN_POST);

        if (!vpn || !call_owns(c, &vpn))
                return;
        uuid_new(id);
        json_object_set_new(vpn, "id", json_string(id));
        write_send(c, &creating, json_pack("{so}", "vpn", vpn), id);
}

void vpn_update(struct call *c)
{
        json_t *vpn = call_body(c, "vpn", attributes, IN_PUT);

        if (vpn)
                write_send(c, &updating, json_pack("{ss so}", "vpn_id", c->id, "vpn", vpn), c->id);
}

void vpn_delete(struct call *c)
{
        write_send(c, &deleting, json_pack("{ss}", "vpn_id", c->id), c->id);
}

static void change_members(struct call *c, const struct write *w)
{
        json_t *args = call_body(c, NULL, site_attributes, IN_POST);

        if (!args)
                return;
        json_object_set_new(args, "vpn_id", json_string(c->id));
        write_send(c, w, args, c->id);
}

void vpn_add_site(struct call *c)
{
        change_members(c, &adding);
}

void vpn_remove_site(struct call *c)
{
        change_members(c, &removing);
}
