/* SPDX-License-Identifier: Apache-2.0 */
/* The WAN drivers built in. */
#include <string.h>

#include "drivers/wan/fake.h"
#include "drivers/wan/wan_driver.h"

const struct wan_driver *const wan_drivers[] = {
        &wan_fake,
        NULL,
};

const struct wan_driver *wan_driver_find(const char *name)
{
        for (const struct wan_driver *const *d = wan_drivers; *d; d++)
                if (strcmp((*d)->name, name) == 0)
                        return *d;
        return NULL;
}
