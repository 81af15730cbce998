#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a token is, by Keystone's own words. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "model/limits.h"

enum { ROLES_SIZE = 1024 };

struct identity {
        char project_id[PROJECT_SIZE]; /* "": the token is for no project */
        char user_id[PROJECT_SIZE];
        char roles[ROLES_SIZE]; /* "member,reader"; what does not fit is left out */
        int64_t expires_ms;     /* wall clock */
};

enum { IDENTITY_OK, IDENTITY_BAD_ANSWER };
/* 'body' is the answer to GET /v3/auth/tokens. */
int identity_read(const json_t *body, struct identity *ret, struct fault *why);
/* "2026-01-31T23:59:59.000000Z" as milliseconds since 1970; false for anything else. */
bool identity_time_read(const char *text, int64_t *ret_ms);
