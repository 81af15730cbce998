/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway drivers built in. */
#include <string.h>

#include "drivers/gateway/fake.h"
#include "drivers/gateway/gateway_driver.h"
#include "drivers/gateway/ovs.h"

const struct gateway_driver *const gateway_drivers[] = {
        &gateway_fake,
        &gateway_ovs,
        NULL,
};

const struct gateway_driver *gateway_driver_find(const char *name)
{
        for (const struct gateway_driver *const *d = gateway_drivers; *d; d++)
                if (strcmp((*d)->name, name) == 0)
                        return *d;
        return NULL;
}
