/* SPDX-License-Identifier: Apache-2.0 */
/* What a program holds: its settings, one publisher, one caller; and what it sends. */
#include "bus/bus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "bus/caller.h"
#include "bus/consumer.h"
#include "bus/limits.h"
#include "bus/publisher.h"
#include "messages/topics.h"

struct bus {
        char *program;
        struct bus_settings settings; /* with texts of its own */
        struct broker_url *url;
        struct watchdog *watchdog;
        struct line_net net;
        struct publisher *publisher;
        struct caller *caller;
};

static int copy_settings(struct bus *b, const struct bus_settings *from)
{
        b->settings = *from;
        b->settings.transport_url = NULL; /* parsed, and a secret */
        b->settings.control_exchange =
                strdup(from->control_exchange ? from->control_exchange : ATLAS_EXCHANGE);
        b->settings.ssl_ca_file = strdup(from->ssl_ca_file ? from->ssl_ca_file : "");
        return b->settings.control_exchange && b->settings.ssl_ca_file ? 0 : err_raise(-ENOMEM);
}

int bus_new(const char *program, const struct bus_settings *settings, struct bus **ret,
            struct fault *why)
{
        OWN(bus_free) struct bus *b = calloc(1, sizeof *b);
        int r;

        json_object_seed(0); /* before threads parse */
        if (!b || !(b->program = strdup(program)))
                return err_raise(-ENOMEM);
        r = copy_settings(b, settings);
        r = r ? r : broker_url_parse(settings->transport_url, &b->url, why);
        r = r ? r : watchdog_new(&b->watchdog);
        if (r != 0)
                return r;
        b->net = (struct line_net){ .program = b->program,
                                    .settings = &b->settings,
                                    .url = b->url,
                                    .watchdog = b->watchdog };
        r = publisher_new(&b->net, &b->publisher);
        r = r ? r : caller_new(&b->net, b->publisher, &b->caller);
        if (r != 0)
                return err_pass(r);
        *ret = TAKE(b);
        return 0;
}

/* What the publisher ends may still tell the caller; the caller's threads use the publisher. */
struct bus *bus_free(struct bus *b)
{
        if (!b)
                return NULL;
        if (b->caller)
                caller_stop(b->caller);
        publisher_free(b->publisher);
        caller_free(b->caller);
        watchdog_free(b->watchdog);
        broker_url_free(b->url);
        free(b->settings.control_exchange);
        free(b->settings.ssl_ca_file);
        free(b->program);
        free(b);
        return NULL;
}

void bus_drain(struct bus *b, int drain_ms)
{
        publisher_drain(b->publisher, drain_ms);
}

int bus_open(struct bus *b)
{
        publisher_open(b->publisher);
        return caller_open(b->caller);
}

bool bus_can_send(const struct bus *b)
{
        return publisher_up(b->publisher);
}

bool bus_is_blocked(const struct bus *b)
{
        return publisher_blocked(b->publisher);
}

uint64_t bus_send_epoch(const struct bus *b)
{
        return publisher_epoch(b->publisher);
}

int bus_consumer_new(struct bus *b, const struct bus_consumer_spec *spec, struct bus_consumer **ret)
{
        return consumer_new(&b->net, b->publisher, spec, ret);
}

/* ---- casts, replies, notifications: messages without more to them ---- */

struct cast {
        struct outgoing out; /* first */
        bus_on_sent on_sent;
        void *user;
};

static struct cast *cast_free(struct cast *c)
{
        if (c)
                text_done(&c->out.body);
        free(c);
        return NULL;
}
OWN_DEFINE(struct cast *, cast_free)

static void cast_ended(struct outgoing *out, enum bus_sent how)
{
        struct cast *c = (struct cast *)out;

        if (c->on_sent)
                c->on_sent(how, c->user);
        cast_free(c);
}

static struct cast *cast_new(const char *routing_key, int64_t waits_ms)
{
        struct cast *c = calloc(1, sizeof *c);

        if (!c)
                return NULL;
        text_copy(c->out.routing_key, sizeof c->out.routing_key, routing_key);
        c->out.accepted_ms = clock_mono_ms();
        c->out.deadline_ms = c->out.accepted_ms + waits_ms;
        c->out.ended = cast_ended;
        return c;
}

static void routing_key(const char *topic, const char *server, char *ret, size_t size)
{
        snprintf(ret, size, server ? "%s.%s" : "%s", topic, server);
}

int bus_cast(struct bus *b, const char *topic, const char *server, const char *method,
             const json_t *args, const json_t *context, int64_t expiration_ms, bus_on_sent on_sent,
             void *user)
{
        OWN(cast_free) struct cast *c = NULL;
        char key[256];
        int r;

        routing_key(topic, server, key, sizeof key);
        c = cast_new(key, BUS_CAST_WAITS_MS);
        if (!c)
                return err_raise(-ENOMEM);
        r = request_encode(method, MESSAGE_VERSION, args, context, NULL, NULL, &c->out.body);
        if (r != 0)
                return err_pass(r);
        if (c->out.body.n > BUS_BODY_BYTES)
                return err_raise(-EMSGSIZE);
        c->out.to_exchange = true;
        c->out.expiration_ms = expiration_ms;
        c->on_sent = on_sent;
        c->user = user;
        publisher_put(b->publisher, &TAKE(c)->out);
        return 0;
}

int bus_call(struct bus *b, const char *topic, const char *server, const char *method,
             const json_t *args, const json_t *context, int64_t timeout_ms, bus_on_reply on_reply,
             void *user)
{
        char key[256];

        routing_key(topic, server, key, sizeof key);
        return caller_call(b->caller, &(struct bus_call_spec){
                                              .routing_key = key,
                                              .method = method,
                                              .args = args,
                                              .context = context,
                                              .timeout_ms = timeout_ms,
                                              .on_reply = on_reply,
                                              .user = user,
                                      });
}

/* A reply is tried again while the caller's queue is not there, and when its fate is unknown: a
 * second one does no harm. */
static int put_reply(struct bus *b, struct cast *c)
{
        c->out.again_until_ms = c->out.deadline_ms;
        publisher_put(b->publisher, &c->out);
        return 0;
}

int bus_reply(struct bus *b, const struct request *request, const json_t *result)
{
        OWN(cast_free) struct cast *c = NULL;
        int r;

        if (!request_is_call(request))
                return 0;
        c = cast_new(request->reply_q, BUS_REPLY_WAITS_MS);
        if (!c)
                return err_raise(-ENOMEM);
        r = reply_encode_result(request->msg_id, result, &c->out.body);
        if (r != 0)
                return err_pass(r);
        if (c->out.body.n > BUS_BODY_BYTES) {
                struct fault why = { 0 };

                fault_set(&why, 500, "bus.message_too_large",
                          "The answer is larger than %d bytes; ask for less.", BUS_BODY_BYTES);
                return bus_reply_fault(b, request, &why);
        }
        return put_reply(b, TAKE(c));
}

int bus_reply_fault(struct bus *b, const struct request *request, const struct fault *fault)
{
        OWN(cast_free) struct cast *c = NULL;
        int r;

        if (!request_is_call(request))
                return 0;
        c = cast_new(request->reply_q, BUS_REPLY_WAITS_MS);
        if (!c)
                return err_raise(-ENOMEM);
        r = reply_encode_fault(request->msg_id, fault, &c->out.body);
        return r ? err_pass(r) : put_reply(b, TAKE(c));
}

int bus_reply_no_method(struct bus *b, const struct request *request)
{
        OWN(cast_free) struct cast *c = NULL;
        OWN(text_done) struct text message = { 0 };
        int r;

        if (!request_is_call(request))
                return 0;
        c = cast_new(request->reply_q, BUS_REPLY_WAITS_MS);
        text_addf(&message, "Endpoint does not support RPC method %s", request->method);
        if (!c || message.failed)
                return err_raise(-ENOMEM);
        r = reply_encode_failure(request->msg_id, "NoSuchMethod", "oslo_messaging.rpc.dispatcher",
                                 message.bytes, NULL, &c->out.body);
        return r ? err_pass(r) : put_reply(b, TAKE(c));
}

int bus_notify(struct bus *b, const char *publisher_id, const char *event_type,
               const char *priority, const json_t *payload, const json_t *context)
{
        OWN(cast_free) struct cast *c = NULL;
        char key[256];
        int r;

        routing_key("notifications", priority, key, sizeof key);
        c = cast_new(key, BUS_CAST_WAITS_MS);
        if (!c)
                return err_raise(-ENOMEM);
        r = notification_encode(publisher_id, event_type, priority, payload, context,
                                clock_wall_ms(), &c->out.body);
        if (r != 0)
                return err_pass(r);
        c->out.to_exchange = true;
        publisher_put(b->publisher, &TAKE(c)->out);
        return 0;
}
