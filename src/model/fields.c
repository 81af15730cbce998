/* SPDX-License-Identifier: Apache-2.0 */
/* Walks a table of fields over a struct, in either direction. */
#include "model/fields.h"

#include "model/limits.h"

static bool read_field(const json_t *object, const struct field *f, char *at, struct fault *why)
{
        switch (f->kind) {
        case FIELD_ID:
                return json_read_id(object, f->key, f->need, at, why);
        case FIELD_TEXT:
                return json_read_text(object, f->key, f->need, at, f->size, why);
        case FIELD_NAME:
                return json_read_name(object, f->key, f->need, at, f->size, why);
        case FIELD_WORD:
                return json_read_word(object, f->key, f->need, at, f->size, why);
        case FIELD_INT:
                return json_read_int(object, f->key, f->need, f->min, f->max, (void *)at, why);
        case FIELD_BOOL:
                return json_read_bool(object, f->key, f->need, (void *)at, why);
        }
        return false;
}

bool fields_read(const json_t *object, const struct field *fields, void *target, struct fault *why)
{
        if (!json_is_object(object)) {
                fault_set(why, 400, "message.invalid", "%s: must be in an object.", fields->key);
                return false;
        }
        for (const struct field *f = fields; f->key; f++)
                if (!read_field(object, f, (char *)target + f->offset, why))
                        return false;
        return true;
}

static json_t *value_of(const struct field *f, const char *at)
{
        switch (f->kind) {
        case FIELD_INT:
                return json_integer(*(const int64_t *)(const void *)at);
        case FIELD_BOOL:
                return json_boolean(*(const bool *)(const void *)at);
        case FIELD_ID:
        case FIELD_TEXT:
        case FIELD_NAME:
        case FIELD_WORD:
                break;
        }
        return json_string(at);
}

int fields_write(json_t *object, const struct field *fields, const void *source)
{
        for (const struct field *f = fields; f->key; f++) {
                const char *at = (const char *)source + f->offset;
                bool is_text = f->kind != FIELD_INT && f->kind != FIELD_BOOL;

                if (is_text && f->kind != FIELD_TEXT && !*at)
                        continue;
                if (json_object_set_new(object, f->key, value_of(f, at)) != 0)
                        return -1;
        }
        return 0;
}
