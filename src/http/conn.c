/* SPDX-License-Identifier: Apache-2.0 */
/* One client's connection: reads a request, hands it to the handler, writes the answer, again. One
 * request runs at a time; pipelined ones wait in the input. Events are edge-triggered, so a busy
 * connection costs one read and one write for each request. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/uuid.h"
#include "http/loop.h"

enum {
        INPUT_FIRST = 4096,
        INPUT_KEEP = 65536,
        OUTPUT_HIGH = 256 * 1024,
        TURN_MAX = 64,
        LINGER_MS = 2000,
        STREAM_KEEP = 2048, /* of a stream's output, when all is sent */
        DISCARD_MAX = 1024 * 1024,
};

enum state {
        READING,   /* nothing of the next request, or a part of it, is here */
        RUNNING,   /* lent to the handler */
        STREAMING, /* an answer that goes on */
        CLOSING,   /* the last answer is on its way out */
        LINGERING, /* and is out: what still comes in is thrown away, so that no reset destroys it
                    */
};

struct conn {
        struct http_request q;
        struct http_loop *loop;
        struct conn *next, *prev;
        int fd; /* -1: the client has gone */
        enum state state;
        struct event *on_readable, *on_writable;
        bool readable, blocked; /* what the last event and the last write said */
        bool turning;
        bool half; /* the client will send no more */
        char *in;
        size_t n_in, in_room, used;
        char saved;
        struct http_parse parse;
        struct text out;
        size_t out_at, discarded;
        void (*on_gone)(void *user); /* of STREAMING */
        void *stream_user;
        bool cut; /* something of the stream is missing: nothing may follow */
        int64_t deadline_ms; /* monotonic; 0: none */
        int phase;           /* of READING: what the deadline is about */
};
enum phase { PHASE_IDLE, PHASE_HEAD, PHASE_BODY };

static void conn_turn(struct conn *c);

static void conn_watch_accept(struct http_loop *loop, bool accepting)
{
        if (loop->draining || loop->accepting == accepting)
                return;
        loop->accepting = accepting;
        if (accepting)
                event_add(loop->on_accept, NULL);
        else
                event_del(loop->on_accept);
}

/* Ends the socket; the memory stays while a handler has the request. */
static void conn_hang_up(struct conn *c)
{
        if (c->on_readable)
                event_free(TAKE(c->on_readable));
        if (c->on_writable)
                event_free(TAKE(c->on_writable));
        if (c->fd >= 0)
                close(c->fd);
        c->fd = -1;
        c->deadline_ms = 0;
}

static void conn_free(struct conn *c)
{
        struct http_loop *loop = c->loop;

        conn_hang_up(c);
        if (c->state == STREAMING)
                c->on_gone(c->stream_user);
        if (c->prev)
                c->prev->next = c->next;
        else
                loop->conns = c->next;
        if (c->next)
                c->next->prev = c->prev;
        loop->n_conns--;
        text_done(&c->out);
        free(c->in);
        free(c);
        if (loop->ended)
                return;
        if (loop->draining && loop->n_conns == 0)
                event_base_loopbreak(loop->base);
        else
                conn_watch_accept(loop, true);
}

static void conn_phase(struct conn *c, enum phase phase)
{
        const struct http_deadlines *d = &c->loop->spec->deadlines;
        const int ms[] = {
                [PHASE_IDLE] = d->idle_ms, [PHASE_HEAD] = d->head_ms, [PHASE_BODY] = d->body_ms
        };

        c->phase = phase;
        if (!c->blocked)
                c->deadline_ms = clock_mono_ms() + ms[phase];
}

/* ---- writing ---- */

static const char *status_text(int status)
{
        static const struct {
                int status;
                const char *text;
        } texts[] = {
                /* clang-format off */
                { 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" },
                { 300, "Multiple Choices" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
                { 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
                { 406, "Not Acceptable" }, { 408, "Request Timeout" }, { 409, "Conflict" },
                { 412, "Precondition Failed" }, { 413, "Content Too Large" }, { 414, "URI Too Long" },
                { 417, "Expectation Failed" }, { 429, "Too Many Requests" },
                { 431, "Request Header Fields Too Large" }, { 500, "Internal Server Error" },
                { 501, "Not Implemented" }, { 503, "Service Unavailable" }, { 504, "Gateway Timeout" },
                { 505, "HTTP Version Not Supported" },
                /* clang-format on */
        };

        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
                if (texts[i].status == status)
                        return texts[i].text;
        return "Unknown";
}

static const char *date_now(void)
{
        static _Thread_local char text[40];
        static _Thread_local time_t of;
        time_t now = time(NULL);
        struct tm tm;

        if (now != of && gmtime_r(&now, &tm)) {
                strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
                of = now;
        }
        return text;
}

static void write_answer(struct conn *c, const struct http_answer *a, bool keep)
{
        const char *type = a->content_type ? a->content_type : "application/json";
        bool bodiless = a->status == 204 || a->status == 304;

        text_addf(&c->out, "HTTP/1.1 %d %s\r\nDate: %s\r\nX-Openstack-Request-Id: %s\r\n",
                  a->status, status_text(a->status), date_now(), c->q.id);
        if (!bodiless)
                text_addf(&c->out, "Content-Type: %s\r\nContent-Length: %zu\r\n", type, a->n_body);
        if (a->headers)
                text_add(&c->out, a->headers);
        text_add(&c->out, keep ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
        if (!bodiless && a->n_body && c->q.message.method != HTTP_HEAD)
                text_add_n(&c->out, a->body, a->n_body);
}

/* Writes what it can. False when the client is gone. */
static bool conn_flush(struct conn *c)
{
        bool was_blocked = c->blocked;

        if (c->cut)
                return false;
        c->blocked = false;
        while (c->out_at < c->out.n) {
                ssize_t n =
                        send(c->fd, c->out.bytes + c->out_at, c->out.n - c->out_at, MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno != EAGAIN)
                        return false;
                if (n < 0) {
                        c->blocked = true;
                        break;
                }
                c->out_at += (size_t)n;
        }
        if (!c->blocked) {
                c->out_at = 0;
                if (c->out.room > (c->state == STREAMING ? STREAM_KEEP : OUTPUT_HIGH))
                        text_done(&c->out);
                text_reset(&c->out);
        }
        if (c->blocked && !was_blocked) {
                c->deadline_ms = clock_mono_ms() + c->loop->spec->deadlines.write_ms;
                event_add(c->on_writable, NULL);
        } else if (!c->blocked && was_blocked) {
                event_del(c->on_writable);
                c->deadline_ms = 0;
                if (c->state == READING)
                        conn_phase(c, c->n_in ? PHASE_HEAD : PHASE_IDLE);
        }
        return !c->out.failed;
}

/* ---- reading ---- */

/* Reads once. False when the client is gone. */
static bool conn_read(struct conn *c)
{
        ssize_t n;

        /* One byte stays free for the parser. */
        if (c->n_in + 1 >= c->in_room) {
                size_t room = c->in_room ? c->in_room * 2 : INPUT_FIRST;
                char *in;

                room = room > HTTP_INPUT_MAX + 1 ? HTTP_INPUT_MAX + 1 : room;
                in = realloc(c->in, room);
                if (!in)
                        return false;
                c->in = in;
                c->in_room = room;
        }
        n = recv(c->fd, c->in + c->n_in, c->in_room - 1 - c->n_in, 0);
        if (n < 0 && errno == EINTR)
                return true;
        if (n < 0) {
                c->readable = false;
                return errno == EAGAIN;
        }
        if (n == 0) {
                c->half = true;
                c->readable = false;
                return true;
        }
        if ((size_t)n < c->in_room - 1 - c->n_in)
                c->readable = false;
        c->n_in += (size_t)n;
        if (c->phase == PHASE_IDLE)
                conn_phase(c, PHASE_HEAD);
        return true;
}

static void conn_discard(struct conn *c)
{
        char bytes[4096];
        ssize_t n = 1;

        while (c->readable && c->discarded < DISCARD_MAX) {
                n = recv(c->fd, bytes, sizeof bytes, 0);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        break;
                c->discarded += (size_t)n;
        }
        c->readable = false;
        if (n == 0 || (n < 0 && errno != EAGAIN) || c->discarded >= DISCARD_MAX)
                c->deadline_ms = 1; /* long past: conn_turn() ends it */
}

static void new_request(struct conn *c)
{
        char uuid[UUID_TEXT];

        uuid_new(uuid);
        snprintf(c->q.id, sizeof c->q.id, "req-%s", uuid);
        c->q.loop = c->loop;
        c->q.received_us = clock_mono_us();
}

static void conn_refuse(struct conn *c, int status, const char *why)
{
        OWN(text_done) struct text body = { 0 };
        struct http_answer a = { .status = status };

        new_request(c);
        c->q.message.method = HTTP_OTHER;
        c->loop->spec->on_reject(status, why, c->q.id, &body);
        a.body = body.bytes;
        a.n_body = body.n;
        write_answer(c, &a, false);
        c->state = CLOSING;
}

/* What is here of a request: MORE, or one step was made. */
static int conn_parse(struct conn *c)
{
        const char *why = "";
        int r = http_parse(&c->parse, c->in, c->n_in, &c->used, &c->saved, &why);

        if (r == HTTP_MORE && c->n_in >= HTTP_INPUT_MAX) {
                r = 413;
                why = "The chunks of the body are too many.";
        }
        if (r == HTTP_MORE) {
                if (c->parse.n_head && c->phase != PHASE_BODY)
                        conn_phase(c, PHASE_BODY);
                if (c->parse.wants_continue && c->parse.n_head == c->n_in) {
                        c->parse.wants_continue = false;
                        text_add(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
                }
                return HTTP_MORE;
        }
        if (r != HTTP_DONE) {
                conn_refuse(c, r, why);
                return HTTP_DONE;
        }
        new_request(c);
        c->q.message = c->parse.message;
        c->state = RUNNING;
        c->deadline_ms = 0;
        c->loop->spec->on_request(&c->q, c->loop->local);
        return HTTP_DONE;
}

/* Makes the connection ready for the request behind the answered one. */
static void conn_next(struct conn *c, bool keep)
{
        c->in[c->used] = c->saved;
        c->n_in -= c->used;
        memmove(c->in, c->in + c->used, c->n_in);
        if (c->n_in == 0 && c->in_room > INPUT_KEEP) {
                free(TAKE(c->in));
                c->in_room = 0;
        }
        c->parse = (struct http_parse){ 0 };
        c->state = keep ? READING : CLOSING;
        conn_phase(c, c->n_in ? PHASE_HEAD : PHASE_IDLE);
}

void http_answer(struct http_request *q, const struct http_answer *a)
{
        struct conn *c = (struct conn *)q;
        bool keep = q->message.keep_alive && !c->loop->draining && a->status != 408;

        if (c->fd < 0 || c->loop->ended) {
                c->state = CLOSING;
                if (!c->turning)
                        conn_free(c);
                return;
        }
        write_answer(c, a, keep);
        conn_next(c, keep);
        if (!c->turning)
                conn_turn(c);
}

/* ---- streams ---- */

void http_stream_cut(struct http_stream *s)
{
        struct conn *c = (struct conn *)s;

        c->cut = true;
        c->deadline_ms = 1; /* conn_tick() ends it */
}

size_t http_stream_waiting(const struct http_stream *s)
{
        const struct conn *c = (const struct conn *)s;

        return c->out.n - c->out_at;
}

struct http_stream *http_stream_new(struct http_request *q, const char *content_type,
                                    void (*on_gone)(void *user), void *user)
{
        struct conn *c = (struct conn *)q;

        text_addf(&c->out,
                  "HTTP/1.1 200 OK\r\nDate: %s\r\nX-Openstack-Request-Id: %s\r\nContent-Type: %s\r\n"
                  "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\nConnection: close\r\n\r\n",
                  date_now(), c->q.id, content_type);
        c->state = STREAMING;
        c->on_gone = on_gone;
        c->stream_user = user;
        c->q.message = (struct http_message){ 0 };
        free(TAKE(c->in));
        c->n_in = c->in_room = 0;
        c->deadline_ms = 0;
        if (c->half || c->fd < 0)
                http_stream_cut((struct http_stream *)c);
        return (struct http_stream *)c;
}

void http_stream_add(struct http_stream *s, const char *bytes, size_t n)
{
        struct conn *c = (struct conn *)s;

        if (c->out.n + n <= OUTPUT_HIGH && !c->cut)
                text_add_n(&c->out, bytes, n);
        else
                http_stream_cut(s);
}

void http_stream_flush(struct http_stream *s)
{
        struct conn *c = (struct conn *)s;

        if (c->fd >= 0 && !conn_flush(c))
                http_stream_cut(s);
}

struct http_stream *http_stream_free(struct http_stream *s)
{
        struct conn *c = (struct conn *)s;

        if (!c)
                return NULL;
        c->state = CLOSING;
        if (c->turning)
                return NULL;
        if (c->fd < 0 || c->loop->ended)
                conn_free(c);
        else
                conn_turn(c);
        return NULL;
}

/* One step of READING; false when nothing more can be done now. */
static bool conn_step(struct conn *c, size_t *seen)
{
        if (c->n_in > *seen || (c->n_in && *seen == 0)) {
                *seen = c->n_in;
                if (conn_parse(c) == HTTP_DONE) {
                        *seen = 0;
                        return true;
                }
        }
        if (c->half || !c->readable)
                return false;
        if (!conn_read(c)) {
                conn_hang_up(c);
                return false;
        }
        return true;
}

/* Does all that can be done now, and frees the connection when that was its end. */
static void conn_turn(struct conn *c)
{
        size_t seen = 0;
        int n_steps = 0;
        bool again = false;

        c->turning = true;
        while (c->fd >= 0 && c->state == READING && !c->blocked && conn_step(c, &seen))
                if (c->out.n >= OUTPUT_HIGH || ++n_steps == TURN_MAX) {
                        /* The others' turn; this one goes on afterwards. */
                        event_active(c->on_readable, EV_READ, 0);
                        again = true;
                        break;
                }
        if (c->fd >= 0 && !conn_flush(c))
                conn_hang_up(c);
        if (c->fd >= 0 && c->state == READING && c->half && !c->blocked && !again)
                conn_hang_up(c);
        if (c->fd >= 0 && c->state == CLOSING && !c->blocked) {
                shutdown(c->fd, SHUT_WR);
                c->state = LINGERING;
                c->deadline_ms = clock_mono_ms() + LINGER_MS;
                c->readable = !c->half;
                if (c->half)
                        c->deadline_ms = 1;
        }
        if (c->fd >= 0 && (c->state == LINGERING || c->state == STREAMING)) {
                conn_discard(c);
                if (c->deadline_ms == 1)
                        conn_hang_up(c);
        }
        c->turning = false;
        if (c->fd < 0 && c->state != RUNNING)
                conn_free(c);
}

static void on_readable(evutil_socket_t fd, short what, void *user)
{
        struct conn *c = user;

        (void)fd;
        (void)what;
        c->readable = true;
        if (c->state != RUNNING)
                conn_turn(c);
}

static void on_writable(evutil_socket_t fd, short what, void *user)
{
        (void)fd;
        (void)what;
        conn_turn(user);
}

/* ---- coming and going ---- */

static void conn_new(struct http_loop *loop, int fd)
{
        struct conn *c = calloc(1, sizeof *c);
        int one = 1;

        if (!c) {
                close(fd);
                return;
        }
        c->loop = loop;
        c->fd = fd;
        c->next = loop->conns;
        if (c->next)
                c->next->prev = c;
        loop->conns = c;
        loop->n_conns++;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        c->on_readable = event_new(loop->base, fd, EV_READ | EV_PERSIST | EV_ET, on_readable, c);
        c->on_writable = event_new(loop->base, fd, EV_WRITE | EV_PERSIST | EV_ET, on_writable, c);
        if (!c->on_readable || !c->on_writable || event_add(c->on_readable, NULL) != 0) {
                conn_free(c);
                return;
        }
        conn_phase(c, PHASE_IDLE);
        c->readable = true;
        conn_turn(c);
}

void conn_accept_all(struct http_loop *loop)
{
        static struct log_limit limit;

        while (loop->n_conns < loop->spec->max_connections) {
                int fd = accept4(loop->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

                if (fd >= 0) {
                        conn_new(loop, fd);
                        continue;
                }
                if (errno == EAGAIN)
                        return;
                if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                        /* conn_tick() tries again. */
                        if (log_allowed(&limit, 10000))
                                log_warn("http.accept", "error=%s", strerrorname_np(errno));
                        break;
                }
        }
        conn_watch_accept(loop, false);
}

/* For a client that does not take what is written: what the kernel still holds for it goes too. */
static void conn_reset(struct conn *c)
{
        struct linger none = { .l_onoff = 1, .l_linger = 0 };

        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
        conn_hang_up(c);
}

void conn_tick(struct http_loop *loop)
{
        int64_t now = clock_mono_ms();

        for (struct conn *c = loop->conns, *next; c; c = next) {
                next = c->next;
                if (c->deadline_ms == 0 || now < c->deadline_ms)
                        continue;
                if (c->blocked)
                        conn_reset(c);
                else if (c->state == READING && c->phase != PHASE_IDLE)
                        conn_refuse(c, 408,
                                    c->phase == PHASE_HEAD ? "The header took too long to arrive."
                                                           : "The body took too long to arrive.");
                else
                        conn_hang_up(c);
                if (c->fd >= 0 || c->state != RUNNING)
                        conn_turn(c);
        }
        if (loop->n_conns < loop->spec->max_connections)
                conn_watch_accept(loop, true);
}

void conn_close_idle(struct http_loop *loop, bool all)
{
        for (struct conn *c = loop->conns, *next; c; c = next) {
                next = c->next;
                if (all || c->state == LINGERING || c->state == STREAMING ||
                    (c->state == READING && c->phase == PHASE_IDLE && !c->blocked)) {
                        conn_hang_up(c);
                        if (c->state != RUNNING)
                                conn_free(c);
                }
        }
}

void conn_free_all(struct http_loop *loop)
{
        while (loop->conns)
                conn_free(loop->conns);
}
