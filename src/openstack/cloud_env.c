/* SPDX-License-Identifier: Apache-2.0 */
#include "openstack/cloud_env.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "openstack/clouds_yaml.h"

static const struct setting rows[] = {
        OPENSTACK_SETTINGS("openstack", struct cloud_env, openstack),
        OPENSTACK_SETTINGS_OF_PEOPLE("openstack", struct cloud_env, openstack),
        { 0 },
};

/* clang-format off */
#define FIELD(name) offsetof(struct openstack_settings, name)
static const struct variable {
        const char *name, *key; /* in the environment; in clouds.yaml, or NULL */
        size_t offset;
} variables[] = { /* of two for one field the later wins */
        { "OS_AUTH_TYPE",           "auth_type",                         FIELD(auth_type) },
        { "OS_AUTH_URL",            "auth_url",                          FIELD(auth_url) },
        { "OS_USERNAME",            "username",                          FIELD(username) },
        { "OS_USER_ID",             "user_id",                           FIELD(user_id) },
        { "OS_PASSWORD",            "password",                          FIELD(password) },
        { "OS_DEFAULT_DOMAIN",      "default_domain",                    FIELD(user_domain_id) },
        { "OS_DEFAULT_DOMAIN",      "default_domain",                    FIELD(project_domain_id) },
        { "OS_USER_DOMAIN_NAME",    "user_domain_name",                  FIELD(user_domain_name) },
        { "OS_USER_DOMAIN_ID",      "user_domain_id",                    FIELD(user_domain_id) },
        { "OS_TENANT_NAME",         "tenant_name",                       FIELD(project_name) },
        { "OS_PROJECT_NAME",        "project_name",                      FIELD(project_name) },
        { "OS_PROJECT_DOMAIN_NAME", "project_domain_name",               FIELD(project_domain_name) },
        { "OS_PROJECT_DOMAIN_ID",   "project_domain_id",                 FIELD(project_domain_id) },
        { "OS_TENANT_ID",           "tenant_id",                         FIELD(project_id) },
        { "OS_PROJECT_ID",          "project_id",                        FIELD(project_id) },
        { "OS_TOKEN",               "token",                             FIELD(token) },
        { "OS_APPLICATION_CREDENTIAL_ID",     "application_credential_id",     FIELD(application_credential_id) },
        { "OS_APPLICATION_CREDENTIAL_NAME",   "application_credential_name",   FIELD(application_credential_name) },
        { "OS_APPLICATION_CREDENTIAL_SECRET", "application_credential_secret", FIELD(application_credential_secret) },
        { "OS_ROLES",               NULL,                                FIELD(roles) },
        { "OS_REGION_NAME",         "region_name",                       FIELD(region_name) },
        { "OS_INTERFACE",           "interface",                         FIELD(valid_interfaces) },
        { "OS_ENDPOINT",            "endpoint",                          FIELD(endpoint_override) },
        { "OS_ENDPOINT_OVERRIDE",   "elastic_network_endpoint_override", FIELD(endpoint_override) },
        { "OS_CACERT",              "cacert",                            FIELD(cafile) },
        { 0 },
};
#undef FIELD
/* clang-format on */

static const char *set_or_empty(char *(*get)(const char *name), const char *name)
{
        const char *value = get(name);

        return value ? value : "";
}

static int take(struct openstack_settings *s, size_t offset, const char *value)
{
        char **field = (void *)((char *)s + offset);
        char *copy = strdup(value);

        if (!copy)
                return err_raise(-ENOMEM);
        free(*field);
        *field = copy;
        return 0;
}

static int take_from_cloud(const char *key, const char *value, void *user)
{
        struct openstack_settings *s = user;

        for (const struct variable *v = variables; v->name; v++) {
                int r = v->key && text_equal(v->key, key) ? take(s, v->offset, value) : 0;

                if (r)
                        return err_pass(r);
        }
        if (text_equal(key, "verify"))
                s->insecure = text_equal(value, "false") || text_equal(value, "False");
        return 0;
}

/* CONFIG_BAD with a fault when there is no such cloud. Its passwords may be in secure.yaml. */
static int take_cloud(char *(*get)(const char *name), const char *cloud,
                      struct openstack_settings *s, struct fault *why)
{
        char path[4096], secure[4096 + 16];
        const char *end;
        int r;

        clouds_yaml_path(get, path, sizeof path);
        if (!path[0]) {
                fault_set(why, 400, "config.invalid",
                          "OS_CLOUD is %.60s, and there is no clouds.yaml.", cloud);
                return CONFIG_BAD;
        }
        r = clouds_yaml_read(path, cloud, take_from_cloud, s, why);
        if (r)
                return r < 0 ? err_pass(r) : CONFIG_BAD;
        end = strrchr(path, '/');
        snprintf(secure, sizeof secure, "%.*ssecure.yaml", end ? (int)(end + 1 - path) : 0, path);
        if (access(secure, F_OK) == 0)
                r = clouds_yaml_read(secure, cloud, take_from_cloud, s, why);
        return r < 0 ? err_pass(r) : r == CLOUDS_BAD ? CONFIG_BAD : CONFIG_OK;
}

/* What the settings are for, when nobody said. */
static const char *likely_auth(const struct openstack_settings *s)
{
        if (!s->auth_url[0] && s->endpoint_override[0])
                return "none";
        if (s->application_credential_secret[0])
                return "v3applicationcredential";
        return s->token[0] && !s->password[0] ? "token" : "password";
}

/* The variable of what the auth_type needs and lacks, or NULL. */
static const char *missing_variable(const struct openstack_settings *s)
{
        const char *missing = openstack_settings_missing(s);

        if (text_equal(missing, "endpoint_override"))
                return "OS_ENDPOINT";
        for (const struct variable *v = variables; v->name && missing; v++)
                if (text_equal(v->key, missing))
                        return v->name;
        return NULL;
}

int cloud_env_read(char *(*get)(const char *name), struct cloud_env *ret, struct fault *why)
{
        OWN(cloud_env_done) struct cloud_env e = { 0 };
        struct openstack_settings *s = &e.openstack;
        const size_t auth_type = offsetof(struct openstack_settings, auth_type);
        const char *missing, *cloud = set_or_empty(get, "OS_CLOUD");
        int r = config_apply(NULL, rows, NULL, &e, why);

        if (r)
                return r < 0 ? err_pass(r) : r;
        r = take(s, auth_type, "");
        r = r ? r : take(s, offsetof(struct openstack_settings, valid_interfaces), "public");
        if (r == 0 && cloud[0])
                r = take_cloud(get, cloud, s, why);
        for (const struct variable *v = variables; r == 0 && v->name; v++)
                if (set_or_empty(get, v->name)[0])
                        r = take(s, v->offset, get(v->name));
        if (r == 0 && !s->auth_type[0])
                r = take(s, auth_type, likely_auth(s));
        if (r)
                return r < 0 ? err_pass(r) : r;
        if (openstack_auth_of(s) == AUTH_UNKNOWN) {
                fault_set(why, 400, "config.invalid",
                          "OS_AUTH_TYPE: %.60s is not known; there are password, token, "
                          "v3applicationcredential and none.",
                          s->auth_type);
                return CONFIG_BAD;
        }
        missing = missing_variable(s);
        if (missing) {
                fault_set(why, 400, "config.invalid", "%s is not set%s%.60s%s.", missing,
                          cloud[0] ? ", nor in cloud " : "", cloud,
                          cloud[0] ? " of clouds.yaml" : "");
                return CONFIG_BAD;
        }
        *ret = e;
        e = (struct cloud_env){ 0 };
        return CONFIG_OK;
}

void cloud_env_done(struct cloud_env *e)
{
        config_done(rows, e);
        *e = (struct cloud_env){ 0 };
}
