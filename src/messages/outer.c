/* SPDX-License-Identifier: Apache-2.0 */
#include "messages/outer.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "messages/ascii_json.h"
#include "messages/envelope.h"
#include "messages/quick_json.h"

#define OPENING "{\"oslo.version\": \"2.0\", \"oslo.message\": \""
#define CLOSING "\"}"
#define CONTEXT "_context_" /* so begins the key of each entry of a context */
enum {
        OPENING_N = sizeof OPENING - 1,
        CLOSING_N = sizeof CLOSING - 1,
        CONTEXT_N = sizeof CONTEXT - 1
};

static bool is_special(char c)
{
        return (c == '"') | (c == '\\');
}

/* Without branches, for where quotes come nobody can predict: each byte gets a backslash before it,
 * and takes its place if it needs none. */
static void add_escaped(struct text *t, const char *bytes, size_t n)
{
        char *to;

        text_reserve(t, 2 * n + CLOSING_N);
        if (t->failed)
                return;
        to = t->bytes + t->n;
        for (size_t i = 0; i < n; i++) {
                *to = '\\';
                to += is_special(bytes[i]);
                *to++ = bytes[i];
        }
        t->n = (size_t)(to - t->bytes);
}

int outer_write(const struct text *inner, struct text *ret)
{
        ret->failed |= inner->failed;
        text_add_n(ret, OPENING, OPENING_N);
        add_escaped(ret, inner->bytes, inner->n);
        text_add_n(ret, CLOSING, CLOSING_N);
        return ret->failed ? err_raise(-ENOMEM) : 0;
}

void outer_add_context(struct text *t, const json_t *context)
{
        const char *key;
        json_t *value;

        json_object_foreach ((json_t *)(uintptr_t)context, key, value) {
                text_add(t, ", \"" CONTEXT);
                ascii_json_add_chars(t, key);
                text_add(t, "\": ");
                ascii_json_add(t, value);
        }
}

int outer_context(const json_t *from, json_t **ret)
{
        json_auto_t *context = json_object();
        const char *key;
        json_t *value;

        if (!context)
                return err_raise(-ENOMEM);
        json_object_foreach ((json_t *)(uintptr_t)from, key, value)
                if (text_starts(key, CONTEXT) &&
                    json_object_set_nocheck(context, key + CONTEXT_N, value) != 0)
                        return err_raise(-ENOMEM);
        *ret = TAKE(context);
        return 0;
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
        json_t *quick = quick_json_load(bytes, n);

        return quick ? quick : json_loadb(bytes, n, JSON_REJECT_DUPLICATES, NULL);
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

int outer_text(const json_t *from, const char *key, const char **ret, struct fault *why)
{
        const json_t *value = json_object_get(from, key);

        if (value && !json_is_string(value) && !json_is_null(value)) {
                fault_set(why, 400, "bus.malformed", "The message's '%s' is no text.", key);
                return ENVELOPE_MALFORMED;
        }
        *ret = json_string_value(value);
        return ENVELOPE_OK;
}
