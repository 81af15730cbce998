/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include <unistd.h>

#include "base/text.h"
#include "openstack/cloud_env.h"

static const char *const *environment; /* name, value, …, NULL */

static char *get(const char *name)
{
        for (const char *const *e = environment; *e; e += 2)
                if (text_equal(e[0], name))
                        return (char *)(uintptr_t)e[1];
        return NULL;
}

static void a_password_is_meant_when_there_is_an_auth_url(void **state)
{
        static const char *const e[] = { "OS_AUTH_URL", "http://k/v3", "OS_USERNAME", "alice",
                                         "OS_PASSWORD", "x",           "OS_PROJECT_NAME", "demo",
                                         "OS_REGION_NAME", "RegionA",  "OS_USER_DOMAIN_NAME", "", NULL };
        OWN(cloud_env_done) struct cloud_env env = { 0 };
        struct fault why = { 0 };

        (void)state;
        environment = e;
        assert_int_equal(cloud_env_read(get, NULL, &env, &why), CONFIG_OK);
        assert_string_equal(env.openstack.auth_type, "password");
        assert_string_equal(env.openstack.username, "alice");
        assert_string_equal(env.openstack.region_name, "RegionA");
        assert_string_equal(env.openstack.user_domain_name, "Default");
        assert_string_equal(env.openstack.valid_interfaces, "public");
        assert_string_equal(env.openstack.endpoint_override, "");
}

static void an_endpoint_alone_needs_no_keystone(void **state)
{
        static const char *const plain[] = { "OS_ENDPOINT", "http://c:9797", "OS_PROJECT_ID", "p1",
                                             "OS_ROLES", "admin", NULL };
        static const char *const said[] = { "OS_AUTH_TYPE", "none", "OS_AUTH_URL", "http://k",
                                            "OS_ENDPOINT", "http://c:9797", NULL };
        OWN(cloud_env_done) struct cloud_env a = { 0 }, b = { 0 };
        struct fault why = { 0 };

        (void)state;
        environment = plain;
        assert_int_equal(cloud_env_read(get, NULL, &a, &why), CONFIG_OK);
        assert_string_equal(a.openstack.auth_type, "none");
        assert_string_equal(a.openstack.endpoint_override, "http://c:9797");
        assert_string_equal(a.openstack.project_id, "p1");
        assert_string_equal(a.openstack.roles, "admin");
        environment = said;
        assert_int_equal(cloud_env_read(get, NULL, &b, &why), CONFIG_OK);
        assert_string_equal(b.openstack.auth_type, "none");
}

static void the_variable_that_lacks_is_named(void **state)
{
        static const char *const cases[][8] = {
                { NULL },
                { "OS_AUTH_URL", "u", NULL },
                { "OS_AUTH_URL", "u", "OS_USERNAME", "n", NULL },
                { "OS_AUTH_URL", "u", "OS_USERNAME", "n", "OS_PASSWORD", "p", NULL },
                { "OS_AUTH_TYPE", "none", "OS_PROJECT_ID", "p", NULL },
                { "OS_AUTH_TYPE", "saml", NULL },
        };
        static const char *const names[] = { "OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD",
                                             "OS_PROJECT_NAME", "OS_ENDPOINT", "OS_AUTH_TYPE" };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                struct cloud_env env = { 0 };
                struct fault why = { 0 };

                environment = cases[i];
                assert_int_equal(cloud_env_read(get, NULL, &env, &why), CONFIG_BAD);
                assert_non_null(strstr(why.message, names[i]));
        }
}

static void other_credentials_are_known_by_what_is_set(void **state)
{
        static const char *const cases[][12] = {
                { "OS_AUTH_URL", "u", "OS_TOKEN", "t", NULL },
                { "OS_AUTH_URL", "u", "OS_APPLICATION_CREDENTIAL_ID", "i",
                  "OS_APPLICATION_CREDENTIAL_SECRET", "s", NULL },
                { "OS_AUTH_URL", "u", "OS_USER_ID", "i", "OS_PASSWORD", "p", "OS_TENANT_ID", "d",
                  "OS_DEFAULT_DOMAIN", "default", NULL },
        };
        static const char *const types[] = { "token", "v3applicationcredential", "password" };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                OWN(cloud_env_done) struct cloud_env env = { 0 };
                struct fault why = { 0 };

                environment = cases[i];
                assert_int_equal(cloud_env_read(get, NULL, &env, &why), CONFIG_OK);
                assert_string_equal(env.openstack.auth_type, types[i]);
        }
}

/* ---- clouds.yaml ---- */

static char folder[] = "/tmp/atlas-clouds-XXXXXX";

static void write_file(const char *name, const char *text)
{
        char path[128];
        FILE *f;

        snprintf(path, sizeof path, "%s/%s", folder, name);
        f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static int files_made(void **state)
{
        (void)state;
        assert_non_null(mkdtemp(folder));
        write_file("clouds.yaml",
                   "clouds:\n  here:\n    auth: {auth_url: 'http://k', username: alice, project_name: demo,"
                   " user_domain_id: default}\n    region_name: R1\n    interface: internal\n    verify: false\n"
                   "  bare:\n    auth: {auth_url: 'http://k'}\n"
                   "  open:\n    auth_type: none\n    auth: {endpoint: 'http://c:9797', project_id: p1}\n");
        write_file("secure.yaml", "clouds:\n  here:\n    auth:\n      password: hidden\n");
        return 0;
}

static int files_removed(void **state)
{
        char path[128];

        (void)state;
        snprintf(path, sizeof path, "%s/clouds.yaml", folder);
        unlink(path);
        snprintf(path, sizeof path, "%s/secure.yaml", folder);
        unlink(path);
        return rmdir(folder);
}

static const char *line_project;

static char *get_over(const char *name)
{
        return text_equal(name, "OS_PROJECT_NAME") ? (char *)(uintptr_t)line_project : NULL;
}

static void a_named_cloud_comes_from_its_file_with_its_secrets(void **state)
{
        char path[128];
        const char *e[] = { "OS_CLIENT_CONFIG_FILE", path,    "OS_CLOUD", "here", "OS_USERNAME",
                            "mallory",               NULL };
        OWN(cloud_env_done) struct cloud_env env = { 0 };
        struct fault why = { 0 };

        (void)state;
        snprintf(path, sizeof path, "%s/clouds.yaml", folder);
        environment = e;
        line_project = "other";
        assert_int_equal(cloud_env_read(get, get_over, &env, &why), CONFIG_OK);
        assert_string_equal(env.openstack.username, "alice");
        assert_string_equal(env.openstack.password, "hidden");
        assert_string_equal(env.openstack.user_domain_id, "default");
        assert_string_equal(env.openstack.region_name, "R1");
        assert_string_equal(env.openstack.valid_interfaces, "internal");
        assert_string_equal(env.openstack.project_name, "other");
        assert_true(env.openstack.insecure);
}

static void a_cloud_without_keystone_and_one_that_lacks_something(void **state)
{
        char path[128];
        const char *none[] = { "OS_CLIENT_CONFIG_FILE", path, "OS_CLOUD", "open", NULL };
        const char *bare[] = { "OS_CLIENT_CONFIG_FILE", path, "OS_CLOUD", "bare", NULL };
        const char *nobody[] = { "OS_CLIENT_CONFIG_FILE", path, "OS_CLOUD", "nobody", NULL };
        const char *no_file[] = { "OS_CLIENT_CONFIG_FILE", "/nowhere/c.yaml", "OS_CLOUD", "x", NULL };
        OWN(cloud_env_done) struct cloud_env env = { 0 };
        struct fault why = { 0 };

        (void)state;
        snprintf(path, sizeof path, "%s/clouds.yaml", folder);
        environment = none;
        assert_int_equal(cloud_env_read(get, NULL, &env, &why), CONFIG_OK);
        assert_string_equal(env.openstack.endpoint_override, "http://c:9797");
        assert_string_equal(env.openstack.project_id, "p1");
        environment = bare;
        assert_int_equal(cloud_env_read(get, NULL, &env, &why), CONFIG_BAD);
        assert_string_equal(why.message, "Cloud bare of clouds.yaml has no auth.username.");
        environment = nobody;
        assert_int_equal(cloud_env_read(get, NULL, &env, &why), CONFIG_BAD);
        assert_non_null(strstr(why.message, "has no cloud nobody."));
        environment = no_file;
        assert_int_equal(cloud_env_read(get, NULL, &env, &why), CONFIG_BAD);
        assert_non_null(strstr(why.message, "/nowhere/c.yaml cannot be read"));
}

UNIT_MAIN(UNIT(a_password_is_meant_when_there_is_an_auth_url),
          UNIT(an_endpoint_alone_needs_no_keystone), UNIT(the_variable_that_lacks_is_named),
          UNIT(other_credentials_are_known_by_what_is_set),
          cmocka_unit_test_setup(a_named_cloud_comes_from_its_file_with_its_secrets, files_made),
          cmocka_unit_test_teardown(a_cloud_without_keystone_and_one_that_lacks_something,
                                    files_removed))
