#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The same exchange of messages with rabbitmq-c alone, as the measure of the bus: each end has a
 * thread, a connection to consume and one to publish; mandatory, confirmed, delivery mode 1,
 * acknowledged by hand. Bodies are opaque bytes; nothing is decoded. */

#include <semaphore.h>
#include <stddef.h>
#include <stdint.h>

struct bare_load {
        int port;
        const char *queue; /* durable, bound to the exchange "atlas" with its name */
        const void *request, *reply;
        size_t n_request, n_reply;
        int outstanding, n;
        int64_t *took_us; /* n of them */
};
/* Microseconds for n calls, each answered with 'reply'. */
int64_t bare_calls(const struct bare_load *l);
/* For n messages until the last one was consumed; 'reply' is of no use. */
int64_t bare_casts(const struct bare_load *l);

/* Consumes n messages of the queue and posts 'came' (may be NULL) for each. */
struct bare_sink;
struct bare_sink *bare_sink_new(int port, const char *queue, int n, sem_t *came);
void bare_sink_join(struct bare_sink *s); /* when all came */
