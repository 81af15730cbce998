/* SPDX-License-Identifier: Apache-2.0 */
/* The bus before a network that drops everything, hosts that go, and its end while it waits. */
#include "harness.h"

#include <poll.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "proxy.h"

static int broker_port(void)
{
        return atoi(strrchr(broker.url, ':') + 1);
}

/* A bus whose hosts are those ports, in the order in which it likes them. */
static struct bus *bus_over(const int *ports, int n, int heartbeat_s)
{
        struct bus_settings s = settings;
        struct fault why = { 0 };
        struct text url = { 0 };
        struct bus *b = NULL;

        text_add(&url, "rabbit://");
        for (int i = 0; i < n; i++)
                text_addf(&url, "%sguest:guest@127.0.0.1:%d", i ? "," : "", ports[i]);
        text_add(&url, "/");
        s.transport_url = url.bytes;
        s.heartbeat_timeout_s = heartbeat_s;
        if (bus_new("client", &s, &b, &why) != 0)
                fail_msg("%s", why.message);
        text_done(&url);
        return b;
}

static void a_silent_broker_is_told_within_seconds_and_heard_again(void **state)
{
        OWN(proxy_free) struct proxy *p = proxy_new(broker_port());
        int port = proxy_port(p);
        struct bus *b = bus_over(&port, 1, 60);
        struct server s;
        struct answer a;
        int64_t from_ms;

        (void)state;
        start_server(&s, "t-silent-net");
        assert_echo(b, "t-silent-net");
        proxy_set(p, PROXY_SWALLOWS);
        from_ms = clock_mono_ms();
        call(b, "t-silent-net", "echo", NULL, 30000, &a);
        assert_string_equal(a.why.type, "bus.timeout");
        assert_true(clock_mono_ms() - from_ms < 3000);
        assert_false(bus_can_send(b));
        /* What was not sent yet is refused for certain. */
        from_ms = clock_mono_ms();
        call(b, "t-silent-net", "echo", NULL, 30000, &a);
        assert_string_equal(a.why.type, "bus.unavailable");
        assert_non_null(strstr(a.why.message, "does not answer"));
        assert_true(clock_mono_ms() - from_ms < 1100);
        proxy_set(p, PROXY_PASSES);
        assert_true(wait_until(can_send, b, 5000));
        assert_echo(b, "t-silent-net");
        assert_int_equal(bus_send_epoch(b), 1); /* the same connection */
        bus_free(b);
        stop_server(&s);
}

static void a_broker_silent_for_two_heartbeats_is_left(void **state)
{
        OWN(proxy_free) struct proxy *p = proxy_new(broker_port());
        int port = proxy_port(p), n;
        struct bus *b = bus_over(&port, 1, 2);
        struct server s;
        struct sent sent = { 0 };

        (void)state;
        start_server(&s, "t-left");
        assert_echo(b, "t-left");
        proxy_set(p, PROXY_SWALLOWS);
        n = proxy_connections(p);
        cast(b, "t-left", "m", &sent);
        assert_true(wait_until(is_sent, &sent, 8000));
        assert_int_equal(sent.n[BUS_SENT_LOST], 1);
        proxy_set(p, PROXY_PASSES);
        assert_true(wait_until(can_send, b, 10000));
        assert_true(proxy_connections(p) > n);
        assert_echo(b, "t-left");
        bus_free(b);
        stop_server(&s);
}

static void the_end_does_not_wait_for_a_silent_broker(void **state)
{
        static const char *const queues[] = { "t-end", NULL };
        OWN(proxy_free) struct proxy *p = proxy_new(broker_port());
        int port = proxy_port(p);
        struct bus_consumer_spec spec = { .queues = queues, .prefetch = 1, .declare = true };
        struct bus_consumer *c = NULL;
        struct sent sent = { 0 };
        struct bus *b;
        int64_t from_ms;

        (void)state;
        /* In the middle of the login. */
        proxy_set(p, PROXY_SWALLOWS);
        b = bus_over(&port, 1, 10);
        assert_int_equal(bus_open(b), 0);
        assert_int_equal(bus_consumer_new(b, &spec, &c), 0);
        poll(NULL, 0, 300);
        from_ms = clock_mono_ms();
        bus_consumer_free(c);
        bus_free(b);
        assert_true(clock_mono_ms() - from_ms < 500);
        /* With an open connection and something unconfirmed. */
        proxy_set(p, PROXY_PASSES);
        b = bus_over(&port, 1, 10);
        assert_int_equal(bus_open(b), 0);
        assert_true(wait_until(can_send, b, 5000));
        proxy_set(p, PROXY_SWALLOWS);
        cast(b, "t-end", "m", &sent);
        poll(NULL, 0, 200);
        from_ms = clock_mono_ms();
        bus_free(b);
        assert_true(clock_mono_ms() - from_ms < 2000);
        assert_int_equal(sent.n[BUS_SENT_LOST], 1);
}

static void the_end_does_not_wait_for_a_host_that_drops_connections(void **state)
{
        struct bus_settings s = settings;
        struct fault why = { 0 };
        struct bus *b = NULL;
        int64_t from_ms;

        (void)state;
        /* TEST-NET-1: no such host; where the network refuses it at once the test says nothing. */
        s.transport_url = (char *)(uintptr_t) "rabbit://guest:guest@192.0.2.1:5672/";
        assert_int_equal(bus_new("client", &s, &b, &why), 0);
        assert_int_equal(bus_open(b), 0);
        poll(NULL, 0, 200);
        from_ms = clock_mono_ms();
        bus_free(b);
        assert_true(clock_mono_ms() - from_ms < 500);
}

static bool all_taken(void *arg)
{
        return proxy_connections(arg) >= 2;
}

static void the_next_host_is_taken_when_one_goes(void **state)
{
        OWN(proxy_free) struct proxy *first = proxy_new(broker_port());
        OWN(proxy_free) struct proxy *second = proxy_new(broker_port());
        const int ports[] = { proxy_port(first), proxy_port(second), 1 /* nobody is there */ };
        struct proxy *used[2] = { first, second };
        struct bus *b = bus_over(ports, 3, 10);
        struct server s;

        (void)state;
        start_server(&s, "t-hosts");
        assert_int_equal(bus_open(b), 0);
        for (int i = 0; i < 6; i++) {
                int64_t from_ms = clock_mono_ms();

                proxy_set(used[i % 2], PROXY_REFUSES);
                proxy_set(used[(i + 1) % 2], PROXY_PASSES);
                poll(NULL, 0, 50);
                assert_true(wait_until(can_send, b, 10000));
                for (struct answer a = { 0 }; !a.result && clock_mono_ms() - from_ms < 10000;) {
                        json_auto_t *args = json_pack("{s:i}", "n", i);

                        call(b, "t-hosts", "echo", args, 3000, &a);
                        json_decref(a.result);
                }
                assert_true(clock_mono_ms() - from_ms < 10000);
        }
        assert_true(wait_until(all_taken, first, 0) && wait_until(all_taken, second, 0));
        bus_free(b);
        stop_server(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                UNIT(a_silent_broker_is_told_within_seconds_and_heard_again),
                UNIT(a_broker_silent_for_two_heartbeats_is_left),
                UNIT(the_end_does_not_wait_for_a_silent_broker),
                UNIT(the_end_does_not_wait_for_a_host_that_drops_connections),
                UNIT(the_next_host_is_taken_when_one_goes),
        };

        log_open("test", LOG_LEVEL_WARN);
        return cmocka_run_group_tests_name("silence", tests, start_broker, remove_broker);
}
