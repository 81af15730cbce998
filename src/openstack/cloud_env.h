#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* OpenStack settings of a person: the OS_* variables that every OpenStack client reads, and the
 * cloud of clouds.yaml that OS_CLOUD names; a variable goes before what stands there. */

#include "base/fault.h"
#include "openstack/settings.h"

struct cloud_env {
        struct openstack_settings openstack;
};
/* 'get' is getenv(), or a test's. OS_AUTH_TYPE is password, token, v3applicationcredential or none;
 * where nobody says, what the others are for (none: an OS_ENDPOINT without an OS_AUTH_URL).
 * Positive: CONFIG_BAD with a fault that names the variable. Free with cloud_env_done(). */
int cloud_env_read(char *(*get)(const char *name), struct cloud_env *ret, struct fault *why);
void cloud_env_done(struct cloud_env *e);
static inline void own_cloud_env_done(struct cloud_env *e)
{
        cloud_env_done(e);
}
