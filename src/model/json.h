#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Reading fields out of JSON from outside: each reader names the field it refuses. Used for message
 * bodies; HTTP bodies are checked by the API's attribute tables. All return false and fill 'why'
 * (code 400, type "message.invalid") when the field is missing or wrong; '*ret' is then untouched.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

enum json_need { JSON_OPTIONAL, JSON_REQUIRED };
bool json_read_text(const json_t *object, const char *key, enum json_need need, char *ret,
                    size_t size, struct fault *why);
/* A text of one form: json_read_name() [a-z0-9-]{1,63}, json_read_word() letters, digits and
 * "._:/-" (at least one). */
bool json_read_name(const json_t *object, const char *key, enum json_need need, char *ret,
                    size_t size, struct fault *why);
bool json_read_word(const json_t *object, const char *key, enum json_need need, char *ret,
                    size_t size, struct fault *why);
bool json_read_id(const json_t *object, const char *key, enum json_need need, char *ret,
                  struct fault *why);
bool json_read_int(const json_t *object, const char *key, enum json_need need, int64_t min,
                   int64_t max, int64_t *ret, struct fault *why);
bool json_read_bool(const json_t *object, const char *key, enum json_need need, bool *ret,
                    struct fault *why);
/* New references: a text, or JSON null for "" (NULL); "…Z", or JSON null for 0. For json_pack()'s
 * "o". */
json_t *json_text_or_null(const char *value);
json_t *json_time_or_null(int64_t wall_ms);
/* Sets "key" to a text, or to null when 'value' is "". */
int json_set_text(json_t *object, const char *key, const char *value);
/* Sets "key" to "…Z", or to null for 0. */
int json_set_time(json_t *object, const char *key, int64_t wall_ms);
