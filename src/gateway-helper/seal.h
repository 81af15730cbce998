#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing an interface off from the host it is on. Tenants' frames pass through our interfaces, and
 * the host's own network stack listens on each of them: it would answer ARP for the host's
 * addresses there, and take packets for them. Sealed, it drops all IPv4 (strict reverse path: no
 * route leads out there), makes no IPv6, and checksums are computed before a frame leaves (nobody
 * behind Open vSwitch would). */

#include <stdbool.h>

#include "base/fault.h"

enum { SEAL_OK, SEAL_FAILED };
int seal(const char *interface, struct fault *why);
bool seal_holds(const char *interface);
