#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The options of all commands: each name means the same wherever it stands. */

#include <stdint.h>

enum option {
        OPT_HELP,
        OPT_VERSION,
        OPT_CLOUD,
        OPT_ENDPOINT,
        OPT_PROJECT_ID,
        OPT_ROLES,
        OPT_FORMAT,
        OPT_COLUMN,
        OPT_SORT,
        OPT_NAME,
        OPT_DESCRIPTION,
        OPT_TYPE,
        OPT_SITE,
        OPT_VPN,
        OPT_LINK,
        OPT_STATUS,
        OPT_TAG,
        OPT_LIMIT,
        OPT_ALL_PROJECTS,
        OPT_BANDWIDTH,
        OPT_A_SITE,
        OPT_Z_SITE,
        OPT_A_GATEWAY,
        OPT_Z_GATEWAY,
        OPT_A_NETWORK,
        OPT_Z_NETWORK,
        OPT_A_PORT,
        OPT_Z_PORT,
        OPT_NETWORK,
        OPT_PORT,
        OPT_WAIT,
        OPT_TIMEOUT,
        OPT_AFTER,
        OPT_REASON,
        OPT_MAN,
        OPT_VPNS,
        OPT_LINKS,
        OPT_KBPS,
        OPT_N,
};
/* A set of options: OPTS(NAME) | OPTS(TYPE). */
#define OPTS(name) (UINT64_C(1) << OPT_##name)
#define OPTS_COMMON                                                                                \
        (OPTS(HELP) | OPTS(VERSION) | OPTS(CLOUD) | OPTS(ENDPOINT) | OPTS(PROJECT_ID) |            \
         OPTS(ROLES) | OPTS(FORMAT) | OPTS(COLUMN))

struct option_row {
        const char *flag;
        char letter;          /* of its short form, or 0 */
        const char *value;    /* what stands for its value in the help; NULL: it has none */
        const char *variable; /* of the environment that it stands in for, or NULL */
        const char *help;
};
extern const struct option_row option_rows[OPT_N];
