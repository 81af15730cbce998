#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* OpenStack settings of a person: a cloud of clouds.yaml when one is named, else the OS_* variables,
 * as every OpenStack client reads them. */

#include "base/fault.h"
#include "openstack/settings.h"

struct cloud_env {
        struct openstack_settings openstack;
};
typedef char *cloud_env_get(const char *name);
/* 'get' is getenv(), or a test's; 'over' (may be NULL) gives what the command line says instead of
 * a variable, and wins over all. With OS_CLOUD the cloud of that name is read from the first
 * clouds.yaml there is (OS_CLIENT_CONFIG_FILE, here, ~/.config/openstack, /etc/openstack) with
 * the secure.yaml beside it, and no other variable counts. Otherwise OS_AUTH_TYPE is, where it
 * is not set, what the other variables are for: password, token, application credential, or none
 * when there is an OS_ENDPOINT without an OS_AUTH_URL.
 * Positive: CONFIG_BAD with a fault that names the variable. Free with cloud_env_done(). */
int cloud_env_read(cloud_env_get *get, cloud_env_get *over, struct cloud_env *ret,
                   struct fault *why);
void cloud_env_done(struct cloud_env *e);
static inline void own_cloud_env_done(struct cloud_env *e)
{
        cloud_env_done(e);
}
