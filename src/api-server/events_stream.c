/* SPDX-License-Identifier: Apache-2.0 */
/* The hub of a loop follows the history from where it stood when the first came; everyone who joined
 * has been told all that is for him up to there. Who resumes first reads for himself what he missed,
 * on the same connection: its answers come in the order of their snapshots, so when a page is not
 * full he has seen at least as much as the hub. */
#include "api-server/events_stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api-server/api.h"
#include "api-server/problem.h"
#include "api-server/query.h"
#include "api-server/routes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/metrics.h"

enum {
        LOOK_MS = 250,     /* without a hint */
        WITHHELD_MS = 100, /* while a transaction holds back others' events */
        ALIVE_MS = 15000,  /* a sign of life, also for proxies in between */
        LOOK_MAX = 500,
        PAGE_MAX = 200,
        PAGE_AT_ONCE = 64 * 1024, /* of unsent bytes; the next page waits for more to go */
        READ_MS = 5000,
        WHERE_MAX = 16,
        WATCHERS_MAX = 3000,         /* of a loop */
        PROJECT_WATCHERS_MAX = 1500, /* of them */
        RETRY_MS = 2000,
};

static struct metric watching = METRIC(METRIC_GAUGE, "atlas_api_watchers", NULL,
                                       "Event streams that are open");
static struct metric looks = METRIC(METRIC_COUNTER, "atlas_api_looks_total", NULL,
                                    "Questions for new events, for all watchers of a loop");

struct watcher {
        struct watcher *next, *prev;
        struct hub *hub;
        struct http_stream *stream; /* NULL: gone, but an answer is still to come */
        char project_id[PROJECT_SIZE];
        int64_t seen; /* the last event that was sent, or passed by */
        bool joined, asking, touched;
        bool mute; /* nothing can match */
        size_t n_where;
        struct store_where where[WHERE_MAX];
        const char **values;
        char *texts;
};
struct waiter {
        struct waiter *next, *prev;
        struct hub *hub;
        struct call *call;
        void (*then)(struct call *c, bool done);
        char operation_id[ID_SIZE];
        int64_t deadline_ms;
        bool asking, again;
};
struct hub {
        struct api_loop *loop;
        struct http_timer *timer;
        struct watcher *watchers;
        struct waiter *waiters;
        size_t n_watchers;
        int64_t at;   /* everything up to here has been handed out */
        bool started; /* 'at' is known */
        bool looking, again;
        int64_t alive_ms;
};

static void hub_look(struct hub *h);

/* ---- watchers ---- */

static void watcher_free(struct watcher *w)
{
        free(w->values);
        free(w->texts);
        free(w);
}

/* Out of the hub; the memory stays while an answer is to come. */
static void watcher_leave(struct watcher *w)
{
        struct hub *h = w->hub;

        w->stream = NULL;
        if (w->prev)
                w->prev->next = w->next;
        else
                h->watchers = w->next;
        if (w->next)
                w->next->prev = w->prev;
        h->n_watchers--;
        metric_add(&watching, -1);
        if (!w->asking)
                watcher_free(w);
}

static void on_gone(void *user)
{
        watcher_leave(user);
}

/* The query's conditions, with texts of their own; one place stays free for the id. */
static int watcher_filter(struct watcher *w, const struct query *q)
{
        size_t n_values = 0, n_bytes = 0;
        const char **value;
        char *text;

        for (size_t i = 0; i < q->n_where; i++)
                for (size_t j = 0; j < q->where[i].n_values; j++, n_values++)
                        n_bytes += strlen(q->where[i].values[j]) + 1;
        value = w->values = calloc(n_values + 1, sizeof *value);
        text = w->texts = malloc(n_bytes + 1);
        if (!value || !text)
                return -ENOMEM;
        for (size_t i = 0; i < q->n_where; i++) {
                struct store_where where = q->where[i];

                if (strcmp(where.column, "id") == 0 && where.compare == STORE_AFTER)
                        continue; /* the marker */
                if (w->n_where == WHERE_MAX - 1)
                        return -EINVAL;
                where.values = value;
                for (size_t j = 0; j < where.n_values; j++) {
                        *value++ = text;
                        text = stpcpy(text, q->where[i].values[j]) + 1;
                }
                w->where[w->n_where++] = where;
        }
        w->mute = q->nothing;
        return 0;
}

/* Less than, equal to or greater than 'value', which is of the column's kind. */
static int compare_column(const struct event *e, int64_t serial, const char *column,
                          const char *value)
{
        const struct store_column *c = store_tables[T_EVENT].columns;
        long long n = 0;
        int64_t own;

        while (c->name && strcmp(c->name, column) != 0)
                c++;
        if (c->name && c->kind != STORE_INT)
                return strcmp((const char *)e + c->offset, value);
        own = c->name ? *(const int64_t *)(const void *)((const char *)e + c->offset) : serial;
        text_to_int(value, INT64_MIN, INT64_MAX, &n);
        return own < n ? -1 : own > n;
}

static bool where_matches(const struct store_where *where, const struct event *e, int64_t serial)
{
        for (size_t i = 0; i < where->n_values; i++) {
                int order = compare_column(e, serial, where->column, where->values[i]);

                if (where->compare == STORE_IS ? order == 0
                    : where->compare == STORE_AT_LEAST ? order >= 0
                    : where->compare == STORE_AFTER    ? order > 0
                                                       : order < 0)
                        return true;
        }
        return false;
}

static bool watcher_wants(const struct watcher *w, const struct event *e, int64_t serial)
{
        if (!w->joined || w->mute || serial <= w->seen)
                return false;
        for (size_t i = 0; i < w->n_where; i++)
                if (!where_matches(&w->where[i], e, serial))
                        return false;
        return true;
}

static void render(const struct event *e, int64_t serial, struct text *ret)
{
        json_auto_t *body = NULL;
        char id[24], *bytes;

        snprintf(id, sizeof id, "%" PRId64, serial);
        body = json_pack("{so}", "event", event_to_json(e, id));
        bytes = body ? json_dumps(body, JSON_COMPACT) : NULL;
        text_reset(ret);
        text_addf(ret, "id: %s\ndata: ", id);
        text_add(ret, bytes);
        text_add(ret, "\n\n");
        ret->failed = ret->failed || !bytes;
        free(bytes);
}

/* A watcher that cannot be told something must not be told what comes after it. */
static void watcher_tell(struct watcher *w, const struct text *event, int64_t serial)
{
        w->seen = serial;
        w->touched = true;
        if (event->failed)
                http_stream_cut(w->stream);
        else
                http_stream_add(w->stream, event->bytes, event->n);
}

/* Its place in the history, which a client keeps even when no event is for it. */
static void watcher_say_place(struct watcher *w, const char *before)
{
        char place[80];
        int n = snprintf(place, sizeof place, "%sid: %" PRId64 "\n\n", before, w->seen);

        http_stream_add(w->stream, place, (size_t)n);
        http_stream_flush(w->stream);
}

static void on_page(int r, const struct store_rows *rows, const int64_t *serials, void *user)
{
        struct watcher *w = user;
        OWN(text_done) struct text text = { 0 };

        w->asking = false;
        if (!w->stream) {
                watcher_free(w);
                return;
        }
        if (r != 0)
                return; /* hub_tend() asks again */
        for (size_t i = 0; i < rows->n; i++) {
                render((const struct event *)rows->rows + i, serials[i], &text);
                watcher_tell(w, &text, serials[i]);
        }
        http_stream_flush(w->stream);
        w->touched = false;
        w->joined = rows->n < PAGE_MAX;
}

/* Asks for what it missed. */
static void watcher_catch_up(struct watcher *w)
{
        struct api_loop *loop = w->hub->loop;
        char after[24];
        const char *value = after;

        if (!api_can_read(loop))
                return;
        if (w->seen >= w->hub->at || w->mute) {
                w->joined = true;
                return;
        }
        snprintf(after, sizeof after, "%" PRId64, w->seen);
        w->where[w->n_where] = (struct store_where){ "id", STORE_AFTER, &value, 1 };
        if (store_reader_select(loop->reader, &store_tables[T_EVENT], w->where, w->n_where + 1,
                                "id", false, PAGE_MAX, READ_MS, on_page, w) == 0) {
                w->asking = true;
                api_kick_reader(loop);
        }
}

/* The hub knows where it is: those who came for what is new join there, the others catch up. */
static void watcher_start(struct watcher *w)
{
        if (w->seen < 0) {
                w->seen = w->hub->at;
                w->joined = true;
        }
        watcher_say_place(w, "retry: 1000\n");
        if (!w->joined)
                watcher_catch_up(w);
}

/* ---- waiters ---- */

static void waiter_end(struct waiter *w, bool done)
{
        if (w->prev)
                w->prev->next = w->next;
        else
                w->hub->waiters = w->next;
        if (w->next)
                w->next->prev = w->prev;
        w->then(w->call, done);
        free(w);
}

static void waiter_look(struct waiter *w);

static void on_operation(int r, const struct store_rows *rows, const int64_t *serials, void *user)
{
        struct waiter *w = user;
        const struct operation *o = r == 0 && rows->n ? rows->rows : NULL;
        bool over = clock_mono_ms() >= w->deadline_ms || http_loop_draining(w->hub->loop->http) ||
                    !api_can_read(w->hub->loop);

        (void)serials;
        w->asking = false;
        if (o && o->result != OP_RUNNING)
                waiter_end(w, o->result == OP_DONE);
        else if (over)
                waiter_end(w, false);
        else if (w->again)
                waiter_look(w);
}

static void waiter_look(struct waiter *w)
{
        struct api_loop *loop = w->hub->loop;
        const char *id = w->operation_id;
        const struct store_where by_id = { "id", STORE_IS, &id, 1 };

        w->again = w->asking;
        if (w->asking)
                return;
        w->asking = true;
        if (api_can_read(loop) &&
            store_reader_select(loop->reader, &store_tables[T_OPERATION], &by_id, 1, NULL, false, 1,
                                READ_MS, on_operation, w) == 0)
                api_kick_reader(loop);
        else
                on_operation(-ENOMEM, NULL, NULL, w);
}

/* ---- the hub ---- */

static void hub_hand_out(struct hub *h, const struct event *e, int64_t serial)
{
        OWN(text_done) struct text text = { 0 };

        for (struct watcher *w = h->watchers; w; w = w->next) {
                if (!watcher_wants(w, e, serial))
                        continue;
                if (!text.n)
                        render(e, serial, &text);
                watcher_tell(w, &text, serial);
        }
        for (struct waiter *w = h->waiters, *next; w; w = next) {
                next = w->next;
                if (strcmp(w->operation_id, e->operation_id) == 0)
                        waiter_look(w);
        }
        h->at = serial;
}

/* What is due besides events: pages of those who catch up, signs of life, waits that are over. */
static void hub_tend(struct hub *h)
{
        int64_t now_ms = clock_mono_ms();
        bool alive = now_ms - h->alive_ms >= ALIVE_MS;

        if (alive)
                h->alive_ms = now_ms;
        for (struct watcher *w = h->watchers; w; w = w->next) {
                if (w->touched)
                        http_stream_flush(w->stream);
                w->touched = false;
                if (!w->joined && !w->asking && h->started &&
                    http_stream_waiting(w->stream) <= PAGE_AT_ONCE)
                        watcher_catch_up(w);
                if (w->joined && w->seen < h->at)
                        w->seen = h->at;
                if (alive)
                        watcher_say_place(w, ": alive\n");
        }
        for (struct waiter *w = h->waiters, *next; w; w = next) {
                next = w->next;
                if (now_ms >= w->deadline_ms || http_loop_draining(h->loop->http))
                        waiter_look(w);
        }
}

static void hub_next_look(struct hub *h, int64_t ms)
{
        h->looking = false;
        atomic_store(&h->loop->follows, h->watchers || h->waiters);
        if (!h->watchers && !h->waiters)
                h->started = false; /* the next who comes starts from what is then */
        else if (h->again || ms == 0)
                hub_look(h);
        else
                http_timer_set(h->timer, ms);
}

static void on_look(int r, const struct store_rows *rows, const int64_t *serials, void *user)
{
        struct hub *h = user;

        for (size_t i = 0; i < rows->n; i++)
                hub_hand_out(h, (const struct event *)rows->rows + i, serials[i]);
        hub_tend(h);
        hub_next_look(h, r == STORE_WITHHELD ? WITHHELD_MS : rows->n == LOOK_MAX ? 0 : LOOK_MS);
}

static void on_start(int r, const struct store_rows *rows, const int64_t *serials, void *user)
{
        struct hub *h = user;

        if (r == 0) {
                h->at = rows->n ? serials[0] : 0;
                h->started = true;
                for (struct watcher *w = h->watchers; w; w = w->next)
                        watcher_start(w);
        }
        hub_tend(h);
        hub_next_look(h, LOOK_MS);
}

static void hub_look(struct hub *h)
{
        const struct store_table *t = &store_tables[T_EVENT];
        struct api_loop *loop = h->loop;
        int r;

        h->again = h->looking;
        if (h->looking || !api_can_read(loop))
                return;
        h->looking = true;
        metric_add(&looks, 1);
        r = h->started ? store_reader_follow(loop->reader, t, h->at, LOOK_MAX, READ_MS, on_look, h)
                       : store_reader_select(loop->reader, t, NULL, 0, "id", true, 1, READ_MS,
                                             on_start, h);
        if (r == 0)
                api_kick_reader(loop);
        else
                hub_next_look(h, LOOK_MS);
}

static void on_time(void *user)
{
        struct hub *h = user;

        if (!h->looking)
                hub_look(h);
}

static struct hub *hub_of(struct api_loop *loop)
{
        struct hub *h = loop->hub;

        if (h)
                return h;
        h = calloc(1, sizeof *h);
        if (!h || http_timer_new(loop->http, on_time, h, &h->timer) != 0) {
                free(h);
                return NULL;
        }
        h->loop = loop;
        return loop->hub = h;
}

static void run_hint(struct http_post *post)
{
        struct api_loop *loop =
                (struct api_loop *)((char *)post - offsetof(struct api_loop, hint));

        atomic_store(&loop->hinted, false);
        if (loop->hub && (loop->hub->watchers || loop->hub->waiters))
                hub_look(loop->hub);
}

void events_hint(struct api_loop *loop)
{
        if (!atomic_load(&loop->follows) || atomic_exchange(&loop->hinted, true))
                return;
        loop->hint.run = run_hint;
        http_loop_post(loop->http, &loop->hint);
}

void events_done(struct api_loop *loop)
{
        struct hub *h = loop->hub;

        if (!h)
                return;
        while (h->watchers) {
                http_stream_free(h->watchers->stream);
                watcher_leave(h->watchers);
        }
        while (h->waiters)
                waiter_end(h->waiters, false);
        http_timer_free(h->timer);
        free(h);
        loop->hub = NULL;
}

/* ---- who comes ---- */

/* "Last-Event-ID", or the marker; -1: only what is new. */
static bool read_place(const struct call *c, const struct query *q, int64_t *ret, struct fault *why)
{
        const char *last = http_message_field(&c->q->message, "last-event-id");
        long long n = -1;

        last = last && *last ? last : q->marker;
        if (last && !text_to_int(last, 0, INT64_MAX, &n)) {
                fault_set(why, 400, "request.invalid_header",
                          "The header Last-Event-ID has to be the id of an event.");
                fault_details(why, "{\"header\": \"Last-Event-ID\"}");
                return false;
        }
        *ret = n;
        return true;
}

static bool hub_has_room(const struct hub *h, const char *project_id, struct fault *why)
{
        size_t n = 0;

        for (const struct watcher *w = h->watchers; w; w = w->next)
                n += strcmp(w->project_id, project_id) == 0;
        if (n < PROJECT_WATCHERS_MAX && h->n_watchers < WATCHERS_MAX)
                return true;
        fault_set(why, n < PROJECT_WATCHERS_MAX ? 503 : 429, "events.too_many_watchers",
                  "Too many streams of events are open here; close one, or try again later.");
        why->retry_after_ms = RETRY_MS;
        return false;
}

static int watcher_new(struct call *c, struct hub *h, struct watcher **ret, struct fault *why)
{
        struct query *q = malloc(sizeof *q);
        struct watcher *w = calloc(1, sizeof *w);
        int r = -ENOMEM;

        problem_internal(why);
        if (q && w) {
                r = query_read(c->q->message.query, &event_resource, &c->who, q, why);
                if (r == QUERY_OK && !read_place(c, q, &w->seen, why))
                        r = QUERY_INVALID;
                if (r == QUERY_OK && !hub_has_room(h, c->who.project_id, why))
                        r = QUERY_INVALID;
                r = r == QUERY_OK ? watcher_filter(w, q) : r;
        }
        free(q);
        if (r != 0) {
                if (w)
                        watcher_free(w);
                return r;
        }
        TEXT_SET(w->project_id, c->who.project_id);
        w->hub = h;
        *ret = w;
        return 0;
}

static void watch(struct call *c)
{
        struct api_loop *loop = c->loop;
        struct hub *h = hub_of(loop);
        struct watcher *w = NULL;
        struct fault why;

        if (!store_reader_ready(loop->reader)) {
                problem_unavailable(&why, "database");
                call_refuse(c, &why);
                return;
        }
        if (!h)
                problem_internal(&why);
        if (!h || watcher_new(c, h, &w, &why) != 0) {
                call_refuse(c, &why);
                return;
        }
        w->next = h->watchers;
        if (w->next)
                w->next->prev = w;
        h->watchers = w;
        h->n_watchers++;
        metric_add(&watching, 1);
        w->stream = call_stream(c, "text/event-stream", on_gone, w);
        if (h->started)
                watcher_start(w);
        else if (!h->looking)
                hub_look(h);
}

void events_list(struct call *c)
{
        const char *accept = http_message_field(&c->q->message, "accept");

        if (c->q->message.method == HTTP_GET && accept && strcasestr(accept, "text/event-stream"))
                watch(c);
        else
                read_list(c);
}

int events_wait_s(const struct call *c)
{
        const char *prefer = http_message_field(&c->q->message, "prefer");
        const char *at = prefer ? strcasestr(prefer, "wait=") : NULL;
        long long n = 0;
        char digits[8];

        if (!at || (at > prefer && !strchr(" ,;\t", at[-1])))
                return 0;
        at += strlen("wait=");
        snprintf(digits, sizeof digits, "%.*s", (int)strspn(at, "0123456789"), at);
        if (!text_to_int(digits, 1, 9999999, &n))
                return 0;
        return n < EVENTS_WAIT_MAX_S ? (int)n : EVENTS_WAIT_MAX_S;
}

void events_wait(struct call *c, const char *operation_id, int wait_s,
                 void (*then)(struct call *c, bool done))
{
        struct hub *h = api_can_read(c->loop) ? hub_of(c->loop) : NULL;
        struct waiter *w = h ? calloc(1, sizeof *w) : NULL;

        if (!w) {
                then(c, false);
                return;
        }
        *w = (struct waiter){ .hub = h,
                              .call = c,
                              .then = then,
                              .deadline_ms = clock_mono_ms() + wait_s * 1000,
                              .next = h->waiters };
        TEXT_SET(w->operation_id, operation_id);
        if (w->next)
                w->next->prev = w;
        h->waiters = w;
        if (!h->looking && !h->started)
                hub_look(h);
        /* It may have ended between the conductor's answer and now. */
        waiter_look(w);
}
