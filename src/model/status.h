#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The statuses of a virtual link, in the words of the database and the API. */

#include <stdbool.h>

enum provisioning {
        PROV_PENDING_CREATE,
        PROV_ACTIVE,
        PROV_PENDING_UPDATE,
        PROV_PENDING_DELETE,
        PROV_ERROR,
        PROV_N,
};
enum operating { OPER_ONLINE, OPER_DEGRADED, OPER_OFFLINE, OPER_SCHEDULED, OPER_N };

extern const char *const provisioning_name[PROV_N]; /* "PENDING_CREATE", … */
extern const char *const operating_name[OPER_N];    /* "ONLINE", … */

/* The index of 'text' in such a table of 'n' names, or -1. */
int status_index(const char *const *names, int n, const char *text);
/* OpenStack's one word: ERROR, BUILD, UNKNOWN (a site of the link is silent), ACTIVE, DEGRADED,
 * DOWN. */
const char *status_derived(int provisioning, int operating, bool site_silent);
