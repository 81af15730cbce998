/* SPDX-License-Identifier: Apache-2.0 */
#include "messages/outer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/envelope.h"

#define OPENING "{\"oslo.version\": \"2.0\", \"oslo.message\": \""
#define CLOSING "\"}"
enum { OPENING_N = sizeof OPENING - 1, CLOSING_N = sizeof CLOSING - 1 };

size_t outer_begin(struct text *t)
{
        text_add_n(t, OPENING, OPENING_N);
        return t->n;
}

static bool is_special(char c)
{
        return c == '"' || c == '\\';
}

/* Makes room for the backslashes at the end, then moves the text backwards into it. */
int outer_end(struct text *t, size_t begin)
{
        static const char room[64] = { 0 };
        size_t n_special = 0, n = t->n;

        if (t->failed)
                return err_raise(-ENOMEM);
        for (size_t i = begin; i < n; i++)
                n_special += is_special(t->bytes[i]);
        for (size_t left = n_special; left > 0 && !t->failed;) {
                size_t some = left < sizeof room ? left : sizeof room;

                text_add_n(t, room, some);
                left -= some;
        }
        if (t->failed)
                return err_raise(-ENOMEM);
        for (size_t from = n, to = t->n; from != to;) {
                char c = t->bytes[--from];

                t->bytes[--to] = c;
                if (is_special(c))
                        t->bytes[--to] = '\\';
        }
        text_add_n(t, CLOSING, CLOSING_N);
        return t->failed ? err_raise(-ENOMEM) : 0;
}

static int malformed(struct fault *why, const char *what)
{
        fault_set(why, 400, "bus.malformed", "The message cannot be read: %s.", what);
        return ENVELOPE_MALFORMED;
}

/* An envelope exactly as oslo.messaging writes it, whose string holds no escapes but \" and \\:
 * the string without its backslashes, owned by the caller. NULL: look closer. */
static char *quick_inner(const char *body, size_t n, size_t *ret_n)
{
        OWN(mem_free) char *inner = NULL;
        const char *at = body + OPENING_N, *end = body + n - CLOSING_N;
        char *to;

        if (n < OPENING_N + CLOSING_N || memcmp(body, OPENING, OPENING_N) != 0 ||
            memcmp(end, CLOSING, CLOSING_N) != 0)
                return NULL;
        to = inner = malloc(n);
        if (!inner)
                return NULL;
        for (; at < end; at++) {
                if ((unsigned char)*at < 0x20 || *at == '"')
                        return NULL;
                if (*at == '\\' && (++at == end || !is_special(*at)))
                        return NULL;
                *to++ = *at;
        }
        *ret_n = (size_t)(to - inner);
        return TAKE(inner);
}

static json_t *load(const char *bytes, size_t n)
{
        return json_loadb(bytes, n, JSON_REJECT_DUPLICATES, NULL);
}

/* The major has to be ours, the minor not above ours: "2.0" and nothing else is. */
static int check_version(const json_t *version, struct fault *why)
{
        const char *text = json_string_value(version);

        if (!text)
                return malformed(why, "its envelope has no version");
        if (strcmp(text, "2.0") == 0 || text_starts(text, "2.0."))
                return ENVELOPE_OK;
        fault_set(why, 400, "bus.unsupported_envelope",
                  "The message has an envelope of version %.16s; this program reads 2.0.", text);
        return ENVELOPE_UNSUPPORTED;
}

int outer_open(const void *body, size_t n, json_t **ret, struct fault *why)
{
        size_t n_inner = 0;
        OWN(mem_free) char *quick = quick_inner(body, n, &n_inner);
        json_auto_t *outer = quick ? load(quick, n_inner) : load(body, n);
        json_auto_t *inner = NULL;
        json_t *version = json_object_get(outer, "oslo.version");
        json_t *message = json_object_get(outer, "oslo.message");
        int r;

        if (!outer)
                return malformed(why, "it is no JSON in UTF-8, or has a key twice");
        if (quick || !version || !message) {
                inner = json_incref(outer);
        } else {
                r = check_version(version, why);
                if (r != ENVELOPE_OK)
                        return r;
                if (!json_is_string(message))
                        return malformed(why, "oslo.message is no string");
                inner = load(json_string_value(message), json_string_length(message));
                if (!inner)
                        return malformed(why, "oslo.message is no JSON, or has a key twice");
        }
        if (!json_is_object(inner))
                return malformed(why, "it is no JSON object");
        *ret = TAKE(inner);
        return ENVELOPE_OK;
}

int outer_text(const json_t *from, const char *key, char **ret, struct fault *why)
{
        const json_t *value = json_object_get(from, key);

        *ret = NULL;
        if (!value || json_is_null(value))
                return ENVELOPE_OK;
        if (!json_is_string(value)) {
                fault_set(why, 400, "bus.malformed", "The message's '%s' is no text.", key);
                return ENVELOPE_MALFORMED;
        }
        *ret = strdup(json_string_value(value));
        return *ret ? ENVELOPE_OK : err_raise(-ENOMEM);
}
