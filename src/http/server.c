/* SPDX-License-Identifier: Apache-2.0 */
/* Listening, one thread per loop, and an orderly end. */
#include "http/server.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "http/loop.h"

enum { BACKLOG = 1024 };

struct http_server {
        struct http_server_spec spec;
        char *host;
        int port;
        bool drained;
        int n_loops;
        struct http_loop loops[];
};

/* A socket bound to 'a', or -1 with errno. With 'shared' other sockets of ours may have the same
 * port. */
static int bound(const struct addrinfo *a, bool shared)
{
        int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1,
            error;

        if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
            (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0) &&
            bind(fd, a->ai_addr, a->ai_addrlen) == 0)
                return fd;
        error = errno;
        if (fd >= 0)
                close(fd);
        errno = error;
        return -1;
}

/* Listens for one loop. The 'first' looks whether the port is free: with SO_REUSEPORT alone a
 * forgotten process would silently take half of the requests. */
static int listen_at(const char *host, int port, bool first, struct fault *why)
{
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *all = NULL;
        char service[16];
        int fd = -1, error;

        snprintf(service, sizeof service, "%d", port);
        error = getaddrinfo(host, service, &hints, &all);
        if (error != 0) {
                fault_set(why, 500, "http.listen", "%s is no address to listen at: %s", host,
                          gai_strerror(error));
                return -1;
        }
        error = 0;
        for (struct addrinfo *a = all; a && fd < 0; a = a->ai_next) {
                int probe = first && port != 0 ? bound(a, false) : -1;

                error = errno;
                if (first && port != 0 && probe < 0)
                        continue;
                if (probe >= 0)
                        close(probe);
                fd = bound(a, true);
                if (fd >= 0 && listen(fd, BACKLOG) == 0)
                        break;
                error = errno;
                if (fd >= 0)
                        close(fd);
                fd = -1;
        }
        freeaddrinfo(all);
        if (fd < 0)
                fault_set(why, 500, "http.listen", "Cannot listen at %s port %d: %s", host, port,
                          strerror(error));
        return fd;
}

static int port_of(int fd)
{
        struct sockaddr_storage address;
        socklen_t n = sizeof address;
        char service[16];
        long long port = 0;

        if (getsockname(fd, (struct sockaddr *)&address, &n) == 0 &&
            getnameinfo((struct sockaddr *)&address, n, NULL, 0, service, sizeof service,
                        NI_NUMERICSERV) == 0)
                text_to_int(service, 1, 65535, &port);
        return (int)port;
}

static void *loop_main(void *user)
{
        struct http_loop *loop = user;

        event_base_dispatch(loop->base);
        if (loop->spec->on_stop)
                loop->spec->on_stop(loop, loop->local);
        loop->ended = true;
        sem_post(&loop->is_over);
        return NULL;
}

static void run_drain(struct http_post *post)
{
        struct http_loop *loop =
                (struct http_loop *)((char *)post - offsetof(struct http_loop, drain));

        /* What the kernel has already accepted for us would be reset with the listener. */
        if (loop->accepting)
                conn_accept_all(loop);
        loop->draining = true;
        event_del(loop->on_accept);
        loop->accepting = false;
        close(loop->listen_fd);
        loop->listen_fd = -1;
        conn_close_idle(loop, false);
        if (loop->n_conns == 0)
                event_base_loopbreak(loop->base);
}

static void run_stop(struct http_post *post)
{
        struct http_loop *loop =
                (struct http_loop *)((char *)post - offsetof(struct http_loop, stop));

        conn_close_idle(loop, true);
        event_base_loopbreak(loop->base);
}

static int start_loops(struct http_server *s, int first_fd, struct fault *why)
{
        int fd = first_fd, r;

        for (int i = 0; i < s->n_loops; i++) {
                if (i > 0)
                        fd = listen_at(s->host, s->port, false, why);
                if (fd < 0)
                        return err_raise(-EADDRINUSE);
                r = loop_init(&s->loops[i], &s->spec, fd);
                s->loops[i].drain.run = run_drain;
                s->loops[i].stop.run = run_stop;
                if (r == 0 && s->spec.on_start)
                        r = s->spec.on_start(&s->loops[i], s->spec.user, &s->loops[i].local);
                if (r != 0)
                        return err_pass(r);
        }
        for (int i = 0; i < s->n_loops; i++) {
                r = pthread_create(&s->loops[i].thread, NULL, loop_main, &s->loops[i]);
                if (r != 0)
                        return err_raise(-r);
                s->loops[i].has_thread = true;
        }
        return 0;
}

int http_server_new(const struct http_server_spec *spec, struct http_server **ret,
                    struct fault *why)
{
        OWN(http_server_free) struct http_server *s = NULL;
        int fd, r;

        fault_clear(why);
        s = calloc(1, sizeof *s + (size_t)spec->n_loops * sizeof *s->loops);
        if (!s)
                return err_raise(-ENOMEM);
        s->spec = *spec;
        for (int i = 0; i < spec->n_loops; i++) {
                s->loops[i].listen_fd = -1;
                sem_init(&s->loops[i].is_over, 0, 0);
        }
        s->n_loops = spec->n_loops;
        s->host = strdup(spec->host);
        if (!s->host)
                return err_raise(-ENOMEM);
        s->spec.host = s->host;
        fd = listen_at(s->host, spec->port, true, why);
        if (fd < 0)
                return err_raise(-EADDRINUSE);
        s->port = port_of(fd);
        r = start_loops(s, fd, why);
        if (r != 0) {
                if (!fault_is_set(why))
                        fault_set(why, 500, "http.start", "The HTTP server cannot start: %s",
                                  strerror(-r));
                return err_pass(r);
        }
        *ret = TAKE(s);
        return 0;
}

int http_server_port(const struct http_server *s)
{
        return s->port;
}

/* Waits for the thread's end until then; false when it still runs. */
static bool join_until(struct http_loop *loop, int64_t deadline_mono_ms)
{
        struct timespec until = { deadline_mono_ms / 1000, deadline_mono_ms % 1000 * 1000000 };

        if (!loop->has_thread)
                return true;
        while (sem_clockwait(&loop->is_over, CLOCK_MONOTONIC, &until) != 0)
                if (errno != EINTR)
                        return false;
        pthread_join(loop->thread, NULL);
        loop->has_thread = false;
        return true;
}

bool http_server_drain(struct http_server *s, int timeout_ms)
{
        int64_t deadline = clock_mono_ms() + timeout_ms;
        bool all = true;

        if (s->drained)
                return true;
        s->drained = true;
        for (int i = 0; i < s->n_loops; i++)
                if (s->loops[i].has_thread)
                        http_loop_post(&s->loops[i], &s->loops[i].drain);
        for (int i = 0; i < s->n_loops; i++) {
                struct http_loop *loop = &s->loops[i];

                if (join_until(loop, deadline))
                        continue;
                all = false;
                http_loop_post(loop, &loop->stop);
                pthread_join(loop->thread, NULL);
                loop->has_thread = false;
        }
        return all;
}

struct http_server *http_server_free(struct http_server *s)
{
        if (!s)
                return NULL;
        http_server_drain(s, 0);
        for (int i = 0; i < s->n_loops; i++) {
                struct http_loop *loop = &s->loops[i];

                if (loop->local && !loop->ended && s->spec.on_stop)
                        s->spec.on_stop(loop, loop->local);
                loop->ended = true;
                if (loop->posts)
                        loop_run_posts(loop);
                conn_free_all(loop);
                loop_done(loop);
                sem_destroy(&loop->is_over);
        }
        free(s->host);
        free(s);
        return NULL;
}
