/* SPDX-License-Identifier: Apache-2.0 */
/* Operations: a single one shows its steps. */
#include "api-server/resource.h"

/* clang-format off */
static const struct filter filters[] = {
        FILTERS_OF_A_PROJECT,
        FILTER("virtual_link_id", "link_id",    FILTER_ID),
        FILTER("vpn_id",          "vpn_id",     FILTER_ID),
        FILTER("parent_id",       "parent_id",  FILTER_ID),
        FILTER_WORDS("type",            "kind",       operation_kind_name, OP_KIND_N),
        FILTER("state",           "state",      FILTER_TEXT),
        FILTER_WORDS("status",          "result",     operation_result_name, OP_RESULT_N),
        FILTER("request_id",      "request_id", FILTER_TEXT),
        FILTER("started_at",      "started_ms", FILTER_TIME),
        FILTER("finished_at",     "finished_ms", FILTER_TIME),
        { 0 },
};
static const char *const type_word[] = { "create", "update", "delete", "attach", "detach", "enable", "disable", "connect", NULL };
static const char *const status_word[] = { "running", "done", "failed", "preempted", NULL };
static const struct shown shown_step[] = {
        { "row",    SHOWN_INT, 0, NULL, NULL },
        { "from",   SHOWN_TEXT, MAY_BE_NULL, NULL, NULL },
        { "to",     SHOWN_TEXT, MAY_BE_NULL, NULL, NULL },
        { "at",     SHOWN_TIME, 0, NULL, NULL },
        { "duration_ms", SHOWN_INT, 0, NULL, NULL },
        { "type",   SHOWN_TEXT, 0, NULL, NULL },
        { "site",   SHOWN_TEXT, MAY_BE_NULL, NULL, NULL },
        { "reason", SHOWN_TEXT, MAY_BE_NULL, NULL, NULL },
        { 0 },
};
static const struct shown shown[] = {
        SHOWN_OF_A_PROJECT,
        { "type",            SHOWN_WORD, 0, type_word, NULL },
        { "virtual_link_id", SHOWN_ID, MAY_BE_NULL, NULL, NULL },
        { "vpn_id",          SHOWN_ID, MAY_BE_NULL, NULL, NULL },
        { "parent_id",       SHOWN_ID, MAY_BE_NULL, NULL, NULL },
        { "state",           SHOWN_TEXT, 0, NULL, NULL },
        { "status",          SHOWN_WORD, 0, status_word, NULL },
        { "status_reason",   SHOWN_TEXT, MAY_BE_NULL, NULL, NULL },
        { "request_id",      SHOWN_TEXT, MAY_BE_NULL, NULL, NULL },
        { "user_id",         SHOWN_TEXT, MAY_BE_NULL, NULL, NULL },
        { "started_at",      SHOWN_TIME, MAY_BE_NULL, NULL, NULL },
        { "finished_at",     SHOWN_TIME, MAY_BE_NULL, NULL, NULL },
        { "duration_ms",     SHOWN_INT, MAY_BE_NULL, NULL, NULL },
        { "virtual_link_ids", SHOWN_IDS, SHOWN_ALONE, NULL, NULL },
        { "steps",           SHOWN_OBJECTS, SHOWN_ALONE, NULL, shown_step },
        { 0 },
};
/* clang-format on */

static json_t *steps(const struct store_rows *events)
{
        static const char *const keys[] = { "row", "from", "to", "at", "duration_ms", "type", "site", "reason" };
        json_t *list = json_array();

        for (size_t i = 0; i < events->n; i++) {
                json_auto_t *event = event_to_json((const struct event *)events->rows + i, "");
                json_t *step = json_object();

                for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
                        json_object_set(step, keys[k], json_object_get(event, keys[k]));
                json_array_append_new(list, step);
        }
        return list;
}

json_t *operation_links(const struct operation *o, const struct store_rows *parts)
{
        const struct operation *part = parts->rows;
        json_t *ids = json_array();

        if (o->link_id[0])
                json_array_append_new(ids, json_string(o->link_id));
        for (size_t i = 0; i < parts->n; i++)
                if (part[i].kind == OP_CREATE)
                        json_array_append_new(ids, json_string(part[i].link_id));
        return ids;
}

static json_t *render(const struct view *v, size_t i)
{
        const struct operation *row = (const struct operation *)v->sets[0].rows + i;
        json_t *operation = operation_to_json(row);

        if (v->one) {
                json_object_set_new(operation, "virtual_link_ids",
                                    operation_links(row, &v->sets[2]));
                json_object_set_new(operation, "steps", steps(&v->sets[1]));
        }
        return operation;
}

const struct resource operation_resource = {
        .name = "operation",
        .collection = "operations",
        .path = "/v1/operations",
        .noun = "Operation",
        .table = T_OPERATION,
        .project_offset = offsetof(struct operation, project_id),
        .filters = filters,
        .shown = shown,
        .related = { { T_EVENT, "operation_id", 0, offsetof(struct operation, id),
                       .one_only = true },
                     { T_OPERATION, "parent_id", 0, offsetof(struct operation, id),
                       .one_only = true } },
        .render = render,
};
