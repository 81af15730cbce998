#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A Linux host with Open vSwitch as the gateway: Ethernet over MPLS, one label each way. */
#include "drivers/gateway/gateway_driver.h"

extern const struct gateway_driver gateway_ovs;
