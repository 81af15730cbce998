#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A site's own rules, from its agent's file: whom it serves, how much, towards which sites; and
 * which of its cloud's projects stands for which of ours. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/fault.h"
#include "model/want.h"

struct policy {
        char *projects;    /* comma-separated; "": all */
        char *peer_sites;  /* comma-separated; "": all */
        char *project_map; /* "ours:theirs,…" */
        int64_t max_kbps;  /* each way of one link; 0: no limit */
};
/* clang-format off */
#define POLICY_SETTINGS(type, member) \
        { "policy", "projects", SETTING_LIST, offsetof(type, member.projects), "", 0, 0, \
          "Projects that may have links here; empty: all" }, \
        { "policy", "max_kbps", SETTING_INT, offsetof(type, member.max_kbps), "0", 0, INT64_MAX, \
          "Largest bandwidth of one link, each way, in kbit/s; 0: no limit" }, \
        { "policy", "peer_sites", SETTING_LIST, offsetof(type, member.peer_sites), "", 0, 0, \
          "Sites that links may lead to; empty: all" }, \
        { "policy", "project_map", SETTING_LIST, offsetof(type, member.project_map), "", 0, 0, \
          "Projects that this site's cloud knows under another id: ATLAS-PROJECT:CLOUD-PROJECT[,…]" }
/* clang-format on */

/* False with 'why' (403, "site.policy", naming the rule) when the site's rules forbid it. */
bool policy_allows_project(const struct policy *p, const char *site, const char *project,
                           struct fault *why);
bool policy_allows_port(const struct policy *p, const char *site, const struct port_want *want,
                        struct fault *why);
/* The project's id in the site's cloud, and back; the same id where the map has none. */
void policy_cloud_project(const struct policy *p, const char *project, char ret[PROJECT_SIZE]);
void policy_atlas_project(const struct policy *p, const char *cloud, char ret[PROJECT_SIZE]);
