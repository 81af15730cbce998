/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include <pthread.h>

#include "base/queue.h"

struct note {
        struct queue_item item; /* first, so that an item is its note */
        int from, n;
};

static void items_come_in_the_order_they_were_put(void **state)
{
        OWN(queue_free) struct queue *q = NULL;
        struct note notes[5] = { 0 };
        int i = 0;

        (void)state;
        assert_int_equal(queue_new(&q), 0);
        for (; i < 5; i++)
                queue_put(q, &notes[i].item);
        i = 0;
        for (struct queue_item *item = queue_take(q); item; item = item->next)
                assert_ptr_equal(item, &notes[i++].item);
        assert_int_equal(i, 5);
        assert_null(queue_take(q));
}

static void the_descriptor_is_readable_while_something_waits(void **state)
{
        OWN(queue_free) struct queue *q = NULL;
        struct note a = { 0 }, b = { 0 };

        (void)state;
        assert_int_equal(queue_new(&q), 0);
        assert_false(queue_wait(q, 0));
        queue_put(q, &a.item);
        queue_put(q, &b.item);
        assert_true(queue_wait(q, 0));
        assert_true(queue_wait(q, -1));
        queue_take(q);
        assert_false(queue_wait(q, 0));
}

enum { PUTTERS = 4, NOTES = 20000 };
static struct note sent[PUTTERS][NOTES];
static struct queue *shared;

static void *put_all(void *arg)
{
        struct note *mine = arg;

        for (int i = 0; i < NOTES; i++) {
                mine[i].n = i;
                queue_put(shared, &mine[i].item);
        }
        return NULL;
}

static void nothing_is_lost_or_reordered_between_threads(void **state)
{
        pthread_t threads[PUTTERS];
        int next[PUTTERS] = { 0 }, n = 0;

        (void)state;
        assert_int_equal(queue_new(&shared), 0);
        for (int i = 0; i < PUTTERS; i++) {
                for (int j = 0; j < NOTES; j++)
                        sent[i][j].from = i;
                assert_int_equal(pthread_create(&threads[i], NULL, put_all, sent[i]), 0);
        }
        while (n < PUTTERS * NOTES) {
                struct queue_item *item;

                assert_true(queue_wait(shared, 30000));
                for (item = queue_take(shared); item; n++) {
                        struct note *note = (struct note *)item;

                        item = item->next;
                        assert_int_equal(note->n, next[note->from]++);
                }
        }
        for (int i = 0; i < PUTTERS; i++)
                pthread_join(threads[i], NULL);
        shared = queue_free(shared);
}

UNIT_MAIN(UNIT(items_come_in_the_order_they_were_put),
          UNIT(the_descriptor_is_readable_while_something_waits),
          UNIT(nothing_is_lost_or_reordered_between_threads))
