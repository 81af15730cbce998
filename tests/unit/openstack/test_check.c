/* SPDX-License-Identifier: Apache-2.0 */
#include "openstack/check.h"

#include "base/text.h"
#include "support/unit.h"

static const struct check *no_rule(const void *rules, const char *name)
{
        (void)rules;
        (void)name;
        return NULL;
}

/* "roles" of user u in project p, towards an object of project p (own) or q. */
static void checks_say_what_oslo_policy_says(void **state)
{
        static const struct {
                const char *text, *roles;
                bool own, others;
        } cases[] = {
                /* clang-format off */
                { "",                                                          "",             true,  true },
                { "@",                                                         "",             true,  true },
                { "!",                                                         "admin",        false, false },
                { "not !",                                                     "",             true,  true },
                { "not not @",                                                 "",             true,  true },
                { "role:admin",                                                "reader,admin", true,  true },
                { "role:admin",                                                "administrator", false, false },
                { "role:Admin",                                                "ADMIN",        true,  true },
                { "project_id:%(project_id)s",                                 "",             true,  false },
                { "tenant_id:%(tenant_id)s",                                   "",             true,  false },
                { "project_id:p",                                              "",             true,  true },
                { "project_id:q",                                              "",             false, false },
                { "user_id:u",                                                 "",             true,  true },
                { "'q':%(project_id)s",                                        "",             false, true },
                { "role:member and project_id:%(project_id)s",                 "member",       true,  false },
                { "role:a or role:b and role:c",                               "a",            true,  true },
                { "(role:a or role:b) and role:c",                             "a",            false, false },
                { "role:c and (role:a or role:b)",                             "b,c",          true,  true },
                { "not role:a and role:b",                                     "b",            true,  true },
                { "not (role:a and role:b)",                                   "a,b",          false, false },
                { "((role:a))",                                                "a",            true,  true },
                { "role:a AND NOT role:b",                                     "a",            true,  true },
                { " \n role:a\tor  role:b ",                                   "b",            true,  true },
                { "rule:nowhere",                                              "admin",        false, false },
                { "(project_id:%(project_id)s)",                               "",             true,  false },
                /* clang-format on */
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                OWN(check_free) struct check *c = NULL;
                struct check_subject who = { "p", "u", cases[i].roles };
                struct fault why = { 0 };

                if (check_parse(cases[i].text, &c, &why) != CHECK_OK)
                        fail_msg("%s: %s", cases[i].text, why.message);
                if (check_passes(c, &who, "p", no_rule, NULL) != cases[i].own ||
                    check_passes(c, &who, "q", no_rule, NULL) != cases[i].others)
                        fail_msg("%s with %s", cases[i].text, cases[i].roles);
        }
}

static void what_is_not_understood_is_refused_and_quoted(void **state)
{
        static const struct {
                const char *text, *says;
        } cases[] = {
                { "role", "\"role\" is no check" },
                { "role:", "\"role:\" is no check" },
                { ":x", "\":x\" is no check" },
                { "role:a role:b", "\"role:b\" is left over" },
                { "role:a and", "stands where a check is missing" },
                { "or role:a", "\"or\" stands where a check is missing" },
                { "(role:a", "closing parenthesis" },
                { "role:a)", "\")\" is left over" },
                { "()", "stands where a check is missing" },
                { "not", "stands where a check is missing" },
                { "http://example.org/", "\"http://example.org/\" is no check that is known" },
                { "is_admin:True", "\"is_admin:True\" is no check that is known" },
                { "project:%(project_id)s", "is no check that is known" },
                { "project_id:%(network_id)s", "compares with something that objects do not have" },
                { "role:%(project_id)s", "names no role or rule" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                OWN(check_free) struct check *c = NULL;
                struct fault why = { 0 };

                assert_int_equal(check_parse(cases[i].text, &c, &why), CHECK_BAD);
                if (!strstr(why.message, cases[i].says))
                        fail_msg("%s: %s", cases[i].text, why.message);
        }
}

static void no_depth_and_no_length_is_too_much_for_the_reader(void **state)
{
        enum { DEEP = 5000 };
        OWN(check_free) struct check *c = NULL;
        struct text deep = { 0 }, wide = { 0 };
        struct fault why = { 0 };

        (void)state;
        for (int i = 0; i < DEEP; i++)
                text_add(&deep, "(");
        text_add(&wide, "@");
        for (int i = 0; i < DEEP; i++)
                text_add(&wide, " or @");
        assert_int_equal(check_parse(deep.bytes, &c, &why), CHECK_BAD);
        assert_int_equal(check_parse(wide.bytes, &c, &why), CHECK_BAD);
        text_done(&deep);
        text_done(&wide);
}

UNIT_MAIN(UNIT(checks_say_what_oslo_policy_says), UNIT(what_is_not_understood_is_refused_and_quoted),
          UNIT(no_depth_and_no_length_is_too_much_for_the_reader))
