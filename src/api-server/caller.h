#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, as the header says it under `auth_strategy = noauth`: project, user, roles; and the
 * request's ids. */

#include <jansson.h>
#include <stdbool.h>

#include "base/fault.h"
#include "http/parse.h"
#include "model/limits.h"

struct caller {
        char project_id[PROJECT_SIZE];
        char user_id[PROJECT_SIZE];
        char roles[PROJECT_SIZE]; /* as sent: comma-separated */
        bool is_admin;            /* "admin" is among the roles: an operator */
        char request_id[REQUEST_ID_SIZE];
        char global_request_id[REQUEST_ID_SIZE]; /* the client's own, or "" */
};

/* Answers: CALLER_REFUSED with a fault of code 401 or 400. 'request_id' is ours. */
enum { CALLER_OK, CALLER_REFUSED };
int caller_from_message(const struct http_message *m, const char *request_id, struct caller *ret,
                        struct fault *why);
/* The context of a call on the bus. */
json_t *caller_context(const struct caller *c);
