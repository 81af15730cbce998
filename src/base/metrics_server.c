/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that answers /metrics and /healthz. */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>

#include "base/err.h"
#include "base/metrics.h"

enum { REQUEST_TIMEOUT_S = 10, HEADERS_MAX = 8192, BODY_MAX = 1024 };

struct metrics_server {
        struct event_base *base;
        struct evhttp *http;
        struct event *stop;
        int stop_fd, port;
        pthread_t thread;
        bool runs;
};

static void reply(struct evhttp_request *request, const char *type, const char *body, size_t n)
{
        struct evbuffer *buffer = evhttp_request_get_output_buffer(request);

        evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", type);
        evbuffer_add(buffer, body, n);
        evhttp_send_reply(request, HTTP_OK, "OK", NULL);
}

static void on_metrics(struct evhttp_request *request, void *arg)
{
        struct text text = { 0 };

        (void)arg;
        metrics_render(&text);
        if (text.failed)
                evhttp_send_error(request, HTTP_SERVUNAVAIL, NULL);
        else
                reply(request, "text/plain; version=0.0.4", text.bytes ? text.bytes : "", text.n);
        text_done(&text);
}

static void on_healthz(struct evhttp_request *request, void *arg)
{
        (void)arg;
        reply(request, "text/plain", "ok\n", 3);
}

static void on_stop(evutil_socket_t fd, short what, void *arg)
{
        struct metrics_server *s = arg;

        (void)fd;
        (void)what;
        event_base_loopbreak(s->base);
}

static void *serve(void *arg)
{
        struct metrics_server *s = arg;

        event_base_dispatch(s->base);
        return NULL;
}

static int listen_on(struct metrics_server *s, const char *host, int port)
{
        struct evhttp_bound_socket *bound;
        struct sockaddr_storage address = { 0 };
        socklen_t n = sizeof address;

        errno = 0;
        bound = evhttp_bind_socket_with_handle(s->http, host, (ev_uint16_t)port);
        if (!bound)
                return err_raise(errno ? -errno : -EADDRNOTAVAIL);
        if (getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &n) < 0)
                return err_raise(-errno);
        s->port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                      : ((struct sockaddr_in *)&address)->sin_port);
        return 0;
}

/* Signals are for the thread that daemon.h gives them to. */
static int start(struct metrics_server *s)
{
        sigset_t all, before;
        int r;

        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&s->thread, NULL, serve, s);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (r != 0)
                return err_raise(-r);
        s->runs = true;
        return 0;
}

int metrics_server_new(const char *host, int port, struct metrics_server **ret)
{
        OWN(metrics_server_free) struct metrics_server *s = calloc(1, sizeof *s);
        int r;

        if (!s)
                return err_raise(-ENOMEM);
        s->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (s->stop_fd < 0)
                return err_raise(-errno);
        s->base = event_base_new();
        s->http = s->base ? evhttp_new(s->base) : NULL;
        s->stop = s->http ? event_new(s->base, s->stop_fd, EV_READ, on_stop, s) : NULL;
        if (!s->stop || event_add(s->stop, NULL) < 0)
                return err_raise(-ENOMEM);
        evhttp_set_allowed_methods(s->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
        evhttp_set_timeout(s->http, REQUEST_TIMEOUT_S);
        evhttp_set_max_headers_size(s->http, HEADERS_MAX);
        evhttp_set_max_body_size(s->http, BODY_MAX);
        evhttp_set_cb(s->http, "/metrics", on_metrics, NULL);
        evhttp_set_cb(s->http, "/healthz", on_healthz, NULL);
        r = listen_on(s, host, port);
        r = r ? r : start(s);
        if (r != 0)
                return err_pass(r);
        *ret = TAKE(s);
        return 0;
}

int metrics_server_port(const struct metrics_server *s)
{
        return s->port;
}

struct metrics_server *metrics_server_free(struct metrics_server *s)
{
        if (!s)
                return NULL;
        if (s->runs) {
                eventfd_write(s->stop_fd, 1);
                pthread_join(s->thread, NULL);
        }
        if (s->stop)
                event_free(s->stop);
        if (s->http)
                evhttp_free(s->http);
        if (s->base)
                event_base_free(s->base);
        if (s->stop_fd >= 0)
                close(s->stop_fd);
        free(s);
        return NULL;
}
