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
#include "base/uuid.h"
#include "bus/counters.h"
#include "bus/declare.h"
#include "bus/delivery.h"
#include "bus/limits.h"
#include "bus/replies.h"
#include "bus/settled.h"
#include "messages/topics.h"

enum {
        QUEUES = 16,
        ACK_LATE_MS = 5, /* what is settled within that time shares an acknowledgement */
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

        char *queues[QUEUES];
        size_t n_queues;
        char *fanout_topic; /* whose messages to all the last queue takes; or NULL */
        char *namespace, *version;
        int prefetch;
        bool declare, notifications;
        bus_on_delivery on_delivery;
        void *user;

        /* The line's own. */
        struct session *open;
        uint64_t session; /* counts sessions: tags mean nothing in another one */
        bool cancelled;
        struct settled settled;
        int64_t ack_at_ms;
        struct seen seen;
        struct vigil *vigils;
        struct list came[QUEUES]; /* this turn, by queue */
};

/* The consumer whose callback runs on this thread. */
static _Thread_local const struct bus_consumer *handing_out;

static struct delivery *delivery_of(struct queue_item *item)
{
        return (struct delivery *)((char *)item - offsetof(struct delivery, item));
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
        seen_done(&c->seen);
        for (size_t i = 0; i < c->n_queues; i++)
                free(c->queues[i]);
        free(c->fanout_topic);
        free(c->namespace);
        free(c->version);
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
        d->unique_id[0] = '\0'; /* it was not carried out: it may be put back into its queue */
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

/* Our consumer tags are the queues' places in the list. */
static size_t queue_of(const struct session_message *m)
{
        const char *digits = m->consumer_tag.bytes;
        size_t queue = 0;

        for (size_t i = 0; i < m->consumer_tag.len; i++)
                queue = queue * 10 + (size_t)(digits[i] - '0');
        return queue;
}

static void watch_over(struct bus_consumer *c, struct vigil *v)
{
        v->next = c->vigils;
        v->link = &c->vigils;
        if (v->next)
                v->next->link = &v->next;
        c->vigils = v;
}

/* True if it was dealt with: it was carried out before, or asks for what is not served. */
static bool is_dismissed(struct bus_consumer *c, struct delivery *d)
{
        static struct log_limit limit;
        const struct request *r = d->public.request;

        if (seen_has(&c->seen, d->unique_id)) {
                metric_add(&bus_duplicates, 1);
        } else if (r && !request_fits(r, c->namespace, c->version)) {
                metric_add(&bus_refused, 1);
                if (log_allowed(&limit, 1000))
                        log_warn("bus_unsupported", "queue=%s method=%s namespace=%s version=%s",
                                 d->public.queue, r->method, r->namespace ? r->namespace : "",
                                 r->version);
                if (replies_put_no_version(c->publisher, r) != 0)
                        log_error("bus_reply", "trace=\"%s\"", err_trace());
                d->unique_id[0] = '\0';
        } else {
                return false;
        }
        give_back(d, BUS_DONE);
        return true;
}

static void on_delivered(const struct session_message *m, void *user)
{
        struct bus_consumer *c = user;
        size_t queue = queue_of(m);
        struct delivery *d = queue < c->n_queues ? delivery_new(m, c->queues[queue]) : NULL;

        metric_add(&bus_delivered, 1);
        metric_add(&bus_redelivered, m->redelivered);
        if (d) {
                const char *ours = c->net.settings->control_exchange;

                d->consumer = c;
                d->session = c->session;
                d->by_exchange = m->exchange.len == strlen(ours) &&
                                 memcmp(m->exchange.bytes, ours, m->exchange.len) == 0;
                atomic_fetch_add(&c->refs, 1);
        }
        if (!d || settled_out(&c->settled, m->tag) != 0) {
                session_end(c->open, "sent what cannot be noted: it has to come again");
                if (d)
                        give_back(d, BUS_AGAIN);
        } else if (atomic_load(&c->stop)) {
                give_back(d, BUS_AGAIN);
        } else if (!delivery_decode(d, c->notifications)) {
                bury(d);
        } else if (!is_dismissed(c, d)) {
                if (d->vigil)
                        watch_over(c, d->vigil);
                *c->came[queue].end = d;
                c->came[queue].end = &d->next;
        }
}

/* ---- the line's duty ---- */

static void end_watch(struct vigil *v)
{
        *v->link = v->next;
        if (v->next)
                v->next->link = v->link;
        v->link = NULL;
}

/* Tells those callers for whom it is time; the next such time. */
static int64_t keep_vigils(struct bus_consumer *c, int64_t now_ms)
{
        int64_t next_ms = INT64_MAX;

        for (struct vigil *v = c->vigils; v; v = v->next) {
                if (v->due_ms <= now_ms) {
                        if (replies_put_heartbeat(c->publisher, v->reply_q, v->msg_id,
                                                  v->every_ms) != 0)
                                log_error("bus_heartbeat", "trace=\"%s\"", err_trace());
                        v->due_ms = now_ms + v->every_ms;
                }
                next_ms = v->due_ms < next_ms ? v->due_ms : next_ms;
        }
        return next_ms;
}

static void on_settled(struct queue_item *item, void *user)
{
        struct bus_consumer *c = user;
        struct delivery *d = delivery_of(item);

        metric_observe_ms(&bus_hold_ms, clock_mono_ms() - d->public.received_mono_ms);
        if (d->vigil && d->vigil->link)
                end_watch(d->vigil);
        if (d->outcome == BUS_DONE)
                seen_add(&c->seen, d->unique_id);
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
        publisher_keep(c->publisher);
        for (size_t i = 0; i < c->n_queues; i++) {
                struct delivery *d = c->came[i].first, *next;

                c->came[i].first = NULL;
                c->came[i].end = &c->came[i].first;
                for (; d; d = next) {
                        next = d->next;
                        c->on_delivery(&d->public, c->user);
                }
        }
        publisher_put_kept(c->publisher);
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
        if (c->fanout_topic)
                session_delete_queue(s, c->queues[c->n_queues - 1]);
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
        int64_t vigil_ms;

        hand_out(c);
        vigil_ms = keep_vigils(c, now_ms);
        if (!s)
                return vigil_ms;
        if (settled_many(&c->settled) || now_ms >= c->ack_at_ms || atomic_load(&c->stop))
                acknowledge(c, s);
        if (atomic_load(&c->stop) && !c->cancelled)
                cancel(c, s);
        if (settled_waits(&c->settled))
                return c->ack_at_ms < vigil_ms ? c->ack_at_ms : vigil_ms;
        c->ack_at_ms = now_ms + ACK_LATE_MS;
        return vigil_ms;
}

static bool prepare(struct bus_consumer *c, struct session *s)
{
        bool good = !c->declare || declare_exchange(s, c->net.settings);

        for (size_t i = 0; good && i < c->n_queues; i++) {
                if (c->fanout_topic && i == c->n_queues - 1)
                        good = declare_fanout_queue(s, c->net.settings, c->fanout_topic,
                                                    c->queues[i]);
                else if (c->declare)
                        good = declare_queue(s, c->net.settings, c->queues[i]);
                else
                        good = declare_queue_exists(s, c->queues[i]);
        }
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

static int add_queue(struct bus_consumer *c, const char *name)
{
        if (c->n_queues == QUEUES)
                return err_raise(-EINVAL);
        c->queues[c->n_queues] = strdup(name);
        if (!c->queues[c->n_queues])
                return err_raise(-ENOMEM);
        c->came[c->n_queues].end = &c->came[c->n_queues].first;
        c->n_queues++;
        return 0;
}

static int add_fanout(struct bus_consumer *c, const char *topic)
{
        char name[256], id[UUID_HEX];

        uuid_new_hex(id);
        snprintf(name, sizeof name, "%s_fanout_%s", topic, id);
        c->fanout_topic = strdup(topic);
        return c->fanout_topic ? add_queue(c, name) : err_raise(-ENOMEM);
}

static int copy_spec(struct bus_consumer *c, const struct bus_consumer_spec *spec)
{
        int r = 0;

        c->prefetch = spec->prefetch;
        c->declare = spec->declare;
        c->notifications = spec->notifications;
        c->on_delivery = spec->on_delivery;
        c->user = spec->user;
        c->version = strdup(spec->version ? spec->version : MESSAGE_VERSION);
        c->namespace = spec->namespace ? strdup(spec->namespace) : NULL;
        if (!c->version || (spec->namespace && !c->namespace))
                return err_raise(-ENOMEM);
        for (size_t i = 0; r == 0 && spec->queues[i]; i++)
                r = add_queue(c, spec->queues[i]);
        return r || !spec->fanout_topic ? r : add_fanout(c, spec->fanout_topic);
}

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
        r = copy_spec(c, spec);
        r = r ? r : queue_new(&c->queue);
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
                public->notification = notification_free(public->notification);
                give_back(d, outcome == BUS_DONE ? BUS_DONE : BUS_AGAIN);
                return;
        }
        d->reason = reason ? strdup(reason) : NULL;
        bury(d);
}
