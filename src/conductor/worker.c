/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers what has come in while the last batch was committing, runs the core on it, sends what
 * comes out, and only then settles the messages. */
#include "conductor/worker.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "conductor/redelivery.h"
#include "messages/topics.h"
#include "store/pg.h"

enum { HINT_MS = 5000, REFUSE_AFTER_MS = 2000 };

static struct metric metric_batches =
        METRIC(METRIC_COUNTER, "atlas_conductor_batches_total", NULL, "Transactions committed");
static struct metric metric_inputs =
        METRIC(METRIC_COUNTER, "atlas_conductor_inputs_total", NULL, "Messages and timers folded");
static struct metric metric_bad =
        METRIC(METRIC_COUNTER, "atlas_conductor_bad_total", NULL, "Inputs set aside as bad");
static struct metric metric_casts =
        METRIC(METRIC_COUNTER, "atlas_conductor_casts_total", NULL, "Commands sent to agents");
static struct metric metric_lost = METRIC(METRIC_COUNTER, "atlas_conductor_casts_lost_total", NULL,
                                          "Commands that did not reach the broker");
static struct metric metric_away =
        METRIC(METRIC_COUNTER, "atlas_conductor_store_away_total", NULL, "Waits for the database");
static struct metric metric_refused = METRIC(METRIC_COUNTER, "atlas_conductor_calls_refused_total", NULL,
                                             "Calls refused while the database was away");
static struct metric metric_batch_ms = METRIC(METRIC_HISTOGRAM, "atlas_conductor_batch_ms", NULL,
                                              "Milliseconds of a batch, reading to COMMIT");

struct worker {
        struct bus *bus;
        const struct conductor_settings *settings;
        const _Atomic int64_t *number;
        struct queue *queue;
        struct store *store;
        struct conductor core;
        pthread_t thread;
        bool started;
        atomic_bool stopping;
        struct job *first, **last; /* taken from the queue, not yet done */
};

struct job *job_timer(enum input_kind kind, const struct timer *timer)
{
        struct job *j = calloc(1, sizeof *j);

        if (j) {
                j->input.kind = kind;
                j->input.timer = *timer;
        }
        return j;
}

void worker_put(struct worker *w, struct job *j)
{
        queue_put(w->queue, &j->item);
}

/* A command that the broker did not take: its gate is due at once. */
struct cast_note {
        struct worker *worker;
        struct timer timer;
};

static void on_sent(enum bus_sent how, void *user)
{
        struct cast_note *note = user;
        struct job *j;

        if (how != BUS_SENT_OK) {
                metric_add(&metric_lost, 1);
                /* Unroutable or expired: the gate's own deadline sends again; asking at once would
                 * spin. */
                j = how == BUS_SENT_LOST ? job_timer(INPUT_LOST, &note->timer) : NULL;
                if (j)
                        worker_put(note->worker, j);
        }
        free(note);
}

static void send_cast(struct worker *w, const struct out *o)
{
        struct cast_note *note = o->timer.ref_id[0] ? calloc(1, sizeof *note) : NULL;
        json_t *context = json_pack("{s:s}", "request_id", o->request_id);
        int r;

        if (note)
                *note = (struct cast_note){ .worker = w, .timer = o->timer };
        metric_add(&metric_casts, 1);
        r = bus_cast(w->bus, o->topic, o->site, o->method, o->body, context, o->expiration_ms,
                     note ? on_sent : NULL, note);
        if (r < 0) {
                log_error("cast_failed", "to=%s.%s method=%s trace=\"%s\"", o->topic, o->site, o->method,
                          err_trace());
                free(note);
        }
        json_decref(context);
}

/* Best effort. */
static void send_notice(struct worker *w, const struct out *o)
{
        char topic[128], publisher[HOST_SIZE + 8];

        snprintf(publisher, sizeof publisher, "atlas.%s", w->settings->host);
        for (const char *at = w->settings->notify_topics; *at; at += strspn(at, ",")) {
                size_t n = strcspn(at, ",");

                snprintf(topic, sizeof topic, "%.*s", (int)n, at);
                at += n;
                if (bus_notify(w->bus, topic, publisher, o->event_type, o->priority, o->body,
                               o->context) < 0)
                        log_error("notice_lost", "event=%s trace=\"%s\"", o->event_type,
                                  err_trace());
        }
}

/* For those who watch: best effort, they look by themselves too. */
static void hint(struct worker *w)
{
        const struct bus_target all = { .topic = TOPIC_API, .fanout = true };
        json_t *none = json_object();

        if (bus_cast_to(w->bus, &all, "committed", none, none, HINT_MS, NULL, NULL) < 0)
                log_error("hint_failed", "trace=\"%s\"", err_trace());
        json_decref(none);
}

static void refuse_method(struct worker *w, const struct request *r)
{
        static struct log_limit limit;
        const char *id = request_context(r, "request_id");

        if (log_allowed(&limit, 1000))
                log_warn("unknown_method", "request=%s method=%s", id ? id : "", r->method);
        bus_reply_no_method(w->bus, r);
}

static void sent(void *user, struct outs *outs, const struct input *const *inputs, size_t n)
{
        struct worker *w = user;

        metric_add(&metric_batches, 1);
        metric_add(&metric_inputs, (int64_t)n);
        (void)FAILPOINT("conductor.after_commit");
        for (size_t i = 0; i < outs->n; i++) {
                const struct out *o = &outs->outs[i];

                if (o->kind == OUT_CAST)
                        send_cast(w, o);
                else if (o->kind == OUT_NOTICE)
                        send_notice(w, o);
                else if (o->kind == OUT_REPLY)
                        bus_reply(w->bus, o->input->request, o->body);
                else if (text_equal(o->fault.type, "bus.no_such_method"))
                        refuse_method(w, o->input->request);
                else
                        bus_reply_fault(w->bus, o->input->request, &o->fault);
                (void)FAILPOINT("conductor.mid_publish");
        }
        hint(w);
        (void)FAILPOINT("conductor.after_publish");
        for (size_t i = 0; i < n; i++) {
                struct job *j = inputs[i]->user;

                if (j->delivery)
                        bus_settle(TAKE(j->delivery), BUS_DONE, NULL);
        }
}

static void forget_count(struct worker *w, const struct input *input)
{
        if (input->again[0] && redelivery_forget(w->store, input->again) != 0)
                log_warn("redelivered_kept", "message=%s", input->again);
}

static void bad(void *user, const struct input *input, const char *reason)
{
        struct worker *w = user;
        struct job *j = input->user;
        struct fault f;

        metric_add(&metric_bad, 1);
        log_error("input_bad", "method=%s reason=\"%s\"",
                  input->request ? input->request->method : "timer", reason);
        forget_count(w, input);
        if (!j->delivery)
                return;
        fault_set(&f, 500, "internal", "The request could not be processed.");
        bus_reply_fault(w->bus, input->request, &f);
        bus_settle(TAKE(j->delivery), BUS_DEAD, reason);
}

static int64_t now_ms(void *user)
{
        (void)user;
        return clock_wall_ms();
}

static void job_free(struct job *j)
{
        if (j->delivery)
                bus_settle(j->delivery, BUS_AGAIN, NULL);
        if (j->n_open)
                atomic_fetch_sub(j->n_open, 1);
        request_free(j->made);
        free(j);
}

static void take_new(struct worker *w)
{
        for (struct queue_item *i = queue_take(w->queue), *next; i; i = next) {
                struct job *j = (struct job *)(void *)i;

                next = i->next;
                i->next = NULL;
                *w->last = j;
                w->last = (struct job **)(void *)&j->item.next;
        }
}

/* A call that was refused is settled, and its job has nothing left to do. */
static bool is_refused(const struct job *j)
{
        return j->input.kind == INPUT_REQUEST && !j->delivery;
}

/* The next batch: redelivered messages run alone, for one of them may be what killed us. A call
 * whose caller has given up is dropped. */
static size_t gather(struct worker *w, const struct input **inputs, size_t limit)
{
        size_t n = 0;

        while (n < limit && w->first) {
                struct job *j = w->first;
                struct bus_delivery *d = j->delivery;

                if (d && d->redelivered && n)
                        break;
                w->first = (struct job *)(void *)j->item.next;
                if (!w->first)
                        w->last = &w->first;
                if (is_refused(j)) {
                        job_free(j);
                        continue;
                }
                if (d && j->input.kind == INPUT_REQUEST && d->expiration_ms &&
                    clock_mono_ms() - d->received_mono_ms > d->expiration_ms) {
                        bus_settle(TAKE(j->delivery), BUS_DONE, NULL);
                        job_free(j);
                        continue;
                }
                j->input.user = j;
                inputs[n++] = &j->input;
                if (d && d->redelivered)
                        break;
        }
        return n;
}

static void wait_for_store(struct worker *w, struct backoff *backoff)
{
        metric_add(&metric_away, 1);
        if (atomic_load(&w->stopping))
                return;
        queue_wait(w->queue, backoff_next_ms(backoff, random_u32()));
        take_new(w);
}

/* Callers need not wait for a database that is away: they are told that nothing was done, where that
 * is certain. */
static void refuse_call(struct worker *w, struct job *j)
{
        struct bus_delivery *d = j->delivery;
        struct fault why;

        if (!d || d->redelivered || j->input.kind != INPUT_REQUEST || !d->request->msg_id)
                return;
        fault_set(&why, 503, "service.unavailable",
                  "The database takes no changes at the moment; nothing was done, try again.");
        why.retry_after_ms = 5000;
        metric_add(&metric_refused, 1);
        bus_reply_fault(w->bus, d->request, &why);
        bus_settle(TAKE(j->delivery), BUS_DONE, NULL);
}

/* Those in hand, whose rows were not committed, and those behind them; the others wait on. */
static size_t refuse_calls(struct worker *w, const struct input **inputs, size_t n)
{
        size_t kept = 0;

        for (size_t i = 0; i < n; i++) {
                struct job *j = inputs[i]->user;

                if (!w->core.unsure)
                        refuse_call(w, j);
                if (is_refused(j))
                        job_free(j);
                else
                        inputs[kept++] = inputs[i];
        }
        for (struct job *j = w->first; j; j = (struct job *)(void *)j->item.next)
                refuse_call(w, j); /* gather() drops what is settled */
        return kept;
}

/* True: go on with it. Else it was begun too often, and is a dead letter now, or the store is away
 * and we are ending. */
static bool begin_again(struct worker *w, struct job *j)
{
        struct backoff backoff = { .first_ms = 50, .limit_ms = 1000 };
        char reason[96];
        int64_t times = 0;
        int r = redelivery_name(j->delivery->request, j->input.again);

        for (r = r < 0 ? r : STORE_LOST; r > 0;) {
                r = redelivery_count(w->store, j->input.again, clock_wall_ms(), &times);
                if (r > 0)
                        wait_for_store(w, &backoff);
                if (r > 0 && atomic_load(&w->stopping))
                        return false;
        }
        if (r < 0)
                log_error("redelivered_uncounted", "message=%s trace=\"%s\"", j->input.again,
                          err_trace());
        if (times <= w->settings->redeliveries)
                return true;
        snprintf(reason, sizeof reason, "it came again and was begun %lld times without an end",
                 (long long)times - 1);
        bad(w, &j->input, reason);
        return false;
}

static void run_batch(struct worker *w, const struct input **inputs, size_t n)
{
        const struct conductor_sink sink = {
                .sent = sent, .bad = bad, .now_ms = now_ms, .user = w
        };
        struct backoff backoff = { .first_ms = 50, .limit_ms = 1000 };
        struct job *first = inputs[0]->user;
        int64_t away_ms = 0; /* since when the store is */
        size_t at = 0;

        if (first->delivery && first->delivery->redelivered && !begin_again(w, first))
                at = n;

        while (at < n) {
                int64_t start = clock_mono_ms();
                size_t done = 0;
                int r;

                w->core.number = atomic_load(w->number);
                r = conductor_work(&w->core, inputs + at, n - at, &sink, &done);
                at += done;
                if (r != CONDUCTOR_LATER) {
                        metric_observe_ms(&metric_batch_ms, clock_mono_ms() - start);
                        away_ms = 0;
                        continue;
                }
                if (atomic_load(&w->stopping))
                        break; /* the broker keeps what is not settled */
                away_ms = away_ms ? away_ms : start;
                wait_for_store(w, &backoff);
                if (clock_mono_ms() - away_ms >= REFUSE_AFTER_MS)
                        n = at + refuse_calls(w, inputs + at, n - at);
        }
        for (size_t i = 0; i < n; i++)
                job_free(inputs[i]->user);
}

static void *work(void *user)
{
        struct worker *w = user;
        size_t limit = (size_t)w->settings->batch_max;
        const struct input **inputs = calloc(limit, sizeof(void *));

        while (inputs) {
                size_t n;

                take_new(w);
                n = gather(w, inputs, limit);
                if (n)
                        run_batch(w, inputs, n);
                else if (atomic_load(&w->stopping))
                        break;
                else
                        queue_wait(w->queue, 1000);
        }
        free(inputs);
        return NULL;
}

int worker_new(struct bus *bus, const struct conductor_settings *settings,
               const _Atomic int64_t *number, struct worker **ret, struct fault *why)
{
        struct worker *w = calloc(1, sizeof *w);
        int r = w ? queue_new(&w->queue) : -ENOMEM;

        if (r == 0)
                r = store_pg_new(settings->connection, 5, &w->store, why);
        if (r) {
                if (w)
                        queue_free(w->queue);
                free(w);
                return r;
        }
        w->bus = bus;
        w->settings = settings;
        w->number = number;
        w->last = &w->first;
        conductor_init(&w->core, w->store, atomic_load(number));
        w->core.open_max = settings->open_max;
        w->core.notifies = text_equal(settings->notify_driver, "messagingv2");
        w->core.quota = settings->quota;
        w->core.wans = settings->wans;
        w->core.n_wans = settings->n_wans;
        w->core.timing.step_percent = settings->step_percent;
        w->core.timing.apply_timeout_ms = settings->apply_timeout_s * 1000;
        w->core.timing.audit_ms = settings->audit_s * 1000;
        w->core.timing.quarantine_ms = settings->quarantine_s * 1000;
        w->core.timing.brake_percent = settings->brake_percent;
        w->core.timing.brake_least = settings->brake_least;
        r = pthread_create(&w->thread, NULL, work, w);
        w->started = r == 0;
        *ret = w;
        return r ? err_raise(-r) : 0;
}

static void drop_jobs(struct worker *w)
{
        take_new(w);
        while (w->first) {
                struct job *j = w->first;

                w->first = (struct job *)(void *)j->item.next;
                job_free(j);
        }
        w->last = &w->first;
}

void worker_stop(struct worker *w)
{
        atomic_store(&w->stopping, true);
        if (w->started)
                pthread_join(w->thread, NULL);
        w->started = false;
        drop_jobs(w);
}

struct worker *worker_free(struct worker *w)
{
        if (!w)
                return NULL;
        worker_stop(w);
        conductor_done(&w->core);
        store_free(w->store);
        queue_free(w->queue);
        free(w);
        return NULL;
}
