/* SPDX-License-Identifier: Apache-2.0 */
/* The bus on a RabbitMQ that is blocked, cut off, killed or not there. */
#include "harness.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "messages/topics.h"

static void a_blocked_broker_is_told_within_a_second_and_consuming_goes_on(void **state)
{
        struct server s;
        struct bus *b = new_bus("client");
        struct sent sent = { 0 };
        struct answer a;
        int64_t from_ms;

        (void)state;
        start_server(&s, "t-blocked");
        assert_echo(b, "t-blocked");
        assert_true(broker_ctl(&broker, "set_vm_memory_high_watermark", "0", NULL));
        from_ms = clock_mono_ms();
        call(b, "t-blocked", "refuse", NULL, 20000, &a);
        assert_true(clock_mono_ms() - from_ms < 1100);
        assert_int_equal(a.why.code, 503);
        assert_true(a.why.retry_after_ms > 0);
        call(b, "t-blocked", "refuse", NULL, 20000, &a);
        assert_string_equal(a.why.type, "bus.unavailable");
        assert_non_null(strstr(a.why.message, "takes no messages"));
        assert_false(bus_can_send(b));
        assert_true(bus_consumer_ready(s.consumer));
        cast(b, "t-blocked", "m", &sent);
        assert_true(broker_ctl(&broker, "set_vm_memory_high_watermark", "0.4", NULL));
        assert_true(wait_until(is_sent, &sent, 5000));
        assert_int_equal(sent.n[BUS_SENT_OK], 1);
        assert_echo(b, "t-blocked");
        assert_true(bus_can_send(b));
        bus_free(b);
        stop_server(&s);
}

enum { CUT_MESSAGES = 400000 };
static _Atomic char cut_taken[CUT_MESSAGES],
        cut_sent[CUT_MESSAGES]; /* by number; sent: outcome + 1 */

static void take_numbered(struct bus_delivery *d, void *user)
{
        json_int_t n = json_integer_value(json_object_get(d->request->args, "number"));

        if (json_object_size(d->request->args) == 0)
                serve(d, user);
        else {
                atomic_store(&cut_taken[n], 1);
                bus_settle(d, BUS_DONE, NULL);
        }
}

static _Atomic int n_cut_lost;

static void on_numbered_sent(enum bus_sent how, void *user)
{
        atomic_fetch_add(&n_cut_lost, how == BUS_SENT_LOST);
        atomic_store((_Atomic char *)user, (char)(how + 1));
}

static _Atomic bool cut_over;

/* Three times, and more if none came while messages were on their way. */
static void *cut_connections(void *arg)
{
        for (int i = 0; i < 3 || (n_cut_lost == 0 && i < 20); i++)
                broker_ctl(&broker, "close_all_connections", "test", NULL);
        atomic_store(&cut_over, true);
        return arg;
}

static bool has_room(void *arg)
{
        int *n = arg; /* cast so far: the one 200 before has its answer */

        return *n < 200 || cut_sent[*n - 200] != 0;
}

static void no_confirmed_message_is_lost_when_connections_are_cut(void **state)
{
        static const char *const queues[] = { "t-cut", NULL };
        struct server s = { .bus = new_bus("server") };
        struct bus_consumer_spec spec = { .queues = queues,
                                          .prefetch = 64,
                                          .declare = true,
                                          .on_delivery = take_numbered,
                                          .user = &s };
        struct bus *b = new_bus("client");
        uint64_t epoch;
        struct answer a;
        int n = 0, n_confirmed = 0, n_lost = 0;
        pthread_t cutter;

        (void)state;
        assert_int_equal(bus_consumer_new(s.bus, &spec, &s.consumer), 0);
        assert_true(wait_until(is_ready, s.consumer, 5000));
        call(b, "t-cut", "echo", NULL, 5000, &a);
        json_decref(a.result);
        epoch = bus_send_epoch(b);
        assert_int_equal(pthread_create(&cutter, NULL, cut_connections, NULL), 0);
        for (; n < CUT_MESSAGES && !atomic_load(&cut_over); n++) {
                json_auto_t *args = json_pack("{s:i}", "number", n);

                assert_int_equal(bus_cast(b, "t-cut", NULL, "m", args, NULL, 0, on_numbered_sent,
                                          (void *)(uintptr_t)&cut_sent[n]),
                                 0);
                assert_true(wait_until(has_room, &n, 10000));
        }
        pthread_join(cutter, NULL);
        bus_drain(b, 20000);
        assert_true(bus_send_epoch(b) > epoch);
        assert_true(wait_until(is_ready, s.consumer, 5000));
        assert_true(wait_until(can_send, b, 5000));
        call(b, "t-cut", "echo", NULL, 10000, &a); /* comes after all of them */
        json_decref(a.result);
        for (int i = 0; i < n; i++) {
                assert_in_set(cut_sent[i] - 1, ((unsigned long[]){ BUS_SENT_OK, BUS_SENT_LOST }),
                              2);
                n_confirmed += cut_sent[i] - 1 == BUS_SENT_OK;
                n_lost += cut_sent[i] - 1 == BUS_SENT_LOST;
                if (cut_sent[i] - 1 == BUS_SENT_OK && !cut_taken[i])
                        fail_msg("message %d was confirmed, and never came", i);
        }
        assert_true(n_lost > 0);
        assert_true(n_confirmed > 600);
        print_message("%d confirmed, %d lost\n", n_confirmed, n_lost);
        bus_free(b);
        stop_server(&s);
}

static void a_restarted_broker_is_found_again(void **state)
{
        struct server s;
        struct bus *b = new_bus("client");
        struct side side;
        struct answer a;
        char reason[256], *body;
        int64_t from_ms;

        (void)state;
        sync_topology();
        start_server(&s, "t-restart");
        assert_echo(b, "t-restart");
        side_open(&side);
        side_publish(&side, "t-restart", "{\"method\": \"bury\"}", 18);
        side_close(&side);
        bus_drain(s.bus, 5000);
        poll(NULL, 0, 200);
        assert_true(broker_kill(&broker));
        from_ms = clock_mono_ms();
        call(b, "t-restart", "refuse", NULL, 20000, &a);
        assert_string_equal(a.why.type, "bus.unavailable");
        assert_true(clock_mono_ms() - from_ms < 1100);
        assert_true(broker_start(&broker));
        assert_true(wait_until(is_ready, s.consumer, 5000));
        assert_true(wait_until(can_send, b, 5000));
        assert_echo(b, "t-restart");
        side_open(&side);
        body = side_get(&side, QUEUE_DEAD, reason);
        assert_string_equal(reason, "the test wants it dead");
        free(body);
        side_close(&side);
        bus_free(b);
        stop_server(&s);
}

static void a_broker_that_is_not_there_is_reported_within_a_second(void **state)
{
        struct bus_settings nowhere = settings;
        struct bus *b = NULL;
        struct fault why = { 0 };
        struct sent sent = { 0 };
        struct answer a;
        int64_t from_ms = clock_mono_ms();

        (void)state;
        nowhere.transport_url = (char *)(uintptr_t) "rabbit://u:secret@127.0.0.1:1/";
        assert_int_equal(bus_new("client", &nowhere, &b, &why), 0);
        call(b, "t", "m", NULL, 20000, &a);
        assert_string_equal(a.why.type, "bus.unavailable");
        assert_true(clock_mono_ms() - from_ms < 1100);
        cast(b, "t", "m", &sent);
        bus_free(b);
        assert_int_equal(sent.n[BUS_SENT_EXPIRED], 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                UNIT(a_blocked_broker_is_told_within_a_second_and_consuming_goes_on),
                UNIT(no_confirmed_message_is_lost_when_connections_are_cut),
                UNIT(a_restarted_broker_is_found_again),
                UNIT(a_broker_that_is_not_there_is_reported_within_a_second),
        };

        log_open("test", LOG_LEVEL_WARN);
        return cmocka_run_group_tests_name("trouble", tests, start_broker, remove_broker);
}
