#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The integers that a gateway may hand out, as settings have them: "16-99999,200000". */

#include <stddef.h>

#include "base/fault.h"

/* JSON text {"label": [[16, 99999], …], "tag": …} of two such lists. CONFIG_BAD names the one that is wrong. */
int ranges_to_json(const char *labels, const char *tags, char *ret, size_t size, struct fault *why);
