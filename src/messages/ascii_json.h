#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text as Python's json.dumps() writes it: ASCII only, lower-case \uXXXX, ", " and ": ", keys
 * in the order they were put. Byte for byte, so that it can be compared with what peers send. */

#include <jansson.h>

#include "base/text.h"

void ascii_json_add(struct text *t, const json_t *value); /* NULL counts as null */
void ascii_json_add_string(struct text *t, const char *s);
void ascii_json_add_chars(struct text *t, const char *s); /* a piece of a string, without quotes */
