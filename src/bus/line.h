#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that keeps one session open, over the hosts in turn, and does one duty with it:
 * consuming or publishing. It sleeps in one poll() on the socket and on what other threads hand
 * over. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/own.h"
#include "base/queue.h"
#include "bus/bus.h"
#include "bus/session.h"

struct line_duty {
        const char *purpose; /* for the connection's name */
        bool (*up)(struct session *s,
                   void *user);   /* prepares the channel; false: the session is over */
        void (*down)(void *user); /* the session is gone */
        void (*item)(struct queue_item *item, void *user); /* handed over */
        /* Once a turn, after what came was told; 's' is NULL while there is none. The time when it
         * wants its next turn, or INT64_MAX. */
        int64_t (*turn)(struct session *s, int64_t now_ms, void *user);
        struct session_hears hears;
};

/* Where all lines of a program lead. */
struct line_net {
        const char *program;
        const struct bus_settings *settings;
        const struct broker_url *url;
        struct watchdog *watchdog;
};

struct line;
/* Starts the thread. 'queue' is the owner's: what is put there reaches duty->item(). '*ret' is set
 * before the thread runs. */
int line_new(const struct line_net *net, const struct line_duty *duty, void *user,
             struct queue *queue, struct line **ret);
/* Gives what was handed over to the duty, writes, closes, ends the thread. */
struct line *line_free(struct line *l);
OWN_DEFINE(struct line *, line_free)
/* While the thread sleeps over an open session that can be written without waiting: does 'act' with
 * it, here and now, and writes what that added. False: not done, the queue is the way. From any
 * thread; never waits. */
bool line_act(struct line *l, bool (*act)(struct session *s, int64_t now_ms, void *arg), void *arg);
/* Asks for a turn. From any thread. */
void line_wake(struct line *l);
