#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The cloud driver for Neutron. */
#include "drivers/cloud/cloud_driver.h"

extern const struct cloud_driver cloud_neutron;
