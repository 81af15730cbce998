#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Exchanges, queues and bindings exactly as oslo.messaging declares them: any difference is refused
 * by the broker. The table of our queues and their keys is here. */

#include <stdbool.h>

#include "bus/bus.h"
#include "bus/session.h"

/* Named queues and the exchange survive a broker. */
bool declare_durable(const struct bus_settings *settings);

/* All wait for the broker; false: the session is over, with its reason. */
bool declare_exchange(struct session *s, const struct bus_settings *settings);
bool declare_exchange_exists(struct session *s, const struct bus_settings *settings);
/* A named queue with its binding. */
bool declare_queue(struct session *s, const struct bus_settings *settings, const char *queue);
bool declare_queue_exists(struct session *s, const char *queue);
/* A reply queue: transient, without binding, gone when unused for a while. */
bool declare_reply_queue(struct session *s, const struct bus_settings *settings, const char *queue);
/* The exchange whose messages go to all servers of a topic, and a queue of one of them. */
void declare_fanout_name(const char *topic, char *ret, size_t size);
bool declare_fanout_queue(struct session *s, const struct bus_settings *settings, const char *topic,
                          const char *queue);
bool declare_consume(struct session *s, const char *queue, const char *consumer_tag);

/* The key a named queue of ours is bound with: its own name, but for events, heartbeats and dead
 * letters which come from every site. */
const char *declare_key(const char *queue);
/* Our queues that every vhost has; NULL-terminated. */
extern const char *const declare_queues[];
/* The key under which a message of 'queue' becomes a dead letter. A site's user may write its own
 * only. */
void declare_dead_key(const char *queue, char *ret, size_t size);
