/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: several links, with a VPN if none is named, asked for as one. There are no rows of
 * them: a connection is its operation. */
#include <stdio.h>

#include "api-server/api.h"
#include "api-server/body.h"
#include "api-server/handlers.h"
#include "base/uuid.h"

/* clang-format off */
static const struct filter filters[] = { { 0 } };
const struct attribute connection_attributes[] = {
        { "name",        ATTR_TEXT,   IN_POST,          255,                 NULL },
        { "description", ATTR_TEXT,   IN_POST,          255,                 NULL },
        { "vpn_id",      ATTR_ID,     IN_POST,          0,                   NULL },
        { "type",        ATTR_WORD,   IN_POST,          TYPE_SIZE - 1,       NULL },
        { "endpoints",   ATTR_SOME,   IN_POST | NEEDED, CONNECTION_ENDS_MAX, endpoint_attributes },
        { "bandwidth",   ATTR_OBJECT, IN_POST | NEEDED, 0,                   bandwidth_attributes },
        { "project_id",  ATTR_WORD,   IN_POST,          255,                 NULL },
        { "tenant_id",   ATTR_WORD,   IN_POST,          255,                 NULL },
        { 0 },
};
static const char *const status_word[] = { "running", "done", "failed", "preempted", NULL };
static const struct shown shown[] = {
        SHOWN_OF_A_PROJECT,
        { "operation_id",     SHOWN_ID,   0,           NULL, NULL },
        { "vpn_id",           SHOWN_ID,   0,           NULL, NULL },
        { "virtual_link_ids", SHOWN_IDS,  0,           NULL, NULL },
        { "status",           SHOWN_WORD, 0,           status_word, NULL },
        { "status_reason",    SHOWN_TEXT, MAY_BE_NULL, NULL, NULL },
        { 0 },
};
/* clang-format on */

static json_t *render(const struct view *v, size_t i)
{
        const struct operation *row = (const struct operation *)v->sets[0].rows + i;
        json_auto_t *ids = operation_links(row, &v->sets[1]);

        return connection_to_json(row, ids);
}

const struct resource connection_resource = {
        .name = "connection",
        .collection = "connections",
        .path = "/v1/operations",
        .noun = "Connection",
        .table = T_OPERATION,
        .project_offset = offsetof(struct operation, project_id),
        .filters = filters,
        .shown = shown,
        .related = { { T_OPERATION, "parent_id", 0, offsetof(struct operation, id),
                       .one_only = true } },
        .render = render,
};

/* clang-format off */
static const struct write connecting = { "create_connection", &connection_resource, 202, write_is_there, false };
/* clang-format on */

void connection_create(struct call *c)
{
        json_t *connection = call_body(c, "connection", connection_attributes, IN_POST);
        char id[UUID_TEXT], vpn_id[UUID_TEXT];
        struct fault why;

        if (!connection || !call_owns(c, &connection))
                return;
        if (!endpoints_plug_once(connection, "connection", &why)) {
                json_decref(connection);
                call_refuse(c, &why);
                return;
        }
        uuid_new(id);
        json_object_set_new(connection, "id", json_string(id));
        if (!json_object_get(connection, "vpn_id")) {
                uuid_new(vpn_id);
                json_object_set_new(connection, "new_vpn_id", json_string(vpn_id));
        }
        write_send(c, &connecting, json_pack("{so}", "connection", connection), id);
}
