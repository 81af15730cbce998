#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* An object's tags: words of the tenant's own, that lists can be filtered by. Kept in one text,
 * sorted and joined by commas. */

#include <jansson.h>
#include <stdbool.h>

#include "base/fault.h"

enum { TAG_LENGTH_MAX = 255 /* characters */, TAGS_SIZE = 2048 /* of all of an object, joined */ };

/* 1 to TAG_LENGTH_MAX characters of UTF-8 without ',', '/' and control characters. */
bool tag_valid(const char *tag);
bool tags_have(const char *tags, const char *tag);
json_t *tags_to_json(const char *tags); /* a list */
/* Carries out 'change', a JSON object: "tags" are all from now on; "add_tags" come to those that
 * are there, "remove_tags" go. 0, or the code of 'why': 400, 404 (one to remove is not there), 409
 * (too many); 'tags' is then as before. */
int tags_change(char tags[TAGS_SIZE], const json_t *change, struct fault *why);
