/* SPDX-License-Identifier: Apache-2.0 */
/* The server against raw sockets: clients that are slow, greedy, rude or gone. */
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/unit.h"

#include "base/clock.h"
#include "http/server.h"

enum { WAIT_MS = 5000, ROOM = 1 << 20 };

/* The handler of all tests: "/now" answers at once, "/later" from another thread, "/never" when the test says. */
struct later {
        struct http_post post; /* first */
        struct http_request *q;
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct http_request *held;
static _Atomic int n_started, n_stopped;

static void answer(struct http_request *q, int status)
{
        char body[256];
        int n = snprintf(body, sizeof body, "%s %s?%s %zu", http_method_name[q->message.method],
                         q->message.path, q->message.query, q->message.n_body);
        struct http_answer a = { .status = status, .content_type = "text/plain", .body = body, .n_body = (size_t)n };

        http_answer(q, &a);
}

static void run_later(struct http_post *post)
{
        struct later *l = (struct later *)post;

        answer(l->q, 202);
        free(l);
}

static void answer_later(struct http_request *q)
{
        struct later *l = calloc(1, sizeof *l);

        assert_non_null(l);
        l->post.run = run_later;
        l->q = q;
        http_loop_post(q->loop, &l->post);
}

static void *answerer(void *user)
{
        answer_later(user);
        return NULL;
}

/* "/stream": begins, and goes on as long as the test says. */
static struct http_stream *stream;
static atomic_int n_gone;
static struct stream_work {
        struct http_post post; /* first */
        size_t n_bytes;        /* to add; 0: end it */
        atomic_bool done;
} stream_work;

static void on_stream_gone(void *user)
{
        assert_ptr_equal(user, &stream);
        stream = NULL;
        n_gone++;
}

static void run_stream_work(struct http_post *post)
{
        struct stream_work *w = (struct stream_work *)post;
        char *bytes = malloc(w->n_bytes + 1);

        assert_non_null(bytes);
        memset(bytes, 's', w->n_bytes);
        if (stream && w->n_bytes) {
                http_stream_add(stream, bytes, w->n_bytes);
                http_stream_flush(stream);
        } else if (stream) {
                stream = http_stream_free(stream);
        }
        free(bytes);
        w->done = true;
}

static struct http_loop *stream_loop;

static void work_on_stream(size_t n_bytes)
{
        stream_work.n_bytes = n_bytes;
        stream_work.done = false;
        stream_work.post.run = run_stream_work;
        http_loop_post(stream_loop, &stream_work.post);
        for (int64_t until = clock_mono_ms() + WAIT_MS; !stream_work.done; poll(NULL, 0, 1))
                assert_true(clock_mono_ms() < until);
}

static void wait_gone(int n)
{
        for (int64_t until = clock_mono_ms() + WAIT_MS; n_gone < n; poll(NULL, 0, 1))
                assert_true(clock_mono_ms() < until);
        assert_int_equal(n_gone, n);
}

static void on_request(struct http_request *q, void *local)
{
        pthread_t thread;

        assert_non_null(local);
        if (strcmp(q->message.path, "/later") == 0) {
                assert_int_equal(pthread_create(&thread, NULL, answerer, q), 0);
                pthread_detach(thread);
        } else if (strcmp(q->message.path, "/never") == 0) {
                pthread_mutex_lock(&lock);
                held = q;
                pthread_mutex_unlock(&lock);
        } else if (strcmp(q->message.path, "/stream") == 0) {
                stream_loop = q->loop;
                stream = http_stream_new(q, "text/plain", on_stream_gone, &stream);
                http_stream_add(stream, "begun.", 6);
                http_stream_flush(stream);
        } else if (strcmp(q->message.path, "/big") == 0) {
                char *body = calloc(1, ROOM * 8);
                struct http_answer a = { .status = 200, .body = body, .n_body = ROOM * 8 };

                http_answer(q, &a);
                free(body);
        } else {
                answer(q, strcmp(q->message.path, "/204") == 0 ? 204 : 200);
        }
}

static struct http_request *take_held(void)
{
        for (int64_t until = clock_mono_ms() + WAIT_MS; clock_mono_ms() < until;) {
                struct http_request *q;

                pthread_mutex_lock(&lock);
                q = held;
                held = NULL;
                pthread_mutex_unlock(&lock);
                if (q)
                        return q;
                poll(NULL, 0, 1);
        }
        fail_msg("no request came");
        return NULL;
}

static void on_reject(int status, const char *why, const char *request_id, struct text *ret)
{
        text_addf(ret, "rejected %d %s %s", status, why, request_id);
}

static int on_start(struct http_loop *loop, void *user, void **ret_local)
{
        (void)loop;
        n_started++;
        *ret_local = user;
        return 0;
}

static void on_stop(struct http_loop *loop, void *local)
{
        (void)loop;
        (void)local;
        n_stopped++;
}

static struct http_server *serve_with(int n_loops, int max_connections)
{
        struct http_server_spec spec = {
                .host = "127.0.0.1",
                .n_loops = n_loops,
                .max_connections = max_connections,
                .deadlines = { .idle_ms = 1000, .head_ms = 600, .body_ms = 600, .write_ms = 800 },
                .user = &n_started,
                .on_start = on_start,
                .on_stop = on_stop,
                .on_request = on_request,
                .on_reject = on_reject,
        };
        struct http_server *s = NULL;
        struct fault why;

        assert_int_equal(http_server_new(&spec, &s, &why), 0);
        return s;
}

static struct http_server *serve(void)
{
        return serve_with(2, 1000);
}

static int dial(struct http_server *s)
{
        struct sockaddr_in to = { .sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)http_server_port(s)),
                                  .sin_addr = { htonl(INADDR_LOOPBACK) } };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
        return fd;
}

static void say(int fd, const char *text)
{
        size_t n = strlen(text);

        assert_int_equal(send(fd, text, n, MSG_NOSIGNAL), n);
}

/* Reads until 'needle' was seen 'times' times; NULL: until the end. False when the time is up first or the
 * connection was reset. */
static bool hear(int fd, const char *needle, int times, char *text)
{
        size_t n = 0;

        for (int64_t until = clock_mono_ms() + WAIT_MS;;) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                int seen = 0;
                ssize_t got;

                text[n] = '\0';
                for (const char *at = text; needle && (at = strstr(at, needle)); at += strlen(needle))
                        seen++;
                if (needle && seen >= times)
                        return true;
                if (n >= ROOM - 1 || poll(&p, 1, (int)(until - clock_mono_ms())) <= 0)
                        return false;
                got = recv(fd, text + n, ROOM - 1 - n, 0);
                if (got <= 0)
                        return got == 0 && !needle;
                n += (size_t)got;
        }
}

static char text[ROOM];

static void a_request_is_answered_and_the_connection_stays(void **state)
{
        OWN(http_server_free) struct http_server *s = serve();
        int fd = dial(s);

        (void)state;
        say(fd, "GET /now?a=b HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(hear(fd, "GET /now?a=b 0", 1, text));
        assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\n"));
        assert_non_null(strstr(text, "X-Openstack-Request-Id: req-"));
        assert_non_null(strstr(text, "Connection: keep-alive\r\n"));
        say(fd, "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc");
        assert_true(hear(fd, NULL, 0, text));
        assert_non_null(strstr(text, "HTTP/1.1 202 Accepted\r\n"));
        assert_non_null(strstr(text, "Connection: close\r\n"));
        assert_non_null(strstr(text, "POST /later? 3"));
        close(fd);
}

static void head_and_204_have_no_body(void **state)
{
        OWN(http_server_free) struct http_server *s = serve();
        int fd = dial(s);

        (void)state;
        say(fd, "HEAD /now HTTP/1.1\r\nHost: x\r\n\r\nGET /204 HTTP/1.1\r\nHost: x\r\nConnection: "
                "close\r\n\r\n");
        assert_true(hear(fd, NULL, 0, text));
        assert_non_null(strstr(text, "Content-Length: 12\r\n"));
        assert_null(strstr(text, "HEAD /now"));
        assert_null(strstr(strstr(text, " 204 "), "Content-Length"));
        close(fd);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
        OWN(http_server_free) struct http_server *s = serve();
        int fd = dial(s), n = 500;
        const char *at = text;

        (void)state;
        for (int i = 0; i < n; i++) {
                char request[100];

                snprintf(request, sizeof request, "GET /%s?%d. HTTP/1.1\r\nHost: x\r\n\r\n",
                         i % 7 ? "now" : "later", i);
                say(fd, request);
        }
        assert_true(hear(fd, "\r\n\r\nGET ", n, text));
        for (int i = 0; i < n - 1; i++) {
                char wanted[32];

                snprintf(wanted, sizeof wanted, "?%d. ", i);
                at = strstr(at, wanted);
                assert_non_null(at);
        }
        close(fd);
}

static void a_client_that_half_closes_still_gets_its_answers(void **state)
{
        OWN(http_server_free) struct http_server *s = serve();
        int fd = dial(s);

        (void)state;
        say(fd, "GET /later?1 HTTP/1.1\r\nHost: x\r\n\r\nGET /later?2 HTTP/1.1\r\nHost: x\r\n\r\n");
        shutdown(fd, SHUT_WR);
        assert_true(hear(fd, NULL, 0, text));
        assert_non_null(strstr(text, "/later?1"));
        assert_non_null(strstr(text, "/later?2"));
        close(fd);
}

static void dripping(const char *first, const char *drop, const char *status)
{
        OWN(http_server_free) struct http_server *s = serve();
        int64_t began = clock_mono_ms();
        int fd = dial(s);
        struct pollfd p = { .fd = fd, .events = POLLIN };

        say(fd, first);
        while (poll(&p, 1, 50) == 0) {
                assert_true(clock_mono_ms() - began < WAIT_MS);
                say(fd, drop);
        }
        assert_true(hear(fd, NULL, 0, text));
        assert_non_null(strstr(text, status));
        assert_in_range(clock_mono_ms() - began, 500, 2500);
        close(fd);
}

static void a_header_that_drips_is_given_up_in_total_time(void **state)
{
        (void)state;
        dripping("GET /now HTTP/1.1\r\nX: ", "a", "rejected 408 The header took too long");
}

static void a_body_that_drips_is_given_up_in_total_time(void **state)
{
        (void)state;
        dripping("POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n", "a",
                 "rejected 408 The body took too long");
}

static void an_idle_connection_is_closed_without_a_word(void **state)
{
        OWN(http_server_free) struct http_server *s = serve();
        int fd = dial(s);

        (void)state;
        assert_true(hear(fd, NULL, 0, text));
        assert_string_equal(text, "");
        close(fd);
}

static void a_body_that_is_too_long_is_refused_before_it_is_read(void **state)
{
        OWN(http_server_free) struct http_server *s = serve();
        int fd = dial(s);
        static char junk[300000];

        (void)state;
        say(fd, "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n");
        memset(junk, 'j', sizeof junk);
        /* The client goes on sending; no reset may destroy the answer. */
        send(fd, junk, sizeof junk, MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        assert_true(hear(fd, NULL, 0, text));
        assert_non_null(strstr(text, "HTTP/1.1 413 "));
        assert_non_null(strstr(text, "rejected 413 "));
        close(fd);
}

static void bad_framing_ends_the_connection(void **state)
{
        static const struct {
                const char *request, *status;
        } cases[] = {
                { "GET / HTTP/1.1\r\n\r\n", " 400 " },
                { "GET / HTTP/1.1\nHost: x\n\n\r\n\r\n", " 400 " },
                { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n0\r\n\r\nGET /now HTTP/1.1\r\nHost: x\r\n\r\n",
                  " 400 " },
                { "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", " 505 " },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                OWN(http_server_free) struct http_server *s = serve();
                int fd = dial(s);

                say(fd, cases[i].request);
                assert_true(hear(fd, NULL, 0, text));
                assert_non_null(strstr(text, cases[i].status));
                assert_null(strstr(text, "GET /now"));
                close(fd);
        }
}

static void who_expects_100_is_told_to_go_on(void **state)
{
        OWN(http_server_free) struct http_server *s = serve();
        int fd = dial(s);

        (void)state;
        say(fd, "POST /now HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
        assert_true(hear(fd, "HTTP/1.1 100 Continue\r\n\r\n", 1, text));
        say(fd, "abc");
        assert_true(hear(fd, "POST /now? 3", 1, text));
        close(fd);
}

static void a_client_that_does_not_read_is_dropped(void **state)
{
        OWN(http_server_free) struct http_server *s = serve();
        int fd = dial(s);
        int64_t began = clock_mono_ms();
        struct pollfd p = { .fd = fd, .events = POLLRDHUP };

        (void)state;
        say(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_int_equal(poll(&p, 1, WAIT_MS), 1);
        assert_true(clock_mono_ms() - began >= 700);
        close(fd);
}

static void a_client_that_went_away_does_no_harm(void **state)
{
        OWN(http_server_free) struct http_server *s = serve();
        struct linger reset = { .l_onoff = 1 };
        int fd = dial(s);

        (void)state;
        say(fd, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
        struct http_request *q = take_held();
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
        answer_later(q);
        fd = dial(s);
        say(fd, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(hear(fd, "GET /now", 1, text));
        close(fd);
}

static void more_connections_than_allowed_wait_their_turn(void **state)
{
        OWN(http_server_free) struct http_server *s = serve_with(1, 2);
        int a = dial(s), b = dial(s), c = dial(s);

        (void)state;
        say(c, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
        struct pollfd p = { .fd = c, .events = POLLIN };
        assert_int_equal(poll(&p, 1, 200), 0);
        close(a);
        assert_true(hear(c, "GET /now", 1, text));
        close(b);
        close(c);
}

static int open_stream(struct http_server *s)
{
        int fd = dial(s);

        n_gone = 0;
        say(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(hear(fd, "begun.", 1, text));
        assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\n"));
        assert_non_null(strstr(text, "Connection: close\r\n"));
        assert_null(strstr(text, "Content-Length"));
        return fd;
}

static void a_stream_goes_on_until_it_is_ended(void **state)
{
        OWN(http_server_free) struct http_server *s = serve();
        int fd = open_stream(s);

        (void)state;
        poll(NULL, 0, 1500); /* longer than any deadline of a request */
        work_on_stream(3);
        assert_true(hear(fd, "sss", 1, text));
        say(fd, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n"); /* not for a stream's connection */
        work_on_stream(0);
        assert_true(hear(fd, NULL, 0, text));
        assert_string_equal(text, "");
        assert_int_equal(n_gone, 0);
        close(fd);
}

static void a_stream_is_told_when_its_client_goes(void **state)
{
        OWN(http_server_free) struct http_server *s = serve();
        int fd = open_stream(s);

        (void)state;
        close(fd);
        wait_gone(1);
        work_on_stream(10); /* nobody is there any more */
        assert_int_equal(n_gone, 1);
}

static void a_stream_that_is_not_read_is_cut(void **state)
{
        OWN(http_server_free) struct http_server *s = serve();
        int fd = open_stream(s);

        (void)state;
        for (int i = 0; i < 1000 && n_gone == 0; i++)
                work_on_stream(100000);
        wait_gone(1);
        close(fd);
}

static void draining_ends_streams(void **state)
{
        OWN(http_server_free) struct http_server *s = serve();
        int64_t began = clock_mono_ms();
        int fd = open_stream(s);

        (void)state;
        assert_true(http_server_drain(s, 5000));
        assert_in_range(clock_mono_ms() - began, 0, 2000);
        assert_int_equal(n_gone, 1);
        assert_true(hear(fd, NULL, 0, text));
        close(fd);
}

static void *drainer(void *user)
{
        return http_server_drain(user, 8000) ? user : NULL;
}

static void draining_finishes_what_runs_and_takes_nothing_new(void **state)
{
        OWN(http_server_free) struct http_server *s = serve();
        int fd = dial(s), idle = dial(s), late;
        pthread_t thread;
        void *all = NULL;

        (void)state;
        say(fd, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
        struct http_request *q = take_held();
        assert_int_equal(pthread_create(&thread, NULL, drainer, s), 0);
        assert_true(hear(idle, NULL, 0, text));
        late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in to = { .sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)http_server_port(s)),
                                  .sin_addr = { htonl(INADDR_LOOPBACK) } };
        for (int64_t until = clock_mono_ms() + WAIT_MS; connect(late, (struct sockaddr *)&to, sizeof to) == 0;) {
                assert_true(clock_mono_ms() < until); /* the other loop may still be closing */
                close(late);
                late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        }
        answer_later(q);
        assert_true(hear(fd, NULL, 0, text));
        assert_non_null(strstr(text, "GET /never"));
        assert_non_null(strstr(text, "Connection: close"));
        close(fd);
        pthread_join(thread, &all);
        assert_ptr_equal(all, s);
        close(idle);
        close(late);
}

static void draining_gives_up_in_time_and_late_answers_go_nowhere(void **state)
{
        OWN(http_server_free) struct http_server *s = serve();
        int fd = dial(s);
        int64_t began = clock_mono_ms();

        (void)state;
        n_stopped = 0;
        say(fd, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n");
        struct http_request *q = take_held();
        assert_false(http_server_drain(s, 300));
        assert_in_range(clock_mono_ms() - began, 300, 2000);
        assert_int_equal(n_stopped, 2);
        answer_later(q);
        close(fd);
}

static void an_address_that_cannot_be_had_is_said(void **state)
{
        OWN(http_server_free) struct http_server *other = serve();
        struct http_server_spec spec = { .host = "203.0.113.1", .n_loops = 1, .on_request = on_request };
        struct http_server *s = NULL;
        struct fault why;

        (void)state;
        assert_true(http_server_new(&spec, &s, &why) < 0);
        assert_non_null(strstr(why.message, "203.0.113.1"));
        spec.host = "127.0.0.1";
        spec.port = http_server_port(other);
        assert_true(http_server_new(&spec, &s, &why) < 0);
        assert_non_null(strstr(why.message, "in use"));
        spec.host = "no such host";
        assert_true(http_server_new(&spec, &s, &why) < 0);
        assert_string_equal(why.type, "http.listen");
}

UNIT_MAIN(UNIT(a_request_is_answered_and_the_connection_stays), UNIT(head_and_204_have_no_body),
          UNIT(pipelined_requests_are_answered_in_order),
          UNIT(a_client_that_half_closes_still_gets_its_answers),
          UNIT(a_header_that_drips_is_given_up_in_total_time),
          UNIT(a_body_that_drips_is_given_up_in_total_time),
          UNIT(an_idle_connection_is_closed_without_a_word),
          UNIT(a_body_that_is_too_long_is_refused_before_it_is_read),
          UNIT(bad_framing_ends_the_connection), UNIT(who_expects_100_is_told_to_go_on),
          UNIT(a_client_that_does_not_read_is_dropped), UNIT(a_client_that_went_away_does_no_harm),
          UNIT(more_connections_than_allowed_wait_their_turn),
          UNIT(a_stream_goes_on_until_it_is_ended), UNIT(a_stream_is_told_when_its_client_goes),
          UNIT(a_stream_that_is_not_read_is_cut), UNIT(draining_ends_streams),
          UNIT(draining_finishes_what_runs_and_takes_nothing_new),
          UNIT(draining_gives_up_in_time_and_late_answers_go_nowhere), UNIT(an_address_that_cannot_be_had_is_said))
