/* SPDX-License-Identifier: Apache-2.0 */
/* Takes messages from queues and hands them to the program; acknowledges what it settled. */
#include "bus/consumer.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "bus/counters.h"
#include "bus/declare.h"
#include "bus/limits.h"
#include "bus/settled.h"

enum {
        QUEUES = 16,
        ACK_LATE_MS = 5, /* what is settled within that time shares an acknowledgement */
};

/* One message; its public part is first, so that the program's pointer is ours. */
struct delivery {
        struct bus_delivery public;
        struct queue_item item; /* on its way back */
        bool by_exchange;       /* ours, not the default one or a fanout's */
        struct bus_consumer *consumer;
        uint64_t session, tag;
        enum bus_outcome outcome;
        char *reason;
        struct delivery *next;
        size_t n;
        char body[]; /* as it came, for the dead-letter queue */
};

struct list {
        struct delivery *first, **end;
};

struct bus_consumer {
        struct line_net net;
        struct publisher *publisher;
        struct line *line;
        struct queue *queue; /* of settled deliveries */
        _Atomic int refs;    /* the program's, and one of each delivery it holds */
        _Atomic bool ready, stop, closed;

        char *queues[QUEUES + 1];
        size_t n_queues;
        int prefetch;
        bool declare;
        bus_on_delivery on_delivery;
        void *user;

        /* The line's own. */
        struct session *open;
        uint64_t session; /* counts sessions: tags mean nothing in another one */
        bool cancelled;
        struct settled settled;
        int64_t ack_at_ms;
        struct list came[QUEUES]; /* this turn, by queue */
};

/* The consumer whose callback runs on this thread. */
static _Thread_local const struct bus_consumer *handing_out;

static struct delivery *delivery_of(struct queue_item *item)
{
        return (struct delivery *)((char *)item - offsetof(struct delivery, item));
}

static void delivery_free(struct delivery *d)
{
        request_free(d->public.request);
        free(d->reason);
        free(d);
}

static void consumer_unref(struct bus_consumer *c)
{
        struct queue_item *item, *next;

        if (atomic_fetch_sub(&c->refs, 1) != 1)
                return;
        for (item = c->queue ? queue_take(c->queue) : NULL; item; item = next) {
                next = item->next;
                delivery_free(delivery_of(item));
        }
        queue_free(c->queue);
        settled_free(&c->settled);
        for (size_t i = 0; i < c->n_queues; i++)
                free(c->queues[i]);
        free(c);
}

static void on_settled(struct queue_item *item, void *user);

/* Gives a delivery back to the line; the last to do so after the consumer's end frees both. What is
 * settled within the callback needs no way back. */
static void give_back(struct delivery *d, enum bus_outcome outcome)
{
        struct bus_consumer *c = d->consumer;

        d->outcome = outcome;
        if (handing_out == c)
                on_settled(&d->item, c);
        else
                queue_put(c->queue, &d->item);
        consumer_unref(c);
}

/* ---- dead letters ---- */

struct dead {
        struct outgoing out; /* first */
        struct delivery *delivery;
};

/* Acknowledged only when the broker has the dead letter; else it goes back to its queue. */
static void dead_ended(struct outgoing *out, enum bus_sent how)
{
        struct dead *dead = (struct dead *)out;
        struct delivery *d = dead->delivery;

        if (how == BUS_SENT_OK)
                metric_add(&bus_dead_lettered, 1);
        else
                log_error("bus_dead_letter",
                          "queue=%s reason=\"the dead-letter queue took it not\"", d->public.queue);
        text_done(&out->body);
        free(dead);
        give_back(d, how == BUS_SENT_OK ? BUS_DONE : BUS_AGAIN);
}

static void bury(struct delivery *d)
{
        static struct log_limit limit;
        struct dead *dead = calloc(1, sizeof *dead);
        int64_t now_ms = clock_mono_ms();

        if (log_allowed(&limit, 1000))
                log_warn("bus_dead_letter", "queue=%s reason=\"%s\"", d->public.queue,
                         d->reason ? d->reason : "");
        if (dead)
                text_add_n(&dead->out.body, d->body, d->n);
        if (!dead || dead->out.body.failed) {
                free(dead);
                give_back(d, BUS_AGAIN);
                return;
        }
        dead->delivery = d;
        dead->out.to_exchange = true;
        dead->out.persistent = true;
        declare_dead_key(d->public.queue, dead->out.routing_key, sizeof dead->out.routing_key);
        dead->out.dead_reason = d->reason ? d->reason : "";
        dead->out.dead_queue = d->public.queue;
        dead->out.dead_key = d->public.routing_key;
        dead->out.accepted_ms = now_ms;
        dead->out.deadline_ms = now_ms + BUS_DEAD_WAITS_MS;
        dead->out.again_until_ms = dead->out.deadline_ms;
        dead->out.ended = dead_ended;
        publisher_put(d->consumer->publisher, &dead->out);
}

/* ---- what comes ---- */

static bool bytes_to(char *to, size_t size, amqp_bytes_t from)
{
        size_t n = from.len < size ? from.len : size - 1;

        if (n > 0)
                memcpy(to, from.bytes, n);
        to[n] = '\0';
        return n == from.len;
}

static bool bytes_equal(amqp_bytes_t bytes, const char *text)
{
        return bytes.len == strlen(text) && memcmp(bytes.bytes, text, bytes.len) == 0;
}

static void read_properties(const amqp_basic_properties_t *p, struct bus_delivery *to)
{
        char digits[24];
        long long ms;

        if (p->_flags & AMQP_BASIC_USER_ID_FLAG)
                bytes_to(to->user_id, sizeof to->user_id, p->user_id);
        if (p->_flags & AMQP_BASIC_EXPIRATION_FLAG &&
            bytes_to(digits, sizeof digits, p->expiration) &&
            text_to_int(digits, 0, INT64_MAX, &ms))
                to->expiration_ms = ms;
}

static struct delivery *delivery_new(struct bus_consumer *c, const struct session_message *m,
                                     size_t queue)
{
        struct delivery *d = malloc(sizeof *d + m->n);

        if (!d)
                return NULL;
        memset(d, 0, sizeof *d);
        d->consumer = c;
        d->session = c->session;
        d->tag = m->tag;
        d->n = m->n;
        memcpy(d->body, m->body, m->n);
        d->public.queue = c->queues[queue];
        bytes_to(d->public.routing_key, sizeof d->public.routing_key, m->routing_key);
        d->public.redelivered = m->redelivered;
        d->by_exchange = bytes_equal(m->exchange, c->net.settings->control_exchange);
        d->public.received_mono_ms = clock_mono_ms();
        read_properties(m->properties, &d->public);
        atomic_fetch_add(&c->refs, 1);
        return d;
}

/* Our consumer tags are the queues' places in the list. */
static size_t queue_of(const struct session_message *m)
{
        const char *digits = m->consumer_tag.bytes;
        size_t queue = 0;

        for (size_t i = 0; i < m->consumer_tag.len; i++)
                queue = queue * 10 + (size_t)(digits[i] - '0');
        return queue;
}

/* A sender may name further keys in a header, which the broker routes by but does not hold against
 * his rights: what comes under another queue's key did not come by right. */
static bool key_fits(const struct delivery *d)
{
        const char *bound = declare_key(d->public.queue);
        size_t n = strcspn(bound, "*#");

        return bound[n] ? strncmp(d->public.routing_key, bound, n) == 0
                        : strcmp(d->public.routing_key, bound) == 0;
}

/* False, with the reason: it cannot be given to the program. */
static bool decode(struct delivery *d)
{
        struct fault why = { 0 };

        if (d->by_exchange && !key_fits(d)) {
                d->reason = strdup("the key it was sent with is not this queue's");
                return false;
        }
        if (d->n > BUS_BODY_BYTES)
                fault_set(&why, 413, "bus.message_too_large", "The message has %zu bytes.", d->n);
        else if (request_decode(d->body, d->n, &d->public.request, &why) < 0)
                fault_set(&why, 500, "bus.internal", "%s", err_trace());
        if (!fault_is_set(&why))
                return true;
        d->reason = strdup(why.message);
        return false;
}

static void on_delivered(const struct session_message *m, void *user)
{
        struct bus_consumer *c = user;
        size_t queue = queue_of(m);
        struct delivery *d = queue < c->n_queues ? delivery_new(c, m, queue) : NULL;

        metric_add(&bus_delivered, 1);
        metric_add(&bus_redelivered, m->redelivered);
        if (!d || settled_out(&c->settled, m->tag) != 0) {
                session_end(c->open, "sent what cannot be noted: it has to come again");
                if (d)
                        give_back(d, BUS_AGAIN);
                return;
        }
        if (atomic_load(&c->stop)) {
                give_back(d, BUS_AGAIN);
        } else if (decode(d)) {
                *c->came[queue].end = d;
                c->came[queue].end = &d->next;
        } else {
                bury(d);
        }
}

/* ---- the line's duty ---- */

static void on_settled(struct queue_item *item, void *user)
{
        struct bus_consumer *c = user;
        struct delivery *d = delivery_of(item);

        metric_observe_ms(&bus_hold_ms, clock_mono_ms() - d->public.received_mono_ms);
        if (c->open && d->session == c->session) {
                if (d->outcome == BUS_AGAIN)
                        session_requeue(c->open, d->tag);
                settled_done(&c->settled, d->tag, d->outcome == BUS_AGAIN);
        }
        delivery_free(d);
}

/* Earlier queues first. */
static void hand_out(struct bus_consumer *c)
{
        handing_out = c;
        for (size_t i = 0; i < c->n_queues; i++) {
                struct delivery *d = c->came[i].first, *next;

                c->came[i].first = NULL;
                c->came[i].end = &c->came[i].first;
                for (; d; d = next) {
                        next = d->next;
                        c->on_delivery(&d->public, c->user);
                }
        }
        handing_out = NULL;
}

static void tag_of(size_t queue, char ret[24])
{
        snprintf(ret, 24, "%zu", queue);
}

static void cancel(struct bus_consumer *c, struct session *s)
{
        char tag[24];

        for (size_t i = 0; i < c->n_queues; i++) {
                tag_of(i, tag);
                session_cancel(s, tag);
        }
        c->cancelled = true;
        atomic_store(&c->ready, false);
}

static void acknowledge(struct bus_consumer *c, struct session *s)
{
        uint64_t tag;
        bool multiple;

        while (settled_take(&c->settled, &tag, &multiple))
                session_ack(s, tag, multiple);
}

static int64_t turn(struct session *s, int64_t now_ms, void *user)
{
        struct bus_consumer *c = user;
        hand_out(c);
        if (!s)
                return INT64_MAX;
        if (settled_many(&c->settled) || now_ms >= c->ack_at_ms || atomic_load(&c->stop))
                acknowledge(c, s);
        if (atomic_load(&c->stop) && !c->cancelled)
                cancel(c, s);
        if (settled_waits(&c->settled))
                return c->ack_at_ms;
        c->ack_at_ms = now_ms + ACK_LATE_MS;
        return INT64_MAX;
}

static bool prepare(struct bus_consumer *c, struct session *s)
{
        bool good = !c->declare || declare_exchange(s, c->net.settings);

        for (size_t i = 0; good && i < c->n_queues; i++)
                good = c->declare ? declare_queue(s, c->net.settings, c->queues[i])
                                  : declare_queue_exists(s, c->queues[i]);
        return good;
}

static bool session_up(struct session *s, void *user)
{
        struct bus_consumer *c = user;
        char tag[24];
        bool good = prepare(c, s);

        c->open = s;
        c->session++;
        c->cancelled = false;
        settled_reset(&c->settled, c->prefetch);
        if (good) {
                amqp_basic_qos(s->amqp, SESSION_CHANNEL, 0, (uint16_t)c->prefetch, 0);
                good = session_answered(s, "basic.qos");
        }
        for (size_t i = 0; good && !atomic_load(&c->stop) && i < c->n_queues; i++) {
                tag_of(i, tag);
                good = declare_consume(s, c->queues[i], tag);
        }
        atomic_store(&c->ready, good && !atomic_load(&c->stop));
        return good;
}

static void session_down(void *user)
{
        struct bus_consumer *c = user;

        c->open = NULL;
        atomic_store(&c->ready, false);
}

static const struct line_duty duty = {
        .purpose = "consume",
        .up = session_up,
        .down = session_down,
        .item = on_settled,
        .turn = turn,
        .hears = { .delivered = on_delivered },
};

/* ---- for other threads ---- */

int consumer_new(const struct line_net *net, struct publisher *publisher,
                 const struct bus_consumer_spec *spec, struct bus_consumer **ret)
{
        struct bus_consumer *c = calloc(1, sizeof *c);
        int r;

        if (!c)
                return err_raise(-ENOMEM);
        c->net = *net;
        c->publisher = publisher;
        atomic_store(&c->refs, 1);
        c->prefetch = spec->prefetch;
        c->declare = spec->declare;
        c->on_delivery = spec->on_delivery;
        c->user = spec->user;
        for (size_t i = 0; spec->queues[i]; i++) {
                if (i == QUEUES || !(c->queues[i] = strdup(spec->queues[i]))) {
                        consumer_unref(c);
                        return err_raise(i == QUEUES ? -EINVAL : -ENOMEM);
                }
                c->came[i].end = &c->came[i].first;
                c->n_queues++;
        }
        r = queue_new(&c->queue);
        r = r ? r : line_new(&c->net, &duty, c, c->queue, &c->line);
        if (r != 0) {
                consumer_unref(c);
                return err_pass(r);
        }
        *ret = c;
        return 0;
}

void bus_consumer_stop(struct bus_consumer *c)
{
        atomic_store(&c->stop, true);
        line_wake(c->line);
}

struct bus_consumer *bus_consumer_free(struct bus_consumer *c)
{
        if (!c)
                return NULL;
        atomic_store(&c->closed, true);
        bus_consumer_stop(c);
        line_free(c->line);
        consumer_unref(c);
        return NULL;
}

bool bus_consumer_ready(const struct bus_consumer *c)
{
        return atomic_load(&c->ready);
}

void bus_settle(struct bus_delivery *public, enum bus_outcome outcome, const char *reason)
{
        struct delivery *d = (struct delivery *)public;

        if (outcome != BUS_DEAD || atomic_load(&d->consumer->closed)) {
                public->request = request_free(public->request);
                give_back(d, outcome == BUS_DONE ? BUS_DONE : BUS_AGAIN);
                return;
        }
        d->reason = reason ? strdup(reason) : NULL;
        bury(d);
}
