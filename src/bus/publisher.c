/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/publisher.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/uuid.h"
#include "bus/counters.h"
#include "bus/declare.h"
#include "bus/limits.h"

enum {
        WINDOW = 256, /* unconfirmed messages; a power of two */
        LETTER_HEADERS = 4,
        WAITING_MESSAGES = 65536,
        WAITING_BYTES = 256 << 20,
        EXPIRE_EVERY_MS = 20, /* how exact deadlines are when many messages wait */
        AGAIN_FIRST_MS = 250,
        AGAIN_LAST_MS = 4000,
        STALLED_MS = 1500, /* of silence while a confirm is due */
        DIRECT = 4,        /* fewer unconfirmed ones: little is being sent */
        KEPT = 64,         /* so many that a thread keeps together do not wait for more */
};

struct list {
        struct outgoing *first, **end;
};

struct publisher {
        struct line_net net;
        struct queue *queue;
        struct line *line;
        pthread_mutex_t start;
        _Atomic bool started, up, blocked, replies_ready;
        _Atomic int64_t
                quiet_ms; /* since when the broker is silent though it should confirm; or 0 */
        _Atomic uint64_t epoch;
        _Atomic int64_t n_waiting, n_bytes; /* accepted and not ended */

        pthread_mutex_t idle_lock;
        pthread_cond_t idle;
        _Atomic bool draining;

        /* The thread's own. */
        struct list ready, calls, again; /* 'calls' go only when replies can come */
        int64_t expire_ms, again_ms;     /* when to look through them */
        struct outgoing *flight[WINDOW]; /* by tag */
        uint64_t first_tag, next_tag;    /* of this session: [first, next) are in flight */
};

static void list_init(struct list *l)
{
        l->first = NULL;
        l->end = &l->first;
}

static void list_add(struct list *l, struct outgoing *out)
{
        out->next = NULL;
        *l->end = out;
        l->end = &out->next;
}

static struct outgoing *list_take(struct list *l)
{
        struct outgoing *out = l->first;

        if (out) {
                l->first = out->next;
                if (!l->first)
                        l->end = &l->first;
        }
        return out;
}

static void count_end(struct outgoing *out, enum bus_sent how)
{
        switch (how) {
        case BUS_SENT_OK:
                metric_add(&bus_confirmed, 1);
                metric_observe_ms(&bus_send_ms, clock_mono_ms() - out->accepted_ms);
                break;
        case BUS_SENT_UNROUTABLE:
                metric_add(&bus_returned, 1);
                break;
        case BUS_SENT_LOST:
                metric_add(&bus_lost, 1);
                break;
        case BUS_SENT_EXPIRED:
                metric_add(&bus_expired, 1);
                break;
        }
}

static void end(struct publisher *p, struct outgoing *out, enum bus_sent how)
{
        size_t n = out->body.n;

        count_end(out, how);
        out->ended(out, how);
        atomic_fetch_sub(&p->n_bytes, (int64_t)n);
        if (atomic_fetch_sub(&p->n_waiting, 1) == 1 && atomic_load(&p->draining)) {
                pthread_mutex_lock(&p->idle_lock);
                pthread_cond_signal(&p->idle);
                pthread_mutex_unlock(&p->idle_lock);
        }
}

/* The end of one try: what may be tried again rests for a while that doubles. */
static void settle(struct publisher *p, struct outgoing *out, enum bus_sent how, int64_t now_ms)
{
        int64_t rest_ms = AGAIN_FIRST_MS << (out->n_tries < 5 ? out->n_tries : 5);

        if (how == BUS_SENT_OK || out->again_until_ms <= now_ms) {
                end(p, out, how);
                return;
        }
        out->n_tries++;
        out->returned = false;
        out->again_ms = now_ms + (rest_ms < AGAIN_LAST_MS ? rest_ms : AGAIN_LAST_MS);
        list_add(&p->again, out);
        if (out->again_ms < p->again_ms)
                p->again_ms = out->again_ms;
}

/* ---- what the broker says ---- */

static void on_confirmed(uint64_t tag, bool multiple, bool taken, void *user)
{
        struct publisher *p = user;
        int64_t now_ms = clock_mono_ms();

        if (tag < p->first_tag || tag >= p->next_tag)
                return;
        for (uint64_t at = multiple ? p->first_tag : tag; at <= tag; at++) {
                struct outgoing *out = p->flight[at % WINDOW];

                p->flight[at % WINDOW] = NULL;
                if (out)
                        settle(p, out,
                               !taken          ? BUS_SENT_LOST
                               : out->returned ? BUS_SENT_UNROUTABLE
                                               : BUS_SENT_OK,
                               now_ms);
        }
        while (p->first_tag < p->next_tag && !p->flight[p->first_tag % WINDOW])
                p->first_tag++;
        metric_set(&bus_in_flight, (int64_t)(p->next_tag - p->first_tag));
}

static bool was_sent_to(const struct outgoing *out, amqp_bytes_t key)
{
        size_t n = out->fanout ? 0 : strlen(out->routing_key);

        return n == key.len && memcmp(out->routing_key, key.bytes, n) == 0;
}

/* A return carries no tag, but the whole body, and every body of ours holds a unique id. */
static void on_returned(const struct session_message *m, void *user)
{
        struct publisher *p = user;

        for (uint64_t at = p->first_tag; at < p->next_tag; at++) {
                struct outgoing *out = p->flight[at % WINDOW];

                if (out && !out->returned && out->body.n == m->n &&
                    was_sent_to(out, m->routing_key) &&
                    memcmp(out->body.bytes, m->body, m->n) == 0) {
                        out->returned = true;
                        return;
                }
        }
}

static void on_blocked(bool blocked, void *user)
{
        static struct log_limit limit;
        struct publisher *p = user;

        atomic_store(&p->blocked, blocked);
        if (log_allowed(&limit, 1000))
                log_warn("bus_blocked", "blocked=%s", blocked ? "yes" : "no");
}

/* ---- sending ---- */

static amqp_table_entry_t text_entry(const char *key, const char *value)
{
        return (amqp_table_entry_t){ amqp_cstring_bytes(key),
                                     { .kind = AMQP_FIELD_KIND_UTF8,
                                       .value.bytes = amqp_cstring_bytes(value) } };
}

static amqp_table_entry_t number_entry(const char *key, int64_t value)
{
        return (amqp_table_entry_t){ amqp_cstring_bytes(key),
                                     { .kind = AMQP_FIELD_KIND_I64, .value.i64 = value } };
}

static int fill_headers(const struct outgoing *out, char at[24],
                        amqp_table_entry_t headers[LETTER_HEADERS])
{
        int64_t now_ms = clock_wall_ms();

        if (!out->dead_reason) {
                headers[0] = number_entry(SENT_HEADER, now_ms);
                return 1;
        }
        clock_format(now_ms, at, 24);
        headers[0] = text_entry("reason", out->dead_reason);
        headers[1] = text_entry("queue", out->dead_queue);
        headers[2] = text_entry("time", at);
        headers[3] = text_entry("key", out->dead_key);
        return 4;
}

/* What is left of the time for which it was to be worth something: it counts from acceptance, so
 * that nothing outlives whoever waits for it. */
static int64_t worth_ms(const struct outgoing *out, int64_t now_ms)
{
        return out->expiration_ms > 0 ? out->accepted_ms + out->expiration_ms - now_ms : INT64_MAX;
}

static void publish(struct publisher *p, struct session *s, struct outgoing *out, int64_t now_ms)
{
        char expiration[24], at[24] = "", id[UUID_TEXT];
        amqp_table_entry_t headers[LETTER_HEADERS];
        amqp_basic_properties_t properties = {
                ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_CONTENT_ENCODING_FLAG |
                          AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
                          AMQP_BASIC_PRIORITY_FLAG,
                .content_type = amqp_cstring_bytes("application/json"),
                .content_encoding = amqp_cstring_bytes("utf-8"),
                .delivery_mode =
                        out->persistent ? AMQP_DELIVERY_PERSISTENT : AMQP_DELIVERY_NONPERSISTENT,
                .headers = { fill_headers(out, at, headers), headers },
        };
        const char *exchange = out->fanout        ? out->routing_key
                               : out->to_exchange ? p->net.settings->control_exchange
                                                  : "";

        if (out->expiration_ms > 0) {
                snprintf(expiration, sizeof expiration, "%" PRId64, worth_ms(out, now_ms));
                properties._flags |= AMQP_BASIC_EXPIRATION_FLAG;
                properties.expiration = amqp_cstring_bytes(expiration);
        }
        if (s->user_id) {
                properties._flags |= AMQP_BASIC_USER_ID_FLAG;
                properties.user_id = amqp_cstring_bytes(s->user_id);
        }
        if (out->dead_reason) {
                uuid_new(id); /* what an operator calls it by */
                properties._flags |= AMQP_BASIC_MESSAGE_ID_FLAG;
                properties.message_id = amqp_cstring_bytes(id);
        }
        if (out->fanout)
                session_declare_fanout(s, exchange);
        session_publish(s, exchange, out->fanout ? "" : out->routing_key, &properties,
                        out->body.bytes, out->body.n);
        out->written_ms = now_ms;
        p->flight[p->next_tag++ % WINDOW] = out;
        metric_set(&bus_in_flight, (int64_t)(p->next_tag - p->first_tag));
        metric_add(&bus_published, 1);
}

/* The next message that may go, or NULL. */
static struct outgoing *next_to_go(struct publisher *p)
{
        struct outgoing *out = list_take(&p->ready);

        return out || !atomic_load(&p->replies_ready) ? out : list_take(&p->calls);
}

static bool has_room(const struct publisher *p, const struct session *s)
{
        return p->next_tag - p->first_tag < WINDOW && session_unwritten(s) < SESSION_OUT_BYTES;
}

static void publish_some(struct publisher *p, struct session *s, int64_t now_ms)
{
        while (has_room(p, s)) {
                struct outgoing *out = next_to_go(p);

                if (!out)
                        break;
                if (out->deadline_ms <= now_ms || worth_ms(out, now_ms) <= 0 ||
                    (out->start && !out->start(out)))
                        end(p, out, BUS_SENT_EXPIRED);
                else
                        publish(p, s, out, now_ms);
        }
}

/* Ends what waited too long; the next deadline. */
static int64_t expire(struct publisher *p, struct list *list, int64_t now_ms)
{
        struct outgoing *out = list->first, *next;
        int64_t soonest_ms = INT64_MAX;

        list_init(list);
        for (; out; out = next) {
                next = out->next;
                if (out->deadline_ms <= now_ms) {
                        end(p, out, BUS_SENT_EXPIRED);
                        continue;
                }
                list_add(list, out);
                if (out->deadline_ms < soonest_ms)
                        soonest_ms = out->deadline_ms;
        }
        return soonest_ms;
}

/* What rested long enough goes to the others. */
static void wake_rested(struct publisher *p, int64_t now_ms)
{
        struct outgoing *out = p->again.first, *next;

        p->again_ms = INT64_MAX;
        list_init(&p->again);
        for (; out; out = next) {
                next = out->next;
                list_add(out->again_ms <= now_ms ? &p->ready : &p->again, out);
                if (out->again_ms > now_ms && out->again_ms < p->again_ms)
                        p->again_ms = out->again_ms;
        }
        p->expire_ms = now_ms;
}

/* A blocked broker need not confirm. */
static void note_quiet(struct publisher *p, const struct session *s)
{
        int64_t since_ms = 0;

        if (s && p->first_tag != p->next_tag && !atomic_load(&p->blocked)) {
                since_ms = p->flight[p->first_tag % WINDOW]->written_ms;
                since_ms = s->heard_ms > since_ms ? s->heard_ms : since_ms;
        }
        atomic_store(&p->quiet_ms, since_ms);
}

static int64_t turn(struct session *s, int64_t now_ms, void *user)
{
        struct publisher *p = user;
        int64_t next_ms, calls_ms;

        note_quiet(p, s);
        if (now_ms >= p->again_ms)
                wake_rested(p, now_ms);
        if (s && !atomic_load(&p->blocked) && !publisher_stalled(p))
                publish_some(p, s, now_ms);
        note_quiet(p, s);
        if (!p->ready.first && !p->calls.first)
                return p->again_ms;
        if (now_ms >= p->expire_ms) {
                next_ms = expire(p, &p->ready, now_ms);
                calls_ms = expire(p, &p->calls, now_ms);
                next_ms = calls_ms < next_ms ? calls_ms : next_ms;
                p->expire_ms =
                        next_ms > now_ms + EXPIRE_EVERY_MS ? next_ms : now_ms + EXPIRE_EVERY_MS;
        }
        return p->again_ms < p->expire_ms ? p->again_ms : p->expire_ms;
}

static void take(struct queue_item *item, void *user)
{
        struct publisher *p = user;
        struct outgoing *out = (struct outgoing *)item;

        if (out->refused) {
                end(p, out, BUS_SENT_EXPIRED);
                return;
        }
        if (out->deadline_ms < p->expire_ms)
                p->expire_ms = out->deadline_ms;
        list_add(out->needs_replies ? &p->calls : &p->ready, out);
}

static bool session_up(struct session *s, void *user)
{
        struct publisher *p = user;

        if (!declare_exchange_exists(s, p->net.settings))
                return false;
        amqp_confirm_select(s->amqp, SESSION_CHANNEL);
        if (!session_answered(s, "confirm.select"))
                return false;
        p->first_tag = p->next_tag = 1;
        atomic_fetch_add(&p->epoch, 1);
        atomic_store(&p->blocked, false);
        atomic_store(&p->up, true);
        return true;
}

static void session_down(void *user)
{
        struct publisher *p = user;
        int64_t now_ms = clock_mono_ms();

        atomic_store(&p->up, false);
        atomic_store(&p->blocked, false);
        atomic_store(&p->quiet_ms, 0);
        for (uint64_t at = p->first_tag; at < p->next_tag; at++) {
                struct outgoing *out = p->flight[at % WINDOW];

                p->flight[at % WINDOW] = NULL;
                if (out)
                        settle(p, out, BUS_SENT_LOST, now_ms);
        }
        p->first_tag = p->next_tag;
        metric_set(&bus_in_flight, 0);
}

static const struct line_duty duty = {
        .purpose = "publish",
        .up = session_up,
        .down = session_down,
        .item = take,
        .turn = turn,
        .hears = { .returned = on_returned, .confirmed = on_confirmed, .blocked = on_blocked },
};

/* ---- for other threads ---- */

int publisher_new(const struct line_net *net, struct publisher **ret)
{
        struct publisher *p = calloc(1, sizeof *p);
        pthread_condattr_t monotonic;
        int r;

        if (!p)
                return err_raise(-ENOMEM);
        p->net = *net;
        list_init(&p->ready);
        list_init(&p->calls);
        list_init(&p->again);
        p->expire_ms = p->again_ms = INT64_MAX;
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_cond_init(&p->idle, &monotonic);
        pthread_condattr_destroy(&monotonic);
        pthread_mutex_init(&p->idle_lock, NULL);
        pthread_mutex_init(&p->start, NULL);
        r = queue_new(&p->queue);
        if (r != 0) {
                publisher_free(p);
                return err_pass(r);
        }
        *ret = p;
        return 0;
}

static void end_all(struct publisher *p, struct list *list, enum bus_sent how)
{
        for (struct outgoing *out = list_take(list); out; out = list_take(list))
                end(p, out, how);
}

struct publisher *publisher_free(struct publisher *p)
{
        struct queue_item *item, *next;

        if (!p)
                return NULL;
        line_free(p->line);
        for (item = p->queue ? queue_take(p->queue) : NULL; item; item = next) {
                next = item->next;
                take(item, p);
        }
        end_all(p, &p->ready, BUS_SENT_EXPIRED);
        end_all(p, &p->calls, BUS_SENT_EXPIRED);
        end_all(p, &p->again, BUS_SENT_LOST);
        queue_free(p->queue);
        pthread_cond_destroy(&p->idle);
        pthread_mutex_destroy(&p->idle_lock);
        pthread_mutex_destroy(&p->start);
        free(p);
        return NULL;
}

/* The first message starts the thread; later ones see that it runs. */
static void start(struct publisher *p)
{
        if (atomic_load_explicit(&p->started, memory_order_acquire))
                return;
        pthread_mutex_lock(&p->start);
        if (!p->line && line_new(&p->net, &duty, p, p->queue, &p->line) != 0)
                log_error("bus_thread", "purpose=publish reason=\"%s\"", err_trace());
        atomic_store_explicit(&p->started, p->line != NULL, memory_order_release);
        pthread_mutex_unlock(&p->start);
}

void publisher_open(struct publisher *p)
{
        start(p);
}

/* What one thread hands over at a time. */
struct batch {
        struct publisher *publisher;
        struct list list;
        size_t n;
};

/* What this thread keeps together; its publisher is NULL while it keeps nothing. */
static _Thread_local struct batch kept;

/* What it may not, the thread ends, or keeps until it may. */
static bool may_go(const struct publisher *p, struct outgoing *out, int64_t now_ms)
{
        return worth_ms(out, now_ms) > 0 &&
               (!out->needs_replies || atomic_load(&p->replies_ready)) &&
               (!out->start || out->start(out));
}

/* Whoever sends little, or much at a time, writes it himself, without waking the thread. What waits
 * is not overtaken. */
static bool publish_now(struct session *s, int64_t now_ms, void *arg)
{
        struct batch *b = arg;
        struct publisher *p = b->publisher;

        if (p->ready.first || p->calls.first || !publisher_up(p))
                return false;
        while (b->list.first && has_room(p, s) && may_go(p, b->list.first, now_ms))
                publish(p, s, list_take(&b->list), now_ms);
        note_quiet(p, s);
        return b->list.first == NULL;
}

/* The rest is the thread's business. */
static void hand_over(struct batch *b)
{
        struct outgoing *out;

        if (b->publisher->line)
                line_act(b->publisher->line, publish_now, b);
        while ((out = list_take(&b->list)))
                queue_put(b->publisher->queue, &out->item);
        b->n = 0;
}

void publisher_keep(struct publisher *p)
{
        if (kept.publisher)
                return;
        kept.publisher = p;
        list_init(&kept.list);
}

void publisher_put_kept(struct publisher *p)
{
        if (kept.publisher != p)
                return;
        if (kept.n > 0)
                hand_over(&kept);
        kept.publisher = NULL;
}

void publisher_put(struct publisher *p, struct outgoing *out)
{
        int64_t n = atomic_fetch_add(&p->n_waiting, 1);
        int64_t bytes = atomic_fetch_add(&p->n_bytes, (int64_t)out->body.n);
        struct batch one = { .publisher = p };

        out->refused = n >= WAITING_MESSAGES || bytes >= WAITING_BYTES;
        start(p);
        if (!out->refused && kept.publisher == p) {
                list_add(&kept.list, out);
                if (++kept.n == KEPT)
                        hand_over(&kept);
        } else if (!out->refused && n < DIRECT) {
                list_init(&one.list);
                list_add(&one.list, out);
                hand_over(&one);
        } else {
                queue_put(p->queue, &out->item);
        }
}

void publisher_drain(struct publisher *p, int timeout_ms)
{
        int64_t until_ms = clock_mono_ms() + timeout_ms;
        struct timespec until = { .tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000 };
        int r = 0;

        pthread_mutex_lock(&p->idle_lock);
        atomic_store(&p->draining, true);
        while (atomic_load(&p->n_waiting) > 0 && r == 0)
                r = pthread_cond_timedwait(&p->idle, &p->idle_lock, &until);
        atomic_store(&p->draining, false);
        pthread_mutex_unlock(&p->idle_lock);
}

bool publisher_up(const struct publisher *p)
{
        return atomic_load(&p->up) && !atomic_load(&p->blocked) && !publisher_stalled(p);
}

bool publisher_stalled(const struct publisher *p)
{
        int64_t since_ms = atomic_load(&p->quiet_ms);

        return since_ms != 0 && clock_mono_ms() - since_ms >= STALLED_MS;
}

bool publisher_blocked(const struct publisher *p)
{
        return atomic_load(&p->blocked);
}

uint64_t publisher_epoch(const struct publisher *p)
{
        return atomic_load(&p->epoch);
}

void publisher_replies(struct publisher *p, bool ready)
{
        atomic_store(&p->replies_ready, ready);
        if (ready && atomic_load_explicit(&p->started, memory_order_acquire))
                line_wake(p->line);
}
