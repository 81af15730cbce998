#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* One worker: a thread, a store, a queue of inputs, batches. Inner header of the conductor. */

#include "base/queue.h"
#include "bus/bus.h"
#include "conductor/service.h"

/* An input on its way through a worker. */
struct job {
        struct queue_item item;
        struct input input;
        struct bus_delivery *delivery; /* NULL for timers and lost commands */
        struct request *made; /* the input's, where it is not the delivery's; owned */
        _Atomic int64_t *n_open;       /* counts the keeper's jobs, or NULL */
};

struct worker;
/* 'number' is read at each batch: the life sign may get another. */
int worker_new(struct bus *bus, const struct conductor_settings *settings,
               const _Atomic int64_t *number, struct worker **ret, struct fault *why);
/* Never blocks. Takes 'j'. */
void worker_put(struct worker *w, struct job *j);
/* Finishes what was put and gives back what it cannot; the bus may still report on what was sent.
 */
void worker_stop(struct worker *w);
struct worker *worker_free(struct worker *w);
/* A job for a timer row or a lost command. */
struct job *job_timer(enum input_kind kind, const struct timer *timer);
