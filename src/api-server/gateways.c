/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways: every project sees them, operators with what only they need. */
#include "api-server/resource.h"

/* clang-format off */
static const struct filter filters[] = {
        FILTER("id",          "id",         FILTER_ID),
        FILTER("name",        "name",       FILTER_TEXT),
        FILTER("site_id",     "site_id",    FILTER_ID),
        FILTER("type",        "type",       FILTER_TEXT),
        FILTER("domain",      "domain",     FILTER_TEXT),
        FILTER("mtu",         "mtu",        FILTER_INT),
        FILTER("reachable",   "reachable",  FILTER_BOOL),
        { 0 },
};
static const struct shown shown_kbps[] = {
        { "to_wan_kbps",   SHOWN_INT, 0, NULL, NULL },
        { "from_wan_kbps", SHOWN_INT, 0, NULL, NULL },
        { 0 },
};
static const struct shown shown[] = {
        { "id",           SHOWN_ID, 0, NULL, NULL },
        { "name",         SHOWN_TEXT, 0, NULL, NULL },
        { "site_id",      SHOWN_ID, 0, NULL, NULL },
        { "type",         SHOWN_TEXT, 0, NULL, NULL },
        { "domain",       SHOWN_TEXT, 0, NULL, NULL },
        { "capacity",     SHOWN_OBJECT, 0, NULL, shown_kbps },
        { "available",    SHOWN_OBJECT, 0, NULL, shown_kbps },
        { "mtu",          SHOWN_INT, 0, NULL, NULL },
        { "capabilities", SHOWN_TEXTS, 0, NULL, NULL },
        { "reachable",    SHOWN_BOOL, 0, NULL, NULL },
        { "address",      SHOWN_TEXT, TO_OPERATORS | MAY_BE_NULL, NULL, NULL },
        { "ranges",       SHOWN_MAP, TO_OPERATORS, NULL, NULL },
        { "reserved",     SHOWN_OBJECT, TO_OPERATORS, NULL, shown_kbps },
        { "fence",        SHOWN_TEXT, TO_OPERATORS | MAY_BE_NULL, NULL, NULL },
        { "epoch",        SHOWN_INT, TO_OPERATORS, NULL, NULL },
        { "seq",          SHOWN_INT, TO_OPERATORS, NULL, NULL },
        { 0 },
};
/* clang-format on */

static json_t *render(const struct view *v, size_t i)
{
        return gateway_to_json((const struct gateway *)v->sets[0].rows + i, v->who->is_admin);
}

const struct resource gateway_resource = {
        .name = "gateway",
        .collection = "gateways",
        .path = "/v1/gateways",
        .noun = "Gateway",
        .table = T_GATEWAY,
        .shared = true,
        .filters = filters,
        .shown = shown,
        .render = render,
};
