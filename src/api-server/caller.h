#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks: project, user, roles, as Keystone says it of a token, or under `auth_strategy = noauth`
 * the headers; and the request's ids. */

#include <jansson.h>
#include <stdbool.h>

#include "base/fault.h"
#include "http/parse.h"
#include "model/limits.h"
#include "openstack/identity.h"

struct caller {
        char project_id[PROJECT_SIZE];
        char user_id[PROJECT_SIZE];
        char roles[ROLES_SIZE]; /* "member,reader" */
        bool is_admin;          /* an operator: sees what only operators need */
        bool all_projects;      /* the rule of this request reaches every project's objects */
        char request_id[REQUEST_ID_SIZE];
        char global_request_id[REQUEST_ID_SIZE]; /* the client's own, or "" */
};

/* The ids; 'request_id' is ours. */
void caller_requests(const struct http_message *m, const char *request_id, struct caller *ret);
/* Project, user and roles; the rest is left alone. A role brings those below it, as Keystone has
 * them: admin, member, reader; without X-Roles it is member. Answers: CALLER_REFUSED with a fault
 * of code 401 or 400. */
enum { CALLER_OK, CALLER_REFUSED };
int caller_from_headers(const struct http_message *m, struct caller *ret, struct fault *why);
void caller_from_identity(const struct identity *i, struct caller *ret);
/* The context of a call on the bus; there `is_admin` says that any project's objects may be
 * touched. */
json_t *caller_context(const struct caller *c);
