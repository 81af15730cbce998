/* SPDX-License-Identifier: Apache-2.0 */
#include "openstack/settings.h"

#include "base/text.h"

static const struct needed {
        const char *name;
        size_t offset, or_offset; /* either may be given */
} needed_for_password[] = {
        /* clang-format off */
        { "auth_url",     offsetof(struct openstack_settings, auth_url),     offsetof(struct openstack_settings, auth_url) },
        { "username",     offsetof(struct openstack_settings, username),     offsetof(struct openstack_settings, username) },
        { "password",     offsetof(struct openstack_settings, password),     offsetof(struct openstack_settings, password) },
        { "project_name", offsetof(struct openstack_settings, project_name), offsetof(struct openstack_settings, project_id) },
        { 0 },
        /* clang-format on */
};

static bool given(const struct openstack_settings *s, size_t offset)
{
        const char *const *field = (const void *)((const char *)s + offset);

        return *field && **field;
}

int openstack_settings_check(const struct openstack_settings *s, const char *section,
                             struct fault *why)
{
        const char *missing = NULL;

        if (text_equal(s->auth_type, "none")) {
                if (given(s, offsetof(struct openstack_settings, endpoint_override)))
                        return OPENSTACK_SETTINGS_OK;
                missing = "endpoint_override";
        } else if (text_equal(s->auth_type, "password") || text_equal(s->auth_type, "v3password")) {
                for (const struct needed *n = needed_for_password; n->name && !missing; n++)
                        if (!given(s, n->offset) && !given(s, n->or_offset))
                                missing = n->name;
                if (!missing)
                        return OPENSTACK_SETTINGS_OK;
        } else {
                fault_set(why, 400, "config.invalid",
                          "[%s] auth_type = %s is not known; use password or none.", section,
                          s->auth_type);
                return OPENSTACK_SETTINGS_BAD;
        }
        fault_set(why, 400, "config.invalid", "[%s] %s is needed with auth_type = %s.", section,
                  missing, s->auth_type);
        return OPENSTACK_SETTINGS_BAD;
}
