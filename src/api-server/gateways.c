/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways: every project sees them, operators with what only they need. */
#include "api-server/api.h"
#include "api-server/handlers.h"

/* clang-format off */
static const struct filter filters[] = {
        FILTER("id",          "id",         FILTER_ID),
        FILTER("name",        "name",       FILTER_TEXT),
        FILTER("site_id",     "site_id",    FILTER_ID),
        FILTER("type",        "type",       FILTER_TEXT),
        FILTER("domain",      "domain",     FILTER_TEXT),
        FILTER("mtu",         "mtu",        FILTER_INT),
        FILTER("reachable",   "reachable",  FILTER_BOOL),
        FILTER("status",      NULL,         FILTER_TEXT),
        { 0 },
};
static const struct shown shown_kbps[] = {
        { "to_wan_kbps",   SHOWN_INT, 0, NULL, NULL },
        { "from_wan_kbps", SHOWN_INT, 0, NULL, NULL },
        { 0 },
};
static const char *const status_word[] = { "ACTIVE", "DEGRADED", "HALTED", "DOWN", "UNKNOWN", NULL };
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
        { "status",       SHOWN_WORD, 0, status_word, NULL },
        { "address",      SHOWN_TEXT, TO_OPERATORS | MAY_BE_NULL, NULL, NULL },
        { "ranges",       SHOWN_MAP, TO_OPERATORS, NULL, NULL },
        { "reserved",     SHOWN_OBJECT, TO_OPERATORS, NULL, shown_kbps },
        { "fence",        SHOWN_TEXT, TO_OPERATORS | MAY_BE_NULL, NULL, NULL },
        { "epoch",        SHOWN_INT, TO_OPERATORS, NULL, NULL },
        { "seq",          SHOWN_INT, TO_OPERATORS, NULL, NULL },
        { "status_reason", SHOWN_TEXT, TO_OPERATORS | MAY_BE_NULL, NULL, NULL },
        { "halted",       SHOWN_BOOL, TO_OPERATORS, NULL, NULL },
        { "frozen",       SHOWN_BOOL, TO_OPERATORS, NULL, NULL },
        { "observe_only", SHOWN_BOOL, TO_OPERATORS, NULL, NULL },
        { "verified_at",  SHOWN_TIME, TO_OPERATORS | MAY_BE_NULL, NULL, NULL },
        { 0 },
};
/* clang-format on */

static json_t *render(const struct view *v, size_t i)
{
        const struct gateway *row = (const struct gateway *)v->sets[0].rows + i;
        const struct control *freeze = v->sets[1].n ? v->sets[1].rows : NULL;
        const struct gateway_around around = {
                .site_silent = site_cache_silent(v->sites, row->site_id, v->now_ms),
                .frozen = freeze && freeze->is_on,
        };

        return gateway_to_json(row, around, v->who->is_admin);
}

const struct resource gateway_resource = {
        .name = "gateway",
        .collection = "gateways",
        .path = "/v1/gateways",
        .noun = "Gateway",
        .table = T_GATEWAY,
        .shared = true,
        .needs_sites = true,
        .filters = filters,
        .shown = shown,
        .related = { { T_CONTROL, "name", 0, 0, false, CONTROL_FREEZE } },
        .render = render,
};

/* It has been read once more when the answer comes, or is about to be. */
static bool is_released(const json_t *object, const json_t *args)
{
        (void)args;
        return json_is_false(json_object_get(object, "halted"));
}

/* clang-format off */
static const struct write releasing = { "release_gateway", &gateway_resource, 200, is_released, false };
/* clang-format on */

void gateway_release(struct call *c)
{
        json_auto_t *nothing =
                c->q->message.n_body ? call_body(c, NULL, no_attributes, IN_POST) : json_object();

        if (nothing)
                write_send(c, &releasing, json_pack("{ss}", "gateway_id", c->id), c->id);
}
