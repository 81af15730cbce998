#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that wait for their answer: one reply queue for the program, the table of who waits, and
 * the thread that tells those whose time is up. Each call gets exactly one callback. */

#include "base/own.h"
#include "bus/bus.h"
#include "bus/line.h"
#include "bus/publisher.h"

struct caller;
int caller_new(const struct line_net *net, struct publisher *publisher, struct caller **ret);
/* Ends the threads, which use the publisher. */
void caller_stop(struct caller *c);
/* Those who still wait are told that the outcome is unknown. To be called when the publisher is
 * gone: what it ends comes here. */
struct caller *caller_free(struct caller *c);
OWN_DEFINE(struct caller *, caller_free)

struct caller_spec {
        const char *routing_key;
        struct request_head head; /* its ids are the caller's business */
        const json_t *args, *context;
        int64_t timeout_ms;
        bus_on_reply on_reply;
        void *user;
};
/* Connects now, not with the first call. */
int caller_open(struct caller *c);
int caller_call(struct caller *c, const struct caller_spec *spec);
