#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* One attribute of an object, found by its path and written as text for people. */

#include <jansson.h>

#include "base/text.h"

/* The attribute at 'path': "name", "bandwidth.a_to_z_kbps", "endpoints.0.site_id". Lent; NULL:
 * there is none (null is one). */
json_t *cell_find(const json_t *object, const char *path);
/* null is empty; a pair of bandwidths is as `--bandwidth` takes it; plain lists are joined with
 * commas; anything else is JSON. */
void cell_add(struct text *to, const json_t *value);
