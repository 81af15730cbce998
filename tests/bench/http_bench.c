/* SPDX-License-Identifier: Apache-2.0 */
/* What tests/bench/http.sh measures with besides wrk. Usage:
 *
 *   http_bench bare PORT BYTES          evhttp alone, two loops, the same answer to everything; until SIGTERM
 *   http_bench own PORT BYTES           the same with src/http
 *   http_bench watch PORT DB N ROUNDS   N streams of events; how long until all have heard of one
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "http/server.h"
#include "store/pg.h"
#include "store/tables.h"

enum { BARE_LOOPS = 2, WATCHERS_MAX = 4000, WAIT_MS = 20000, HEARD_MAX = 64 * 1024 };

static void die(const char *what)
{
        fprintf(stderr, "http_bench: %s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
}

static struct sockaddr_in address(int port)
{
        return (struct sockaddr_in){ .sin_family = AF_INET,
                                     .sin_port = htons((uint16_t)port),
                                     .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

/* ---- bare ---- */

static int bare_port;
static char *bare_body;
static size_t bare_bytes;

static void on_bare(struct evhttp_request *q, void *user)
{
        struct evbuffer *body = evbuffer_new();

        (void)user;
        evhttp_add_header(evhttp_request_get_output_headers(q), "Content-Type", "application/json");
        evbuffer_add(body, bare_body, bare_bytes);
        evhttp_send_reply(q, 200, "OK", body);
        evbuffer_free(body);
}

static void *serve_bare(void *user)
{
        struct event_base *base = event_base_new();
        struct evhttp *http = evhttp_new(base);
        struct sockaddr_in at = address(bare_port);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

        if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
            setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0 ||
            bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 1024) != 0 ||
            evhttp_accept_socket(http, fd) != 0)
                die("bare");
        evhttp_set_gencb(http, on_bare, NULL);
        event_base_dispatch(base);
        return user;
}

static int bare(int port, size_t bytes)
{
        pthread_t threads[BARE_LOOPS];

        bare_port = port;
        bare_bytes = bytes;
        bare_body = malloc(bytes + 1);
        if (!bare_body)
                die("memory");
        memset(bare_body, 'x', bytes);
        for (int i = 0; i < BARE_LOOPS; i++)
                if (pthread_create(&threads[i], NULL, serve_bare, NULL) != 0)
                        die("thread");
        pthread_join(threads[0], NULL);
        return 0;
}

/* ---- own ---- */

static void on_own(struct http_request *q, void *local)
{
        const struct http_answer a = { .status = 200, .body = bare_body, .n_body = bare_bytes };

        (void)local;
        http_answer(q, &a);
}

static void on_reject(int status, const char *why, const char *request_id, struct text *ret)
{
        text_addf(ret, "%d %s %s", status, why, request_id);
}

static int own(int port, size_t bytes)
{
        const struct http_server_spec spec = {
                .host = "127.0.0.1",
                .port = port,
                .n_loops = BARE_LOOPS,
                .max_connections = 1000,
                .deadlines = { 75000, 10000, 30000, 30000 },
                .on_request = on_own,
                .on_reject = on_reject,
        };
        OWN(http_server_free) struct http_server *s = NULL;
        struct fault why;

        bare_bytes = bytes;
        bare_body = malloc(bytes + 1);
        if (!bare_body || http_server_new(&spec, &s, &why) != 0)
                die("own");
        memset(bare_body, 'x', bytes);
        pause();
        return 0;
}

/* ---- watch ---- */

struct watcher {
        int fd;
        int n_heard; /* events */
};
static struct watcher watchers[WATCHERS_MAX];

static void watcher_open(struct watcher *w, int port)
{
        static const char request[] = "GET /v1/events HTTP/1.1\r\nHost: bench\r\nX-Project-Id: watched\r\n"
                                      "Accept: text/event-stream\r\n\r\n";
        struct sockaddr_in at = address(port);

        w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (w->fd < 0 || connect(w->fd, (struct sockaddr *)&at, sizeof at) != 0 ||
            send(w->fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
                die("connecting");
}

/* Counts "data: " in what is there. */
static void watcher_read(struct watcher *w)
{
        static char heard[HEARD_MAX + 1];
        ssize_t n = recv(w->fd, heard, HEARD_MAX, 0);

        if (n <= 0)
                die("a stream ended");
        heard[n] = '\0';
        for (char *at = heard; (at = strstr(at, "\ndata: ")); at++)
                w->n_heard++;
}

/* Until each has heard of 'n_events'. */
static void hear_all(int n, int n_events)
{
        static struct pollfd polled[WATCHERS_MAX];
        int64_t until_ms = clock_mono_ms() + WAIT_MS;
        int n_missing = n;

        for (int i = 0; i < n; i++)
                polled[i] = (struct pollfd){ .fd = watchers[i].fd, .events = POLLIN };
        while (n_missing > 0) {
                if (poll(polled, (nfds_t)n, (int)(until_ms - clock_mono_ms())) <= 0)
                        die("an event was not heard");
                for (int i = 0; i < n; i++) {
                        if (!polled[i].revents)
                                continue;
                        watcher_read(&watchers[i]);
                        if (watchers[i].n_heard >= n_events) {
                                polled[i].fd = -1;
                                n_missing--;
                        }
                }
        }
}

static void put_event(struct store *s)
{
        struct event e = { .project_id = "watched", .object_type = "virtual_link", .type = "bench" };
        const void *row = &e;

        TEXT_SET(e.object_id, "dddddddd-0000-4000-8000-000000000001");
        e.at_ms = clock_wall_ms();
        if (store_begin(s) != STORE_OK || store_put(s, &store_tables[T_EVENT], &row, 1) != 0 ||
            store_commit(s) != STORE_OK)
                die("an event");
}

static int watch(int port, const char *connection, int n, int rounds)
{
        OWN(store_free) struct store *s = NULL;
        struct rlimit files = { WATCHERS_MAX + 100, WATCHERS_MAX + 100 };
        int64_t slowest_ms = 0, sum_ms = 0;

        setrlimit(RLIMIT_NOFILE, &files);
        if (n > WATCHERS_MAX || store_pg_new(connection, 5, &s, NULL) != 0)
                die("the database");
        for (int i = 0; i < n; i++)
                watcher_open(&watchers[i], port);
        /* Each says where it stands when it is open. */
        for (int i = 0; i < n; i++)
                watcher_read(&watchers[i]);
        poll(NULL, 0, 1000);
        for (int i = 0; i < n; i++)
                watchers[i].n_heard = 0;
        for (int round = 1; round <= rounds; round++) {
                int64_t began_ms = clock_mono_ms(), took_ms;

                put_event(s);
                hear_all(n, round);
                took_ms = clock_mono_ms() - began_ms;
                sum_ms += took_ms;
                slowest_ms = took_ms > slowest_ms ? took_ms : slowest_ms;
        }
        printf("watchers=%d\nall_heard_ms_mean=%lld\nall_heard_ms_max=%lld\n", n, (long long)(sum_ms / rounds),
               (long long)slowest_ms);
        fflush(stdout);
        pause(); /* so that the server's memory can be looked at */
        return 0;
}

int main(int argc, char **argv)
{
        if (argc == 4 && strcmp(argv[1], "bare") == 0)
                return bare(atoi(argv[2]), strtoul(argv[3], NULL, 10));
        if (argc == 4 && strcmp(argv[1], "own") == 0)
                return own(atoi(argv[2]), strtoul(argv[3], NULL, 10));
        if (argc == 6 && strcmp(argv[1], "watch") == 0)
                return watch(atoi(argv[2]), argv[3], atoi(argv[4]), atoi(argv[5]));
        fprintf(stderr, "http_bench: see the head of its source\n");
        return 2;
}
