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
#include "bus/declare.h"
#include "bus/letter.h"
#include "bus/limits.h"
#include "bus/publisher.h"
#include "bus/replies.h"
#include "messages/topics.h"
#include "messages/trace.h"

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
        b->settings.ssl_cert_file = strdup(from->ssl_cert_file ? from->ssl_cert_file : "");
        b->settings.ssl_key_file = strdup(from->ssl_key_file ? from->ssl_key_file : "");
        b->settings.rabbit_login_method =
                strdup(from->rabbit_login_method ? from->rabbit_login_method : "");
        return b->settings.control_exchange && b->settings.ssl_ca_file &&
                               b->settings.ssl_cert_file && b->settings.ssl_key_file &&
                               b->settings.rabbit_login_method
                       ? 0
                       : err_raise(-ENOMEM);
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
        free(b->settings.ssl_cert_file);
        free(b->settings.ssl_key_file);
        free(b->settings.rabbit_login_method);
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

/* ---- what is sent ---- */

static void routing_key(const char *topic, const char *server, char *ret, size_t size)
{
        snprintf(ret, size, server ? "%s.%s" : "%s", topic, server);
}

int bus_cast_to(struct bus *b, const struct bus_target *target, const char *method,
                const json_t *args, const json_t *context, int64_t expiration_ms,
                bus_on_sent on_sent, void *user)
{
        const struct request_head head = { .method = method,
                                           .namespace = target->namespace,
                                           .version = target->version ? target->version
                                                                      : MESSAGE_VERSION };
        json_auto_t *traced = trace_context(context);
        OWN(letter_free) struct letter *l = NULL;
        char key[256];
        int r;

        if (target->fanout)
                declare_fanout_name(target->topic, key, sizeof key);
        else
                routing_key(target->topic, target->server, key, sizeof key);
        l = letter_new(key, BUS_CAST_WAITS_MS);
        if (!l || !traced)
                return err_raise(-ENOMEM);
        r = request_write(&head, args, traced, &l->out.body);
        if (r != 0)
                return err_pass(r);
        l->out.to_exchange = !target->fanout;
        l->out.fanout = target->fanout;
        l->out.expiration_ms = expiration_ms;
        l->on_sent = on_sent;
        l->user = user;
        return letter_put(b->publisher, TAKE(l));
}

int bus_cast(struct bus *b, const char *topic, const char *server, const char *method,
             const json_t *args, const json_t *context, int64_t expiration_ms, bus_on_sent on_sent,
             void *user)
{
        const struct bus_target target = { .topic = topic, .server = server };

        return bus_cast_to(b, &target, method, args, context, expiration_ms, on_sent, user);
}

int bus_call_to(struct bus *b, const struct bus_target *target, const char *method,
                const json_t *args, const json_t *context, int64_t timeout_ms, int64_t monitor_ms,
                bus_on_reply on_reply, void *user)
{
        json_auto_t *traced = trace_context(context);
        char key[256];

        if (!traced)
                return err_raise(-ENOMEM);
        routing_key(target->topic, target->server, key, sizeof key);
        return caller_call(
                b->caller,
                &(struct caller_spec){
                        .routing_key = key,
                        .head = { .method = method,
                                  .namespace = target->namespace,
                                  .version = target->version ? target->version : MESSAGE_VERSION,
                                  .monitor_s = monitor_ms / 1000 },
                        .args = args,
                        .context = traced,
                        .timeout_ms = timeout_ms,
                        .on_reply = on_reply,
                        .user = user,
                });
}

int bus_call(struct bus *b, const char *topic, const char *server, const char *method,
             const json_t *args, const json_t *context, int64_t timeout_ms, bus_on_reply on_reply,
             void *user)
{
        const struct bus_target target = { .topic = topic, .server = server };

        return bus_call_to(b, &target, method, args, context, timeout_ms, 0, on_reply, user);
}

int bus_reply(struct bus *b, const struct request *request, const json_t *result)
{
        return replies_put_result(b->publisher, request, result);
}

int bus_reply_fault(struct bus *b, const struct request *request, const struct fault *fault)
{
        return replies_put_fault(b->publisher, request, fault);
}

int bus_reply_failure(struct bus *b, const struct request *request, const char *class_name,
                      const char *module, const char *message)
{
        return replies_put_failure(b->publisher, request, class_name, module, message);
}

int bus_reply_no_method(struct bus *b, const struct request *request)
{
        return replies_put_no_method(b->publisher, request);
}

int bus_notify(struct bus *b, const char *topic, const char *publisher_id, const char *event_type,
               const char *priority, const json_t *payload, const json_t *context)
{
        json_auto_t *traced = trace_context(context);
        OWN(letter_free) struct letter *l = NULL;
        char key[256];
        int r;

        routing_key(topic, priority, key, sizeof key);
        l = letter_new(key, BUS_CAST_WAITS_MS);
        if (!l || !traced)
                return err_raise(-ENOMEM);
        r = notification_encode(publisher_id, event_type, priority, payload, traced,
                                clock_wall_ms(), &l->out.body);
        if (r != 0)
                return err_pass(r);
        l->out.to_exchange = true;
        return letter_put(b->publisher, TAKE(l));
}
