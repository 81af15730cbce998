#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* JSON straight into text, for what is shown a thousand times a second. Members and elements get
 * their commas by themselves; the caller writes the brackets with out_open() and out_close(). */

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* '{' or '['; 'key' NULL for an element. */
void out_open(struct text *t, const char *key, char bracket);
void out_close(struct text *t, char bracket);
/* A text of valid UTF-8. */
void out_text(struct text *t, const char *key, const char *value);
/* null for "" (or NULL). */
void out_text_or_null(struct text *t, const char *key, const char *value);
void out_int(struct text *t, const char *key, int64_t value);
void out_bool(struct text *t, const char *key, bool value);
/* "…Z", or null for 0. */
void out_time_or_null(struct text *t, const char *key, int64_t wall_ms);
/* What is JSON already. */
void out_json(struct text *t, const char *key, const char *json);
