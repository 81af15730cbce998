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
        .render = render,
};
