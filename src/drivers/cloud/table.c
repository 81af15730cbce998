/* SPDX-License-Identifier: Apache-2.0 */
/* The cloud drivers built in. */
#include <string.h>

#include "drivers/cloud/fake.h"
#include "drivers/cloud/cloud_driver.h"
#include "drivers/cloud/neutron.h"

const struct cloud_driver *const cloud_drivers[] = {
        &cloud_fake,
        &cloud_neutron,
        NULL,
};

const struct cloud_driver *cloud_driver_find(const char *name)
{
        for (const struct cloud_driver *const *d = cloud_drivers; *d; d++)
                if (strcmp((*d)->name, name) == 0)
                        return *d;
        return NULL;
}
