#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/cloud/cloud_driver.h"

extern const struct cloud_driver cloud_neutron;
