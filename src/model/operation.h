#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* An operation: one workflow running or done, and the events it and everything else leave behind.
 */

#include <jansson.h>
#include <stdint.h>

#include "model/limits.h"

enum operation_kind {
        OP_CREATE,
        OP_UPDATE,
        OP_DELETE,
        OP_ATTACH,
        OP_DETACH,
        OP_ENABLE,
        OP_DISABLE,
        OP_CONNECT, /* of a connection: its links' operations have it as their parent */
        OP_KIND_N,
};
extern const char *const operation_kind_name[OP_KIND_N]; /* "create", "update", … */
enum operation_result { OP_RUNNING, OP_DONE, OP_FAILED, OP_PREEMPTED, OP_RESULT_N };
extern const char
        *const operation_result_name[OP_RESULT_N]; /* "running", "done", "failed", "preempted" */

struct operation {
        char id[ID_SIZE];
        char project_id[PROJECT_SIZE];
        char request_id[REQUEST_ID_SIZE];
        char link_id[ID_SIZE];
        char attachment_id[ID_SIZE]; /* of an attach or detach, else "" */
        int64_t kind;                /* enum operation_kind */
        char state[32];              /* of the kind's table of rows */
        int64_t result;              /* enum operation_result */
        char reason[REASON_SIZE];
        int64_t retries; /* TIMEOUTs answered by asking once more */
        int64_t started_ms, finished_ms;
        char user_id[PROJECT_SIZE]; /* who asked for it, or "" */
        int64_t state_ms;           /* since when it is in this state */
        char parent_id[ID_SIZE];    /* the operation that this one is a part of, or "" */
        char vpn_id[ID_SIZE];       /* of a connection: the VPN that its links are in, else "" */
};
json_t *operation_to_json(const struct operation *o);
/* A connection is no row: its operation and the ids of its links (a JSON list, borrowed) show it. */
json_t *connection_to_json(const struct operation *o, const json_t *link_ids);

/* Append-only history. */
struct event {
        char project_id[PROJECT_SIZE];
        char object_type[24]; /* virtual_link, virtual_port, attachment, gateway, site, vpn,
                                 connection */
        char object_id[ID_SIZE];
        char operation_id[ID_SIZE];
        char request_id[REQUEST_ID_SIZE];
        char type[64]; /* "virtual_link.create.start", "operation.step", … */
        int64_t row;   /* number of the workflow row, or 0 */
        char from[32], to[32];
        char site[SITE_SIZE];
        char reason[REASON_SIZE];
        int64_t at_ms;
        char user_id[PROJECT_SIZE]; /* who asked for it, or "" */
        int64_t duration_ms;        /* of the state that a workflow's row leaves */
};
json_t *event_to_json(const struct event *e, const char *id);
