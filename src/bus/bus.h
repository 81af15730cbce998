#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* One program's sessions with the broker: consume, publish with confirms, call, reply, reconnect.
 * The only folder that knows AMQP.
 *
 * Threads: every connection has a thread of its own with an 8 MiB stack and one channel; consuming
 * and publishing never share one. Callbacks run on those threads: they must not block and must not
 * call back into a wait; they hand over through base/queue, and what they send themselves may go
 * when a turn's callbacks are through. All functions here are safe from any thread and never block
 * on the broker. A watchdog shuts a stuck socket down. Connections come back by themselves with
 * jittered backoff, over the hosts of the URL in turn. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "base/fault.h"
#include "base/own.h"
#include "messages/envelope.h"

/* Settings as oslo.config names them; a program's table includes BUS_SETTINGS rows by the macro
 * below. */
struct bus_settings {
        char *transport_url;      /* rabbit://user:pass@host:port[,user:pass@host:port]/vhost */
        char *control_exchange;   /* "atlas" */
        bool amqp_durable_queues; /* true: also what Python peers of these queues must say */
        bool amqp_auto_delete;
        bool rabbit_quorum_queue;
        int64_t rabbit_quorum_delivery_limit; /* 0: none */
        int64_t rabbit_transient_queues_ttl_s;
        int64_t rpc_response_timeout_s;
        int64_t heartbeat_timeout_s; /* AMQP heartbeat, 10 */
        bool ssl;
        char *ssl_ca_file, *ssl_cert_file, *ssl_key_file; /* "" or NULL: none */
        char *rabbit_login_method; /* "EXTERNAL": the certificate says who we are; else PLAIN */
};
/* clang-format off */
#define BUS_SETTINGS(type, member) \
        { "DEFAULT", "transport_url", SETTING_SECRET, offsetof(type, member.transport_url), NULL, 0, 0, \
          "Broker, as oslo.messaging writes it: rabbit://user:password@host:port[,…]/vhost" }, \
        { "DEFAULT", "control_exchange", SETTING_TEXT, offsetof(type, member.control_exchange), "atlas", 0, 0, \
          "Exchange of our topics" }, \
        { "DEFAULT", "rpc_response_timeout", SETTING_INT, offsetof(type, member.rpc_response_timeout_s), "60", 1, 3600, \
          "Seconds a caller waits for a reply" }, \
        { "oslo_messaging_rabbit", "amqp_durable_queues", SETTING_BOOL, offsetof(type, member.amqp_durable_queues), "true", 0, 0, \
          "Named queues and the exchange survive a broker restart" }, \
        { "oslo_messaging_rabbit", "amqp_auto_delete", SETTING_BOOL, offsetof(type, member.amqp_auto_delete), "false", 0, 0, \
          "Named queues and the exchange go with their last user; for peers that say so" }, \
        { "oslo_messaging_rabbit", "rabbit_quorum_queue", SETTING_BOOL, offsetof(type, member.rabbit_quorum_queue), "false", 0, 0, \
          "Quorum queues; changing it needs a new vhost" }, \
        { "oslo_messaging_rabbit", "rabbit_quorum_delivery_limit", SETTING_INT, offsetof(type, member.rabbit_quorum_delivery_limit), "0", 0, 1000000, \
          "Deliveries after which a quorum queue drops a message; 0: none, set it by a policy with dead letters" }, \
        { "oslo_messaging_rabbit", "rabbit_transient_queues_ttl", SETTING_INT, offsetof(type, member.rabbit_transient_queues_ttl_s), "1800", 1, 86400, \
          "Seconds after which the broker drops an unused reply queue" }, \
        { "oslo_messaging_rabbit", "heartbeat_timeout_threshold", SETTING_INT, offsetof(type, member.heartbeat_timeout_s), "10", 2, 600, \
          "AMQP heartbeat in seconds" }, \
        { "oslo_messaging_rabbit", "ssl", SETTING_BOOL, offsetof(type, member.ssl), "false", 0, 0, \
          "TLS to the broker, with its host name verified" }, \
        { "oslo_messaging_rabbit", "ssl_ca_file", SETTING_TEXT, offsetof(type, member.ssl_ca_file), "/etc/ssl/certs/ca-certificates.crt", 0, 0, \
          "CA certificates (PEM) that may have signed the broker's" }, \
        { "oslo_messaging_rabbit", "ssl_cert_file", SETTING_TEXT, offsetof(type, member.ssl_cert_file), "", 0, 0, \
          "Our certificate with its chain (PEM)" }, \
        { "oslo_messaging_rabbit", "ssl_key_file", SETTING_TEXT, offsetof(type, member.ssl_key_file), "", 0, 0, \
          "The key of our certificate (PEM)" }, \
        { "oslo_messaging_rabbit", "rabbit_login_method", SETTING_TEXT, offsetof(type, member.rabbit_login_method), "PLAIN", 0, 0, \
          "PLAIN, or EXTERNAL: our certificate says who we are" }
/* clang-format on */

struct bus;
/* 'program' names the connections. Starts nothing until something is consumed or sent. */
int bus_new(const char *program, const struct bus_settings *settings, struct bus **ret,
            struct fault *why);
/* Closes at once: what waits for the broker ends as EXPIRED or LOST. Consumers are freed before. */
struct bus *bus_free(struct bus *b);
OWN_DEFINE(struct bus *, bus_free)
/* Waits until what was accepted for sending is confirmed, at most 'drain_ms'. Stop the consumers
 * before. */
void bus_drain(struct bus *b, int drain_ms);
/* Connects for sending and calling now, not with the first message. */
int bus_open(struct bus *b);
/* True while the broker can be used for sending: connected and not blocked. */
bool bus_can_send(const struct bus *b);
/* Connected, but the broker takes nothing at the moment. */
bool bus_is_blocked(const struct bus *b);
/* Counts connections made for sending; a change tells that earlier casts may be lost. */
uint64_t bus_send_epoch(const struct bus *b);

/* ---- consuming ---- */

/* One message taken from a queue. Owned by the receiver of the callback until bus_settle(). */
struct bus_delivery {
        const char *queue; /* name it was consumed from; lent for the consumer's life */
        char routing_key[256];
        char user_id[128]; /* validated by the broker, or "" */
        bool redelivered;
        int64_t delivery_count; /* how often a quorum queue gave it out before; else 0 */
        /* What cannot be decoded never gets here: the bus makes it a dead letter with its reason.
         */
        struct request *request;
        struct notification *notification; /* instead, where these are consumed */
        int64_t received_mono_ms;
        int64_t expiration_ms; /* AMQP expiration of the message, or 0 */
        void *user;            /* for the receiver */
};
typedef void (*bus_on_delivery)(struct bus_delivery *d, void *user);

/* What the bus does by itself, as an oslo.messaging server does: a request of a namespace or
 * version that is not served is answered so; a request whose `_unique_id` was settled as BUS_DONE
 * before is dropped; a caller that monitors its call hears that it is at work until it is settled.
 */
struct bus_consumer_spec {
        /* NULL-terminated; over one channel, earlier ones first when several wait. */
        const char *const *queues;
        const char *fanout_topic; /* also what is sent to all servers of this topic; or NULL */
        int prefetch;
        /* Declare exchange, queue and binding as an oslo.messaging server of (topic, server) does;
         * false: passively, wait until they are there. */
        bool declare;
        bool notifications;              /* are what the queues hold: "notifications.info", … */
        const char *namespace, *version; /* that are served; NULL: none, MESSAGE_VERSION */
        bus_on_delivery on_delivery;
        void *user;
};
struct bus_consumer;
int bus_consumer_new(struct bus *b, const struct bus_consumer_spec *spec,
                     struct bus_consumer **ret);
/* Stops new deliveries; what was delivered can still be settled. */
void bus_consumer_stop(struct bus_consumer *c);
struct bus_consumer *bus_consumer_free(struct bus_consumer *c);
OWN_DEFINE(struct bus_consumer *, bus_consumer_free)
/* True while the consumer is connected and consuming all its queues. */
bool bus_consumer_ready(const struct bus_consumer *c);

enum bus_outcome {
        BUS_DONE,  /* acknowledge */
        BUS_AGAIN, /* give back to the queue */
        BUS_DEAD,  /* publish to the dead-letter queue with 'reason', confirmed, then acknowledge */
};
/* Ends a delivery and frees it. Late settles of a connection that is gone are dropped: the broker
 * delivers such messages again. */
void bus_settle(struct bus_delivery *d, enum bus_outcome outcome, const char *reason);

/* ---- sending ---- */

enum bus_sent {
        BUS_SENT_OK,         /* confirmed by the broker */
        BUS_SENT_UNROUTABLE, /* returned: no such queue */
        BUS_SENT_LOST, /* nacked, or the connection went before the confirm: may or may not be there
                        */
        BUS_SENT_EXPIRED, /* could not be sent before its deadline (broker away or blocked) */
};
typedef void (*bus_on_sent)(enum bus_sent how, void *user);

/* Where a message goes: any server of the topic, the one named, or with 'fanout' all of them.
 * 'namespace' NULL: none; 'version' NULL: MESSAGE_VERSION. */
struct bus_target {
        const char *topic, *server, *namespace, *version;
        bool fanout;
};
/* Encodes at once (args and context are borrowed; the context gets a request id and a traceparent
 * if it has none). Mandatory, delivery mode 1. 'expiration_ms', from now on; 0: none. 'on_sent' may
 * be NULL. Waits in memory for the broker, at most 30 s; when too much waits, it is EXPIRED at
 * once. Returns 0 or a negative number when it could not even be encoded. */
int bus_cast_to(struct bus *b, const struct bus_target *target, const char *method,
                const json_t *args, const json_t *context, int64_t expiration_ms,
                bus_on_sent on_sent, void *user);
int bus_cast(struct bus *b, const char *topic, const char *server, const char *method,
             const json_t *args, const json_t *context, int64_t expiration_ms, bus_on_sent on_sent,
             void *user);

/* A call. Exactly one callback: 'failure' NULL and 'result' lent, or fault set (code 503, type
 * "bus.timeout", "bus.unroutable", "bus.unavailable" when there was no answer, 502 "bus.bad_reply"
 * when it cannot be read). 'monitor_ms' > 0: the server tells that it is at work, and the call ends
 * as "bus.timeout" when that was not heard for so long; whole seconds, from 2 on. */
typedef void (*bus_on_reply)(const json_t *result, const struct fault *failure, void *user);
int bus_call_to(struct bus *b, const struct bus_target *target, const char *method,
                const json_t *args, const json_t *context, int64_t timeout_ms, int64_t monitor_ms,
                bus_on_reply on_reply, void *user);
int bus_call(struct bus *b, const char *topic, const char *server, const char *method,
             const json_t *args, const json_t *context, int64_t timeout_ms, bus_on_reply on_reply,
             void *user);

/* Answers to a request that is a call (nothing happens for a cast). Best effort; retried for a
 * while by the bus when the caller's queue is not there yet. */
int bus_reply(struct bus *b, const struct request *request, const json_t *result);
int bus_reply_fault(struct bus *b, const struct request *request, const struct fault *fault);
/* Answers as oslo.messaging's dispatcher does when it has no such method. */
int bus_reply_no_method(struct bus *b, const struct request *request);
/* A failure of another class and module, as a Python peer rebuilds it. */
int bus_reply_failure(struct bus *b, const struct request *request, const char *class_name,
                      const char *module, const char *message);
/* To the queue "<topic>.<priority>", once somebody has declared it. */
int bus_notify(struct bus *b, const char *topic, const char *publisher_id, const char *event_type,
               const char *priority, const json_t *payload, const json_t *context);

/* ---- topology, for atlas-manage and tests ---- */

/* What a vhost of ours holds: exchange, queues, bindings; 'sites' NULL-terminated. Declares what is
 * missing, over an administrator's connection. Waits at most 'timeout_ms'. */
int bus_topology_sync(const struct bus_settings *settings, const char *const *sites, int timeout_ms,
                      struct fault *why);
