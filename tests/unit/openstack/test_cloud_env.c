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
        static const char *const e[] = { "OS_AUTH_URL",
                                         "http://k/v3",
                                         "OS_USERNAME",
                                         "alice",
                                         "OS_PASSWORD",
                                         "x",
                                         "OS_PROJECT_NAME",
                                         "demo",
                                         "OS_REGION_NAME",
                                         "RegionA",
                                         "OS_USER_DOMAIN_NAME",
                                         "",
                                         NULL };
        OWN(cloud_env_done) struct cloud_env env = { 0 };
        struct fault why = { 0 };

        (void)state;
        environment = e;
        assert_int_equal(cloud_env_read(get, &env, &why), CONFIG_OK);
        assert_string_equal(env.openstack.auth_type, "password");
        assert_string_equal(env.openstack.username, "alice");
        assert_string_equal(env.openstack.region_name, "RegionA");
        assert_string_equal(env.openstack.user_domain_name, "Default");
        assert_string_equal(env.openstack.valid_interfaces, "public");
        assert_string_equal(env.openstack.endpoint_override, "");
}

static void an_endpoint_alone_needs_no_keystone(void **state)
{
        static const char *const plain[] = { "OS_ENDPOINT", "http://c:9797", "OS_PROJECT_ID",
                                             "p1",          "OS_ROLES",      "admin",
                                             NULL };
        static const char *const said[] = {
                "OS_AUTH_TYPE", "none",          "OS_AUTH_URL", "http://k",
                "OS_ENDPOINT",  "http://c:9797", NULL
        };
        OWN(cloud_env_done) struct cloud_env a = { 0 }, b = { 0 };
        struct fault why = { 0 };

        (void)state;
        environment = plain;
        assert_int_equal(cloud_env_read(get, &a, &why), CONFIG_OK);
        assert_string_equal(a.openstack.auth_type, "none");
        assert_string_equal(a.openstack.endpoint_override, "http://c:9797");
        assert_string_equal(a.openstack.project_id, "p1");
        assert_string_equal(a.openstack.roles, "admin");
        environment = said;
        assert_int_equal(cloud_env_read(get, &b, &why), CONFIG_OK);
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
        static const char *const names[] = { "OS_AUTH_URL",     "OS_USERNAME", "OS_PASSWORD",
                                             "OS_PROJECT_NAME", "OS_ENDPOINT", "OS_AUTH_TYPE" };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                struct cloud_env env = { 0 };
                struct fault why = { 0 };

                environment = cases[i];
                assert_int_equal(cloud_env_read(get, &env, &why), CONFIG_BAD);
                assert_non_null(strstr(why.message, names[i]));
        }
}

static const char clouds[] =
        "clouds:\n"
        "  here:\n"
        "    region_name: RegionA\n"
        "    interface: internal\n"
        "    verify: false\n"
        "    identity_api_version: 3\n"
        "    auth:\n"
        "      auth_url: http://k/v3\n"
        "      username: alice\n"
        "      password: 'in: the file'\n"
        "      project_name: demo\n"
        "      user_domain_id: default\n"
        "  there:\n"
        "    auth: {auth_url: http://t, username: t, password: t, project_name: t, domain_id: d7}\n"
        "  plain: {auth_type: none, endpoint: 'http://c:9797'}\n";

static int of_cloud(const char *cloud, const char *user, struct cloud_env *ret, struct fault *why)
{
        char file[] = "/tmp/atlas-clouds-XXXXXX";
        const char *e[] = { "OS_CLIENT_CONFIG_FILE", file, "OS_CLOUD", cloud,
                            "OS_USERNAME",           user, NULL };
        int fd = mkstemp(file), r;

        assert_int_equal(write(fd, clouds, strlen(clouds)), (ssize_t)strlen(clouds));
        close(fd);
        environment = e;
        r = cloud_env_read(get, ret, why);
        unlink(file);
        return r;
}

static void a_cloud_is_read_from_clouds_yaml_and_variables_go_before_it(void **state)
{
        OWN(cloud_env_done) struct cloud_env a = { 0 }, b = { 0 }, c = { 0 };
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(of_cloud("here", "", &a, &why), CONFIG_OK);
        assert_string_equal(a.openstack.auth_type, "password");
        assert_string_equal(a.openstack.auth_url, "http://k/v3");
        assert_string_equal(a.openstack.username, "alice");
        assert_string_equal(a.openstack.password, "in: the file");
        assert_string_equal(a.openstack.project_name, "demo");
        assert_string_equal(a.openstack.region_name, "RegionA");
        assert_string_equal(a.openstack.valid_interfaces, "internal");
        assert_string_equal(a.openstack.user_domain_id, "default");
        assert_true(a.openstack.insecure);
        assert_int_equal(of_cloud("here", "bob", &b, &why), CONFIG_OK);
        assert_string_equal(b.openstack.username, "bob");
        assert_int_equal(of_cloud("plain", "", &c, &why), CONFIG_OK);
        assert_string_equal(c.openstack.endpoint_override, "http://c:9797");
}

static void a_cloud_that_cannot_be_used_is_told_why(void **state)
{
        static const char *const nowhere[] = { "OS_CLIENT_CONFIG_FILE", "/nowhere/clouds.yaml",
                                               "OS_CLOUD", "x", NULL };
        struct cloud_env e = { 0 };
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(of_cloud("elsewhere", "", &e, &why), CONFIG_BAD);
        assert_non_null(strstr(why.message, "has no cloud elsewhere; there are: here there plain"));
        assert_int_equal(of_cloud("there", "", &e, &why), CONFIG_BAD);
        assert_non_null(strstr(why.message, ":14: domain_id is not understood"));
        environment = nowhere;
        assert_int_equal(cloud_env_read(get, &e, &why), CONFIG_BAD);
        assert_non_null(strstr(why.message, "/nowhere/clouds.yaml cannot be read"));
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
                assert_int_equal(cloud_env_read(get, &env, &why), CONFIG_OK);
                assert_string_equal(env.openstack.auth_type, types[i]);
        }
}

static void write_file(const char *folder, const char *name, const char *text)
{
        char path[128];
        FILE *f;

        snprintf(path, sizeof path, "%s/%s", folder, name);
        f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static void passwords_may_be_in_a_file_of_their_own(void **state)
{
        char folder[] = "/tmp/atlas-clouds-XXXXXX", path[64], secure[64];
        const char *e[] = { "OS_CLIENT_CONFIG_FILE", path, "OS_CLOUD", "here", NULL };
        const char *other[] = { "OS_CLIENT_CONFIG_FILE", path, "OS_CLOUD", "other", NULL };
        OWN(cloud_env_done) struct cloud_env env = { 0 };
        struct fault why = { 0 };

        (void)state;
        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof path, "%s/clouds.yaml", folder);
        snprintf(secure, sizeof secure, "%s/secure.yaml", folder);
        write_file(folder, "clouds.yaml",
                   "clouds:\n  here: {auth: {auth_url: u, username: n, project_name: p}}\n"
                   "  other: {auth: {auth_url: u, username: n, project_name: p}}\n");
        write_file(folder, "secure.yaml", "clouds:\n  here: {auth: {password: hidden}}\n");
        environment = e;
        assert_int_equal(cloud_env_read(get, &env, &why), CONFIG_OK);
        assert_string_equal(env.openstack.password, "hidden");
        environment = other;
        assert_int_equal(cloud_env_read(get, &env, &why), CONFIG_BAD);
        assert_string_equal(why.message,
                            "OS_PASSWORD is not set, nor in cloud other of clouds.yaml.");
        unlink(path);
        unlink(secure);
        rmdir(folder);
}

UNIT_MAIN(UNIT(other_credentials_are_known_by_what_is_set),
          UNIT(passwords_may_be_in_a_file_of_their_own),
          UNIT(a_password_is_meant_when_there_is_an_auth_url),
          UNIT(an_endpoint_alone_needs_no_keystone), UNIT(the_variable_that_lacks_is_named),
          UNIT(a_cloud_is_read_from_clouds_yaml_and_variables_go_before_it),
          UNIT(a_cloud_that_cannot_be_used_is_told_why))
