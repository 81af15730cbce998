/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <stddef.h>

/* clang-format off */
const struct option_row option_rows[] = {
        [OPT_HELP]         = { "--help", 'h', NULL, NULL, "say how; after a command, all about it" },
        [OPT_VERSION]      = { "--version", 0, NULL, NULL, "say which version this is" },
        [OPT_CLOUD]        = { "--os-cloud", 0, "CLOUD", "OS_CLOUD", "a cloud of clouds.yaml" },
        [OPT_ENDPOINT]     = { "--os-endpoint", 0, "URL", "OS_ENDPOINT", "where the service is, as http://host:9797" },
        [OPT_PROJECT_ID]   = { "--os-project-id", 0, "PROJECT", "OS_PROJECT_ID", "whose links these are" },
        [OPT_ROLES]        = { "--os-roles", 0, "ROLES", "OS_ROLES", "roles to act in, where the service trusts its callers" },
        [OPT_FORMAT]       = { "--format", 'f', "FORMAT", NULL, "table, json, value or csv" },
        [OPT_COLUMN]       = { "--column", 'c', "COLUMN", NULL, "print this attribute; may repeat" },
        [OPT_SORT]         = { "--sort", 0, "COLUMNS", NULL, "order by these, as name,-bandwidth; - the greatest first" },
        [OPT_NAME]         = { "--name", 0, "NAME", NULL, "its name" },
        [OPT_DESCRIPTION]  = { "--description", 0, "TEXT", NULL, "what it is for" },
        [OPT_TYPE]         = { "--type", 0, "TYPE", NULL, "type of gateways, as `atlas gateway list` shows it" },
        [OPT_SITE]         = { "--site", 0, "SITE", NULL, "only those at this site" },
        [OPT_VPN]          = { "--vpn", 0, "VPN", NULL, "the VPN it belongs to" },
        [OPT_LINK]         = { "--link", 0, "LINK", NULL, "only those of this link" },
        [OPT_STATUS]       = { "--status", 0, "STATUS", NULL, "only those of this status" },
        [OPT_TAG]          = { "--tag", 0, "TAGS", NULL, "only those with all of these tags, with commas between" },
        [OPT_LIMIT]        = { "--limit", 0, "N", NULL, "at most so many" },
        [OPT_ALL_PROJECTS] = { "--all-projects", 0, NULL, NULL, "those of all projects, for operators" },
        [OPT_BANDWIDTH]    = { "--bandwidth", 0, "RATE[:RATE]", NULL, "such as 20M or 20M:10M (a to z, z to a); k, M, G bit/s" },
        [OPT_A_SITE]       = { "--a-site", 0, "SITE", NULL, "where the link begins" },
        [OPT_Z_SITE]       = { "--z-site", 0, "SITE", NULL, "where it ends" },
        [OPT_A_GATEWAY]    = { "--a-gateway", 0, "GATEWAY", NULL, "gateway at a; else the one with most left" },
        [OPT_Z_GATEWAY]    = { "--z-gateway", 0, "GATEWAY", NULL, "gateway at z" },
        [OPT_A_NETWORK]    = { "--a-network", 0, "ID", NULL, "plug it into this network at a" },
        [OPT_Z_NETWORK]    = { "--z-network", 0, "ID", NULL, "plug it into this network at z" },
        [OPT_A_PORT]       = { "--a-port", 0, "ID", NULL, "plug it into this port at a" },
        [OPT_Z_PORT]       = { "--z-port", 0, "ID", NULL, "plug it into this port at z" },
        [OPT_NETWORK]      = { "--network", 0, "ID", NULL, "id of the site's network to plug it into" },
        [OPT_PORT]         = { "--port", 0, "ID", NULL, "id of the site's port to plug it into" },
        [OPT_WAIT]         = { "--wait", 0, NULL, NULL, "tell each step, return when it is done or has failed" },
        [OPT_TIMEOUT]      = { "--timeout", 0, "SECONDS", NULL, "how long to wait, else 300; goes with --wait" },
        [OPT_AFTER]        = { "--after", 0, "EVENT", NULL, "first what happened since this event" },
        [OPT_VPNS]         = { "--vpns", 0, "N", NULL, "so many VPNs; -1: no limit" },
        [OPT_LINKS]        = { "--links", 0, "N", NULL, "so many links; -1: no limit" },
        [OPT_KBPS]         = { "--kbps", 0, "N", NULL, "so much bandwidth over all links, in kbit/s; -1: no limit" },
        [OPT_REASON]       = { "--reason", 0, "TEXT", NULL, "why, for those who are refused meanwhile" },
        [OPT_MAN]          = { "--man", 0, NULL, NULL, "write the manual page" },
};
/* clang-format on */
_Static_assert(sizeof option_rows / sizeof *option_rows == OPT_N, "describe each option");
