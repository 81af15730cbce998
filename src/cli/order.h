#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The order of a list for people: by columns of theirs, "name,-bandwidth". */

#include <jansson.h>
#include <stdbool.h>

/* The first column of '*keys' (NULL: none), which is moved on; false at the end. 'down': the
 * greatest first. */
bool order_next(const char **keys, char *ret, size_t size, bool *down);
/* 'list' in that order; equals stay as they were. A new reference; NULL without memory. */
json_t *order_list(const json_t *list, const char *keys);
