/* SPDX-License-Identifier: Apache-2.0 */
/* Questions wait until the next pump, which sends them all with one Sync behind them. After an
 * error the server passes over what stands before the Sync; those questions are asked again, each
 * by itself. */
#include "store/reader.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "store/pg_connect.h"
#include "store/pg_sql.h"
#include "store/reader_question.h"

enum {
        CONNECT_MS = 5000,    /* one attempt, over all hosts */
        STUCK_MS = 8000,      /* no word for so long while one is owed: the connection is dead */
        TICK_MS = 50,         /* how exactly deadlines are kept */
        ATTEMPTS_MAX = 5,     /* of a question that is passed over for others' errors */
        STATEMENTS_MAX = 400, /* forms of questions that are kept prepared */
        BACKOFF_FIRST_MS = 50,
        BACKOFF_LIMIT_MS = 1000,
        LOG_EVERY_MS = 1000,
};

/* What the server owes a result for, in order. */
enum owed_kind { OWED_PREPARE, OWED_ROWS, OWED_SYNC };
struct owed {
        struct owed *next;
        enum owed_kind kind;
        struct pg_statement *statement;
        struct questions asked; /* empty once their time was up */
};

enum state { DOWN, CONNECTING, UP };
struct store_reader {
        char *connection;
        PGconn *conn;
        enum state state;
        PostgresPollingStatusType polling;
        struct pg_statements statements;
        struct questions waiting;
        struct owed *owed, **owed_end;
        bool answered; /* the first owed has its result, only its end is missing */
        struct backoff backoff;
        int64_t again_ms;    /* DOWN: the next attempt; CONNECTING: the end of this one */
        int64_t heard_ms;    /* last result, or since when one is owed */
        int64_t earliest_ms; /* no deadline is before */
        int poll_fd, wake_fd, timer_fd;
        bool ticking;
        uint32_t watched; /* epoll's events of the socket while UP */
};

static void reader_wake(struct store_reader *r)
{
        uint64_t one = 1;

        /* A counter that is full is readable already. */
        if (write(r->wake_fd, &one, sizeof one) < 0)
                return;
}

static void reader_tick(struct store_reader *r, bool on)
{
        struct itimerspec every = { .it_interval.tv_nsec = on ? TICK_MS * 1000000 : 0 };

        if (on == r->ticking)
                return;
        every.it_value = every.it_interval;
        timerfd_settime(r->timer_fd, 0, &every, NULL);
        r->ticking = on;
}

static struct owed *owed_add(struct store_reader *r, enum owed_kind kind)
{
        struct owed *o = calloc(1, sizeof *o);

        if (o) {
                o->kind = kind;
                o->asked.end = &o->asked.first;
                *r->owed_end = o;
                r->owed_end = &o->next;
        }
        return o;
}

static void owed_pop(struct store_reader *r)
{
        struct owed *o = r->owed;

        r->owed = o->next;
        if (!r->owed)
                r->owed_end = &r->owed;
        free(o);
}

static void reader_drop(struct store_reader *r, int64_t now_ms, const char *why)
{
        static struct log_limit limit;
        struct questions lost = { .end = &lost.first };

        if (log_allowed(&limit, LOG_EVERY_MS))
                log_warn("reader_disconnected", "reason=\"%.*s\"", (int)strcspn(why, "\n"), why);
        for (struct question *q; r->owed; owed_pop(r))
                while ((q = questions_take(&r->owed->asked)))
                        questions_add(&lost, q);
        r->conn = pg_close(r->conn);
        r->state = DOWN;
        r->watched = 0;
        r->answered = false;
        r->again_ms = now_ms + backoff_next_ms(&r->backoff, random_u32());
        pg_statements_forget(&r->statements);
        questions_end(&lost, -ECONNRESET);
}

/* Makes our descriptor readable when the connection's socket is. libpq may close one socket and
 * open another of the same number: so the kernel is asked, not remembered, until the connection
 * stands. */
static void reader_watch(struct store_reader *r, uint32_t events)
{
        struct epoll_event e = { .events = events };
        int fd = PQsocket(r->conn);

        if (r->watched == events || fd < 0)
                return;
        if (epoll_ctl(r->poll_fd, EPOLL_CTL_MOD, fd, &e) < 0)
                epoll_ctl(r->poll_fd, EPOLL_CTL_ADD, fd, &e);
        r->watched = r->state == UP ? events : 0;
}

static bool socket_ready(const struct store_reader *r)
{
        struct pollfd p = {
                .fd = PQsocket(r->conn),
                .events = r->polling == PGRES_POLLING_READING ? POLLIN : POLLOUT,
        };

        return poll(&p, 1, 0) > 0;
}

static void reader_connect(struct store_reader *r, int64_t now_ms)
{
        if (r->state == DOWN && now_ms >= r->again_ms) {
                r->conn = pg_connect_start(r->connection, &pg_reading);
                r->polling = PGRES_POLLING_WRITING;
                r->state = CONNECTING;
                r->again_ms = now_ms + CONNECT_MS;
        }
        if (r->state != CONNECTING)
                return;
        if (PQstatus(r->conn) != CONNECTION_BAD && socket_ready(r))
                r->polling = PQconnectPoll(r->conn);
        if (PQstatus(r->conn) == CONNECTION_BAD || r->polling == PGRES_POLLING_FAILED) {
                reader_drop(r, now_ms, PQerrorMessage(r->conn));
        } else if (r->polling == PGRES_POLLING_OK) {
                PQsetnonblocking(r->conn, 1);
                PQenterPipelineMode(r->conn);
                r->state = UP;
                backoff_reset(&r->backoff);
        } else if (now_ms >= r->again_ms) {
                reader_drop(r, now_ms, "no connection in time");
        } else {
                reader_watch(r, r->polling == PGRES_POLLING_READING ? EPOLLIN : EPOLLOUT);
        }
}

static void ask_again(struct store_reader *r, struct questions *all)
{
        struct questions given_up = { .end = &given_up.first };
        struct question *q;

        while ((q = questions_take(all)))
                questions_add(++q->attempts < ATTEMPTS_MAX ? &r->waiting : &given_up, q);
        questions_end(&given_up, -EIO);
}

static void answer_error(struct store_reader *r, struct questions *asked, const PGresult *result)
{
        static struct log_limit limit;
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

        if (!state) { /* the connection's end */
                questions_end(asked, -ECONNRESET);
        } else if (strcmp(state, "26000") == 0) { /* its PREPARE was passed over */
                ask_again(r, asked);
        } else {
                if (log_allowed(&limit, LOG_EVERY_MS))
                        log_error("reader_failed", "sqlstate=%s reason=\"%s\"", state,
                                  PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
                questions_end(asked, strcmp(state, "57014") == 0 ? -ETIMEDOUT : -EIO);
        }
}

static void take_result(struct store_reader *r, struct owed *o, const PGresult *result)
{
        ExecStatusType status = PQresultStatus(result);

        if (o->kind == OWED_PREPARE)
                o->statement->prepared = status == PGRES_COMMAND_OK ? PG_PREPARED : PG_NEW;
        if (!o->asked.first)
                return;
        if (status == PGRES_TUPLES_OK)
                questions_answer(&o->asked, result);
        else if (status == PGRES_PIPELINE_ABORTED)
                ask_again(r, &o->asked);
        else
                answer_error(r, &o->asked, result);
}

/* False: the connection is gone. */
static bool reader_receive(struct store_reader *r, int64_t now_ms)
{
        if (!PQconsumeInput(r->conn))
                return false;
        while (r->owed && !PQisBusy(r->conn)) {
                struct owed *o = r->owed;
                OWN(pg_clear) PGresult *result = PQgetResult(r->conn);

                if (!result && !r->answered)
                        return false;
                if (result) {
                        r->heard_ms = now_ms;
                        if (o->kind != OWED_SYNC)
                                take_result(r, o, result);
                }
                /* Behind a statement's result stands NULL; behind a Sync's nothing. */
                r->answered = result && o->kind != OWED_SYNC;
                if (!r->answered)
                        owed_pop(r);
        }
        return PQstatus(r->conn) == CONNECTION_OK;
}

static bool send_prepare(struct store_reader *r, struct pg_statement *st)
{
        struct owed *o = owed_add(r, OWED_PREPARE);

        if (!o || !PQsendPrepare(r->conn, st->name, st->sql, st->n_types, st->types))
                return false;
        o->statement = st;
        st->prepared = PG_ASKED;
        return true;
}

static bool send_select(struct store_reader *r, const struct reader_select *s)
{
        const char *values[READER_PARAMETERS_MAX];
        int lengths[READER_PARAMETERS_MAX], formats[READER_PARAMETERS_MAX];
        struct pg_statement *st = pg_known(&r->statements, s->sql.bytes);

        if (!st && r->statements.statements.n < STATEMENTS_MAX)
                st = pg_plain(&r->statements, s->sql.bytes, s->types, s->n);
        if (st && st->prepared == PG_NEW && !send_prepare(r, st))
                return false;
        for (int i = 0; i < s->n; i++) {
                size_t start = i ? s->ends[i - 1] : 0;

                values[i] = s->bytes.bytes + start;
                lengths[i] = (int)(s->ends[i] - start);
                formats[i] = 1;
        }
        return st ? PQsendQueryPrepared(r->conn, st->name, s->n, values, lengths, formats, 1)
                  : PQsendQueryParams(r->conn, s->sql.bytes, s->n, s->types, values, lengths,
                                      formats, 1);
}

/* The first that waits, with those that can be asked together with it. False: the connection is
 * gone (or memory is); they are owed then, or still wait. */
static bool reader_send(struct store_reader *r)
{
        struct questions crowd = { .end = &crowd.first };
        struct reader_select together = { 0 }, *s;
        struct owed *o;
        bool sent;

        questions_take_crowd(&r->waiting, &crowd);
        s = crowd.first->by ? &together : &crowd.first->select;
        sent = (!crowd.first->by || questions_select(&crowd, &together) == 0) && send_select(r, s);
        reader_select_done(&together);
        o = owed_add(r, OWED_ROWS);
        for (struct question *q; (q = questions_take(&crowd));)
                questions_add(o ? &o->asked : &r->waiting, q);
        return o && sent;
}

static bool reader_sync(struct store_reader *r)
{
        return owed_add(r, OWED_SYNC) && PQpipelineSync(r->conn);
}

/* A question that is asked again may be the one at fault: it gets a Sync of its own. */
static bool reader_send_waiting(struct store_reader *r, int64_t now_ms)
{
        struct question *q;
        bool open = false;

        if (r->waiting.first && !r->owed)
                r->heard_ms = now_ms;
        while ((q = r->waiting.first)) {
                bool again = q->attempts > 0;

                if (!reader_send(r) || (again && !reader_sync(r)))
                        return false;
                open = !again;
        }
        return !open || reader_sync(r);
}

/* Answers questions whose time is up; results that are still owed will be passed over. */
static void reader_expire(struct store_reader *r, int64_t now_ms)
{
        struct questions late = { .end = &late.first };

        if (now_ms < r->earliest_ms)
                return;
        r->earliest_ms = INT64_MAX;
        questions_expire(&r->waiting, now_ms, &r->earliest_ms, &late);
        for (struct owed *o = r->owed; o; o = o->next)
                questions_expire(&o->asked, now_ms, &r->earliest_ms, &late);
        questions_end(&late, -ETIMEDOUT);
}

static void reader_run(struct store_reader *r, int64_t now_ms)
{
        int unsent;

        if (!reader_receive(r, now_ms) || !reader_send_waiting(r, now_ms)) {
                reader_drop(r, now_ms, PQerrorMessage(r->conn));
                return;
        }
        unsent = PQflush(r->conn);
        if (unsent < 0)
                reader_drop(r, now_ms, PQerrorMessage(r->conn));
        else if (r->owed && now_ms - r->heard_ms > STUCK_MS)
                reader_drop(r, now_ms, "no answer in time");
        else
                reader_watch(r, unsent ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void store_reader_pump(struct store_reader *r)
{
        int64_t now_ms = clock_mono_ms();
        uint64_t count;
        ssize_t woken = read(r->wake_fd, &count, sizeof count),
                ticked = read(r->timer_fd, &count, sizeof count);

        (void)woken; /* both are only there to wake us */
        (void)ticked;
        reader_connect(r, now_ms);
        if (r->state == UP)
                reader_run(r, now_ms);
        reader_expire(r, now_ms);
        reader_tick(r, r->state != UP || r->owed || r->waiting.first);
}

static int reader_ask(struct store_reader *r, const struct reader_question *asked, int deadline_ms,
                      store_on_rows on_rows, void *user)
{
        struct question *q;
        int e = question_new(asked, &q);

        if (e < 0)
                return err_pass(e);
        q->on_rows = on_rows;
        q->user = user;
        q->deadline_ms = clock_mono_ms() + deadline_ms;
        if (q->deadline_ms < r->earliest_ms)
                r->earliest_ms = q->deadline_ms;
        if (!r->waiting.first)
                reader_wake(r);
        questions_add(&r->waiting, q);
        return 0;
}

int store_reader_select(struct store_reader *r, const struct store_table *t,
                        const struct store_where *where, size_t n_where, const char *order,
                        bool descending, size_t limit, int deadline_ms, store_on_rows on_rows,
                        void *user)
{
        const struct reader_question asked = {
                .table = t,
                .where = where,
                .n_where = n_where,
                .order = order,
                .descending = descending,
                .limit = limit,
        };

        return reader_ask(r, &asked, deadline_ms, on_rows, user);
}

int store_reader_follow(struct store_reader *r, const struct store_table *t, int64_t after,
                        size_t limit, int deadline_ms, store_on_rows on_rows, void *user)
{
        char text[24];
        const char *value = text;
        const struct store_where behind = { "id", STORE_AFTER, &value, 1 };
        const struct reader_question asked = {
                .table = t, .where = &behind, .n_where = 1, .order = "id", .limit = limit, .follows = true
        };

        snprintf(text, sizeof text, "%" PRId64, after);

        return reader_ask(r, &asked, deadline_ms, on_rows, user);
}

int store_reader_page(struct store_reader *r, const struct store_page *page, int deadline_ms,
                      store_on_rows on_rows, void *user)
{
        const struct reader_question asked = {
                .table = page->table,
                .where = page->where,
                .n_where = page->n_where,
                .limit = page->limit,
                .by = page->order,
                .n_by = page->n_order,
        };

        return reader_ask(r, &asked, deadline_ms, on_rows, user);
}

int store_reader_fd(const struct store_reader *r)
{
        return r->poll_fd;
}

bool store_reader_ready(const struct store_reader *r)
{
        return r->state == UP;
}

int store_reader_new(const char *connection, struct store_reader **ret)
{
        OWN(store_reader_free) struct store_reader *r = calloc(1, sizeof *r);
        struct epoll_event in = { .events = EPOLLIN };

        if (!r)
                return err_raise(-ENOMEM);
        r->waiting.end = &r->waiting.first;
        r->owed_end = &r->owed;
        r->earliest_ms = INT64_MAX;
        r->backoff = (struct backoff){ .first_ms = BACKOFF_FIRST_MS, .limit_ms = BACKOFF_LIMIT_MS };
        r->poll_fd = epoll_create1(EPOLL_CLOEXEC);
        r->wake_fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
        r->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        r->connection = strdup(connection);
        if (r->poll_fd < 0 || r->wake_fd < 0 || r->timer_fd < 0 || !r->connection ||
            epoll_ctl(r->poll_fd, EPOLL_CTL_ADD, r->wake_fd, &in) < 0 ||
            epoll_ctl(r->poll_fd, EPOLL_CTL_ADD, r->timer_fd, &in) < 0)
                return err_raise(errno ? -errno : -ENOMEM);
        *ret = TAKE(r);
        return 0;
}

static void close_if_open(int fd)
{
        if (fd > 0)
                close(fd);
}

struct store_reader *store_reader_free(struct store_reader *r)
{
        if (!r)
                return NULL;
        for (; r->owed; owed_pop(r))
                questions_end(&r->owed->asked, -ECONNRESET);
        questions_end(&r->waiting, -ECONNRESET);
        pg_close(r->conn);
        pg_statements_done(&r->statements);
        close_if_open(r->poll_fd);
        close_if_open(r->wake_fd);
        close_if_open(r->timer_fd);
        free(r->connection);
        free(r);
        return NULL;
}
