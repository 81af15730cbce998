#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Checks in oslo.policy's language: `role:member and project_id:%(project_id)s`, `rule:NAME`,
 * `ATTRIBUTE:VALUE`, `'LITERAL':%(project_id)s`, `@` (always), `!` (never), and, or, not,
 * parentheses; an empty check always passes. What oslo.policy lets pass unseen (an unknown
 * attribute, broken syntax) is refused here. */

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"
#include "base/own.h"

/* Who asks. Texts are lent. */
struct check_subject {
        const char *project_id, *user_id;
        const char *roles; /* "member,reader" */
};

struct check;
enum { CHECK_OK, CHECK_BAD };
int check_parse(const char *text, struct check **ret, struct fault *why);
struct check *check_free(struct check *c);
OWN_DEFINE(struct check *, check_free)

/* The i-th rule that 'c' names, or NULL. Lent. */
const char *check_rule_name(const struct check *c, size_t i);

/* Whether it lets 'who' do something to an object of the project 'of'. 'find' gives the check of a
 * rule; rules must not name themselves, directly or through others. */
typedef const struct check *check_find(const void *rules, const char *name);
bool check_passes(const struct check *c, const struct check_subject *who, const char *of,
                  check_find *find, const void *rules);
/* Whether 'role' is one of the comma-separated 'roles'; case does not matter. */
bool check_has_role(const char *roles, const char *role);
