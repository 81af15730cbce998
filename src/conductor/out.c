/* SPDX-License-Identifier: Apache-2.0 */
/* What a batch leaves: messages to send after COMMIT, history, timers. */
#include "conductor/turn.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/text.h"
#include "messages/topics.h"

static struct out *out_new(struct turn *t, enum out_kind kind)
{
        struct outs *o = t->outs;

        if (o->n == o->room) {
                size_t room = o->room ? o->room * 2 : 64;
                struct out *grown = realloc(o->outs, room * sizeof *grown);

                if (!grown)
                        return NULL;
                o->outs = grown;
                o->room = room;
        }
        o->outs[o->n] = (struct out){ .kind = kind, .input = t->input };
        return &o->outs[o->n++];
}

int out_cast_to(struct turn *t, const char *topic, const char *server, const char *method,
                json_t *take_args, const char *request_id, int64_t expiration_ms,
                const struct timer *timer)
{
        struct out *o = take_args ? out_new(t, OUT_CAST) : NULL;

        if (!o) {
                json_decref(take_args);
                return err_raise(-ENOMEM);
        }
        o->topic = topic;
        o->method = method;
        o->body = take_args;
        o->expiration_ms = expiration_ms;
        o->timer = *timer;
        TEXT_SET(o->site, server);
        TEXT_SET(o->request_id, request_id);
        return 0;
}

int out_cast(struct turn *t, const char *site, const char *method, json_t *take_args,
             const char *request_id, int64_t expiration_ms, const struct timer *timer)
{
        return out_cast_to(t, TOPIC_AGENT, site, method, take_args, request_id, expiration_ms,
                           timer);
}

int out_reply(struct turn *t, const char *envelope, json_t *take_object)
{
        json_t *body = take_object ? json_object() : NULL;

        if (!body || json_object_set_new(body, envelope, take_object) < 0) {
                json_decref(body);
                return err_raise(-ENOMEM);
        }
        return out_reply_whole(t, body);
}

int out_reply_whole(struct turn *t, json_t *take_body)
{
        struct out *o = out_new(t, OUT_REPLY);

        if (!o) {
                json_decref(take_body);
                return err_raise(-ENOMEM);
        }
        o->body = take_body;
        return 0;
}

int out_fault(struct turn *t, const struct fault *why)
{
        struct out *o = out_new(t, OUT_FAULT);

        if (!o)
                return err_raise(-ENOMEM);
        o->fault = *why;
        return 0;
}

void outs_done(struct outs *o)
{
        for (size_t i = 0; i < o->n; i++) {
                json_decref(o->outs[i].body);
                json_decref(o->outs[i].context);
        }
        free(o->outs);
        *o = (struct outs){ 0 };
}

int out_notice(struct turn *t, const char *event_type, const char *priority, json_t *take_payload,
               json_t *take_context)
{
        struct out *o = take_payload && take_context ? out_new(t, OUT_NOTICE) : NULL;

        if (!o) {
                json_decref(take_payload);
                json_decref(take_context);
                return err_raise(-ENOMEM);
        }
        o->body = take_payload;
        o->context = take_context;
        o->priority = priority;
        TEXT_SET(o->event_type, event_type);
        return 0;
}

const char *turn_user(const struct turn *t)
{
        const char *user = t->input && t->input->kind == INPUT_REQUEST
                                   ? request_context(t->input->request, "user_id")
                                   : NULL;

        return user ? user : "";
}

int event_put(struct turn *t, const struct event *e)
{
        struct event *row = view_put(&t->view, T_EVENT, e);

        if (!row)
                return err_raise(-ENOMEM);
        row->at_ms = t->now_ms;
        if (!row->user_id[0])
                TEXT_SET(row->user_id, turn_user(t));
        return 0;
}

int timer_set(struct turn *t, enum timer_kind kind, const char *ref_id, int64_t due_ms)
{
        struct timer timer = { .kind = kind, .due_ms = due_ms };

        TEXT_SET(timer.ref_id, ref_id);
        if (kind == TIMER_GATE || kind == TIMER_PLUG || kind == TIMER_CIRCUIT)
                timer.owner = t->c->number;
        return view_put(&t->view, T_TIMER, &timer) ? 0 : err_raise(-ENOMEM);
}

int timer_set_operation(struct turn *t, const struct operation *op, int64_t due_ms)
{
        struct timer timer = { .kind = TIMER_OPERATION, .due_ms = due_ms };

        TEXT_SET(timer.ref_id, op->id);
        TEXT_SET(timer.project_id, op->project_id);
        return view_put(&t->view, T_TIMER, &timer) ? 0 : err_raise(-ENOMEM);
}

int timer_clear(struct turn *t, enum timer_kind kind, const char *ref_id)
{
        struct timer timer = { .kind = kind };

        TEXT_SET(timer.ref_id, ref_id);
        return view_remove(&t->view, T_TIMER, &timer);
}
