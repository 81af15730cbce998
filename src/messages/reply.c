/* SPDX-License-Identifier: Apache-2.0 */
/* Replies: results, failures as Python rebuilds them, and our faults inside such failures. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/uuid.h"
#include "messages/ascii_json.h"
#include "messages/envelope.h"
#include "messages/outer.h"

#define OUR_MODULE "atlas.exceptions"

struct reply *reply_free(struct reply *r)
{
        if (!r)
                return NULL;
        json_decref(r->document);
        json_decref(r->result);
        json_decref(r->failure);
        free(r);
        return NULL;
}

static int malformed(struct fault *why, const char *what)
{
        fault_set(why, 400, "bus.malformed", "The reply %s.", what);
        return ENVELOPE_MALFORMED;
}

/* A failure is JSON inside a string inside the inner document. */
static int take_failure(const json_t *from, struct reply *r, struct fault *why)
{
        const json_t *failure = json_object_get(from, "failure");

        if (!failure)
                return malformed(why, "has no 'failure'");
        if (json_is_null(failure))
                return ENVELOPE_OK;
        r->failure = json_is_string(failure)
                             ? json_loadb(json_string_value(failure), json_string_length(failure),
                                          JSON_REJECT_DUPLICATES, NULL)
                             : NULL;
        return json_is_object(r->failure)
                       ? ENVELOPE_OK
                       : malformed(why, "has a 'failure' that is no object written as a string");
}

/* All but the name of the call. */
static int take_rest(const json_t *from, struct reply *r, struct fault *why)
{
        const json_t *ending = json_object_get(from, "ending");
        json_t *result = json_object_get(from, "result");
        int answer = take_failure(from, r, why);

        if (answer == ENVELOPE_OK && !json_is_boolean(ending))
                answer = malformed(why, "does not say whether it is 'ending'");
        if (answer != ENVELOPE_OK) {
                json_decref(r->failure);
                r->failure = NULL;
                return answer;
        }
        r->ending = json_is_true(ending);
        r->result = result ? json_incref(result) : json_null();
        return ENVELOPE_OK;
}

int reply_decode(const void *body, size_t n, struct reply **ret, struct fault *why)
{
        OWN(reply_free) struct reply *r = calloc(1, sizeof *r);
        int answer = r ? outer_open(body, n, &r->document, why) : err_raise(-ENOMEM);

        answer = answer ? answer : outer_text(r->document, "_msg_id", &r->msg_id, why);
        if (answer != ENVELOPE_OK)
                return answer;
        if (!r->msg_id)
                return malformed(why, "has no '_msg_id'");
        answer = take_rest(r->document, r, why);
        *ret = TAKE(r);
        return answer;
}

/* 'result' or, as text, 'failure'. */
static int encode(const char *msg_id, const json_t *result, const char *failure, bool ending,
                  struct text *ret)
{
        char unique_id[UUID_HEX];
        OWN(text_done) struct text inner = { 0 };

        uuid_new_hex(unique_id);
        text_reserve(&inner, INNER_BYTES);
        text_add(&inner, "{\"result\": ");
        ascii_json_add(&inner, result);
        text_add(&inner, ", \"failure\": ");
        if (failure)
                ascii_json_add_string(&inner, failure);
        else
                text_add(&inner, "null");
        text_add(&inner, ending ? ", \"ending\": true" : ", \"ending\": false");
        text_add(&inner, ", \"_msg_id\": ");
        ascii_json_add_string(&inner, msg_id);
        text_addf(&inner, ", \"_unique_id\": \"%s\"}", unique_id);
        return outer_write(&inner, ret);
}

int reply_encode_result(const char *msg_id, const json_t *result, struct text *ret)
{
        return encode(msg_id, result, NULL, true, ret);
}

int reply_encode_heartbeat(const char *msg_id, struct text *ret)
{
        return encode(msg_id, NULL, NULL, false, ret);
}

/* Python builds the exception as class(*args, **kwargs): the message is its argument unless kwargs
 * say all. */
int reply_encode_failure(const char *msg_id, const char *class_name, const char *module,
                         const char *message, const json_t *kwargs, struct text *ret)
{
        OWN(text_done) struct text failure = { 0 };

        text_add(&failure, "{\"class\": ");
        ascii_json_add_string(&failure, class_name);
        text_add(&failure, ", \"module\": ");
        ascii_json_add_string(&failure, module);
        text_add(&failure, ", \"message\": ");
        ascii_json_add_string(&failure, message);
        text_add(&failure, ", \"tb\": [], \"args\": [");
        if (json_object_size(kwargs) == 0)
                ascii_json_add_string(&failure, message);
        text_add(&failure, "], \"kwargs\": ");
        if (kwargs)
                ascii_json_add(&failure, kwargs);
        else
                text_add(&failure, "{}");
        text_add(&failure, "}");
        if (failure.failed)
                return err_raise(-ENOMEM);
        return encode(msg_id, NULL, failure.bytes, true, ret);
}

static const char *class_of(int code)
{
        /* clang-format off */
        static const struct {
                int code;
                const char *name;
        } classes[] = {
                { 400, "BadRequest" },
                { 403, "Forbidden" },
                { 404, "NotFound" },
                { 409, "Conflict" },
                { 412, "PreconditionFailed" },
                { 422, "Unprocessable" },
                { 429, "TooManyRequests" },
                { 503, "Unavailable" },
        };
        /* clang-format on */

        for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
                if (classes[i].code == code)
                        return classes[i].name;
        return "InternalError";
}

int reply_encode_fault(const char *msg_id, const struct fault *f, struct text *ret)
{
        json_t *details = *f->details ? json_loads(f->details, JSON_REJECT_DUPLICATES, NULL) : NULL;
        json_auto_t *kwargs = NULL;

        if (!details)
                details = json_object();
        kwargs = json_pack("{s:i, s:s, s:s, s:o, s:I}", "code", f->code, "type", f->type, "message",
                           f->message, "details", details, "retry_after_ms",
                           (json_int_t)f->retry_after_ms);
        if (!kwargs)
                return err_raise(-ENOMEM);
        return reply_encode_failure(msg_id, class_of(f->code), OUR_MODULE, f->message, kwargs, ret);
}

static bool fault_from_kwargs(const json_t *kwargs, struct fault *ret)
{
        json_int_t code = json_integer_value(json_object_get(kwargs, "code"));
        const char *type = json_string_value(json_object_get(kwargs, "type"));
        const char *message = json_string_value(json_object_get(kwargs, "message"));
        const json_t *details = json_object_get(kwargs, "details");
        OWN(mem_free) char *text = NULL;

        if (code < 400 || code > 599 || !type || !message)
                return false;
        fault_set(ret, (int)code, type, "%s", message);
        ret->retry_after_ms = json_integer_value(json_object_get(kwargs, "retry_after_ms"));
        if (json_is_object(details) && json_object_size(details) > 0)
                text = json_dumps(details, JSON_COMPACT);
        if (text)
                fault_details(ret, "%s", text);
        return true;
}

void fault_from_failure(const json_t *failure, struct fault *ret)
{
        const char *module = json_string_value(json_object_get(failure, "module"));
        const char *class_name = json_string_value(json_object_get(failure, "class"));
        const char *message = json_string_value(json_object_get(failure, "message"));

        fault_clear(ret);
        if (text_equal(module, OUR_MODULE) &&
            fault_from_kwargs(json_object_get(failure, "kwargs"), ret))
                return;
        fault_set(ret, 500, "bus.remote_failure", "%s: %s", class_name ? class_name : "Failure",
                  message ? message : "");
}
