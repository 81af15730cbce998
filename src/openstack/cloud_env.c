/* SPDX-License-Identifier: Apache-2.0 */
#include "openstack/cloud_env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "openstack/clouds_yaml.h"

static const struct setting rows[] = {
        OPENSTACK_SETTINGS("openstack", struct cloud_env, openstack),
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
        { "OS_PASSWORD",            "password",                          FIELD(password) },
        { "OS_USER_DOMAIN_NAME",    "user_domain_name",                  FIELD(user_domain_name) },
        { "OS_PROJECT_NAME",        "project_name",                      FIELD(project_name) },
        { "OS_PROJECT_DOMAIN_NAME", "project_domain_name",               FIELD(project_domain_name) },
        { "OS_PROJECT_ID",          "project_id",                        FIELD(project_id) },
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

        for (const struct variable *v = variables; v->name; v++)
                if (v->key && text_equal(v->key, key))
                        return take(s, v->offset, value);
        if (text_equal(key, "verify"))
                s->insecure = text_equal(value, "false") || text_equal(value, "False");
        return 0;
}

/* CONFIG_BAD with a fault when there is no such cloud. */
static int take_cloud(char *(*get)(const char *name), const char *cloud,
                      struct openstack_settings *s, struct fault *why)
{
        char path[4096];
        int r;

        clouds_yaml_path(get, path, sizeof path);
        if (!path[0]) {
                fault_set(why, 400, "config.invalid",
                          "OS_CLOUD is %.60s, and there is no clouds.yaml.", cloud);
                return CONFIG_BAD;
        }
        r = clouds_yaml_read(path, cloud, take_from_cloud, s, why);
        return r == CLOUDS_OK ? CONFIG_OK : r < 0 ? err_pass(r) : CONFIG_BAD;
}

/* The variable of the first thing that is missing; of an unknown auth_type nothing is. */
static const char *missing(const struct openstack_settings *s)
{
        if (text_equal(s->auth_type, "none"))
                return s->endpoint_override[0] ? NULL : "OS_ENDPOINT";
        if (!text_equal(s->auth_type, "password") && !text_equal(s->auth_type, "v3password"))
                return NULL;
        if (!s->auth_url[0])
                return "OS_AUTH_URL";
        if (!s->username[0])
                return "OS_USERNAME";
        if (!s->password[0])
                return "OS_PASSWORD";
        return s->project_name[0] || s->project_id[0] ? NULL : "OS_PROJECT_NAME";
}

int cloud_env_read(char *(*get)(const char *name), struct cloud_env *ret, struct fault *why)
{
        OWN(cloud_env_done) struct cloud_env e = { 0 };
        const char *lacks, *cloud = set_or_empty(get, "OS_CLOUD");
        int r = config_apply(NULL, rows, NULL, &e, why);

        if (r)
                return r < 0 ? err_pass(r) : r;
        if (r == 0 && !cloud[0] && !set_or_empty(get, "OS_AUTH_URL")[0] &&
            set_or_empty(get, "OS_ENDPOINT")[0])
                r = take(&e.openstack, offsetof(struct openstack_settings, auth_type), "none");
        if (r == 0)
                r = take(&e.openstack, offsetof(struct openstack_settings, valid_interfaces),
                         "public");
        if (r == 0 && cloud[0]) {
                r = take_cloud(get, cloud, &e.openstack, why);
                if (r)
                        return r < 0 ? err_pass(r) : r;
        }
        for (const struct variable *v = variables; r == 0 && v->name; v++)
                if (set_or_empty(get, v->name)[0])
                        r = take(&e.openstack, v->offset, get(v->name));
        if (r)
                return err_pass(r);
        lacks = missing(&e.openstack);
        if (lacks) {
                fault_set(why, 400, "config.invalid", "%s is not set.", lacks);
                return CONFIG_BAD;
        }
        r = openstack_settings_check(&e.openstack, "OS_AUTH_TYPE", why);
        if (r)
                return CONFIG_BAD;
        *ret = e;
        e = (struct cloud_env){ 0 };
        return CONFIG_OK;
}

void cloud_env_done(struct cloud_env *e)
{
        config_done(rows, e);
        *e = (struct cloud_env){ 0 };
}
