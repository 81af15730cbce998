/* SPDX-License-Identifier: Apache-2.0 */
#include "openstack/cloud_env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "openstack/yaml.h"

static const struct setting rows[] = {
        OPENSTACK_SETTINGS("openstack", struct cloud_env, openstack),
        OPENSTACK_SETTINGS_OF_PEOPLE("openstack", struct cloud_env, openstack),
        { 0 },
};

/* Where each setting comes from: a variable, and the keys below clouds.NAME; either may be NULL. Of
 * two for one field the later wins. */
/* clang-format off */
#define FIELD(name) offsetof(struct openstack_settings, name)
static const struct source {
        const char *variable, *keys;
        size_t offset;
} sources[] = {
        { "OS_AUTH_TYPE",           "auth_type",                FIELD(auth_type) },
        { "OS_AUTH_URL",            "auth.auth_url",            FIELD(auth_url) },
        { "OS_USERNAME",            "auth.username",            FIELD(username) },
        { "OS_USER_ID",             "auth.user_id",             FIELD(user_id) },
        { "OS_PASSWORD",            "auth.password",            FIELD(password) },
        { "OS_DEFAULT_DOMAIN",      NULL,                       FIELD(user_domain_id) },
        { "OS_DEFAULT_DOMAIN",      NULL,                       FIELD(project_domain_id) },
        { "OS_USER_DOMAIN_NAME",    "auth.user_domain_name",    FIELD(user_domain_name) },
        { "OS_USER_DOMAIN_ID",      "auth.user_domain_id",      FIELD(user_domain_id) },
        { "OS_TENANT_NAME",         "auth.tenant_name",         FIELD(project_name) },
        { "OS_PROJECT_NAME",        "auth.project_name",        FIELD(project_name) },
        { "OS_PROJECT_DOMAIN_NAME", "auth.project_domain_name", FIELD(project_domain_name) },
        { "OS_PROJECT_DOMAIN_ID",   "auth.project_domain_id",   FIELD(project_domain_id) },
        { "OS_TENANT_ID",           "auth.tenant_id",           FIELD(project_id) },
        { "OS_PROJECT_ID",          "auth.project_id",          FIELD(project_id) },
        { "OS_TOKEN",               "auth.token",               FIELD(token) },
        { "OS_APPLICATION_CREDENTIAL_ID",     "auth.application_credential_id",     FIELD(application_credential_id) },
        { "OS_APPLICATION_CREDENTIAL_NAME",   "auth.application_credential_name",   FIELD(application_credential_name) },
        { "OS_APPLICATION_CREDENTIAL_SECRET", "auth.application_credential_secret", FIELD(application_credential_secret) },
        { "OS_ROLES",               NULL,                       FIELD(roles) },
        { "OS_REGION_NAME",         "region_name",              FIELD(region_name) },
        { "OS_INTERFACE",           "interface",                FIELD(valid_interfaces) },
        { NULL,                     "auth.endpoint",            FIELD(endpoint_override) },
        { "OS_ENDPOINT",            "elastic_network_endpoint_override", FIELD(endpoint_override) },
        { "OS_ENDPOINT_OVERRIDE",   NULL,                       FIELD(endpoint_override) },
        { "OS_CACERT",              "cacert",                   FIELD(cafile) },
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

/* What a setting is called where it was looked for. */
static void refuse_missing(const char *setting, const char *cloud, struct fault *why)
{
        for (const struct source *s = sources; s->variable || s->keys; s++) {
                const char *key = s->keys ? strrchr(s->keys, '.') : NULL;
                bool named = text_equal(key ? key + 1 : s->keys, setting) ||
                             (s->variable && text_equal(setting, "endpoint_override") &&
                              text_equal(s->variable, "OS_ENDPOINT"));

                if (named && cloud)
                        fault_set(why, 400, "config.invalid", "Cloud %.100s of clouds.yaml has no %s.",
                                  cloud, s->keys);
                else if (named)
                        fault_set(why, 400, "config.invalid", "%s is not set.", s->variable);
                if (named)
                        return;
        }
}

/* ---- clouds.yaml ---- */

struct cloud {
        const char *name;
        struct cloud_env *env;
        bool found;
};

static int on_scalar(const struct yaml_scalar *scalar, void *user, struct fault *why)
{
        struct cloud *c = user;
        OWN(text_done) struct text keys = { 0 };
        const char *value = scalar->value;

        (void)why;
        if (scalar->n_keys < 2 || !text_equal(scalar->keys[0], "clouds") ||
            !text_equal(scalar->keys[1], c->name))
                return YAML_OK;
        c->found = true;
        for (size_t i = 2; i < scalar->n_keys; i++)
                text_addf(&keys, "%s%s", i > 2 ? "." : "", scalar->keys[i]);
        if (keys.failed)
                return err_raise(-ENOMEM);
        if (scalar->null || !keys.bytes)
                return YAML_OK;
        if (text_equal(keys.bytes, "verify"))
                c->env->openstack.insecure = text_equal(value, "false") || text_equal(value, "False");
        for (const struct source *s = sources; s->variable || s->keys; s++)
                if (text_equal(s->keys, keys.bytes) && take(&c->env->openstack, s->offset, value))
                        return err_pass(-ENOMEM);
        return YAML_OK;
}

/* The first clouds.yaml there is. */
static void find_file(cloud_env_get *get, struct text *ret)
{
        static const char *const ends[] = { "clouds.yaml", "clouds.yml" };
        const char *named = set_or_empty(get, "OS_CLIENT_CONFIG_FILE");
        const char *config = set_or_empty(get, "XDG_CONFIG_HOME");

        text_add(ret, named);
        for (size_t i = 0; i < 6 && !*named; i++) {
                text_reset(ret);
                if (i / 2 == 1 && *config)
                        text_addf(ret, "%s/openstack/", config);
                else if (i / 2 == 1)
                        text_addf(ret, "%s/.config/openstack/", set_or_empty(get, "HOME"));
                else if (i / 2 == 2)
                        text_add(ret, "/etc/openstack/");
                text_add(ret, ends[i % 2]);
                if (ret->failed || access(ret->bytes, F_OK) == 0)
                        return;
        }
}

static int read_cloud(cloud_env_get *get, const char *name, struct cloud_env *env, struct fault *why)
{
        struct cloud cloud = { .name = name, .env = env };
        OWN(text_done) struct text path = { 0 }, secure = { 0 };
        const char *file;
        int r;

        find_file(get, &path);
        file = path.failed ? "" : strrchr(path.bytes, '/');
        text_add_n(&secure, path.bytes, file ? (size_t)(file + 1 - path.bytes) : 0);
        text_add(&secure, "secure.yaml");
        if (path.failed || secure.failed)
                return err_raise(-ENOMEM);
        r = yaml_walk_file(path.bytes, on_scalar, &cloud, why);
        if (r == YAML_OK && !cloud.found) {
                fault_set(why, 400, "config.invalid", "OS_CLOUD: %.300s has no cloud %.100s.",
                          path.bytes, name);
                return CONFIG_BAD;
        }
        if (r == YAML_OK && access(secure.bytes, F_OK) == 0)
                r = yaml_walk_file(secure.bytes, on_scalar, &cloud, why);
        return r < 0 ? err_pass(r) : r == YAML_OK ? CONFIG_OK : CONFIG_BAD;
}

/* ---- all together ---- */

static int read_variables(cloud_env_get *get, struct cloud_env *e)
{
        for (const struct source *s = sources; s->variable || s->keys; s++) {
                int r = s->variable && set_or_empty(get, s->variable)[0]
                                ? take(&e->openstack, s->offset, get(s->variable))
                                : 0;

                if (r)
                        return err_pass(r);
        }
        return 0;
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

int cloud_env_read(cloud_env_get *get, cloud_env_get *over, struct cloud_env *ret,
                   struct fault *why)
{
        OWN(cloud_env_done) struct cloud_env e = { 0 };
        struct openstack_settings *s = &e.openstack;
        const size_t auth_type = offsetof(struct openstack_settings, auth_type);
        const char *cloud = over && over("OS_CLOUD") ? over("OS_CLOUD") : set_or_empty(get, "OS_CLOUD");
        const char *missing;
        int r = config_apply(NULL, rows, NULL, &e, why);

        if (r)
                return r < 0 ? err_pass(r) : r;
        r = take(s, auth_type, "");
        r = r ? r : take(s, offsetof(struct openstack_settings, valid_interfaces), "public");
        if (r == 0)
                r = *cloud ? read_cloud(get, cloud, &e, why) : read_variables(get, &e);
        if (r == 0 && over)
                r = read_variables(over, &e);
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
        missing = openstack_settings_missing(s);
        if (missing) {
                refuse_missing(missing, *cloud ? cloud : NULL, why);
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
