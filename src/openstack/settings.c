/* SPDX-License-Identifier: Apache-2.0 */
#include "openstack/settings.h"

#include "base/text.h"

/* clang-format off */
#define FIELD(name) offsetof(struct openstack_settings, name)
static const struct auth_name {
        const char *name;
        enum openstack_auth auth;
} auth_names[] = {
        { "password",                AUTH_PASSWORD },
        { "v3password",              AUTH_PASSWORD },
        { "none",                    AUTH_NONE },
        { "token",                   AUTH_TOKEN },
        { "v3token",                 AUTH_TOKEN },
        { "v3applicationcredential", AUTH_APPLICATION },
        { 0 },
};
static const struct needed {
        enum openstack_auth auth;
        const char *name;
        size_t offset, or_offset; /* either may be given */
} needed[] = {
        { AUTH_NONE,        "endpoint_override", FIELD(endpoint_override), FIELD(endpoint_override) },
        { AUTH_PASSWORD,    "auth_url",          FIELD(auth_url),          FIELD(auth_url) },
        { AUTH_PASSWORD,    "username",          FIELD(username),          FIELD(user_id) },
        { AUTH_PASSWORD,    "password",          FIELD(password),          FIELD(password) },
        { AUTH_PASSWORD,    "project_name",      FIELD(project_name),      FIELD(project_id) },
        { AUTH_TOKEN,       "auth_url",          FIELD(auth_url),          FIELD(auth_url) },
        { AUTH_TOKEN,       "token",             FIELD(token),             FIELD(token) },
        { AUTH_APPLICATION, "auth_url",          FIELD(auth_url),          FIELD(auth_url) },
        { AUTH_APPLICATION, "application_credential_id", FIELD(application_credential_id), FIELD(application_credential_name) },
        { AUTH_APPLICATION, "application_credential_secret", FIELD(application_credential_secret), FIELD(application_credential_secret) },
        { 0 },
};
#undef FIELD
/* clang-format on */

enum openstack_auth openstack_auth_of(const struct openstack_settings *s)
{
        for (const struct auth_name *a = auth_names; a->name; a++)
                if (text_equal(s->auth_type, a->name))
                        return a->auth;
        return AUTH_UNKNOWN;
}

static bool given(const struct openstack_settings *s, size_t offset)
{
        const char *const *field = (const void *)((const char *)s + offset);

        return *field && **field;
}

const char *openstack_settings_missing(const struct openstack_settings *s)
{
        enum openstack_auth auth = openstack_auth_of(s);

        for (const struct needed *n = needed; n->name; n++)
                if (n->auth == auth && !given(s, n->offset) && !given(s, n->or_offset))
                        return n->name;
        return NULL;
}

int openstack_settings_check(const struct openstack_settings *s, const char *section,
                             struct fault *why)
{
        enum openstack_auth auth = openstack_auth_of(s);
        const char *missing = openstack_settings_missing(s);

        /* Programs have no settings for what only people have. */
        if (auth == AUTH_UNKNOWN || (!s->token && auth != AUTH_PASSWORD && auth != AUTH_NONE)) {
                fault_set(why, 400, "config.invalid",
                          "[%s] auth_type = %s is not known; use password or none.", section,
                          s->auth_type);
                return OPENSTACK_SETTINGS_BAD;
        }
        if (!missing)
                return OPENSTACK_SETTINGS_OK;
        fault_set(why, 400, "config.invalid", "[%s] %s is needed with auth_type = %s.", section,
                  missing, s->auth_type);
        return OPENSTACK_SETTINGS_BAD;
}
