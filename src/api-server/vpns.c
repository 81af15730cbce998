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
const struct attribute vpn_attributes[] = {
        { "name",        ATTR_TEXT, IN_POST | IN_PUT, 255,           NULL },
        { "description", ATTR_TEXT, IN_POST | IN_PUT, 255,           NULL },
        { "type",        ATTR_WORD, IN_POST | NEEDED, TYPE_SIZE - 1, NULL },
        { "project_id",  ATTR_WORD, IN_POST,          255,           NULL },
        { "tenant_id",   ATTR_WORD, IN_POST,          255,           NULL },
        { 0 },
};
const struct attribute vpn_site_attributes[] = {
        { "site_id", ATTR_SITE, IN_POST | NEEDED, 0, NULL },
        { 0 },
};
static const struct shown shown[] = {
        SHOWN_OF_A_PROJECT,
        SHOWN_OF_A_NAME,
        { "type",        SHOWN_TEXT,  0, NULL, NULL },
        { "site_ids",    SHOWN_IDS,   0, NULL, NULL },
        { "tags",        SHOWN_TEXTS, 0, NULL, NULL },
        SHOWN_OF_CHANGE,
        { 0 },
};
/* clang-format on */

static bool is_changed(const json_t *object, const json_t *args)
{
        return object && shows(object, json_object_get(args, "vpn"));
}

/* A site that was named by its name is not found again among the ids. */
static bool has_site(const json_t *object, const json_t *args)
{
        const json_t *id;
        size_t i;

        json_array_foreach (json_object_get(object, "site_ids"), i, id)
                if (json_equal(id, json_object_get(args, "site_id")))
                        return true;
        return false;
}

static bool lacks_site(const json_t *object, const json_t *args)
{
        const char *site = json_string_value(json_object_get(args, "site_id"));

        return object && uuid_valid(site) && !has_site(object, args);
}

/* clang-format off */
static const struct write creating = { "create_vpn",  &vpn_resource, 201, write_is_there,   false };
static const struct write updating = { "update_vpn",  &vpn_resource, 200, is_changed, false };
static const struct write deleting = { "delete_vpn",  &vpn_resource, 204, write_is_gone,    false };
static const struct write adding   = { "add_site",    &vpn_resource, 200, has_site,   false };
static const struct write removing = { "remove_site", &vpn_resource, 200, lacks_site, false };
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
        .updating = "update_vpn",
        .filters = filters,
        .shown = shown,
        .related = { { T_VPN_SITE, "vpn_id", 0, offsetof(struct vpn, id), false } },
        .render = render,
};

void vpn_create(struct call *c)
{
        char id[UUID_TEXT];
        json_t *vpn = call_body(c, "vpn", vpn_attributes, IN_POST);

        if (!vpn || !call_owns(c, &vpn))
                return;
        uuid_new(id);
        json_object_set_new(vpn, "id", json_string(id));
        write_send(c, &creating, json_pack("{so}", "vpn", vpn), id);
}

void vpn_update(struct call *c)
{
        json_t *vpn = call_body(c, "vpn", vpn_attributes, IN_PUT);

        if (vpn)
                write_send(c, &updating, json_pack("{ss so}", "vpn_id", c->id, "vpn", vpn), c->id);
}

void vpn_delete(struct call *c)
{
        write_send(c, &deleting, json_pack("{ss}", "vpn_id", c->id), c->id);
}

static void change_members(struct call *c, const struct write *w)
{
        json_t *args = call_body(c, NULL, vpn_site_attributes, IN_POST);

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
