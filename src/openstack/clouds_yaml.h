#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A cloud of clouds.yaml, as every OpenStack client reads it. */

#include <stddef.h>

#include "base/fault.h"

enum { CLOUDS_OK, CLOUDS_BAD, CLOUDS_NONE };
/* Told once for each setting of the cloud, by its key there: "username", "region_name", … 0 or
 * negative. */
typedef int clouds_on_setting(const char *key, const char *value, void *user);
/* Cloud 'name' of the file 'path'. CLOUDS_BAD: the fault names file and line. CLOUDS_NONE:
 * there is no such cloud; the fault names those that are. */
int clouds_yaml_read(const char *path, const char *name, clouds_on_setting *on_setting, void *user,
                     struct fault *why);
/* Where it is: OS_CLIENT_CONFIG_FILE, else the first that is there of ./clouds.yaml,
 * ~/.config/openstack and /etc/openstack. 'get' is getenv(). "" when there is none. */
void clouds_yaml_path(char *(*get)(const char *name), char *ret, size_t size);
