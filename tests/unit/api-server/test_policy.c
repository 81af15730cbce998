/* SPDX-License-Identifier: Apache-2.0 */
/* The table of routes and that of rules: each request has its rule, each rule its requests. */
#include "openstack/policy.h"

#include "api-server/routes.h"
#include "support/unit.h"

static void every_route_that_needs_a_caller_has_a_rule_of_its_own(void **state)
{
        (void)state;
        for (const struct route *r = routes; r->pattern; r++) {
                const char *rule = policy_rule_of(http_method_name[r->method], r->pattern);

                if (!(r->flags & ROUTE_OPEN) == !strcmp(rule, "default"))
                        fail_msg("%s %s: %s", http_method_name[r->method], r->pattern, rule);
        }
}

static bool is_route(const char *request, size_t n)
{
        for (const struct route *r = routes; r->pattern; r++) {
                char text[200];

                snprintf(text, sizeof text, "%s %s", http_method_name[r->method], r->pattern);
                if (strlen(text) == n && strncmp(text, request, n) == 0)
                        return true;
        }
        return false;
}

static void every_request_of_a_rule_is_a_route(void **state)
{
        (void)state;
        for (const struct policy_rule *d = policy_rules; d->name; d++)
                for (const char *at = d->requests; at && *at; at += strcspn(at, ","), at += strspn(at, ", "))
                        if (!is_route(at, strcspn(at, ",")))
                                fail_msg("%s: %s", d->name, at);
}

/* Only reading may be left to readers, and nothing to those without a role. */
static void no_default_lets_a_reader_change_or_a_stranger_touch(void **state)
{
        OWN(policy_free) struct policy *p = NULL;
        struct fault why;
        int n = 0;

        (void)state;
        assert_int_equal(policy_new("", &p, &why), POLICY_OK);
        for (const struct route *r = routes; r->pattern; r++) {
                const char *rule = policy_rule_of(http_method_name[r->method], r->pattern);
                bool shared = !r->resource || r->resource->shared;

                if (r->flags & ROUTE_OPEN)
                        continue;
                n++;
                assert_false(policy_allows(p, rule, &(struct check_subject){ "mine", "me", "" }, "mine"));
                assert_true(policy_allows(p, rule, &(struct check_subject){ "mine", "me", "admin" }, "other"));
                assert_false(!shared && policy_allows(p, rule,
                                                      &(struct check_subject){ "mine", "me", "member,reader" }, "other"));
                assert_false(r->method != HTTP_GET &&
                             policy_allows(p, rule, &(struct check_subject){ "mine", "me", "reader" }, "mine"));
        }
        assert_true(n > 20);
}

UNIT_MAIN(UNIT(every_route_that_needs_a_caller_has_a_rule_of_its_own), UNIT(every_request_of_a_rule_is_a_route),
          UNIT(no_default_lets_a_reader_change_or_a_stranger_touch))
