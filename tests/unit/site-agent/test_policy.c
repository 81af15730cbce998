/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "site-agent/policy.h"

/* Texts of settings are not const: config frees them. */
#define TEXT(s) ((char[]){ s })

static struct port_want port(const char *project, const char *peer, int64_t tx, int64_t rx)
{
        struct port_want w = { .present = true, .site = "east", .tx_kbps = tx, .rx_kbps = rx };

        strcpy(w.project_id, project);
        strcpy(w.peer_site, peer);
        return w;
}

static void without_rules_everything_is_allowed(void **state)
{
        const struct policy open = { .projects = TEXT(""), .peer_sites = TEXT(""), .project_map = TEXT("") };
        struct port_want w = port("blue", "west", INT64_MAX, 0);

        (void)state;
        assert_true(policy_allows_port(&open, "east", &w, NULL));
        assert_true(policy_allows_port(&(struct policy){ 0 }, "east", &w, NULL));
}

static void each_rule_refuses_by_its_name(void **state)
{
        const struct policy p = { .projects = TEXT("blue,green"), .peer_sites = TEXT("west,north"),
                                  .max_kbps = 1000 };
        const struct {
                struct port_want want;
                const char *message; /* NULL: allowed */
        } cases[] = {
                { port("blue", "west", 1000, 1000), NULL },
                { port("green", "north", 0, 1), NULL },
                { port("red", "west", 1, 1), "Site east does not serve this project." },
                { port("blu", "west", 1, 1), "Site east does not serve this project." },
                { port("blue,green", "west", 1, 1), "Site east does not serve this project." },
                { port("blue", "south", 1, 1), "Site east has no links to site south." },
                { port("blue", "west", 1001, 1),
                  "Site east allows a link at most 1000 kbit/s each way." },
                { port("blue", "west", 1, 1001),
                  "Site east allows a link at most 1000 kbit/s each way." },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                struct fault why = { 0 };

                assert_int_equal(policy_allows_port(&p, "east", &cases[i].want, &why),
                                 cases[i].message == NULL);
                assert_string_equal(why.message, cases[i].message ? cases[i].message : "");
                assert_int_equal(why.code, cases[i].message ? 403 : 0);
                assert_string_equal(why.type, cases[i].message ? "site.policy" : "");
        }
}

static void a_mapped_project_goes_there_and_comes_back(void **state)
{
        const struct policy p = { .project_map = TEXT("blue:b1ue,green:b1ue-2,a:bc") };
        static const char *const pairs[][2] = {
                { "blue", "b1ue" }, { "green", "b1ue-2" }, { "a", "bc" }, { "red", "red" },
        };
        char ret[PROJECT_SIZE];

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(pairs); i++) {
                policy_cloud_project(&p, pairs[i][0], ret);
                assert_string_equal(ret, pairs[i][1]);
                policy_atlas_project(&p, pairs[i][1], ret);
                assert_string_equal(ret, pairs[i][0]);
        }
        policy_cloud_project(&p, "blu", ret);
        assert_string_equal(ret, "blu");
        policy_atlas_project(&p, "c", ret);
        assert_string_equal(ret, "c");
}

UNIT_MAIN(UNIT(without_rules_everything_is_allowed), UNIT(each_rule_refuses_by_its_name),
          UNIT(a_mapped_project_goes_there_and_comes_back))
