/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/declare.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "messages/topics.h"

const char *const declare_queues[] = {
        TOPIC_CONDUCTOR, TOPIC_EVENT, TOPIC_HEARTBEAT, QUEUE_DEAD, NULL,
};

const char *declare_key(const char *queue)
{
        static const char *const keys[][2] = {
                { TOPIC_EVENT, TOPIC_EVENT ".*" },
                { TOPIC_HEARTBEAT, TOPIC_HEARTBEAT ".*" },
                { QUEUE_DEAD, QUEUE_DEAD ".#" },
        };

        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
                if (strcmp(queue, keys[i][0]) == 0)
                        return keys[i][1];
        return queue;
}

void declare_dead_key(const char *queue, char *ret, size_t size)
{
        const char *dot = strchr(queue, '.');

        snprintf(ret, size, QUEUE_DEAD ".%s", dot ? dot + 1 : queue);
}

bool declare_durable(const struct bus_settings *settings)
{
        return settings->amqp_durable_queues || settings->rabbit_quorum_queue;
}

bool declare_exchange(struct session *s, const struct bus_settings *settings)
{
        amqp_exchange_declare(s->amqp, SESSION_CHANNEL,
                              amqp_cstring_bytes(settings->control_exchange),
                              amqp_cstring_bytes("topic"), 0, declare_durable(settings),
                              settings->amqp_auto_delete, 0, amqp_empty_table);
        return session_answered(s, settings->control_exchange);
}

bool declare_exchange_exists(struct session *s, const struct bus_settings *settings)
{
        amqp_exchange_declare(s->amqp, SESSION_CHANNEL,
                              amqp_cstring_bytes(settings->control_exchange),
                              amqp_cstring_bytes("topic"), 1, 0, 0, 0, amqp_empty_table);
        return session_answered(s, settings->control_exchange);
}

bool declare_queue(struct session *s, const struct bus_settings *settings, const char *queue)
{
        amqp_table_entry_t quorum[] = {
                { amqp_cstring_bytes("x-queue-type"),
                  { .kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes("quorum") } },
                { amqp_cstring_bytes("x-delivery-limit"),
                  { .kind = AMQP_FIELD_KIND_I32,
                    .value.i32 = (int32_t)settings->rabbit_quorum_delivery_limit } },
        };
        amqp_table_t args = { !settings->rabbit_quorum_queue               ? 0
                              : settings->rabbit_quorum_delivery_limit > 0 ? 2
                                                                           : 1,
                              quorum };

        amqp_queue_declare(s->amqp, SESSION_CHANNEL, amqp_cstring_bytes(queue), 0,
                           declare_durable(settings), 0, settings->amqp_auto_delete, args);
        if (!session_answered(s, queue))
                return false;
        amqp_queue_bind(s->amqp, SESSION_CHANNEL, amqp_cstring_bytes(queue),
                        amqp_cstring_bytes(settings->control_exchange),
                        amqp_cstring_bytes(declare_key(queue)), amqp_empty_table);
        return session_answered(s, queue);
}

bool declare_queue_exists(struct session *s, const char *queue)
{
        amqp_queue_declare(s->amqp, SESSION_CHANNEL, amqp_cstring_bytes(queue), 1, 0, 0, 0,
                           amqp_empty_table);
        return session_answered(s, queue);
}

/* Without a user for so long it is gone. */
static bool declare_transient(struct session *s, const struct bus_settings *settings,
                              const char *queue)
{
        amqp_table_entry_t expires[] = {
                { amqp_cstring_bytes("x-expires"),
                  { .kind = AMQP_FIELD_KIND_I32,
                    .value.i32 = (int32_t)(settings->rabbit_transient_queues_ttl_s * 1000) } },
        };
        amqp_table_t args = { 1, expires };

        amqp_queue_declare(s->amqp, SESSION_CHANNEL, amqp_cstring_bytes(queue), 0, 0, 0, 0, args);
        return session_answered(s, queue);
}

bool declare_reply_queue(struct session *s, const struct bus_settings *settings, const char *queue)
{
        return declare_transient(s, settings, queue);
}

void declare_fanout_name(const char *topic, char *ret, size_t size)
{
        snprintf(ret, size, "%s_fanout", topic);
}

bool declare_fanout_queue(struct session *s, const struct bus_settings *settings, const char *topic,
                          const char *queue)
{
        char exchange[256];

        declare_fanout_name(topic, exchange, sizeof exchange);
        session_declare_fanout(s, exchange);
        session_flush(s, clock_mono_ms());
        if (session_unwritten(s) > 0)
                session_end(s, "takes nothing");
        if (session_over(s) || !declare_transient(s, settings, queue))
                return false;
        amqp_queue_bind(s->amqp, SESSION_CHANNEL, amqp_cstring_bytes(queue),
                        amqp_cstring_bytes(exchange), amqp_cstring_bytes(topic), amqp_empty_table);
        return session_answered(s, queue);
}

bool declare_consume(struct session *s, const char *queue, const char *consumer_tag)
{
        amqp_basic_consume(s->amqp, SESSION_CHANNEL, amqp_cstring_bytes(queue),
                           amqp_cstring_bytes(consumer_tag), 0, 0, 0, amqp_empty_table);
        return session_answered(s, queue);
}

/* Declares everything over one connection after the other host, until one takes it. */
static int sync_over(const struct session_how *how, const struct bus_settings *settings,
                     const char *const *sites, struct fault *why)
{
        static const struct session_hears nothing = { 0 };
        OWN(session_free) struct session *s = NULL;
        int r = session_open(how, &nothing, NULL, &s, why);
        bool good;

        if (r != SESSION_OK)
                return r;
        good = declare_exchange(s, settings);
        for (const char *const *queue = declare_queues; good && *queue; queue++)
                good = declare_queue(s, settings, *queue);
        for (; good && sites && *sites; sites++) {
                char queue[256];

                snprintf(queue, sizeof queue, TOPIC_AGENT ".%s", *sites);
                good = declare_queue(s, settings, queue);
        }
        if (good)
                return SESSION_OK;
        fault_set(why, s->refused ? 409 : 503,
                  s->refused ? "bus.topology_refused" : "bus.unavailable",
                  "The message broker at %s:%d did not take the topology: %s.", how->host->host,
                  how->host->port, s->reason);
        return SESSION_AWAY;
}

int bus_topology_sync(const struct bus_settings *settings, const char *const *sites, int timeout_ms,
                      struct fault *why)
{
        OWN(broker_url_free) struct broker_url *url = NULL;
        OWN(watchdog_free) struct watchdog *watchdog = NULL;
        struct watch watch = { 0 };
        int64_t until_ms = clock_mono_ms() + timeout_ms;
        int r = broker_url_parse(settings->transport_url, &url, why);

        r = r ? r : watchdog_new(&watchdog);
        if (r != 0)
                return r;
        for (size_t i = 0; i < url->n_hosts; i++) {
                const struct session_how how = {
                        .host = &url->hosts[i],
                        .vhost = url->vhost,
                        .name = "atlas-manage:topology",
                        .settings = settings,
                        .watchdog = watchdog,
                        .watch = &watch,
                };

                r = sync_over(&how, settings, sites, why);
                if (r != SESSION_AWAY || clock_mono_ms() > until_ms)
                        break;
        }
        return r;
}
