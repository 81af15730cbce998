#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Bandwidth as people write it: "20M", "1.5G", "20M:10M" (a to z, then z to a); a bare number is
 * kbit/s. Decimal: 1M is 1000 kbit/s. What is printed can be typed. */

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* From 1 kbit/s to KBPS_MAX, exactly; false and '*ret' untouched otherwise. */
bool bandwidth_read(const char *text, int64_t *ret_kbps);
/* One value for both directions, or two with ':' between them. */
bool bandwidth_read_pair(const char *text, int64_t *ret_a_to_z_kbps, int64_t *ret_z_to_a_kbps);
/* The largest unit that needs at most three decimals. */
void bandwidth_add(struct text *to, int64_t kbps);
/* "20M" when both are equal, else "20M:10M". */
void bandwidth_add_pair(struct text *to, int64_t a_to_z_kbps, int64_t z_to_a_kbps);
