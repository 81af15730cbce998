#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Inside src/http only: what server.c (threads, listening), loop.c (posts, watches) and conn.c
 * (connections) share. */

#include <event2/event.h>
#include <pthread.h>
#include <semaphore.h>

#include "http/server.h"

struct conn;
struct http_loop {
        const struct http_server_spec *spec;
        struct event_base *base;
        struct queue *posts;
        struct event *on_posts, *on_accept, *on_tick;
        int listen_fd;
        struct conn *conns; /* all, doubly linked */
        int n_conns;
        bool accepting; /* the listener is being watched */
        bool draining, ended;
        void *local;
        pthread_t thread;
        bool has_thread;
        sem_t is_over; /* posted by the thread when it ends */
        struct http_post drain, stop;
};

int loop_init(struct http_loop *loop, const struct http_server_spec *spec, int listen_fd);
void loop_done(struct http_loop *loop);
void loop_run_posts(struct http_loop *loop);

/* Takes what waits in the listen queue. */
void conn_accept_all(struct http_loop *loop);
/* Closes what has been silent for too long. */
void conn_tick(struct http_loop *loop);
/* Closes idle connections and, with 'all', every other one too; running requests stay until
 * answered. */
void conn_close_idle(struct http_loop *loop, bool all);
/* Frees what is left when the loop has ended. */
void conn_free_all(struct http_loop *loop);
