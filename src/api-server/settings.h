#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* atlas-api.conf. */

#include "base/config.h"
#include "bus/bus.h"
#include "openstack/settings.h"

struct api_config {
        char *bind_host;
        int64_t bind_port;
        int64_t workers;
        char *metrics_host;
        int64_t metrics_port;
        int64_t project_rate_limit, project_rate_burst, project_changes;
        bool debug;
        char *auth_strategy;
        bool proxy_headers;
        char *policy_file;
        struct openstack_settings keystone;
        char *www_authenticate_uri;
        int64_t token_cache_time, token_cache_time_writes; /* seconds */
        char *connection;
        struct bus_settings bus;
};
extern const struct setting api_settings[];
