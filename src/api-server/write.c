/* SPDX-License-Identifier: Apache-2.0 */
/* Changes: a call on the bus to a conductor, whose answer comes back to the request's loop. Nothing
 * is written from here; what happened to a call without an answer is looked up where the truth is,
 * else said to be unknown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api-server/api.h"
#include "api-server/events_stream.h"
#include "api-server/problem.h"
#include "api-server/routes.h"
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
        json_t *result;     /* of the conductor, or */
        struct fault fault; /* its refusal, or why there was no answer */
};

static struct sent *sent_free(struct sent *s)
{
        if (!s)
                return NULL;
        json_decref(s->result);
        free(s);
        return NULL;
}
OWN_DEFINE(struct sent *, sent_free)

/* ---- after the answer, in the loop ---- */

static void unknown_outcome(const struct sent *s, struct fault *ret)
{
        const struct write *w = &s->write;

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

static void on_key(int r, const struct store_rows *rows, const int64_t *serials, void *user)
{
        struct call *c = user;
        OWN(sent_free) struct sent *s = TAKE(c->sent);
        const struct request_key *row = rows && rows->n ? rows->rows : NULL;

        (void)serials;
        if (r == 0 && row)
                TEXT_SET(s->object_id, row->object_id);
        read_written(c, s->write.resource, s->object_id, s->write.status, &s->fault);
}

/* A creation without an answer: by its key if it has one, else by the id that we gave it. */
static void look_up(struct call *c)
{
        struct sent *s = c->sent;
        const char *project = c->who.project_id, *key = s->key;
        const struct store_where where[] = { { "project_id", STORE_IS, &project, 1 },
                                             { "key", STORE_IS, &key, 1 } };

        if (s->key[0] && api_can_read(c->loop)) {
                if (store_reader_select(c->loop->reader, &store_tables[T_REQUEST_KEY], where, 2,
                                        NULL, false, 1, LOOK_UP_DEADLINE_MS, on_key, c) == 0) {
                        api_kick_reader(c->loop);
                        return;
                }
        }
        on_key(-1, NULL, NULL, c);
}

/* Of the answer when the operation was waited for and ended well. */
static int done_status(const struct write *w)
{
        return w->creates ? 201 : text_starts(w->method, "delete_") ? 204 : 200;
}

static void answer_result(struct call *c, struct sent *s)
{
        const struct resource *r = s->write.resource;
        json_t *object = json_object_get(s->result, r->name);
        const char *id = json_string_value(json_object_get(object, "id")), *operation;
        char location[256];
        struct fault why;
        int wait_s;

        if (s->write.status == 204) {
                call_answer(c, 204, NULL, NULL);
                return;
        }
        if (!id) {
                log_error("api.bad_result", "request=%s method=%s", c->who.request_id,
                          s->write.method);
                problem_internal(&why);
                call_refuse(c, &why);
                return;
        }
        operation = json_string_value(json_object_get(object, "operation_id"));
        wait_s = events_wait_s(c);
        if (wait_s > 0 && operation) {
                events_wait(c, r, id, operation, wait_s, done_status(&s->write));
                return;
        }
        c->waited_s = wait_s;
        snprintf(location, sizeof location, "%s/%s", r->path, id);
        call_answer(c, s->write.status, TAKE(s->result), s->write.status == 200 ? NULL : location);
}

static void run_reply(struct http_post *post)
{
        struct call *c = (struct call *)post;
        OWN(sent_free) struct sent *s = NULL;

        if (fault_is_set(&c->sent->fault) && text_equal(c->sent->fault.type, "bus.timeout")) {
                unknown_outcome(c->sent, &c->sent->fault);
                if (c->sent->write.creates) {
                        look_up(c);
                        return;
                }
        }
        s = TAKE(c->sent);
        if (fault_is_set(&s->fault)) {
                if (s->fault.code == 503 && s->fault.retry_after_ms <= 0)
                        s->fault.retry_after_ms = 2000;
                call_refuse(c, &s->fault);
        } else {
                answer_result(c, s);
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

void write_send(struct call *c, const struct write *w, json_t *args, const char *object_id)
{
        json_auto_t *own_args = args, *context = caller_context(&c->who);
        const char *key = json_string_value(json_object_get(args, "idempotency_key"));
        struct fault why;

        /* Without its database a conductor could only let the caller wait; without a broker the bus
         * says so by itself. */
        if (!store_reader_ready(c->loop->reader)) {
                problem_unavailable(&why, "database");
                call_refuse(c, &why);
                return;
        }
        c->sent = calloc(1, sizeof *c->sent);
        if (!args || !context || !c->sent) {
                c->sent = sent_free(c->sent);
                problem_internal(&why);
                call_refuse(c, &why);
                return;
        }
        c->sent->write = *w;
        TEXT_SET(c->sent->object_id, object_id);
        TEXT_SET(c->sent->key, key);
        if (bus_call(api_bus(c->loop), TOPIC_CONDUCTOR, NULL, w->method, own_args, context,
                     api_config(c->loop)->bus.rpc_response_timeout_s * 1000, on_reply, c) != 0) {
                log_error("api.send", "request=%s method=%s error=\"%s\"", c->who.request_id,
                          w->method, err_trace());
                c->sent = sent_free(c->sent);
                problem_internal(&why);
                call_refuse(c, &why);
        }
}
