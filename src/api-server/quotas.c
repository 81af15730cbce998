/* SPDX-License-Identifier: Apache-2.0 */
/* Quotas in Neutron's shapes. The default ones are the conductors', so they are asked even for
 * reading. */
#include "api-server/api.h"
#include "api-server/body.h"
#include "api-server/handlers.h"
#include "api-server/problem.h"

/* clang-format off */
static const struct filter filters[] = { { 0 } };
const struct attribute quota_attributes[] = {
        { "vpn",          ATTR_LIMIT, IN_PUT, 0, NULL },
        { "virtual_link", ATTR_LIMIT, IN_PUT, 0, NULL },
        { "kbps",         ATTR_LIMIT, IN_PUT, 0, NULL },
        { 0 },
};
static const struct shown shown[] = {
        { "project_id",   SHOWN_TEXT, 0, NULL, NULL },
        { "tenant_id",    SHOWN_TEXT, 0, NULL, NULL },
        { "vpn",          SHOWN_INT,  0, NULL, NULL },
        { "virtual_link", SHOWN_INT,  0, NULL, NULL },
        { "kbps",         SHOWN_INT,  0, NULL, NULL },
        { 0 },
};
/* clang-format on */

const struct resource quota_resource = {
        .name = "quota",
        .collection = "quotas",
        .path = "/v1/quotas",
        .noun = "Quota",
        .table = T_QUOTA,
        .single = true,
        .filters = filters,
        .shown = shown,
};

/* clang-format off */
static const struct write showing  = { "show_quota",   &quota_resource, 200, NULL, false };
static const struct write updating = { "update_quota", &quota_resource, 200, NULL, false };
static const struct write deleting = { "delete_quota", &quota_resource, 204, NULL, false };
/* clang-format on */

/* Another project's is the same 404 as one of no project. */
static void ask(struct call *c, const struct write *w, json_t *args)
{
        struct fault why;

        if (c->who.all_projects || text_equal(c->id, c->who.project_id)) {
                json_object_set_new(args, "project_id", json_string(c->id));
                write_send(c, w, args, c->id);
                return;
        }
        json_decref(args);
        problem_unknown(&why, "Quota", c->id);
        call_refuse(c, &why);
}

void quota_show(struct call *c)
{
        ask(c, &showing, json_object());
}

void quota_details(struct call *c)
{
        ask(c, &showing, json_pack("{sb}", "details", 1));
}

void quota_update(struct call *c)
{
        json_t *quota = call_body(c, "quota", quota_attributes, IN_PUT);

        if (quota)
                ask(c, &updating, json_pack("{so}", "quota", quota));
}

void quota_delete(struct call *c)
{
        ask(c, &deleting, json_object());
}
