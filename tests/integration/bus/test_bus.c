/* SPDX-License-Identifier: Apache-2.0 */
/* The bus on a real RabbitMQ: what passes, and what is refused. */
#include "harness.h"

#include <poll.h>

#include "base/clock.h"
#include "base/log.h"
#include "messages/topics.h"

static void topology_can_be_declared_twice(void **state)
{
        (void)state;
        sync_topology();
        sync_topology();
}

static void a_topology_that_differs_is_refused_with_the_reason(void **state)
{
        struct bus_settings other = settings;
        struct fault why = { 0 };

        (void)state;
        other.amqp_durable_queues = false;
        assert_true(bus_topology_sync(&other, NULL, 10000, &why) > 0);
        assert_string_equal(why.type, "bus.topology_refused");
        assert_non_null(strstr(why.message, "inequivalent arg 'durable'"));
}

static void a_call_is_answered(void **state)
{
        struct server s;
        struct bus *b = new_bus("client");

        (void)state;
        start_server(&s, "t-answered");
        for (int i = 0; i < 10; i++)
                assert_echo(b, "t-answered");
        assert_true(bus_can_send(b));
        assert_int_equal(bus_send_epoch(b), 1);
        bus_free(b);
        stop_server(&s);
}

static void a_refusal_reaches_the_caller_as_a_fault(void **state)
{
        struct server s;
        struct bus *b = new_bus("client");
        struct answer a;

        (void)state;
        start_server(&s, "t-refused");
        call(b, "t-refused", "refuse", NULL, 5000, &a);
        assert_null(a.result);
        assert_int_equal(a.why.code, 409);
        assert_string_equal(a.why.type, "test.refused");
        assert_string_equal(a.why.message, "Refused \"as asked\".");
        assert_string_equal(a.why.details, "{\"left\":7}");
        call(b, "t-refused", "nonsense", NULL, 5000, &a);
        assert_string_equal(a.why.type, "bus.remote_failure");
        assert_non_null(strstr(a.why.message, "Endpoint does not support RPC method nonsense"));
        bus_free(b);
        stop_server(&s);
}

static void what_nobody_takes_is_reported_at_once(void **state)
{
        struct bus *b = new_bus("client");
        struct sent sent = { 0 };
        struct answer a;
        int64_t from_ms = clock_mono_ms();

        (void)state;
        sync_topology();
        call(b, "t-nobody", "echo", NULL, 20000, &a);
        assert_string_equal(a.why.type, "bus.unroutable");
        assert_int_equal(a.why.code, 503);
        cast(b, "t-nobody", "echo", &sent);
        assert_true(wait_until(is_sent, &sent, 5000));
        assert_int_equal(sent.n[BUS_SENT_UNROUTABLE], 1);
        assert_true(clock_mono_ms() - from_ms < 3000);
        bus_free(b);
}

static void a_call_nobody_answers_ends_in_time(void **state)
{
        static const char *const queues[] = { "t-silent", NULL };
        struct side side;
        struct bus *b = new_bus("client");
        struct answer a;
        int64_t from_ms;

        (void)state;
        side_open(&side);
        amqp_queue_declare(side.session->amqp, SESSION_CHANNEL, amqp_cstring_bytes(queues[0]), 0, 1,
                           0, 0, amqp_empty_table);
        amqp_queue_bind(side.session->amqp, SESSION_CHANNEL, amqp_cstring_bytes(queues[0]),
                        amqp_cstring_bytes("atlas"), amqp_cstring_bytes(queues[0]),
                        amqp_empty_table);
        from_ms = clock_mono_ms();
        call(b, "t-silent", "echo", NULL, 1500, &a);
        assert_string_equal(a.why.type, "bus.timeout");
        assert_true(a.at_ms - from_ms >= 1490 && a.at_ms - from_ms < 2000);
        bus_free(b);
        side_close(&side);
}

static void too_large_messages_are_refused_before_they_are_sent(void **state)
{
        struct bus *b = new_bus("client");
        char *text = malloc(1100 * 1024 + 1);
        json_auto_t *args = NULL;
        struct answer a;

        (void)state;
        memset(text, 'x', 1100 * 1024);
        text[1100 * 1024] = '\0';
        args = json_pack("{s:s}", "text", text);
        free(text);
        assert_true(bus_cast(b, "t", NULL, "m", args, NULL, 0, NULL, NULL) < 0);
        call(b, "t", "m", args, 5000, &a);
        assert_int_equal(a.why.code, 413);
        assert_string_equal(a.why.type, "bus.message_too_large");
        bus_free(b);
}

static void what_is_given_back_comes_again(void **state)
{
        struct server s;
        struct bus *b = new_bus("client");
        struct answer a;

        (void)state;
        start_server(&s, "t-again");
        call(b, "t-again", "again", NULL, 5000, &a);
        assert_string_equal(a.why.type, "bus.remote_failure");
        assert_int_equal(s.n_taken, 2);
        assert_int_equal(s.n_redelivered, 1);
        bus_free(b);
        stop_server(&s);
}

static void poison_becomes_a_dead_letter_with_its_reason(void **state)
{
        char reason[256], *body, *large = malloc(1200000);
        struct server s;
        struct side side;

        (void)state;
        sync_topology();
        start_server(&s, "t-poison");
        side_open(&side);
        side_publish(&side, "t-poison", "no JSON at all", 14);
        body = side_get(&side, QUEUE_DEAD, reason);
        assert_string_equal(body, "no JSON at all");
        assert_non_null(strstr(reason, "no JSON"));
        free(body);
        memset(large, 'x', 1200000);
        side_publish(&side, "t-poison", large, 1200000);
        body = side_get(&side, QUEUE_DEAD, reason);
        assert_int_equal(strlen(body), 1200000);
        assert_string_equal(reason, "The message has 1200000 bytes.");
        free(body);
        side_publish(&side, "t-poison", "{\"method\": \"bury\"}", 18);
        body = side_get(&side, QUEUE_DEAD, reason);
        assert_string_equal(body, "{\"method\": \"bury\"}");
        assert_string_equal(reason, "the test wants it dead");
        free(body);
        free(large);
        /* Nothing is left behind, and what is good still passes. */
        stop_server(&s);
        start_server(&s, "t-poison");
        assert_echo(s.bus, "t-poison");
        assert_int_equal(s.n_taken, 1);
        stop_server(&s);
        side_close(&side);
}

static void a_reply_waits_for_a_queue_that_comes_late(void **state)
{
        static const char request[] = "{\"method\": \"echo\", \"args\": {}, \"_msg_id\": \"late\", "
                                      "\"_reply_q\": \"reply_late\"}";
        char reason[256], *body;
        struct server s;
        struct side side;

        (void)state;
        start_server(&s, "t-late");
        side_open(&side);
        side_publish(&side, "t-late", request, sizeof request - 1);
        poll(NULL, 0, 400);
        amqp_queue_declare(side.session->amqp, SESSION_CHANNEL, amqp_cstring_bytes("reply_late"), 0,
                           0, 0, 0, amqp_empty_table);
        body = side_get(&side, "reply_late", reason);
        assert_non_null(strstr(body, "\\\"_msg_id\\\": \\\"late\\\""));
        free(body);
        stop_server(&s);
        side_close(&side);
}

static void a_deleted_queue_is_found_again(void **state)
{
        struct server s;
        struct bus *b = new_bus("client");

        (void)state;
        start_server(&s, "t-deleted");
        assert_echo(b, "t-deleted");
        assert_true(broker_ctl(&broker, "delete_queue", "t-deleted", NULL));
        assert_true(wait_until(is_ready, s.consumer, 5000));
        poll(NULL, 0, 300);
        assert_true(wait_until(is_ready, s.consumer, 5000));
        assert_echo(b, "t-deleted");
        bus_free(b);
        stop_server(&s);
}

static void a_consumer_that_declares_nothing_waits_for_its_queue(void **state)
{
        static const char *const queues[] = { TOPIC_AGENT ".lyon", NULL };
        static const char *const sites[] = { "lyon", NULL };
        struct server s = { .bus = new_bus("agent") };
        struct bus_consumer_spec spec = {
                .queues = queues, .prefetch = 8, .on_delivery = serve, .user = &s
        };
        struct fault why = { 0 };
        struct answer a = { 0 };

        (void)state;
        assert_int_equal(bus_consumer_new(s.bus, &spec, &s.consumer), 0);
        poll(NULL, 0, 300);
        assert_false(bus_consumer_ready(s.consumer));
        assert_int_equal(bus_topology_sync(&settings, sites, 5000, &why), 0);
        assert_true(wait_until(is_ready, s.consumer, 5000));
        assert_int_equal(
                bus_call(s.bus, TOPIC_AGENT, "lyon", "refuse", NULL, NULL, 5000, on_reply, &a), 0);
        assert_true(wait_until(is_answered, &a, 5000));
        assert_string_equal(a.why.type, "test.refused");
        stop_server(&s);
}

struct flood {
        struct bus *bus;
        const char *topic;
        json_t *args;
        _Atomic int n_left, n_good, n_bad;
};

static void flood_one(struct flood *f);

static void on_flood_reply(const json_t *result, const struct fault *failure, void *user)
{
        struct flood *f = user;

        atomic_fetch_add(failure || !json_equal(result, f->args) ? &f->n_bad : &f->n_good, 1);
        flood_one(f);
}

static void flood_one(struct flood *f)
{
        if (atomic_fetch_sub(&f->n_left, 1) > 0)
                assert_int_equal(bus_call(f->bus, f->topic, NULL, "echo", f->args, NULL, 30000,
                                          on_flood_reply, f),
                                 0);
}

static bool is_flooded(void *arg)
{
        struct flood *f = arg;

        return f->n_good + f->n_bad == 10000;
}

static void ten_thousand_calls_with_64_outstanding_are_all_answered(void **state)
{
        struct server s;
        struct bus *b = new_bus("client");
        json_auto_t *args = json_pack("{s:i}", "n", 3);
        struct flood f = { .bus = b, .topic = "t-flood", .args = args, .n_left = 10000 };

        (void)state;
        start_server(&s, "t-flood");
        for (int i = 0; i < 64; i++)
                flood_one(&f);
        assert_true(wait_until(is_flooded, &f, 60000));
        assert_int_equal(f.n_good, 10000);
        assert_int_equal(s.n_taken, 10000);
        assert_int_equal(s.sum, 30000);
        bus_free(b);
        stop_server(&s);
}

static _Atomic int n_first, n_second;

static void note_queue(struct bus_delivery *d, void *user)
{
        (void)user;
        atomic_fetch_add(strcmp(d->queue, "t-first") == 0 ? &n_first : &n_second, 1);
        bus_settle(d, BUS_DONE, NULL);
}

static bool has_both(void *arg)
{
        (void)arg;
        return n_first == 10 && n_second == 10;
}

static void of_several_queues_all_are_consumed(void **state)
{
        static const char *const queues[] = { "t-first", "t-second", NULL };
        struct server s;
        struct bus_consumer_spec spec = { .queues = queues,
                                          .prefetch = 64,
                                          .on_delivery = note_queue };
        struct bus_consumer *c = NULL;
        struct side side;

        (void)state;
        start_server_on(&s, queues);
        s.consumer = bus_consumer_free(s.consumer);
        side_open(&side);
        for (int i = 0; i < 10; i++) {
                side_publish(&side, "t-second", "{\"method\": \"m\"}", 15);
                side_publish(&side, "t-first", "{\"method\": \"m\"}", 15);
        }
        assert_int_equal(bus_consumer_new(s.bus, &spec, &c), 0);
        assert_true(wait_until(has_both, NULL, 5000));
        bus_consumer_free(c);
        side_close(&side);
        stop_server(&s);
}

static struct bus_delivery *held[4];
static _Atomic int n_held;

static void hold(struct bus_delivery *d, void *user)
{
        (void)user;
        held[n_held] = d;
        atomic_fetch_add(&n_held, 1);
}

static bool holds_all(void *arg)
{
        (void)arg;
        return n_held == 4;
}

static void what_is_settled_after_the_end_does_no_harm(void **state)
{
        static const char *const queues[] = { "t-held", NULL };
        struct bus *b = new_bus("holder");
        struct bus_consumer_spec spec = {
                .queues = queues, .prefetch = 4, .declare = true, .on_delivery = hold
        };
        struct bus_consumer *c = NULL;
        struct server s;
        struct sent sent = { 0 };

        (void)state;
        assert_int_equal(bus_consumer_new(b, &spec, &c), 0);
        assert_true(wait_until(is_ready, c, 5000));
        for (int i = 0; i < 4; i++)
                cast(b, "t-held", "m", &sent);
        assert_true(wait_until(holds_all, NULL, 5000));
        bus_drain(b, 5000);
        bus_consumer_free(c);
        bus_free(b);
        bus_settle(held[0], BUS_DONE, NULL);
        bus_settle(held[1], BUS_AGAIN, NULL);
        bus_settle(held[2], BUS_DEAD, "late");
        bus_settle(held[3], BUS_DONE, NULL);
        /* None was acknowledged: the broker delivers them again. */
        start_server(&s, "t-held");
        assert_echo(s.bus, "t-held");
        assert_int_equal(s.n_taken, 5);
        assert_int_equal(s.n_redelivered, 4);
        stop_server(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                UNIT(topology_can_be_declared_twice),
                UNIT(a_topology_that_differs_is_refused_with_the_reason),
                UNIT(a_call_is_answered),
                UNIT(a_refusal_reaches_the_caller_as_a_fault),
                UNIT(what_nobody_takes_is_reported_at_once),
                UNIT(a_call_nobody_answers_ends_in_time),
                UNIT(too_large_messages_are_refused_before_they_are_sent),
                UNIT(what_is_given_back_comes_again),
                UNIT(poison_becomes_a_dead_letter_with_its_reason),
                UNIT(a_reply_waits_for_a_queue_that_comes_late),
                UNIT(a_deleted_queue_is_found_again),
                UNIT(a_consumer_that_declares_nothing_waits_for_its_queue),
                UNIT(ten_thousand_calls_with_64_outstanding_are_all_answered),
                UNIT(of_several_queues_all_are_consumed),
                UNIT(what_is_settled_after_the_end_does_no_harm),
        };

        log_open("test", LOG_LEVEL_WARN);
        return cmocka_run_group_tests_name("bus", tests, start_broker, remove_broker);
}
