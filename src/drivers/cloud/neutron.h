#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The driver of OpenStack's Neutron with ML2 and Open vSwitch; its settings are [neutron]. */

#include "drivers/cloud/cloud_driver.h"

extern const struct cloud_driver cloud_neutron;
