/* SPDX-License-Identifier: Apache-2.0 */
/* Changes: a call on the bus to a conductor, whose answer comes back to the request's loop. Nothing
 * is written from here; what happened to a call without an answer is looked up where the truth is,
 * else said to be unknown. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api-server/api.h"
#include "api-server/events_stream.h"
#include "api-server/problem.h"
#include "api-server/rate.h"
#include "api-server/routes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/uuid.h"
#include "messages/topics.h"

enum { LOOK_UP_DEADLINE_MS = 2000 };

/* What is remembered of a call while it is at the conductor. */
struct sent {
        struct write write;
        char object_id[128];
        char key[KEY_SIZE]; /* Idempotency-Key, or "" */
        json_t *args;
        json_t *result;     /* of the conductor, or */
        struct fault fault; /* its refusal, or why there was no answer */
        json_t *seen;       /* the object as it was found, while its operation is looked at */
};

struct sent *sent_free(struct sent *s)
{
        if (!s)
                return NULL;
        json_decref(s->args);
        json_decref(s->result);
        json_decref(s->seen);
        free(s);
        return NULL;
}

/* ---- the answer ---- */

/* 'object' is taken; NULL: it is gone. */
static void answer_object(struct call *c, json_t *object)
{
        const struct write *w = &c->sent->write;
        const char *id = json_string_value(json_object_get(object, "id"));
        json_auto_t *own = object;
        json_t *tags = json_object_get(object, "tags");
        char location[256];
        struct fault why;

        if (w->status == 204 || !object) {
                call_answer(c, 204, NULL, NULL);
                return;
        }
        if ((!id && !w->resource->single) || (w->tags && !tags)) {
                log_error("api.bad_result", "request=%s method=%s", c->who.request_id, w->method);
                problem_internal(&why);
                call_refuse(c, &why);
                return;
        }
        snprintf(location, sizeof location, "%s/%s", w->resource->path, id ? id : "");
        call_answer(c, w->status,
                    w->tags ? json_pack("{sO}", "tags", tags)
                            : json_pack("{sO}", w->resource->name, own),
                    w->status == 200 || w->tags ? NULL : location);
}

/* ---- when nobody answered: what can be seen of it, in the loop ---- */

static void unknown_outcome(struct sent *s)
{
        const struct write *w = &s->write;
        struct fault *ret = &s->fault;

        if (s->key[0])
                fault_set(
                        ret, 503, "service.outcome_unknown",
                        "No answer came in time; whether this was accepted is unknown. Send the same "
                        "request again with the same Idempotency-Key: it is done once.");
        else
                fault_set(ret, 503, "service.outcome_unknown",
                          "No answer came in time; whether this was accepted is unknown. "
                          "GET %s/%.64s tells: wait a little, look, and only then try again.",
                          w->resource->path, s->object_id);
        fault_details(ret, "{\"href\": \"%s/%.64s\"}", w->resource->path,
                      uuid_valid(s->object_id) ? s->object_id : "");
        ret->retry_after_ms = 5000;
}

static void judge(struct call *c, bool done)
{
        if (done)
                answer_object(c, TAKE(c->sent->seen));
        else
                call_refuse(c, &c->sent->fault);
}

/* The operation that holds the object is this very request's? */
static void on_operation(struct call *c, int error, json_t *operation)
{
        json_auto_t *own = operation;

        (void)error;
        judge(c,
              text_equal(json_string_value(json_object_get(own, "request_id")), c->who.request_id));
}

static void on_object(struct call *c, int error, json_t *object)
{
        struct sent *s = c->sent;
        const char *operation = json_string_value(json_object_get(object, "operation_id"));

        s->seen = object;
        if (error == 0 && s->write.done(object, s->args))
                judge(c, true);
        else if (error == 0 && operation)
                read_object(c, &operation_resource, operation, on_operation);
        else
                judge(c, false);
}

static void on_key(int r, const struct store_rows *rows, const int64_t *serials, void *user)
{
        const struct request_key *row = r == 0 && rows->n ? rows->rows : NULL;
        struct call *c = user;

        (void)serials;
        if (row)
                TEXT_SET(c->sent->object_id, row->object_id);
        read_object(c, c->sent->write.resource, c->sent->object_id, on_object);
}

/* By its key if it has one: then another request may have given the object its id. */
static void look_up(struct call *c)
{
        const struct sent *s = c->sent;
        const char *project = c->who.project_id, *method = s->write.method, *key = s->key;
        const struct store_where where[] = { { "project_id", STORE_IS, &project, 1 },
                                             { "method", STORE_IS, &method, 1 },
                                             { "key", STORE_IS, &key, 1 } };

        if (s->key[0] && api_can_read(c->loop) &&
            store_reader_select(c->loop->reader, &store_tables[T_REQUEST_KEY], where, 3, NULL,
                                false, 1, LOOK_UP_DEADLINE_MS, on_key, c) == 0)
                api_kick_reader(c->loop);
        else
                on_key(-1, NULL, NULL, c);
}

bool write_is_there(const json_t *object, const json_t *args)
{
        (void)args;
        return object;
}

bool write_is_gone(const json_t *object, const json_t *args)
{
        (void)args;
        return !object;
}

bool shows(const json_t *object, const json_t *asked)
{
        json_t *value;
        const char *name;

        json_object_foreach ((json_t *)(uintptr_t)asked, name, value) {
                const json_t *shown = json_object_get(object, name);

                if (json_is_object(value) ? !shows(shown, value) : !json_equal(shown, value))
                        return false;
        }
        return true;
}

/* ---- when the client would wait for the operation's end ---- */

static void on_ended(struct call *c, int error, json_t *object)
{
        if (error < 0)
                object = json_incref(
                        json_object_get(c->sent->result, c->sent->write.resource->name));
        answer_object(c, object);
}

static void then_answer(struct call *c, bool done)
{
        struct write *w = &c->sent->write;

        if (done)
                w->status = text_starts(w->method, "create_") ? 201 : 200;
        read_object(c, w->resource, c->sent->object_id, on_ended);
}

static void answer_or_wait(struct call *c)
{
        struct sent *s = c->sent;
        json_t *object = json_object_get(s->result, s->write.resource->name);
        const char *id = json_string_value(json_object_get(object, "id")),
                   *operation = json_string_value(json_object_get(object, "operation_id"));

        c->waited_s = events_wait_s(c);
        if (c->waited_s == 0 || !id || !operation || s->write.status != 202) {
                answer_object(c, json_incref(object));
                return;
        }
        TEXT_SET(s->object_id, id); /* an accepted key's may be another than ours */
        events_wait(c, operation, c->waited_s, then_answer);
}

static void run_reply(struct http_post *post)
{
        struct call *c = (struct call *)post;
        struct sent *s = c->sent;

        rate_end(api_rate(c->loop), c->who.project_id);
        if (fault_is_set(&s->fault) && text_equal(s->fault.type, "bus.timeout")) {
                unknown_outcome(s);
                if (s->write.done)
                        look_up(c);
                else
                        call_refuse(c, &s->fault);
        } else if (fault_is_set(&s->fault)) {
                if (s->fault.code == 503 && s->fault.retry_after_ms <= 0)
                        s->fault.retry_after_ms = 2000;
                call_refuse(c, &s->fault);
        } else if (json_is_array(json_object_get(s->result, s->write.resource->collection))) {
                call_answer(c, s->write.status, json_incref(s->result), NULL);
        } else {
                answer_or_wait(c);
        }
}

/* ---- on the bus's thread ---- */

static void on_reply(const json_t *result, const struct fault *failure, void *user)
{
        struct call *c = user;

        if (failure)
                c->sent->fault = *failure;
        else
                c->sent->result = json_deep_copy(result);
        c->post.run = run_reply;
        http_loop_post(c->loop->http, &c->post);
}

/* ---- before it, in the loop ---- */

/* SHA-256 of who asks for what: the same key with another hash is another request. The ids that we
 * give new objects are no part of it. */
static bool request_hash(const struct call *c, const struct resource *r, const json_t *args,
                         char ret[65])
{
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned n = 0;
        OWN(text_done) struct text all = { 0 };
        json_auto_t *asked = json_deep_copy(args);
        char *canonical;
        json_t *each;
        size_t i;

        json_object_del(json_object_get(asked, r->name), "id");
        json_object_del(json_object_get(asked, r->name), "new_vpn_id");
        json_array_foreach (json_object_get(asked, r->collection), i, each)
                json_object_del(each, "id");
        canonical = json_dumps(asked, JSON_SORT_KEYS | JSON_COMPACT);
        text_addf(&all, "%s\n%s\n", c->who.project_id, c->q->message.path);
        text_add(&all, canonical ? canonical : "");
        if (!canonical || all.failed ||
            EVP_Digest(all.bytes, all.n, digest, &n, EVP_sha256(), NULL) != 1)
                n = 0;
        free(canonical);
        for (unsigned at = 0; at < n; at++)
                snprintf(ret + 2 * at, 3, "%02x", digest[at]);
        return n == 32;
}

static int refuse_header(struct fault *why, const char *header, const char *need)
{
        fault_set(why, 400, "request.invalid_header", "The header %s has to be %s.", header, need);
        fault_details(why, "{\"header\": \"%s\"}", header);
        return why->code;
}

/* Idempotency-Key of a POST, if there is one, into 'args'. 0, or the code of 'why'. */
static int add_key(const struct call *c, const struct write *w, json_t *args, struct fault *why)
{
        const char *key = http_message_field(&c->q->message, "idempotency-key");
        char hash[65];

        if (!key || c->q->message.method != HTTP_POST)
                return 0;
        if (!*key || strlen(key) >= KEY_SIZE || !text_utf8_valid(key, strlen(key)))
                return refuse_header(why, "Idempotency-Key", "a text of 1 to 255 bytes of UTF-8");
        if (!request_hash(c, w->resource, args, hash))
                return problem_internal(why);
        json_object_set_new(args, "idempotency_key", json_string(key));
        json_object_set_new(args, "request_hash", json_string(hash));
        return 0;
}

/* "revision_number=7" of If-Match, if there is one, into 'args'. 0, or the code of 'why'. */
static int add_revision(const struct call *c, json_t *args, struct fault *why)
{
        const char *match = http_message_field(&c->q->message, "if-match");
        long long n;

        if (!match)
                return 0;
        if (!text_starts(match, "revision_number=") ||
            !text_to_int(match + strlen("revision_number="), 0, INT64_MAX, &n))
                return refuse_header(why, "If-Match", "revision_number=N, with the N of a GET");
        json_object_set_new(args, "revision_number", json_integer(n));
        return 0;
}

static int prepare(struct call *c, const struct write *w, json_t *args, const char *object_id,
                   struct fault *why)
{
        int r;

        /* Without its database a conductor could only let the caller wait; without a broker the bus
         * says so by itself. */
        if (!store_reader_ready(c->loop->reader))
                return problem_unavailable(why, "database");
        c->sent = calloc(1, sizeof *c->sent);
        if (!args || !c->sent)
                return problem_internal(why);
        r = add_key(c, w, args, why);
        r = r ? r : add_revision(c, args, why);
        c->sent->write = *w;
        c->sent->args = json_incref(args);
        TEXT_SET(c->sent->object_id, object_id);
        TEXT_SET(c->sent->key, json_string_value(json_object_get(args, "idempotency_key")));
        return r;
}

/* False: it has been refused. */
static bool may_begin(struct call *c)
{
        struct fault why;

        if (rate_begin(api_rate(c->loop), c->who.project_id, clock_mono_ms()))
                return true;
        fault_set(&why, 429, "project.too_many_changes",
                  "The project has as many changes on their way as it may have at once; wait for "
                  "some of their answers.");
        why.retry_after_ms = 1000;
        call_refuse(c, &why);
        return false;
}

void write_send(struct call *c, const struct write *w, json_t *args, const char *object_id)
{
        json_auto_t *own_args = args, *context = caller_context(&c->who);
        struct fault why;

        if (prepare(c, w, own_args, object_id, &why) != 0) {
                call_refuse(c, &why);
                return;
        }
        if (!may_begin(c))
                return;
        if (c->trace[0])
                json_object_set_new(context, "traceparent", json_string(c->trace));
        if (!context ||
            bus_call(api_bus(c->loop), TOPIC_CONDUCTOR, NULL, w->method, own_args, context,
                     api_config(c->loop)->bus.rpc_response_timeout_s * 1000, on_reply, c) != 0) {
                log_error("api.send", "request=%s method=%s error=\"%s\"", c->who.request_id,
                          w->method, err_trace());
                rate_end(api_rate(c->loop), c->who.project_id);
                problem_internal(&why);
                call_refuse(c, &why);
        }
}
