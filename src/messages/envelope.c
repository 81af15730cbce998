/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: calls and casts. */
#include "messages/envelope.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/uuid.h"
#include "messages/ascii_json.h"
#include "messages/outer.h"

struct request *request_free(struct request *r)
{
        if (!r)
                return NULL;
        json_decref(r->document);
        json_decref(r->args);
        json_decref(r->context);
        free(r);
        return NULL;
}

const char *request_context(const struct request *r, const char *key)
{
        return json_string_value(json_object_get(r->context, key));
}

/* "X.Y" or "X.Y.Z" in numbers; what is absent is 0, what is too large counts as INT_MAX. */
static void split_version(const char *text, int ret[3])
{
        for (int i = 0; i < 3; i++) {
                long part = 0;
                char *end = (char *)(uintptr_t)text;

                if (*text)
                        part = strtol(text, &end, 10);
                ret[i] = part > INT_MAX ? INT_MAX : (int)part;
                text = *end == '.' ? end + 1 : "";
        }
}

bool request_fits(const struct request *r, const char *namespace, const char *version)
{
        int asked[3], served[3];

        split_version(r->version, asked);
        split_version(version, served);
        if (!text_equal(r->namespace, namespace) || asked[0] != served[0] || asked[1] > served[1])
                return false;
        return asked[1] < served[1] || asked[2] <= served[2];
}

bool request_is_call(const struct request *r)
{
        return r->msg_id && r->reply_q;
}

static int malformed(struct fault *why, const char *what)
{
        fault_set(why, 400, "bus.malformed", "The request %s.", what);
        return ENVELOPE_MALFORMED;
}

/* "X.Y" or "X.Y.Z". */
static bool is_version(const char *text)
{
        int n_dots = 0;

        for (const char *at = text; *at; at++) {
                if (*at == '.' && (at == text || at[-1] == '.' || !at[1] || ++n_dots > 2))
                        return false;
                if (*at != '.' && (*at < '0' || *at > '9'))
                        return false;
        }
        return n_dots > 0;
}

static int take_args(const json_t *from, struct request *r, struct fault *why)
{
        json_t *args = json_object_get(from, "args");

        if (args && !json_is_object(args))
                return malformed(why, "has 'args' that are no object");
        r->args = args ? json_incref(args) : json_object();
        return r->args ? 0 : err_raise(-ENOMEM);
}

static int take_texts(const json_t *from, struct request *r, struct fault *why)
{
        const struct {
                const char *key;
                const char **to;
        } texts[] = {
                { "method", &r->method },    { "namespace", &r->namespace },
                { "version", &r->version },  { "_msg_id", &r->msg_id },
                { "_reply_q", &r->reply_q }, { "_unique_id", &r->unique_id },
        };
        int answer = 0;

        for (size_t i = 0; i < sizeof texts / sizeof *texts && answer == 0; i++)
                answer = outer_text(from, texts[i].key, texts[i].to, why);
        if (answer != 0)
                return answer;
        if (!r->method || !*r->method)
                return malformed(why, "has no 'method'");
        if (!r->msg_id != !r->reply_q)
                return malformed(why, "has only one of '_msg_id' and '_reply_q'");
        if (!r->version)
                r->version = "1.0";
        return is_version(r->version) ? 0 : malformed(why, "has a 'version' that is not X.Y");
}

int request_decode(const void *body, size_t n, struct request **ret, struct fault *why)
{
        OWN(request_free) struct request *r = calloc(1, sizeof *r);
        int answer = r ? outer_open(body, n, &r->document, why) : err_raise(-ENOMEM);

        answer = answer ? answer : take_texts(r->document, r, why);
        answer = answer ? answer : take_args(r->document, r, why);
        answer = answer ? answer : outer_context(r->document, &r->context);
        if (answer != 0)
                return answer;
        r->monitor_timeout_s = json_number_value(json_object_get(r->document, "_timeout"));
        *ret = TAKE(r);
        return ENVELOPE_OK;
}

static void add_member(struct text *t, const char *key, const char *value)
{
        text_add(t, ", \"");
        text_add(t, key);
        text_add(t, "\": ");
        ascii_json_add_string(t, value);
}

int request_write(const struct request_head *head, const json_t *args, const json_t *context,
                  struct text *ret)
{
        char unique_id[UUID_HEX];
        OWN(text_done) struct text inner = { 0 };

        uuid_new_hex(unique_id);
        text_reserve(&inner, INNER_BYTES);
        text_add(&inner, "{\"method\": ");
        ascii_json_add_string(&inner, head->method);
        text_add(&inner, ", \"args\": ");
        if (args)
                ascii_json_add(&inner, args);
        else
                text_add(&inner, "{}");
        if (head->namespace)
                add_member(&inner, "namespace", head->namespace);
        if (head->version)
                add_member(&inner, "version", head->version);
        if (head->msg_id) {
                add_member(&inner, "_msg_id", head->msg_id);
                add_member(&inner, "_reply_q", head->reply_q);
                text_add(&inner, ", \"_timeout\": ");
                if (head->monitor_s > 0)
                        text_addf(&inner, "%" PRId64, head->monitor_s);
                else
                        text_add(&inner, "null");
        }
        add_member(&inner, "_unique_id", unique_id);
        outer_add_context(&inner, context);
        text_add(&inner, "}");
        return outer_write(&inner, ret);
}

int request_encode(const char *method, const char *version, const json_t *args,
                   const json_t *context, const char *msg_id, const char *reply_q, struct text *ret)
{
        const struct request_head head = {
                .method = method, .version = version, .msg_id = msg_id, .reply_q = reply_q
        };

        return request_write(&head, args, context, ret);
}
