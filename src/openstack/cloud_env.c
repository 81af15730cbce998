/* SPDX-License-Identifier: Apache-2.0 */
#include "openstack/cloud_env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

static const struct setting rows[] = {
        OPENSTACK_SETTINGS("openstack", struct cloud_env, openstack),
        { 0 },
};

/* clang-format off */
#define FIELD(name) offsetof(struct openstack_settings, name)
static const struct variable {
        const char *name;
        size_t offset;
} variables[] = { /* of two for one field the later wins */
        { "OS_AUTH_TYPE",           FIELD(auth_type) },
        { "OS_AUTH_URL",            FIELD(auth_url) },
        { "OS_USERNAME",            FIELD(username) },
        { "OS_PASSWORD",            FIELD(password) },
        { "OS_USER_DOMAIN_NAME",    FIELD(user_domain_name) },
        { "OS_PROJECT_NAME",        FIELD(project_name) },
        { "OS_PROJECT_DOMAIN_NAME", FIELD(project_domain_name) },
        { "OS_PROJECT_ID",          FIELD(project_id) },
        { "OS_ROLES",               FIELD(roles) },
        { "OS_REGION_NAME",         FIELD(region_name) },
        { "OS_INTERFACE",           FIELD(valid_interfaces) },
        { "OS_ENDPOINT",            FIELD(endpoint_override) },
        { "OS_ENDPOINT_OVERRIDE",   FIELD(endpoint_override) },
        { "OS_CACERT",              FIELD(cafile) },
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
        const char *lacks;
        int r = config_apply(NULL, rows, NULL, &e, why);

        if (r)
                return r < 0 ? err_pass(r) : r;
        if (!set_or_empty(get, "OS_AUTH_URL")[0] && set_or_empty(get, "OS_ENDPOINT")[0])
                r = take(&e.openstack, offsetof(struct openstack_settings, auth_type), "none");
        if (r == 0)
                r = take(&e.openstack, offsetof(struct openstack_settings, valid_interfaces),
                         "public");
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
