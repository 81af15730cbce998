/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/settings.h"

#include <stddef.h>

/* clang-format off */
const struct setting api_settings[] = {
        { "DEFAULT", "bind_host", SETTING_TEXT, offsetof(struct api_config, bind_host), "127.0.0.1", 0, 0,
          "Address to serve at" },
        { "DEFAULT", "bind_port", SETTING_INT, offsetof(struct api_config, bind_port), "9797", 0, 65535,
          "Port to serve at; 0 picks a free one" },
        { "DEFAULT", "workers", SETTING_INT, offsetof(struct api_config, workers), "2", 1, 64,
          "Event loops, each a thread with its own connection to the database" },
        { "DEFAULT", "metrics_host", SETTING_TEXT, offsetof(struct api_config, metrics_host), "127.0.0.1", 0, 0,
          "Address of /metrics" },
        { "DEFAULT", "metrics_port", SETTING_INT, offsetof(struct api_config, metrics_port), "9796", 0, 65535,
          "Port of /metrics; 0: a free one" },
        { "DEFAULT", "project_rate_limit", SETTING_INT, offsetof(struct api_config, project_rate_limit), "0", 0, 1000000,
          "Requests a second that this process answers to one project; more are told to wait (429); 0: no limit" },
        { "DEFAULT", "project_rate_burst", SETTING_INT, offsetof(struct api_config, project_rate_burst), "100", 1, 1000000,
          "Requests that a project may send at once after a rest" },
        { "DEFAULT", "project_changes", SETTING_INT, offsetof(struct api_config, project_changes), "500", 0, 1000000,
          "Changes of one project that this process has at the conductors at once; more are told to wait (429); 0: any number" },
        { "DEFAULT", "debug", SETTING_BOOL, offsetof(struct api_config, debug), "false", 0, 0,
          "Log more" },
        { "DEFAULT", "auth_strategy", SETTING_TEXT, offsetof(struct api_config, auth_strategy), "noauth", 0, 0,
          "keystone: X-Auth-Token is needed; noauth: the headers X-Project-Id and X-Roles are believed, for laboratories" },
        { "oslo_middleware", "enable_proxy_headers_parsing", SETTING_BOOL, offsetof(struct api_config, proxy_headers), "false", 0, 0,
          "Links in answers begin with what a proxy in front says: X-Forwarded-Proto, -Host, -Prefix" },
        OPENSTACK_SETTINGS("keystone_authtoken", struct api_config, keystone),
        { "keystone_authtoken", "www_authenticate_uri", SETTING_TEXT, offsetof(struct api_config, www_authenticate_uri), "", 0, 0,
          "Keystone as clients reach it, told with 401; empty: auth_url" },
        { "keystone_authtoken", "token_cache_time", SETTING_INT, offsetof(struct api_config, token_cache_time), "60", 0, 60,
          "Seconds for which a token that was found valid is not asked about again; so long one may be used after it was revoked" },
        { "keystone_authtoken", "token_cache_time_writes", SETTING_INT, offsetof(struct api_config, token_cache_time_writes), "60", 0, 60,
          "The same for requests that change something; 0: Keystone is asked each time" },
        { "oslo_policy", "policy_file", SETTING_TEXT, offsetof(struct api_config, policy_file), "", 0, 0,
          "Rules that override those of `atlas-manage policy list`, as policy.yaml; empty: none" },
        { "database", "connection", SETTING_SECRET, offsetof(struct api_config, connection), NULL, 0, 0,
          "libpq URI of the database's primary, as a user that may only read" },
        BUS_SETTINGS(struct api_config, bus),
        { 0 },
};
/* clang-format on */
