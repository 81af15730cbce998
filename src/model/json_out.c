/* SPDX-License-Identifier: Apache-2.0 */
#include "model/json_out.h"

#include <string.h>

#include "base/clock.h"

/* A comma, unless this is the first behind a bracket, or the value of a key. */
static void begin(struct text *t, const char *key)
{
        if (t->n > 0 && !strchr("{[:", t->bytes[t->n - 1]))
                text_add_n(t, ",", 1);
        if (!key)
                return;
        text_add_n(t, "\"", 1);
        text_add(t, key);
        text_add_n(t, "\":", 2);
}

void out_open(struct text *t, const char *key, char bracket)
{
        begin(t, key);
        text_add_n(t, &bracket, 1);
}

void out_close(struct text *t, char bracket)
{
        text_add_n(t, &bracket, 1);
}

static void add_escaped(struct text *t, const char *value)
{
        static const char short_form[] = { ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
                                           ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't' };

        while (*value) {
                const char *at = value;

                while ((unsigned char)*at >= 0x20 && *at != '"' && *at != '\\')
                        at++;
                text_add_n(t, value, (size_t)(at - value));
                if (!*at)
                        return;
                if (short_form[(unsigned char)*at])
                        text_add_n(t, (const char[]){ '\\', short_form[(unsigned char)*at] }, 2);
                else
                        text_addf(t, "\\u%04X", (unsigned)(unsigned char)*at);
                value = at + 1;
        }
}

void out_text(struct text *t, const char *key, const char *value)
{
        begin(t, key);
        text_add_n(t, "\"", 1);
        add_escaped(t, value);
        text_add_n(t, "\"", 1);
}

void out_text_or_null(struct text *t, const char *key, const char *value)
{
        if (value && *value)
                out_text(t, key, value);
        else
                out_json(t, key, "null");
}

void out_int(struct text *t, const char *key, int64_t value)
{
        char digits[24], *at = digits + sizeof digits;
        uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

        do
                *--at = (char)('0' + rest % 10);
        while (rest /= 10);
        if (value < 0)
                *--at = '-';
        begin(t, key);
        text_add_n(t, at, (size_t)(digits + sizeof digits - at));
}

void out_bool(struct text *t, const char *key, bool value)
{
        out_json(t, key, value ? "true" : "false");
}

void out_time_or_null(struct text *t, const char *key, int64_t wall_ms)
{
        char time[24];

        clock_format(wall_ms, time, sizeof time);
        out_text_or_null(t, key, time);
}

void out_json(struct text *t, const char *key, const char *json)
{
        begin(t, key);
        text_add(t, json);
}
