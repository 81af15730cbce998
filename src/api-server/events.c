/* SPDX-License-Identifier: Apache-2.0 */
/* Events: history in the order it was committed; ids are serial numbers, so a marker resumes where
 * a reader stopped. */
#include <inttypes.h>
#include <stdio.h>

#include "api-server/resource.h"

/* clang-format off */
static const struct filter filters[] = {
        FILTER("id",           "id",           FILTER_INT),
        FILTER("project_id",   "project_id",   FILTER_TEXT),
        FILTER("type",         "type",         FILTER_TEXT),
        FILTER("object_type",  "object_type",  FILTER_TEXT),
        FILTER("object_id",    "object_id",    FILTER_ID),
        FILTER("operation_id", "operation_id", FILTER_ID),
        FILTER("request_id",   "request_id",   FILTER_TEXT),
        FILTER("row",          "flow_row",     FILTER_INT),
        FILTER("site",         "site",         FILTER_TEXT),
        FILTER("from",         "from_state",   FILTER_TEXT),
        FILTER("to",           "to_state",     FILTER_TEXT),
        { 0 },
};
static const struct shown shown[] = {
        { "id",           SHOWN_TEXT, 0, NULL, NULL },
        { "type",         SHOWN_TEXT, 0, NULL, NULL },
        { "at",           SHOWN_TIME, MAY_BE_NULL, NULL, NULL },
        { "project_id",   SHOWN_TEXT, MAY_BE_NULL, NULL, NULL },
        { "object_type",  SHOWN_TEXT, 0, NULL, NULL },
        { "object_id",    SHOWN_TEXT, 0, NULL, NULL },
        { "operation_id", SHOWN_ID, MAY_BE_NULL, NULL, NULL },
        { "request_id",   SHOWN_TEXT, MAY_BE_NULL, NULL, NULL },
        { "user_id",      SHOWN_TEXT, MAY_BE_NULL, NULL, NULL },
        { "duration_ms",  SHOWN_INT, 0, NULL, NULL },
        { "row",          SHOWN_INT, 0, NULL, NULL },
        { "from",         SHOWN_TEXT, MAY_BE_NULL, NULL, NULL },
        { "to",           SHOWN_TEXT, MAY_BE_NULL, NULL, NULL },
        { "site",         SHOWN_TEXT, MAY_BE_NULL, NULL, NULL },
        { "reason",       SHOWN_TEXT, MAY_BE_NULL, NULL, NULL },
        { 0 },
};
/* clang-format on */

static json_t *render(const struct view *v, size_t i)
{
        char id[24];

        snprintf(id, sizeof id, "%" PRId64, v->serials[i]);
        return event_to_json((const struct event *)v->sets[0].rows + i, id);
}

const struct resource event_resource = {
        .name = "event",
        .collection = "events",
        .path = "/v1/events",
        .noun = "Event",
        .table = T_EVENT,
        .serial = true,
        .project_offset = offsetof(struct event, project_id),
        .filters = filters,
        .shown = shown,
        .render = render,
};
