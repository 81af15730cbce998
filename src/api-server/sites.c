/* SPDX-License-Identifier: Apache-2.0 */
/* Sites: every project sees them; operators add them with atlas-manage. */
#include "api-server/resource.h"

/* clang-format off */
static const struct filter filters[] = {
        FILTER("id",           "id",          FILTER_ID),
        FILTER("name",         "name",        FILTER_TEXT),
        FILTER("description",  "description", FILTER_TEXT),
        FILTER("alive",        NULL,          FILTER_BOOL),
        FILTER("last_seen_at", "last_seen_ms", FILTER_TIME),
        FILTER("created_at",   "created_ms", FILTER_TIME),
        { 0 },
};
static const struct shown shown[] = {
        { "id",           SHOWN_ID, 0, NULL, NULL },
        { "name",         SHOWN_TEXT, 0, NULL, NULL },
        { "description",  SHOWN_TEXT, 0, NULL, NULL },
        { "alive",        SHOWN_BOOL, 0, NULL, NULL },
        { "last_seen_at", SHOWN_TIME, MAY_BE_NULL, NULL, NULL },
        { "created_at",   SHOWN_TIME, MAY_BE_NULL, NULL, NULL },
        { 0 },
};
/* clang-format on */

static json_t *render(const struct view *v, size_t i)
{
        return site_to_json((const struct site *)v->sets[0].rows + i, v->now_ms);
}

const struct resource site_resource = {
        .name = "site",
        .collection = "sites",
        .path = "/v1/sites",
        .noun = "Site",
        .table = T_SITE,
        .shared = true,
        .by_name = true,
        .filters = filters,
        .shown = shown,
        .render = render,
};
