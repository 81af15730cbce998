/* SPDX-License-Identifier: Apache-2.0 */
/* Agents as operators know them from Neutron: a site's agents share one queue and one last-seen
 * time, so a site shows as one. */
#include "api-server/resource.h"

#include <stdio.h>

#include "model/json.h"

/* clang-format off */
static const struct filter filters[] = {
        FILTER("id",                  "id",           FILTER_ID),
        FILTER("host",                "name",         FILTER_TEXT),
        FILTER("agent_type",          NULL,           FILTER_TEXT),
        FILTER("binary",              NULL,           FILTER_TEXT),
        FILTER("topic",               NULL,           FILTER_TEXT),
        FILTER("alive",               NULL,           FILTER_BOOL),
        FILTER("created_at",          "created_ms",   FILTER_TIME),
        FILTER("heartbeat_timestamp", "last_seen_ms", FILTER_TIME),
        { 0 },
};
static const struct shown shown[] = {
        { "id",                  SHOWN_ID, 0, NULL, NULL },
        { "agent_type",          SHOWN_TEXT, 0, NULL, NULL },
        { "binary",              SHOWN_TEXT, 0, NULL, NULL },
        { "host",                SHOWN_TEXT, 0, NULL, NULL },
        { "topic",               SHOWN_TEXT, 0, NULL, NULL },
        { "alive",               SHOWN_BOOL, 0, NULL, NULL },
        { "admin_state_up",      SHOWN_BOOL, 0, NULL, NULL },
        { "availability_zone",   SHOWN_TEXT, MAY_BE_NULL, NULL, NULL },
        { "configurations",      SHOWN_MAP, 0, NULL, NULL },
        { "created_at",          SHOWN_TIME, MAY_BE_NULL, NULL, NULL },
        { "started_at",          SHOWN_TIME, MAY_BE_NULL, NULL, NULL },
        { "heartbeat_timestamp", SHOWN_TIME, MAY_BE_NULL, NULL, NULL },
        { 0 },
};
/* clang-format on */

static json_t *render(const struct view *v, size_t i)
{
        const struct site *s = (const struct site *)v->sets[0].rows + i;
        char topic[SITE_SIZE + 16];

        snprintf(topic, sizeof topic, "atlas-agent.%s", s->name);
        return json_pack("{ss ss ss ss ss sb sb sn s{} so sn so}", "id", s->id, "agent_type",
                         "Cloud Atlas site agent", "binary", "atlas-agent", "host", s->name,
                         "topic", topic, "alive", !site_is_silent(s, v->now_ms), "admin_state_up",
                         1, "availability_zone", "configurations", "created_at",
                         json_time_or_null(s->created_ms), "started_at", "heartbeat_timestamp",
                         json_time_or_null(s->last_seen_ms));
}

const struct resource agent_resource = {
        .name = "agent",
        .collection = "agents",
        .path = "/v1/agents",
        .noun = "Agent",
        .table = T_SITE,
        .shared = true,
        .filters = filters,
        .shown = shown,
        .render = render,
};
