#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A struct's JSON form as a table: one row per field drives the decoder and the encoder, so that
 * they cannot drift apart. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "model/json.h"

enum field_kind {
        FIELD_ID,   /* char[ID_SIZE], a UUID; "" is written as no key at all */
        FIELD_TEXT, /* char[size] */
        FIELD_NAME, /* char[size], [a-z0-9-]{1,63} */
        FIELD_WORD, /* char[size], see json_read_word() */
        FIELD_INT,  /* int64_t within [min, max] */
        FIELD_BOOL, /* bool */
};

/* A table ends with { 0 }. */
struct field {
        const char *key;
        enum field_kind kind;
        enum json_need need;
        size_t offset, size;
        int64_t min, max;
};
/* Rows: FIELD(struct, member, KIND, NEED) and FIELD_RANGE(struct, member, NEED, min, max). */
#define FIELD(type, member, kind_, need_)                                                          \
        {                                                                                          \
                .key = #member, .kind = kind_, .need = need_, .offset = offsetof(type, member),    \
                .size = sizeof(((type *)NULL)->member)                                             \
        }
#define FIELD_RANGE(type, member, need_, min_, max_)                                               \
        {                                                                                          \
                .key = #member, .kind = FIELD_INT, .need = need_,                                  \
                .offset = offsetof(type, member), .size = sizeof(int64_t), .min = min_,            \
                .max = max_                                                                        \
        }

/* Fields that are missing and optional keep what 'target' holds. */
bool fields_read(const json_t *object, const struct field *fields, void *target, struct fault *why);
int fields_write(json_t *object, const struct field *fields, const void *source);
