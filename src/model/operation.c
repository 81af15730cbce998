/* SPDX-License-Identifier: Apache-2.0 */
/* Operations and events as REST shows them. */
#include "model/operation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "model/json.h"

/* clang-format off */
const char *const operation_kind_name[] = {
        [OP_CREATE] = "create", [OP_UPDATE] = "update", [OP_DELETE] = "delete",
        [OP_ATTACH] = "attach", [OP_DETACH] = "detach", [OP_ENABLE] = "enable", [OP_DISABLE] = "disable",
        [OP_CONNECT] = "connect",
};
const char *const operation_result_name[] = {
        [OP_RUNNING] = "running", [OP_DONE] = "done", [OP_FAILED] = "failed", [OP_PREEMPTED] = "preempted",
};
/* clang-format on */
_Static_assert(sizeof operation_kind_name / sizeof *operation_kind_name == OP_KIND_N, "name each");
_Static_assert(sizeof operation_result_name / sizeof *operation_result_name == OP_RESULT_N,
               "name each");

json_t *operation_to_json(const struct operation *o)
{
        json_t *duration =
                o->finished_ms ? json_integer(o->finished_ms - o->started_ms) : json_null();

        return json_pack("{ss ss ss ss so so so ss ss so so so so so so}", "id", o->id, "type",
                         operation_kind_name[o->kind], "project_id", o->project_id, "tenant_id",
                         o->project_id, "virtual_link_id", json_text_or_null(o->link_id), "vpn_id",
                         json_text_or_null(o->vpn_id), "parent_id",
                         json_text_or_null(o->parent_id), "state", o->state, "status", operation_result_name[o->result], "status_reason",
                         json_text_or_null(o->reason), "request_id",
                         json_text_or_null(o->request_id), "user_id",
                         json_text_or_null(o->user_id), "started_at",
                         json_time_or_null(o->started_ms), "finished_at",
                         json_time_or_null(o->finished_ms), "duration_ms", duration);
}

json_t *connection_to_json(const struct operation *o, const json_t *link_ids)
{
        return json_pack("{ss ss ss ss ss so ss so}", "id", o->id, "project_id", o->project_id,
                         "tenant_id", o->project_id, "operation_id", o->id, "vpn_id", o->vpn_id,
                         "virtual_link_ids", json_deep_copy(link_ids), "status",
                         operation_result_name[o->result], "status_reason",
                         json_text_or_null(o->reason));
}

/* "….123Z": history needs more than seconds. */
static json_t *precise_time(int64_t wall_ms)
{
        char seconds[24], text[32];

        clock_format(wall_ms, seconds, sizeof seconds);
        snprintf(text, sizeof text, "%.*s.%03" PRId64 "Z", (int)strcspn(seconds, "Z"), seconds,
                 wall_ms % 1000);
        return *seconds ? json_string(text) : json_null();
}

json_t *event_to_json(const struct event *e, const char *id)
{
        return json_pack("{ss ss so so ss ss so so so sI sI so so so so}", "id", id, "type", e->type,
                         "at", precise_time(e->at_ms), "project_id",
                         json_text_or_null(e->project_id), "object_type", e->object_type,
                         "object_id", e->object_id, "operation_id",
                         json_text_or_null(e->operation_id), "request_id",
                         json_text_or_null(e->request_id), "user_id", json_text_or_null(e->user_id),
                         "duration_ms", (json_int_t)e->duration_ms, "row", (json_int_t)e->row, "from",
                         json_text_or_null(e->from), "to", json_text_or_null(e->to), "site",
                         json_text_or_null(e->site), "reason", json_text_or_null(e->reason));
}
