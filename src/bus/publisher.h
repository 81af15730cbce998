#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Everything a program sends goes through one session with pipelined confirms. Knows no calls, no
 * replies: a message brings its own continuation. */

#include <stdbool.h>
#include <stdint.h>

#include "base/own.h"
#include "base/queue.h"
#include "base/text.h"
#include "bus/bus.h"
#include "bus/line.h"

/* A message on its way; embedded first in the structure of whoever sends it. */
struct outgoing {
        struct queue_item item;
        bool to_exchange;   /* our exchange; else the default one, where the key names a queue */
        bool fanout;        /* 'routing_key' names a fanout exchange; there is no key */
        bool needs_replies; /* goes only while the reply queue is being consumed */
        bool persistent;
        bool refused; /* by the limit on what may wait */
        bool returned;
        char routing_key[256];
        struct text body;
        const char *dead_reason, *dead_queue, *dead_key; /* headers of a dead letter, or NULL */
        int64_t expiration_ms;
        int64_t accepted_ms, deadline_ms, written_ms;
        int64_t again_until_ms; /* unroutable or lost: tried again until then; 0: never */
        int n_tries;
        int64_t again_ms;
        struct outgoing *next;
        /* Asked just before the message is written; false: it is not wanted any more. May be NULL.
         */
        bool (*start)(struct outgoing *out);
        /* Its end, from the publisher's thread; gives the structure back. */
        void (*ended)(struct outgoing *out, enum bus_sent how);
};

struct publisher;
int publisher_new(const struct line_net *net, struct publisher **ret);
/* What was not sent ends as EXPIRED, what was not confirmed as LOST. */
struct publisher *publisher_free(struct publisher *p);
OWN_DEFINE(struct publisher *, publisher_free)

/* Connects now, not with the first message. */
void publisher_open(struct publisher *p);
/* Takes the message over. From any thread. */
void publisher_put(struct publisher *p, struct outgoing *out);
/* What this thread puts from now on may wait for publisher_put_kept(), to be written together: for
 * one who goes through much that came, and tells when he is through. Of one publisher at a time. */
void publisher_keep(struct publisher *p);
void publisher_put_kept(struct publisher *p);
/* Waits until nothing is left to send or confirm, at most 'timeout_ms'. */
void publisher_drain(struct publisher *p, int timeout_ms);
bool publisher_up(const struct publisher *p);      /* connected, neither blocked nor stalled */
bool publisher_blocked(const struct publisher *p); /* connected, and the broker takes nothing */
/* Connected, and nothing is heard of the broker though it should confirm. */
bool publisher_stalled(const struct publisher *p);
uint64_t publisher_epoch(const struct publisher *p);
/* The reply queue is being consumed, or not. From any thread. */
void publisher_replies(struct publisher *p, bool ready);
