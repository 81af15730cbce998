/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of single fields; every refusal is "<field>: <what is wrong>". */
#include "model/json.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/uuid.h"

static bool refuse(struct fault *why, const char *key, const char *what)
{
        fault_set(why, 400, "message.invalid", "%s: %s.", key, what);
        return false;
}

/* The field, or NULL when it is missing or null; then '*ret_done' says how the reader shall end. */
static const json_t *field(const json_t *object, const char *key, enum json_need need,
                           bool *ret_done, struct fault *why)
{
        const json_t *value = json_object_get(object, key);

        if (value && !json_is_null(value))
                return value;
        *ret_done = need == JSON_OPTIONAL || refuse(why, key, "is missing");
        return NULL;
}

static bool is_name(const char *text)
{
        return *text && !text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")];
}

static bool is_word(const char *text)
{
        return *text && !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                           "0123456789._:/-")];
}

static bool read_form(const json_t *object, const char *key, enum json_need need,
                      bool (*valid)(const char *), const char *form, char *ret, size_t size,
                      struct fault *why)
{
        bool done = false;
        const json_t *value = field(object, key, need, &done, why);
        const char *text = json_string_value(value);

        if (!value)
                return done;
        if (!text)
                return refuse(why, key, "must be a string");
        if (strlen(text) != json_string_length(value))
                return refuse(why, key, "must not hold U+0000");
        if (strlen(text) >= size)
                return refuse(why, key, "is too long");
        if (valid && !valid(text))
                return refuse(why, key, form);
        text_copy(ret, size, text);
        return true;
}

bool json_read_text(const json_t *object, const char *key, enum json_need need, char *ret,
                    size_t size, struct fault *why)
{
        return read_form(object, key, need, NULL, NULL, ret, size, why);
}

bool json_read_name(const json_t *object, const char *key, enum json_need need, char *ret,
                    size_t size, struct fault *why)
{
        return read_form(object, key, need, is_name, "must be made of a-z, 0-9 and '-'", ret, size,
                         why);
}

bool json_read_word(const json_t *object, const char *key, enum json_need need, char *ret,
                    size_t size, struct fault *why)
{
        return read_form(object, key, need, is_word,
                         "must be made of letters, digits and any of . _ : / -", ret, size, why);
}

bool json_read_id(const json_t *object, const char *key, enum json_need need, char *ret,
                  struct fault *why)
{
        return read_form(object, key, need, uuid_valid, "must be a UUID in lower case", ret,
                         UUID_TEXT, why);
}

bool json_read_int(const json_t *object, const char *key, enum json_need need, int64_t min,
                   int64_t max, int64_t *ret, struct fault *why)
{
        bool done = false;
        const json_t *value = field(object, key, need, &done, why);
        int64_t n = json_integer_value(value);

        if (!value)
                return done;
        if (!json_is_integer(value))
                return refuse(why, key, "must be an integer");
        if (n < min || n > max) {
                fault_set(why, 400, "message.invalid",
                          "%s: must be from %" PRId64 " to %" PRId64 ", not %" PRId64 ".", key, min,
                          max, n);
                return false;
        }
        *ret = n;
        return true;
}

bool json_read_bool(const json_t *object, const char *key, enum json_need need, bool *ret,
                    struct fault *why)
{
        bool done = false;
        const json_t *value = field(object, key, need, &done, why);

        if (!value)
                return done;
        if (!json_is_boolean(value))
                return refuse(why, key, "must be true or false");
        *ret = json_is_true(value);
        return true;
}

json_t *json_text_or_null(const char *value)
{
        return value && *value ? json_string(value) : json_null();
}

json_t *json_time_or_null(int64_t wall_ms)
{
        char text[24];

        clock_format(wall_ms, text, sizeof text);
        return json_text_or_null(text);
}

int json_set_text(json_t *object, const char *key, const char *value)
{
        return json_object_set_new(object, key, json_text_or_null(value));
}

int json_set_time(json_t *object, const char *key, int64_t wall_ms)
{
        return json_object_set_new(object, key, json_time_or_null(wall_ms));
}
