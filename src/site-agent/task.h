#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* One piece of work on its way through the agent's threads: from a queue of the broker, through a
 * lane, to its event, which the broker confirms before the command is acknowledged. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/queue.h"
#include "bus/bus.h"
#include "site-agent/gateway_unit.h"

struct lane;

/* What tasks need of the agent. */
struct outbox {
        struct bus *bus;
        const char *site, *host;
        struct queue *back; /* to the main loop: news, and events that were not confirmed */
};

enum task_kind {
        TASK_COMMAND,    /* for a lane; comes back when its event was not confirmed */
        TASK_LOOK,       /* for a lane: look at the gateway now */
        TASK_LOOKED,     /* from a lane: it did, or saw something new */
        TASK_STOP,       /* for a lane: wake up and see that it shall stop */
        TASK_DISCOVER,   /* for the main loop */
        TASK_DISCOVERED, /* the event; comes back when it was not confirmed */
};
struct task {
        struct queue_item item; /* first */
        enum task_kind kind;
        struct outbox *outbox;
        struct bus_delivery *delivery; /* command or discover; NULL: of our own accord */
        struct gateway_unit *unit;     /* of a command; NULL: unknown gateway */
        struct lane *lane;             /* of news */
        bool asked;                    /* LOOKED: the answer to a LOOK */
        const char *event;             /* method, once there is one */
        json_t *args;                  /* its args, owned */
        struct task *others;           /* DISCOVERED: the discovers it answers, linked by this */
        int64_t again_mono_ms;         /* when to send an unconfirmed event again */
};
int task_new(enum task_kind kind, struct outbox *outbox, struct bus_delivery *delivery,
             struct task **ret);
/* The request id of the command, or "-". Lent. */
const char *task_request_id(const struct task *t);
/* Marks what the command is about, for failpoints of this thread: the generations of its ports. */
void task_mark(const struct task *t);
/* Sends the task's event; when the broker has confirmed it, the deliveries are acknowledged and the
 * task ends. Otherwise the task comes back to the main loop. Takes 't'. */
void task_send(struct task *t);
/* Settles the task's deliveries, and frees it. Takes 't'. */
void task_end(struct task *t, enum bus_outcome outcome, const char *reason);
