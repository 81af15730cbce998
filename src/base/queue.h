#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Hand-over between threads: any number put, one takes, without locks. The taker sleeps on a file
 * descriptor, so the queue fits into poll() and libevent alike. Items are intrusive. */

#include <stdbool.h>

#include "base/own.h"

struct queue_item {
        struct queue_item *next;
};
struct queue;

int queue_new(struct queue **ret);
struct queue *queue_free(struct queue *q); /* must be empty or its items owned elsewhere */
OWN_DEFINE(struct queue *, queue_free)

/* Wakes the taker only when the queue was empty before. Never fails, never blocks. */
void queue_put(struct queue *q, struct queue_item *item);
/* All items in the order they were put, linked by next; NULL when none. Clears the wake-up. */
struct queue_item *queue_take(struct queue *q);
/* Whether all that this thread put was taken. */
bool queue_is_empty(const struct queue *q);
int queue_fd(const struct queue *q); /* readable while something may wait */
/* Waits until something is there, 'timeout_ms' passed (-1: no limit), or a signal came. True if
 * queue_take() may give something. */
bool queue_wait(struct queue *q, int timeout_ms);
