/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of the statuses, and the one word derived from them. */
#include "model/status.h"

#include <string.h>

const char *const provisioning_name[] = {
        [PROV_PENDING_CREATE] = "PENDING_CREATE",
        [PROV_ACTIVE] = "ACTIVE",
        [PROV_PENDING_UPDATE] = "PENDING_UPDATE",
        [PROV_PENDING_DELETE] = "PENDING_DELETE",
        [PROV_ERROR] = "ERROR",
};
const char *const operating_name[] = {
        [OPER_ONLINE] = "ONLINE",
        [OPER_DEGRADED] = "DEGRADED",
        [OPER_OFFLINE] = "OFFLINE",
        [OPER_SCHEDULED] = "SCHEDULED",
};
static const char *const derived_name[] = {
        [OPER_ONLINE] = "ACTIVE",
        [OPER_DEGRADED] = "DEGRADED",
        [OPER_OFFLINE] = "DOWN",
        [OPER_SCHEDULED] = "DOWN",
};
_Static_assert(sizeof provisioning_name / sizeof *provisioning_name == PROV_N, "name each");
_Static_assert(sizeof operating_name / sizeof *operating_name == OPER_N, "name each");
_Static_assert(sizeof derived_name / sizeof *derived_name == OPER_N, "derive each");

int status_index(const char *const *names, int n, const char *text)
{
        for (int i = 0; text && i < n; i++)
                if (strcmp(names[i], text) == 0)
                        return i;
        return -1;
}

const char *status_derived(int provisioning, int operating, bool site_silent)
{
        if (provisioning == PROV_ERROR)
                return "ERROR";
        if (provisioning == PROV_PENDING_CREATE)
                return "BUILD";
        if (site_silent || operating < 0 || operating >= OPER_N)
                return "UNKNOWN";
        return derived_name[operating];
}
