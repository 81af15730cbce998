/* SPDX-License-Identifier: Apache-2.0 */
#include "openstack/policy.h"

#include <unistd.h>

#include "support/unit.h"

static char path[] = "/tmp/atlas-policy-XXXXXX";

static int policy_of(const char *text, struct policy **ret, struct fault *why)
{
        char file[] = "/tmp/atlas-policy-XXXXXX";
        int fd = mkstemp(file), r;

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        close(fd);
        *why = (struct fault){ 0 };
        memcpy(path, file, sizeof path);
        r = policy_new(path, ret, why);
        unlink(path);
        return r;
}

static bool allows(const struct policy *p, const char *rule, const char *roles, const char *of)
{
        return policy_allows(p, rule, &(struct check_subject){ "mine", "me", roles }, of);
}

static void the_defaults_are_reader_member_and_admin(void **state)
{
        OWN(policy_free) struct policy *p = NULL;
        struct fault why;

        (void)state;
        assert_int_equal(policy_new("", &p, &why), POLICY_OK);
        assert_true(allows(p, "get_vpn", "reader", "mine"));
        assert_false(allows(p, "get_vpn", "reader", "other"));
        assert_false(allows(p, "get_vpn", "member", "mine")); /* Keystone says reader with member */
        assert_false(allows(p, "create_vpn", "reader", "mine"));
        assert_true(allows(p, "create_vpn", "member,reader", "mine"));
        assert_false(allows(p, "delete_vpn", "member,reader", "other"));
        assert_true(allows(p, "delete_vpn", "admin", "other"));
        assert_false(allows(p, "get_site", "", "mine"));
        assert_true(allows(p, "get_site", "reader", "other"));
        assert_false(allows(p, "nothing_like_it", "admin", "mine"));
}

static void a_file_overrides_and_adds_rules(void **state)
{
        OWN(policy_free) struct policy *p = NULL;
        struct fault why;

        (void)state;
        assert_int_equal(policy_of("# ours\n\"get_vpn\": \"rule:auditor or rule:admin_or_project_reader\"\n"
                                   "auditor: role:auditor\ncreate_vpn: '!'\n", &p, &why), POLICY_OK);
        assert_true(allows(p, "get_vpn", "auditor", "other"));
        assert_true(allows(p, "get_vpn", "reader", "mine"));
        assert_false(allows(p, "get_vpn", "reader", "other"));
        assert_false(allows(p, "create_vpn", "admin", "mine"));
        assert_true(allows(p, "delete_vpn", "member", "mine"));
}

static void a_rule_that_is_wrong_is_refused_with_its_line(void **state)
{
        static const struct {
                const char *text, *says;
        } cases[] = {
                { "get_vpn: '@'\ndelete_vpn: rule:admin_onyl\n",
                  ":2: rule delete_vpn: rule:admin_onyl is not there; did you mean admin_only?" },
                { "x: rule:y\ny: rule:x\n", "leads in a circle" },
                { "get_vpn: rule:get_vpn\n", ":1: rule get_vpn: rule:get_vpn leads in a circle" },
                { "\nget_vpn: role:a and\n", ":2: rule get_vpn: " },
                { "get_vpn: is_admin:True\n", ":1: rule get_vpn: \"is_admin:True\" is no check that is known" },
                { "get_vpn: '@'\nget_vpn: '!'\n", ":2: rule get_vpn: it was given before" },
                { "get_vpn:\n", ":1: rule get_vpn: its check has to be a text" },
                { "get_vpn: [role:a]\n", ":1: rule get_vpn: its check has to be a text" },
                { "get_vpn: {role: a}\n", ":1: rule get_vpn: its check has to be a text" },
                { "- get_vpn\n", "rule 0: " },
                { "get_vpn\n", ":1: it is no mapping" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                OWN(policy_free) struct policy *p = NULL;
                struct fault why;

                if (policy_of(cases[i].text, &p, &why) != POLICY_BAD)
                        fail_msg("%s is taken", cases[i].text);
                if (!strstr(why.message, cases[i].says))
                        fail_msg("%s: %s", cases[i].text, why.message);
        }
}

static void a_file_that_is_not_there_is_no_policy(void **state)
{
        OWN(policy_free) struct policy *p = NULL;
        struct fault why;

        (void)state;
        assert_int_equal(policy_new("/nowhere/policy.yaml", &p, &why), POLICY_BAD);
        assert_non_null(strstr(why.message, "/nowhere/policy.yaml cannot be read"));
}

static void a_request_has_one_rule(void **state)
{
        (void)state;
        assert_string_equal(policy_rule_of("GET", "/v1/vpns"), "get_vpn");
        assert_string_equal(policy_rule_of("GET", "/v1/vpns/{id}"), "get_vpn");
        assert_string_equal(policy_rule_of("PUT", "/v1/vpns/{id}"), "update_vpn");
        assert_string_equal(policy_rule_of("PUT", "/v1/vpns/{id}/add_site"), "add_site");
        assert_string_equal(policy_rule_of("PUT", "/v1/vpns"), "default");
        assert_string_equal(policy_rule_of("GET", "/v1/vpn"), "default");
}

UNIT_MAIN(UNIT(the_defaults_are_reader_member_and_admin), UNIT(a_file_overrides_and_adds_rules),
          UNIT(a_rule_that_is_wrong_is_refused_with_its_line), UNIT(a_file_that_is_not_there_is_no_policy),
          UNIT(a_request_has_one_rule))
