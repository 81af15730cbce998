/* SPDX-License-Identifier: Apache-2.0 */
/* A stack that is put to with one exchange and taken whole; the taker turns it around. */
#include "base/queue.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/err.h"

struct queue {
        _Atomic(struct queue_item *) newest;
        int fd;
};

int queue_new(struct queue **ret)
{
        OWN(queue_free) struct queue *q = calloc(1, sizeof *q);

        if (!q)
                return err_raise(-ENOMEM);
        q->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (q->fd < 0)
                return err_raise(-errno);
        *ret = TAKE(q);
        return 0;
}

struct queue *queue_free(struct queue *q)
{
        if (!q)
                return NULL;
        if (q->fd >= 0)
                close(q->fd);
        free(q);
        return NULL;
}

void queue_put(struct queue *q, struct queue_item *item)
{
        struct queue_item *newest = atomic_load_explicit(&q->newest, memory_order_relaxed);

        do
                item->next = newest;
        while (!atomic_compare_exchange_weak_explicit(&q->newest, &newest, item,
                                                      memory_order_release, memory_order_relaxed));
        /* The counter cannot overflow: it is cleared before each take. */
        if (!newest)
                eventfd_write(q->fd, 1);
}

struct queue_item *queue_take(struct queue *q)
{
        struct queue_item *newest, *oldest = NULL;
        eventfd_t count;

        /* Cleared first: what is put after this line wakes us again, at worst for nothing. */
        eventfd_read(q->fd, &count);
        newest = atomic_exchange_explicit(&q->newest, NULL, memory_order_acquire);
        while (newest) {
                struct queue_item *next = newest->next;

                newest->next = oldest;
                oldest = newest;
                newest = next;
        }
        return oldest;
}

bool queue_is_empty(const struct queue *q)
{
        return atomic_load_explicit(&q->newest, memory_order_acquire) == NULL;
}

int queue_fd(const struct queue *q)
{
        return q->fd;
}

bool queue_wait(struct queue *q, int timeout_ms)
{
        struct pollfd p = { .fd = q->fd, .events = POLLIN };

        return poll(&p, 1, timeout_ms) > 0;
}
