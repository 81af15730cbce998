/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/caller.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/uuid.h"
#include "bus/counters.h"
#include "bus/declare.h"
#include "bus/limits.h"

enum {
        PATIENCE_MS = 900, /* how long a call waits for a broker that is away or blocked */
        REPLY_PREFETCH = 1024,
        ACK_TOGETHER = 64, /* replies that share an acknowledgement, or all within ACK_LATE_MS */
        ACK_LATE_MS = 100,
};

/* How far the request came. GIVEN_UP: the caller was told before it was written; it will not be. */
enum progress { WAITING, WRITTEN, CONFIRMED, GIVEN_UP };

struct call {
        struct outgoing out; /* first: the publisher gives it back */
        struct caller *caller;
        _Atomic int refs; /* the publisher's and the table's */
        _Atomic int progress;
        char id[UUID_HEX];
        int64_t timeout_at_ms, look_at_ms;
        int64_t monitor_ms, heard_ms; /* 0: not monitored; when its server was last heard of */
        size_t heap_index;
        struct fault why; /* set: told at once */
        bus_on_reply on_reply;
        void *user;
};

struct caller {
        struct line_net net;
        struct publisher *publisher;
        char reply_q[6 + UUID_HEX]; /* "reply_<hex>" */
        struct queue *queue;
        struct line *line;
        uint64_t acked_tag, got_tag;
        int64_t ack_at_ms;

        pthread_mutex_t lock;
        pthread_cond_t changed;
        pthread_t clock;
        bool running, stop;
        int64_t sleeps_until_ms; /* the clock thread; 0 while it is at work */
        struct map calls;        /* id -> call */
        struct call **heap;      /* by look_at_ms */
        size_t n, room;
};

static void call_unref(struct call *call)
{
        if (atomic_fetch_sub(&call->refs, 1) != 1)
                return;
        text_done(&call->out.body);
        free(call);
}

/* ---- who waits, soonest first; under the lock ---- */

static void heap_place(struct caller *c, size_t i, struct call *call)
{
        c->heap[i] = call;
        call->heap_index = i;
}

static void heap_up(struct caller *c, size_t i)
{
        struct call *call = c->heap[i];

        for (; i > 0 && c->heap[(i - 1) / 2]->look_at_ms > call->look_at_ms; i = (i - 1) / 2)
                heap_place(c, i, c->heap[(i - 1) / 2]);
        heap_place(c, i, call);
}

static void heap_down(struct caller *c, size_t i)
{
        struct call *call = c->heap[i];

        for (size_t child; (child = 2 * i + 1) < c->n; i = child) {
                if (child + 1 < c->n && c->heap[child + 1]->look_at_ms < c->heap[child]->look_at_ms)
                        child++;
                if (c->heap[child]->look_at_ms >= call->look_at_ms)
                        break;
                heap_place(c, i, c->heap[child]);
        }
        heap_place(c, i, call);
}

static int add(struct caller *c, struct call *call)
{
        if (c->n == c->room) {
                size_t room = c->room ? 2 * c->room : 64;
                struct call **heap = realloc(c->heap, room * sizeof *heap);

                if (!heap)
                        return err_raise(-ENOMEM);
                c->heap = heap;
                c->room = room;
        }
        if (map_set(&c->calls, call->id, call) != 0)
                return err_raise(-ENOMEM);
        heap_place(c, c->n++, call);
        heap_up(c, call->heap_index);
        if (call->look_at_ms < c->sleeps_until_ms)
                pthread_cond_signal(&c->changed);
        return 0;
}

/* Its place in the table ends; the caller of this holds the table's reference now. */
static void drop(struct caller *c, struct call *call)
{
        size_t i = call->heap_index;
        struct call *last = c->heap[--c->n];

        map_remove(&c->calls, call->id);
        if (last == call)
                return;
        heap_place(c, i, last);
        heap_up(c, i);
        heap_down(c, last->heap_index);
}

/* ---- time ---- */

static void unavailable(const struct caller *c, struct fault *why)
{
        fault_set(why, 503, "bus.unavailable", "The message broker %s; the request was not sent.",
                  publisher_blocked(c->publisher)   ? "takes no messages for lack of memory or disk"
                  : publisher_stalled(c->publisher) ? "does not answer"
                                                    : "cannot be reached");
        why->retry_after_ms = 2000;
}

static void unknown(const char *what, struct fault *why)
{
        fault_set(why, 503, "bus.timeout", "%s; whether the request was carried out is unknown.",
                  what);
        why->retry_after_ms = 1000;
}

/* True if the call is at its end, with the reason in its fault. A call that was not written in time
 * never is; one that was written and not confirmed is left alone unless the broker says that it is
 * blocked, or nothing is heard of it. */
static bool look(struct caller *c, struct call *call, int64_t now_ms)
{
        int waiting = WAITING;

        if (fault_is_set(&call->why))
                return true;
        if (atomic_compare_exchange_strong(&call->progress, &waiting, GIVEN_UP)) {
                unavailable(c, &call->why);
                return true;
        }
        if (now_ms >= call->timeout_at_ms) {
                unknown("No answer came in time", &call->why);
                return true;
        }
        if (call->monitor_ms > 0 && now_ms >= call->heard_ms + call->monitor_ms) {
                unknown("The server fell silent", &call->why);
                return true;
        }
        if (atomic_load(&call->progress) == WRITTEN &&
            (publisher_blocked(c->publisher) || publisher_stalled(c->publisher))) {
                unknown("The message broker stopped taking messages", &call->why);
                return true;
        }
        call->look_at_ms = atomic_load(&call->progress) == CONFIRMED ? call->timeout_at_ms
                                                                     : now_ms + PATIENCE_MS;
        if (call->monitor_ms > 0 && call->look_at_ms > call->heard_ms + call->monitor_ms)
                call->look_at_ms = call->heard_ms + call->monitor_ms;
        if (call->look_at_ms > call->timeout_at_ms)
                call->look_at_ms = call->timeout_at_ms;
        return false;
}

/* The first call that is at its end, taken out of the table; NULL: none now. Under the lock. */
static struct call *take_ended(struct caller *c, int64_t now_ms)
{
        while (c->n > 0 && c->heap[0]->look_at_ms <= now_ms) {
                struct call *call = c->heap[0];

                if (look(c, call, now_ms)) {
                        drop(c, call);
                        return call;
                }
                heap_down(c, 0);
        }
        return NULL;
}

/* Calls that are to be looked at later than that do not wake it: most end before. Under the lock.
 */
static void sleep_until(struct caller *c, int64_t at_ms)
{
        struct timespec at = { .tv_sec = at_ms / 1000, .tv_nsec = at_ms % 1000 * 1000000 };

        c->sleeps_until_ms = at_ms;
        if (at_ms == INT64_MAX)
                pthread_cond_wait(&c->changed, &c->lock);
        else
                pthread_cond_timedwait(&c->changed, &c->lock, &at);
        c->sleeps_until_ms = 0;
}

static void *clock_thread(void *arg)
{
        struct caller *c = arg;

        pthread_mutex_lock(&c->lock);
        while (!c->stop) {
                struct call *call = take_ended(c, clock_mono_ms());

                if (call) {
                        pthread_mutex_unlock(&c->lock);
                        call->on_reply(NULL, &call->why, call->user);
                        call_unref(call);
                        pthread_mutex_lock(&c->lock);
                } else {
                        sleep_until(c, c->n > 0 ? c->heap[0]->look_at_ms : INT64_MAX);
                }
        }
        pthread_mutex_unlock(&c->lock);
        return NULL;
}

/* ---- replies, on the line's thread ---- */

static struct call *take_answered(struct caller *c, const char *id)
{
        struct call *call;

        pthread_mutex_lock(&c->lock);
        call = map_get(&c->calls, id);
        if (call)
                drop(c, call);
        pthread_mutex_unlock(&c->lock);
        return call;
}

/* Whoever looks at the call next sees that its server was heard of. */
static void note_heartbeat(struct caller *c, const char *id)
{
        struct call *call;

        pthread_mutex_lock(&c->lock);
        call = map_get(&c->calls, id);
        if (call)
                call->heard_ms = clock_mono_ms();
        pthread_mutex_unlock(&c->lock);
}

static void answer(struct call *call, const struct reply *reply, struct fault *why)
{
        if (reply->failure)
                fault_from_failure(reply->failure, why);
        call->on_reply(fault_is_set(why) ? NULL : reply->result, fault_is_set(why) ? why : NULL,
                       call->user);
        call_unref(call);
}

/* Who is answered may call again: those calls go together, at the end of the turn. */
static void on_reply(const struct session_message *m, void *user)
{
        static struct log_limit limit;
        struct caller *c = user;
        OWN(reply_free) struct reply *reply = NULL;
        struct fault why = { 0 };
        struct call *call;
        int r = reply_decode(m->body, m->n, &reply, &why);

        publisher_keep(c->publisher);
        c->got_tag = m->tag;
        if (r != ENVELOPE_OK) {
                if (log_allowed(&limit, 1000))
                        log_warn("bus_bad_reply", "reason=\"%s\"",
                                 r < 0 ? err_trace() : why.message);
                fault_set(&why, 502, "bus.bad_reply",
                          "The answer cannot be read; whether the request was carried out is "
                          "unknown.");
        } else if (!reply->ending) {
                note_heartbeat(c, reply->msg_id);
                return;
        }
        call = reply ? take_answered(c, reply->msg_id) : NULL; /* NULL: its time was up */
        if (call)
                answer(call, reply, &why);
}

static bool line_up(struct session *s, void *user)
{
        struct caller *c = user;

        amqp_basic_qos(s->amqp, SESSION_CHANNEL, 0, REPLY_PREFETCH, 0);
        if (!session_answered(s, "basic.qos") ||
            !declare_reply_queue(s, c->net.settings, c->reply_q) ||
            !declare_consume(s, c->reply_q, "replies"))
                return false;
        c->acked_tag = c->got_tag = 0;
        publisher_replies(c->publisher, true);
        return true;
}

static void line_down(void *user)
{
        struct caller *c = user;

        publisher_replies(c->publisher, false);
}

static void no_item(struct queue_item *item, void *user)
{
        (void)item;
        (void)user;
}

/* A reply that is delivered twice finds nobody waiting: acknowledging late does no harm. */
static int64_t line_turn(struct session *s, int64_t now_ms, void *user)
{
        struct caller *c = user;

        publisher_put_kept(c->publisher);
        if (!s || c->got_tag == c->acked_tag) {
                c->ack_at_ms = now_ms + ACK_LATE_MS;
                return INT64_MAX;
        }
        if (c->got_tag - c->acked_tag < ACK_TOGETHER && now_ms < c->ack_at_ms)
                return c->ack_at_ms;
        session_ack(s, c->got_tag, true);
        c->acked_tag = c->got_tag;
        c->ack_at_ms = now_ms + ACK_LATE_MS;
        return INT64_MAX;
}

static const struct line_duty duty = {
        .purpose = "replies",
        .up = line_up,
        .down = line_down,
        .item = no_item,
        .turn = line_turn,
        .hears = { .delivered = on_reply },
};

/* ---- for other threads ---- */

int caller_new(const struct line_net *net, struct publisher *publisher, struct caller **ret)
{
        struct caller *c = calloc(1, sizeof *c);
        pthread_condattr_t monotonic;

        if (!c)
                return err_raise(-ENOMEM);
        c->net = *net;
        c->publisher = publisher;
        memcpy(c->reply_q, "reply_", 6);
        uuid_new_hex(c->reply_q + 6);
        pthread_mutex_init(&c->lock, NULL);
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_cond_init(&c->changed, &monotonic);
        pthread_condattr_destroy(&monotonic);
        *ret = c;
        return 0;
}

void caller_stop(struct caller *c)
{
        c->line = line_free(c->line);
        pthread_mutex_lock(&c->lock);
        c->stop = true;
        pthread_cond_signal(&c->changed);
        pthread_mutex_unlock(&c->lock);
        if (c->running)
                pthread_join(c->clock, NULL);
        c->running = false;
}

struct caller *caller_free(struct caller *c)
{
        if (!c)
                return NULL;
        caller_stop(c);
        while (c->n > 0) {
                struct call *call = c->heap[0];

                drop(c, call);
                unknown("The program stops", &call->why);
                call->on_reply(NULL, &call->why, call->user);
                call_unref(call);
        }
        map_done(&c->calls);
        free(c->heap);
        queue_free(c->queue);
        pthread_cond_destroy(&c->changed);
        pthread_mutex_destroy(&c->lock);
        free(c);
        return NULL;
}

/* The first call starts both threads. Under the lock. */
static int start(struct caller *c)
{
        int r = c->queue ? 0 : queue_new(&c->queue);

        if (r != 0)
                return err_pass(r);
        if (!c->line) {
                r = line_new(&c->net, &duty, c, c->queue, &c->line);
                if (r != 0)
                        return err_pass(r);
        }
        if (!c->running) {
                r = pthread_create(&c->clock, NULL, clock_thread, c);
                if (r != 0)
                        return err_raise(-r);
                c->running = true;
        }
        return 0;
}

int caller_open(struct caller *c)
{
        int r;

        pthread_mutex_lock(&c->lock);
        r = start(c);
        pthread_mutex_unlock(&c->lock);
        return r;
}

static bool on_start(struct outgoing *out)
{
        struct call *call = (struct call *)out;
        int waiting = WAITING;

        return atomic_compare_exchange_strong(&call->progress, &waiting, WRITTEN);
}

/* Ends a call before its time: the clock thread tells. */
static void fail(struct call *call, const struct fault *why)
{
        struct caller *c = call->caller;

        pthread_mutex_lock(&c->lock);
        if (map_get(&c->calls, call->id) == call) {
                call->why = *why;
                call->look_at_ms = 0;
                heap_up(c, call->heap_index);
                pthread_cond_signal(&c->changed);
        }
        pthread_mutex_unlock(&c->lock);
}

/* LOST says nothing: the request may be there, and its answer come. */
static void on_ended(struct outgoing *out, enum bus_sent how)
{
        struct call *call = (struct call *)out;
        struct fault why = { 0 };

        if (how == BUS_SENT_OK)
                atomic_store(&call->progress, CONFIRMED);
        if (how == BUS_SENT_EXPIRED)
                unavailable(call->caller, &why);
        if (how == BUS_SENT_UNROUTABLE) {
                fault_set(&why, 503, "bus.unroutable", "Nobody serves the queue '%s'.",
                          out->routing_key);
                why.retry_after_ms = 2000;
        }
        if (fault_is_set(&why))
                fail(call, &why);
        call_unref(call);
}

static int encode(struct caller *c, const struct caller_spec *spec, struct call *call)
{
        struct request_head head = spec->head;
        int r;

        uuid_new_hex(call->id);
        head.msg_id = call->id;
        head.reply_q = c->reply_q;
        r = request_write(&head, spec->args, spec->context, &call->out.body);
        if (r != 0)
                return err_pass(r);
        if (call->out.body.n > BUS_BODY_BYTES)
                fault_set(&call->why, 413, "bus.message_too_large",
                          "The request is larger than %d bytes.", BUS_BODY_BYTES);
        return 0;
}

int caller_call(struct caller *c, const struct caller_spec *spec)
{
        int64_t now_ms = clock_mono_ms();
        struct call *call = calloc(1, sizeof *call);
        bool refused;
        int r = call ? encode(c, spec, call) : err_raise(-ENOMEM);

        if (r != 0) {
                if (call)
                        text_done(&call->out.body);
                free(call);
                return err_pass(r);
        }
        refused = fault_is_set(&call->why);
        call->caller = c;
        atomic_store(&call->refs, refused ? 1 : 2);
        call->timeout_at_ms = now_ms + spec->timeout_ms;
        call->monitor_ms = spec->head.monitor_s * 1000;
        call->heard_ms = now_ms;
        call->look_at_ms = refused                          ? 0
                           : spec->timeout_ms < PATIENCE_MS ? call->timeout_at_ms
                                                            : now_ms + PATIENCE_MS;
        call->on_reply = spec->on_reply;
        call->user = spec->user;
        call->out.to_exchange = true;
        call->out.needs_replies = true;
        text_copy(call->out.routing_key, sizeof call->out.routing_key, spec->routing_key);
        call->out.expiration_ms = spec->timeout_ms;
        call->out.accepted_ms = now_ms;
        call->out.deadline_ms = call->timeout_at_ms;
        call->out.start = on_start;
        call->out.ended = on_ended;
        pthread_mutex_lock(&c->lock);
        r = start(c);
        r = r ? r : add(c, call);
        pthread_mutex_unlock(&c->lock);
        if (r != 0) {
                atomic_store(&call->refs, 1);
                call_unref(call);
                return err_pass(r);
        }
        if (!refused)
                publisher_put(c->publisher, &call->out);
        return 0;
}
