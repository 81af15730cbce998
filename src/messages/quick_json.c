/* SPDX-License-Identifier: Apache-2.0 */
#include "messages/quick_json.h"

#include <stdbool.h>
#include <string.h>

#include "base/own.h"

enum { DEPTH = 32, DIGITS = 18 }; /* so many digits fit into 64 bits */

struct reader {
        const char *at, *end;
        int depth;
};

static json_t *read_value(struct reader *r);

static void skip_blanks(struct reader *r)
{
        while (r->at < r->end &&
               (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
                r->at++;
}

static bool take(struct reader *r, char c)
{
        skip_blanks(r);
        if (r->at == r->end || *r->at != c)
                return false;
        r->at++;
        return true;
}

static bool is_plain(char c)
{
        return c >= ' ' && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

/* The string whose opening quote was taken; lent. */
static bool read_text(struct reader *r, const char **ret, size_t *ret_n)
{
        const char *from = r->at;

        while (r->at < r->end && is_plain(*r->at))
                r->at++;
        if (r->at == r->end || *r->at != '"')
                return false;
        *ret = from;
        *ret_n = (size_t)(r->at++ - from);
        return true;
}

static json_t *read_string(struct reader *r)
{
        const char *text;
        size_t n;

        return read_text(r, &text, &n) ? json_stringn_nocheck(text, n) : NULL;
}

static bool read_member(struct reader *r, json_t *object)
{
        size_t n_before = json_object_size(object), n;
        const char *key;

        return take(r, '"') && read_text(r, &key, &n) && take(r, ':') &&
               json_object_setn_new_nocheck(object, key, n, read_value(r)) == 0 &&
               json_object_size(object) > n_before; /* else the key was there */
}

static bool read_element(struct reader *r, json_t *array)
{
        return json_array_append_new(array, read_value(r)) == 0;
}

/* The object or array whose opening bracket was taken. */
static json_t *read_list(struct reader *r, json_t *list, char close,
                         bool (*read_one)(struct reader *r, json_t *list))
{
        json_auto_t *ret = list;

        if (!ret || ++r->depth > DEPTH)
                return NULL;
        if (!take(r, close)) {
                do
                        if (!read_one(r, ret))
                                return NULL;
                while (take(r, ','));
                if (!take(r, close))
                        return NULL;
        }
        r->depth--;
        return TAKE(ret);
}

static json_t *read_word(struct reader *r, const char *word, json_t *value)
{
        size_t n = strlen(word);

        if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
                return NULL;
        r->at += n;
        return value;
}

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static json_t *read_number(struct reader *r)
{
        bool negative = *r->at == '-';
        const char *from = r->at += negative;
        json_int_t value = 0;

        while (r->at < r->end && is_digit(*r->at) && r->at - from < DIGITS)
                value = value * 10 + (*r->at++ - '0');
        if (r->at == from || (*from == '0' && r->at - from > 1) ||
            (r->at < r->end &&
             (is_digit(*r->at) || *r->at == '.' || *r->at == 'e' || *r->at == 'E')))
                return NULL;
        return json_integer(negative ? -value : value);
}

static json_t *read_value(struct reader *r)
{
        if (take(r, '"'))
                return read_string(r);
        if (take(r, '{'))
                return read_list(r, json_object(), '}', read_member);
        if (take(r, '['))
                return read_list(r, json_array(), ']', read_element);
        if (r->at == r->end)
                return NULL;
        switch (*r->at) {
        case 't':
                return read_word(r, "true", json_true());
        case 'f':
                return read_word(r, "false", json_false());
        case 'n':
                return read_word(r, "null", json_null());
        default:
                return read_number(r);
        }
}

json_t *quick_json_load(const char *bytes, size_t n)
{
        struct reader r = { .at = bytes, .end = bytes + n };
        json_auto_t *object = take(&r, '{') ? read_list(&r, json_object(), '}', read_member) : NULL;

        skip_blanks(&r);
        return r.at == r.end ? TAKE(object) : NULL;
}
