#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* One message on its way through the program: what came, what was made of it, how it ended. */

#include "base/queue.h"
#include "bus/bus.h"
#include "bus/seen.h"
#include "bus/session.h"

/* A caller who wants to hear that its request is at work. */
struct vigil {
        struct vigil *next, **link; /* in the list of those; NULL: in none */
        int64_t every_ms, due_ms;
        char *reply_q, *msg_id;
};

/* Its public part is first, so that the program's pointer is ours. */
struct delivery {
        struct bus_delivery public;
        struct queue_item item; /* on its way back */
        struct bus_consumer *consumer;
        bool by_exchange; /* ours; not the default one, or a fanout's */
        uint64_t session, tag;
        enum bus_outcome outcome;
        char *reason;
        char unique_id[SEEN_ID]; /* to be remembered when it was carried out; or "" */
        struct vigil *vigil;     /* or NULL */
        struct delivery *next;
        uint64_t announced;
        size_t n;    /* kept of the bytes announced */
        char body[]; /* as it came, for the dead-letter queue */
};

/* Copies what came; 'queue' is lent. NULL: no memory. */
struct delivery *delivery_new(const struct session_message *m, const char *queue);
struct delivery *delivery_free(struct delivery *d);
/* Reads the request, or the notification. False, with the reason: it cannot be given to the
 * program. */
bool delivery_decode(struct delivery *d, bool is_notification);
