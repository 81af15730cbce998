/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/metrics.h"

static struct metric sent_ok = METRIC(METRIC_COUNTER, "t_sent_total", "result=\"ok\"", "Sent.");
static struct metric sent_bad = METRIC(METRIC_COUNTER, "t_sent_total", "result=\"bad\"", "Sent.");
static struct metric depth = METRIC(METRIC_GAUGE, "t_depth", NULL, "Deep.");
static struct metric took = METRIC(METRIC_HISTOGRAM, "t_took_ms", NULL, "Took.");
static struct metric raced = METRIC(METRIC_COUNTER, "t_raced_total", NULL, "Raced.");

static void a_family_has_one_heading_and_all_its_labels(void **state)
{
        struct text text = { 0 };

        (void)state;
        metric_add(&sent_ok, 2);
        metric_set(&depth, -7);
        metric_add(&sent_bad, 1);
        metric_add(&sent_ok, 1);
        metrics_render(&text);
        assert_string_equal(text.bytes, "# HELP t_depth Deep.\n"
                                        "# TYPE t_depth gauge\n"
                                        "t_depth -7\n"
                                        "# HELP t_sent_total Sent.\n"
                                        "# TYPE t_sent_total counter\n"
                                        "t_sent_total{result=\"bad\"} 1\n"
                                        "t_sent_total{result=\"ok\"} 3\n");
        text_done(&text);
}

static void a_histogram_adds_its_buckets_up(void **state)
{
        struct text text = { 0 };

        (void)state;
        metric_observe_ms(&took, 0);
        metric_observe_ms(&took, 1);
        metric_observe_ms(&took, 3);
        metric_observe_ms(&took, 60000);
        metric_observe_ms(&took, 60001);
        metrics_render(&text);
        assert_non_null(strstr(text.bytes, "t_took_ms_bucket{le=\"1\"} 2\n"
                                           "t_took_ms_bucket{le=\"2\"} 2\n"
                                           "t_took_ms_bucket{le=\"5\"} 3\n"));
        assert_non_null(strstr(text.bytes, "t_took_ms_bucket{le=\"60000\"} 4\n"
                                           "t_took_ms_bucket{le=\"+Inf\"} 5\n"
                                           "t_took_ms_sum 120005\n"
                                           "t_took_ms_count 5\n"));
        text_done(&text);
}

static void *add_many(void *arg)
{
        (void)arg;
        for (int i = 0; i < 10000; i++)
                metric_add(&raced, 1);
        return NULL;
}

static void threads_lose_no_count_and_list_a_metric_once(void **state)
{
        pthread_t threads[4];
        struct text text = { 0 };
        const char *line;

        (void)state;
        for (int i = 0; i < 4; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, add_many, NULL), 0);
        for (int i = 0; i < 4; i++)
                pthread_join(threads[i], NULL);
        metrics_render(&text);
        line = strstr(text.bytes, "\nt_raced_total 40000\n");
        assert_non_null(line);
        assert_null(strstr(line + 1, "\nt_raced_total"));
        text_done(&text);
}

/* What a server on the loopback answers to 'request'. */
static const char *answer(int port, const char *request)
{
        static char ret[65536];
        struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
        struct timeval limit = { .tv_sec = 10 };
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        size_t n = 0;
        ssize_t k;

        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
        assert_int_equal(write(fd, request, strlen(request)), strlen(request));
        while ((k = read(fd, ret + n, sizeof ret - 1 - n)) > 0)
                n += (size_t)k;
        ret[n] = '\0';
        close(fd);
        return ret;
}

static void the_server_answers_metrics_and_health_and_nothing_else(void **state)
{
        OWN(metrics_server_free) struct metrics_server *s = NULL;
        const char *got;
        int port;

        (void)state;
        assert_int_equal(metrics_server_new("127.0.0.1", 0, &s), 0);
        port = metrics_server_port(s);
        assert_true(port > 0);
        metric_add(&sent_ok, 1);
        got = answer(port, "GET /metrics HTTP/1.0\r\n\r\n");
        assert_memory_equal(got + 8, " 200 ", 5);
        assert_non_null(strstr(got, "\nt_sent_total{result=\"ok\"} "));
        got = answer(port, "GET /healthz HTTP/1.0\r\n\r\n");
        assert_memory_equal(got + 8, " 200 ", 5);
        assert_non_null(strstr(got, "\r\n\r\nok\n"));
        assert_memory_equal(answer(port, "GET /other HTTP/1.0\r\n\r\n") + 8, " 404 ", 5);
        assert_memory_equal(answer(port, "PUT /metrics HTTP/1.0\r\n\r\n") + 8, " 501 ", 5);
}

static void a_port_that_is_taken_is_an_error(void **state)
{
        OWN(metrics_server_free) struct metrics_server *s = NULL;
        struct metrics_server *other = NULL;

        (void)state;
        assert_int_equal(metrics_server_new("127.0.0.1", 0, &s), 0);
        assert_int_equal(metrics_server_new("127.0.0.1", metrics_server_port(s), &other),
                         -EADDRINUSE);
        assert_null(other);
}

UNIT_MAIN(UNIT(a_family_has_one_heading_and_all_its_labels), UNIT(a_histogram_adds_its_buckets_up),
          UNIT(threads_lose_no_count_and_list_a_metric_once),
          UNIT(the_server_answers_metrics_and_health_and_nothing_else),
          UNIT(a_port_that_is_taken_is_an_error))
