/* SPDX-License-Identifier: Apache-2.0 */
#include "messages/ascii_json.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Characters that stand for themselves in a string. */
static bool is_plain(unsigned char c)
{
        return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* The code point at '*at' of valid UTF-8; moves past it. */
static uint32_t next_point(const unsigned char **at)
{
        const unsigned char *p = *at;
        int n_tail = p[0] < 0x80 ? 0 : p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;
        uint32_t point = n_tail ? p[0] & (0x3fu >> n_tail) : p[0];

        for (p++; n_tail > 0 && (*p & 0xc0) == 0x80; n_tail--)
                point = point << 6 | (*p++ & 0x3f);
        *at = p;
        return point;
}

static void add_escaped(struct text *t, uint32_t point)
{
        static const char shorts[][2] = { "\"\"", "\\\\", "\bb", "\ff", "\nn", "\rr", "\tt" };

        for (size_t i = 0; i < sizeof shorts / sizeof *shorts; i++)
                if (point == (unsigned char)shorts[i][0]) {
                        text_add_n(t, (char[]){ '\\', shorts[i][1] }, 2);
                        return;
                }
        if (point < 0x10000)
                text_addf(t, "\\u%04x", (unsigned)point);
        else
                text_addf(t, "\\u%04x\\u%04x", 0xd800 + (unsigned)((point - 0x10000) >> 10),
                          0xdc00 + (unsigned)((point - 0x10000) & 0x3ff));
}

void ascii_json_add_chars(struct text *t, const char *s)
{
        const unsigned char *at = (const unsigned char *)s;

        while (*at) {
                const unsigned char *from = at;

                while (is_plain(*at))
                        at++;
                text_add_n(t, (const char *)from, (size_t)(at - from));
                if (*at)
                        add_escaped(t, next_point(&at));
        }
}

void ascii_json_add_string(struct text *t, const char *s)
{
        text_add_n(t, "\"", 1);
        ascii_json_add_chars(t, s);
        text_add_n(t, "\"", 1);
}

/* The shortest text that reads back as the same number. */
static void add_real(struct text *t, double value)
{
        char digits[32];

        for (int precision = 15; precision <= 17; precision++) {
                snprintf(digits, sizeof digits, "%.*g", precision, value);
                if (strtod(digits, NULL) == value)
                        break;
        }
        text_add(t, digits);
        if (!strpbrk(digits, ".en"))
                text_add(t, ".0");
}

static void add_object(struct text *t, const json_t *object)
{
        const char *key, *comma = "";
        json_t *value;

        text_add_n(t, "{", 1);
        /* jansson iterates over a non-const object, and changes nothing. */
        json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
                text_add(t, comma);
                ascii_json_add_string(t, key);
                text_add_n(t, ": ", 2);
                ascii_json_add(t, value);
                comma = ", ";
        }
        text_add_n(t, "}", 1);
}

static void add_array(struct text *t, const json_t *array)
{
        text_add_n(t, "[", 1);
        for (size_t i = 0; i < json_array_size(array); i++) {
                if (i > 0)
                        text_add_n(t, ", ", 2);
                ascii_json_add(t, json_array_get(array, i));
        }
        text_add_n(t, "]", 1);
}

void ascii_json_add(struct text *t, const json_t *value)
{
        if (!value) {
                text_add(t, "null");
                return;
        }
        switch (json_typeof(value)) {
        case JSON_OBJECT:
                add_object(t, value);
                break;
        case JSON_ARRAY:
                add_array(t, value);
                break;
        case JSON_STRING:
                ascii_json_add_string(t, json_string_value(value));
                break;
        case JSON_INTEGER:
                text_addf(t, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
                break;
        case JSON_REAL:
                add_real(t, json_real_value(value));
                break;
        case JSON_TRUE:
                text_add(t, "true");
                break;
        case JSON_FALSE:
                text_add(t, "false");
                break;
        case JSON_NULL:
                text_add(t, "null");
                break;
        }
}
