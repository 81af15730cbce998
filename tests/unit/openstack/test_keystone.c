/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/text.h"
#include "openstack/keystone.h"

static void the_version_is_added_once(void **state)
{
        static const struct {
                const char *auth_url, *tokens_url;
        } cases[] = {
                { "http://k:5000", "http://k:5000/v3/auth/tokens" },
                { "http://k:5000/", "http://k:5000/v3/auth/tokens" },
                { "http://k:5000/v3", "http://k:5000/v3/auth/tokens" },
                { "https://k/identity/v3/", "https://k/identity/v3/auth/tokens" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                char *url = keystone_tokens_url(cases[i].auth_url);

                assert_string_equal(url, cases[i].tokens_url);
                free(url);
        }
}

static void the_password_goes_with_user_domain_and_project(void **state)
{
        char user[] = "u", word[] = "p", domain[] = "D", project[] = "s", none[] = "", id[] = "77";
        struct openstack_settings s = { .username = user,
                                        .password = word,
                                        .user_domain_name = domain,
                                        .project_name = project,
                                        .project_domain_name = domain,
                                        .project_id = none };
        json_auto_t *by_name = keystone_auth_body(&s), *by_id = NULL;
        char *text = json_dumps(by_name, JSON_COMPACT | JSON_SORT_KEYS);

        (void)state;
        assert_string_equal(
                text, "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":"
                      "{\"domain\":{\"name\":\"D\"},\"name\":\"u\",\"password\":\"p\"}}},\"scope\":"
                      "{\"project\":{\"domain\":{\"name\":\"D\"},\"name\":\"s\"}}}}");
        free(text);
        s.project_id = id;
        by_id = keystone_auth_body(&s);
        text = json_dumps(json_object_get(json_object_get(by_id, "auth"), "scope"), JSON_COMPACT);
        assert_string_equal(text, "{\"project\":{\"id\":\"77\"}}");
        free(text);
}

static void a_token_or_an_application_credential_stands_for_a_password(void **state)
{
        char type[] = "token", application[] = "v3applicationcredential", t[] = "T", empty[] = "",
             id[] = "77";
        struct openstack_settings s = {
                .auth_type = type, .token = t, .project_id = empty, .project_name = empty
        };
        json_auto_t *plain = keystone_auth_body(&s), *scoped = NULL, *credential = NULL;
        char *text = json_dumps(plain, JSON_COMPACT | JSON_SORT_KEYS);

        (void)state;
        assert_string_equal(
                text,
                "{\"auth\":{\"identity\":{\"methods\":[\"token\"],\"token\":{\"id\":\"T\"}}}}");
        free(text);
        s.project_id = id;
        scoped = keystone_auth_body(&s);
        text = json_dumps(json_object_get(json_object_get(scoped, "auth"), "scope"), JSON_COMPACT);
        assert_string_equal(text, "{\"project\":{\"id\":\"77\"}}");
        free(text);
        s = (struct openstack_settings){ .auth_type = application,
                                         .application_credential_id = id,
                                         .application_credential_secret = t };
        credential = keystone_auth_body(&s);
        text = json_dumps(credential, JSON_COMPACT | JSON_SORT_KEYS);
        assert_string_equal(text,
                            "{\"auth\":{\"identity\":{\"application_credential\":{\"id\":\"77\","
                            "\"secret\":\"T\"},\"methods\":[\"application_credential\"]}}}");
        free(text);
}

static int read_token(const char *id, const char *text, struct keystone_token *ret)
{
        json_auto_t *body = json_loads(text, 0, NULL);
        struct fault why = { 0 };
        int r = keystone_token_read(id, body, ret, &why);

        assert_int_equal(fault_is_set(&why), r != KEYSTONE_OK);
        return r;
}

static void a_tokens_life_is_the_distance_of_its_times(void **state)
{
        struct keystone_token t = { 0 };

        (void)state;
        assert_int_equal(read_token("abc",
                                    "{\"token\": {\"issued_at\": \"2026-02-28T23:59:00.000000Z\", "
                                    "\"expires_at\": \"2026-03-01T00:01:00.000000Z\"}}",
                                    &t),
                         KEYSTONE_OK);
        assert_string_equal(t.id, "abc");
        assert_int_equal(t.lifetime_ms, 120000);
        assert_int_equal(json_array_size(t.catalog), 0);
        keystone_token_done(&t);
}

static void what_is_no_token_is_refused(void **state)
{
        static const char good[] =
                "{\"token\": {\"issued_at\": \"2026-01-01T00:00:00Z\", \"expires_at\": "
                "\"2026-01-01T01:00:00Z\"}}";
        static const struct {
                const char *id, *body;
        } cases[] = {
                { "", good },
                { "a b", good },
                { "a\r\nX-Roles: admin", good },
                { "abc", "{}" },
                { "abc", "[]" },
                { "abc",
                  "{\"token\": {\"issued_at\": \"yesterday\", \"expires_at\": \"2026-01-01T01:00:00Z\"}}" },
                { "abc",
                  "{\"token\": {\"issued_at\": \"2026-01-01T01:00:00Z\", \"expires_at\": \"2026-01-01T01:00:00Z\"}}" },
                { "abc",
                  "{\"token\": {\"issued_at\": \"2026-01-01T00:00:00Z\", \"expires_at\": \"2026-01-01T01:00:00Z\", \"catalog\": {}}}" },
        };
        struct keystone_token t = { 0 };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++)
                assert_int_equal(read_token(cases[i].id, cases[i].body, &t), KEYSTONE_BAD_ANSWER);
        assert_int_equal(read_token("abc", good, &t), KEYSTONE_OK);
        keystone_token_done(&t);
}

static void the_catalogue_is_asked_by_type_interface_and_region(void **state)
{
        static const char text[] =
                "[{\"type\": \"identity\", \"endpoints\": [{\"interface\": \"public\", \"region_id\": \"A\", \"url\": \"k\"}]},"
                " {\"type\": \"network\", \"endpoints\": ["
                "  {\"interface\": \"public\", \"region\": \"A\", \"region_id\": \"A\", \"url\": \"pa\"},"
                "  {\"interface\": \"internal\", \"region_id\": \"B\", \"url\": \"ib\"},"
                "  {\"interface\": \"public\", \"region_id\": \"B\", \"url\": \"pb\"}]}, 7, {\"type\": \"network\"}]";
        static const struct {
                const char *type, *interfaces, *region, *url;
        } cases[] = {
                { "network", "internal,public", "A", "pa" },
                { "network", "internal, public", "B", "ib" },
                { "network", "public,internal", "B", "pb" },
                { "network", "public", "", "pa" },
                { "network", "admin", "A", NULL },
                { "network", "internal", "A", NULL },
                { "network", "public", "C", NULL },
                { "network", "", "A", NULL },
                { "compute", "public", "A", NULL },
        };
        json_auto_t *catalog = json_loads(text, 0, NULL);

        (void)state;
        assert_non_null(catalog);
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                const char *url = keystone_endpoint(catalog, cases[i].type, cases[i].interfaces,
                                                    cases[i].region);

                assert_true(text_equal(url, cases[i].url));
        }
}

UNIT_MAIN(UNIT(the_version_is_added_once), UNIT(the_password_goes_with_user_domain_and_project),
          UNIT(a_token_or_an_application_credential_stands_for_a_password),
          UNIT(a_tokens_life_is_the_distance_of_its_times), UNIT(what_is_no_token_is_refused),
          UNIT(the_catalogue_is_asked_by_type_interface_and_region))
