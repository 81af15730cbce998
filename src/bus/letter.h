#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A message that is written, sent and told about once: a cast, a reply, a notification. */

#include "base/own.h"
#include "bus/publisher.h"

struct letter {
        struct outgoing out; /* first */
        bus_on_sent on_sent; /* or NULL */
        void *user;
};

/* To a queue of that name, over the default exchange unless 'out.to_exchange' is set. It may wait
 * 'waits_ms' for the broker. NULL: no memory. */
struct letter *letter_new(const char *routing_key, int64_t waits_ms);
struct letter *letter_free(struct letter *l);
OWN_DEFINE(struct letter *, letter_free)
/* Takes it over. -EMSGSIZE if it is too large to be sent. */
int letter_put(struct publisher *p, struct letter *l);
