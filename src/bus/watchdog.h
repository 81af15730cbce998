#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that shuts down the sockets of other threads that wait on them for too long: the calls
 * of rabbitmq-c that cannot be given a deadline then come back with an error. */

#include <stdbool.h>
#include <stdint.h>

#include "base/own.h"

struct watchdog;
int watchdog_new(struct watchdog **ret);
struct watchdog *watchdog_free(struct watchdog *w);
OWN_DEFINE(struct watchdog *, watchdog_free)

/* One socket under watch; stands in the structure of its owner, which starts with { 0 }. */
struct watch {
        struct watch *next;
        int fd; /* a duplicate: the library may close its own at any time */
        int64_t until_ms;
        int depth; /* of waits within a wait: the outermost counts */
        bool cut;
};
/* From now on 'fd' is shut down at 'until_ms' of the monotonic clock. */
void watch_begin(struct watchdog *w, struct watch *watch, int fd, int64_t until_ms);
/* When the wait came to its end. */
void watch_end(struct watchdog *w, struct watch *watch);
/* Shuts down what is under watch, and whatever comes under it from now on. From any thread. */
void watch_cut(struct watchdog *w, struct watch *watch);
