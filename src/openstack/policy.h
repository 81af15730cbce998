#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what: the rules with their defaults, each with the requests it decides; a file may
 * override their checks (openstack/check.h), as oslo.policy's policy.yaml does, and may add rules
 * for its own checks to name. */

#include "openstack/check.h"

struct policy_rule {
        const char *name;
        const char *check;    /* the default */
        const char *requests; /* "GET /v1/vpns, GET /v1/vpns/{id}"; NULL: only for other rules */
        const char *says;
};
extern const struct policy_rule policy_rules[]; /* ended by { 0 } */

struct policy;
enum { POLICY_OK, POLICY_BAD };
/* 'file' is a path, or "" for the defaults. POLICY_BAD: the fault names file and line. */
int policy_new(const char *file, struct policy **ret, struct fault *why);
struct policy *policy_free(struct policy *p);
OWN_DEFINE(struct policy *, policy_free)

/* The rule that decides "METHOD PATTERN"; one that no rule names is decided by "default". Lent. */
const char *policy_rule_of(const char *method, const char *pattern);
/* Whether 'who' may do it to an object of the project 'of'; a rule that is not there lets nobody.
 */
bool policy_allows(const struct policy *p, const char *rule, const struct check_subject *who,
                   const char *of);
/* The i-th rule in force, those of the file after the defaults: its name, or NULL at the end; the
 * text of its check, and whether the file gave it. All lent. */
const char *policy_at(const struct policy *p, size_t i, const char **ret_check, bool *ret_of_file);
