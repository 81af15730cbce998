#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP/1.1 server: N loops, each a thread with its own listener (SO_REUSEPORT) and its own
 * connections. A request belongs to one loop from its first byte to its answer; answers may come
 * later, and other threads hand work to a loop with http_loop_post(). Everything a client can hold
 * up has a total deadline. Knows no path and no JSON. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/own.h"
#include "base/queue.h"
#include "base/text.h"
#include "http/parse.h"

enum { HTTP_REQUEST_ID = 41 }; /* "req-", a UUID, NUL */

struct http_server;
struct http_loop;

/* A request that was read whole. Lent to the handler until it is answered, which must happen
 * exactly once; it stays readable until then even when the client has gone. */
struct http_request {
        struct http_message message;
        char id[HTTP_REQUEST_ID]; /* also the answer's X-Openstack-Request-Id */
        struct http_loop *loop;
        int64_t received_us; /* monotonic: when it was whole */
};
struct http_answer {
        int status;
        const char *content_type; /* NULL: application/json */
        const char *headers;      /* further fields, each ended by CRLF; NULL: none */
        const char *body;         /* borrowed, copied */
        size_t n_body;
};
/* In the request's loop only. */
void http_answer(struct http_request *q, const struct http_answer *a);

/* An answer that goes on: what is added until its end, which is the connection's. From here on the
 * request cannot be read. 'on_gone' is called once, from the loop and never from one of these
 * calls, when the client went, did not take what was written, or the server drains; the stream is no
 * more then. All in the request's loop only. */
struct http_stream;
struct http_stream *http_stream_new(struct http_request *q, const char *content_type,
                                    void (*on_gone)(void *user), void *user);
/* Adds to what goes out at the next flush. Who lets too much wait is cut off. */
void http_stream_add(struct http_stream *s, const char *bytes, size_t n);
void http_stream_flush(struct http_stream *s);
/* Bytes that the client has not taken yet. */
size_t http_stream_waiting(const struct http_stream *s);
/* Something could not be added: nothing may follow, and the loop ends it as if the client had gone. */
void http_stream_cut(struct http_stream *s);
/* Ends it without 'on_gone'; what was added still goes out. */
struct http_stream *http_stream_free(struct http_stream *s);
OWN_DEFINE(struct http_stream *, http_stream_free)

/* Milliseconds; all are totals, not gaps between bytes. */
struct http_deadlines {
        int idle_ms;  /* between requests of a connection */
        int head_ms;  /* from a request's first byte to the end of its header */
        int body_ms;  /* from there to the end of its body */
        int write_ms; /* for the client to take an answer */
};
struct http_server_spec {
        const char *host;
        int port; /* 0 picks one */
        int n_loops;
        int max_connections; /* of each loop; more wait in the kernel */
        struct http_deadlines deadlines;
        void *user;
        /* For each loop, before its thread starts and at its thread's end. '*ret_local' is the
         * loop's own; posts that come after the end still see it. */
        int (*on_start)(struct http_loop *loop, void *user, void **ret_local);
        void (*on_stop)(struct http_loop *loop, void *local);
        void (*on_request)(struct http_request *q, void *local);
        /* A request that could not be read: writes the body of the answer. */
        void (*on_reject)(int status, const char *why, const char *request_id, struct text *ret);
};
/* Listens, starts the loops; serves when it returns. */
int http_server_new(const struct http_server_spec *spec, struct http_server **ret,
                    struct fault *why);
int http_server_port(const struct http_server *s);
/* Stops listening, closes idle connections, lets running requests be answered for at most
 * 'timeout_ms', ends the threads. True when all were. Posts are still taken afterwards, and run by
 * http_server_free(). */
bool http_server_drain(struct http_server *s, int timeout_ms);
struct http_server *http_server_free(struct http_server *s);
OWN_DEFINE(struct http_server *, http_server_free)

void *http_loop_local(const struct http_loop *loop);
/* The server ends: what waits for something should be answered. */
bool http_loop_draining(const struct http_loop *loop);

/* Work for a loop, from any thread: 'run' is called in the loop's thread, once, in order.
 * Intrusive. */
struct http_post {
        struct queue_item item;
        void (*run)(struct http_post *post);
};
void http_loop_post(struct http_loop *loop, struct http_post *post);

/* A descriptor of somebody else's, watched in the loop: 'on_event' runs in its thread while the
 * descriptor is readable, and soon after http_watch_kick(). All only in the loop's thread, or
 * before it starts. */
struct http_watch;
int http_watch_new(struct http_loop *loop, int fd, void (*on_event)(void *user), void *user,
                   struct http_watch **ret);
/* Calls 'on_event' once before the loop waits again, however often it is kicked: work of one turn
 * goes out together. */
void http_watch_kick(struct http_watch *w);
struct http_watch *http_watch_free(struct http_watch *w);
OWN_DEFINE(struct http_watch *, http_watch_free)

/* An alarm of the loop's: 'on_time' runs once for each http_timer_set(), which also moves one that
 * is set. All only in the loop's thread. */
struct http_timer;
int http_timer_new(struct http_loop *loop, void (*on_time)(void *user), void *user,
                   struct http_timer **ret);
void http_timer_set(struct http_timer *t, int64_t ms);
struct http_timer *http_timer_free(struct http_timer *t);
OWN_DEFINE(struct http_timer *, http_timer_free)
