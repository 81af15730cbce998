/* SPDX-License-Identifier: Apache-2.0 */
/* The bus on a real RabbitMQ. */
#include "support/unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <poll.h>

#include "base/clock.h"
#include "base/log.h"
#include "bus/bus.h"
#include "bus/session.h"
#include "messages/topics.h"
#include "support/broker.h"

static struct broker broker;
static struct bus_settings settings;

static int start_broker(void **state)
{
        (void)state;
        if (!broker_new(&broker))
                return -1;
        settings = broker_settings(&broker);
        return 0;
}

static int remove_broker(void **state)
{
        (void)state;
        broker_remove(&broker);
        return 0;
}

/* ---- a server that answers by the method's name, and a client ---- */

struct server {
        struct bus *bus;
        struct bus_consumer *consumer;
        _Atomic int n_taken, n_redelivered;
        _Atomic long sum; /* of args' "n" */
};

static void serve(struct bus_delivery *d, void *user)
{
        struct server *s = user;
        const char *method = d->request->method;
        struct fault why = { 0 };

        atomic_fetch_add(&s->n_taken, 1);
        atomic_fetch_add(&s->n_redelivered, d->redelivered);
        atomic_fetch_add(&s->sum,
                         (long)json_integer_value(json_object_get(d->request->args, "n")));
        if (strcmp(method, "echo") == 0) {
                bus_reply(s->bus, d->request, d->request->args);
        } else if (strcmp(method, "refuse") == 0) {
                fault_set(&why, 409, "test.refused", "Refused \"as asked\".");
                fault_details(&why, "{\"left\":%d}", 7);
                bus_reply_fault(s->bus, d->request, &why);
        } else if (strcmp(method, "again") == 0 && !d->redelivered) {
                bus_settle(d, BUS_AGAIN, NULL);
                return;
        } else if (strcmp(method, "bury") == 0) {
                bus_settle(d, BUS_DEAD, "the test wants it dead");
                return;
        } else {
                bus_reply_no_method(s->bus, d->request);
        }
        bus_settle(d, BUS_DONE, NULL);
}

static bool is_ready(void *arg)
{
        return bus_consumer_ready(arg);
}

static struct bus *new_bus(const char *program)
{
        struct bus *b = NULL;
        struct fault why = { 0 };

        if (bus_new(program, &settings, &b, &why) != 0)
                fail_msg("%s", why.message);
        return b;
}

static void start_server_on(struct server *s, const char *const *queues)
{
        struct bus_consumer_spec spec = {
                .queues = queues, .prefetch = 64, .declare = true, .on_delivery = serve, .user = s
        };

        *s = (struct server){ .bus = new_bus("server") };
        assert_int_equal(bus_consumer_new(s->bus, &spec, &s->consumer), 0);
        assert_true(wait_until(is_ready, s->consumer, 10000));
}

static void start_server(struct server *s, const char *queue)
{
        start_server_on(s, (const char *const[]){ queue, NULL });
}

static void stop_server(struct server *s)
{
        bus_drain(s->bus, 5000);
        bus_consumer_free(s->consumer);
        bus_free(s->bus);
}

struct answer {
        _Atomic int n;
        json_t *result;
        struct fault why;
        int64_t at_ms;
};

static void on_reply(const json_t *result, const struct fault *failure, void *user)
{
        struct answer *a = user;

        a->result = result ? json_deep_copy(result) : NULL;
        if (failure)
                a->why = *failure;
        a->at_ms = clock_mono_ms();
        atomic_fetch_add(&a->n, 1);
}

static bool is_answered(void *arg)
{
        return atomic_load(&((struct answer *)arg)->n) > 0;
}

static void call(struct bus *b, const char *topic, const char *method, const json_t *args,
                 int timeout_ms, struct answer *a)
{
        *a = (struct answer){ 0 };
        assert_int_equal(
                bus_call(b, topic, NULL, method, args, NULL, timeout_ms, on_reply, a), 0);
        assert_true(wait_until(is_answered, a, timeout_ms + 2000));
        assert_int_equal(a->n, 1);
}

static void assert_echo(struct bus *b, const char *topic)
{
        json_auto_t *args = json_pack("{s:i, s:s}", "n", 1, "text", "h\xc3\xa9 \"llo\"");
        struct answer a;

        call(b, topic, "echo", args, 10000, &a);
        if (!a.result)
                fail_msg("%s: %s", a.why.type, a.why.message);
        assert_true(json_equal(a.result, args));
        json_decref(a.result);
}

struct sent {
        _Atomic int n[4];
};

static void on_sent(enum bus_sent how, void *user)
{
        struct sent *s = user;

        atomic_fetch_add(&s->n[how], 1);
}

static int n_sent(struct sent *s)
{
        return s->n[0] + s->n[1] + s->n[2] + s->n[3];
}

static bool is_sent(void *arg)
{
        return n_sent(arg) > 0;
}

static void cast(struct bus *b, const char *topic, const char *method, struct sent *s)
{
        assert_int_equal(bus_cast(b, topic, NULL, method, NULL, NULL, 0, on_sent, s), 0);
}

/* ---- plain AMQP beside the bus ---- */

struct side {
        struct broker_url *url;
        struct watchdog *watchdog;
        struct watch watch;
        struct session *session;
};

static void side_open(struct side *side)
{
        static const struct session_hears deaf = { 0 };
        struct fault why = { 0 };

        *side = (struct side){ 0 };
        assert_int_equal(broker_url_parse(broker.url, &side->url, &why), 0);
        assert_int_equal(watchdog_new(&side->watchdog), 0);
        struct session_how how = { .host = side->url->hosts,
                                   .vhost = side->url->vhost,
                                   .name = "test",
                                   .heartbeat_s = 30,
                                   .watchdog = side->watchdog,
                                   .watch = &side->watch };
        assert_int_equal(session_open(&how, &deaf, NULL, &side->session, &why), 0);
}

static void side_close(struct side *side)
{
        session_free(side->session);
        watchdog_free(side->watchdog);
        broker_url_free(side->url);
}

static void side_publish(struct side *side, const char *queue, const char *body, size_t n)
{
        amqp_basic_properties_t properties = { 0 };

        session_publish(side->session, "", queue, &properties, body, n);
        while (session_unwritten(side->session) > 0)
                session_flush(side->session, 0);
        assert_string_equal(side->session->reason, "");
}

/* The next message of a queue, waited for; a copy the caller frees, and its "reason" header. */
static char *side_get(struct side *side, const char *queue, char reason[256])
{
        int64_t until_ms = clock_mono_ms() + 10000;
        amqp_message_t message;
        char *body;

        for (;;) {
                amqp_rpc_reply_t reply = amqp_basic_get(side->session->amqp, SESSION_CHANNEL,
                                                        amqp_cstring_bytes(queue), 1);

                assert_int_equal(reply.reply_type, AMQP_RESPONSE_NORMAL);
                if (reply.reply.id == AMQP_BASIC_GET_OK_METHOD)
                        break;
                assert_true(clock_mono_ms() < until_ms);
                poll(NULL, 0, 20);
        }
        assert_int_equal(
                amqp_read_message(side->session->amqp, SESSION_CHANNEL, &message, 0).reply_type,
                AMQP_RESPONSE_NORMAL);
        reason[0] = '\0';
        for (int i = 0; i < message.properties.headers.num_entries; i++) {
                const amqp_table_entry_t *e = &message.properties.headers.entries[i];

                if (e->key.len == 6 && memcmp(e->key.bytes, "reason", 6) == 0)
                        snprintf(reason, 256, "%.*s", (int)e->value.value.bytes.len,
                                 (char *)e->value.value.bytes.bytes);
        }
        if (strcmp(queue, QUEUE_DEAD) == 0)
                assert_int_equal(message.properties.delivery_mode, 2);
        body = strndup(message.body.bytes, message.body.len);
        amqp_destroy_message(&message);
        return body;
}

static void sync_topology(void)
{
        struct fault why = { 0 };

        if (bus_topology_sync(&settings, (const char *const[]){ "paris", NULL }, 10000, &why) != 0)
                fail_msg("%s", why.message);
}

/* ---- the tests ---- */

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
        char *text = malloc(120 * 1024 + 1);
        json_auto_t *args = NULL;
        struct answer a;

        (void)state;
        memset(text, 'x', 120 * 1024);
        text[120 * 1024] = '\0';
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
        char reason[256], *body, *large = malloc(300000);
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
        memset(large, 'x', 300000);
        side_publish(&side, "t-poison", large, 300000);
        body = side_get(&side, QUEUE_DEAD, reason);
        assert_int_equal(strlen(body), 300000);
        assert_string_equal(reason, "The message has 300000 bytes.");
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

/* Earlier queues first: all of the first queue's messages are taken before the second's, when both wait. */
static _Atomic int n_order, order[64];

static void note_order(struct bus_delivery *d, void *user)
{
        (void)user;
        atomic_store(&order[n_order], strcmp(d->queue, "t-first") == 0);
        atomic_fetch_add(&n_order, 1);
        bus_settle(d, BUS_DONE, NULL);
}

static bool is_ordered(void *arg)
{
        (void)arg;
        return n_order == 20;
}

static void of_several_queues_all_are_consumed(void **state)
{
        static const char *const queues[] = { "t-first", "t-second", NULL };
        struct server s;
        struct bus_consumer_spec spec = { .queues = queues, .prefetch = 64, .on_delivery = note_order };
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
        assert_true(wait_until(is_ordered, NULL, 5000));
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
        struct bus_consumer_spec spec = { .queues = queues, .prefetch = 4, .declare = true, .on_delivery = hold };
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

static bool can_send(void *arg)
{
        return bus_can_send(arg);
}

enum { CUT_MESSAGES = 400000 };
static _Atomic char cut_taken[CUT_MESSAGES], cut_sent[CUT_MESSAGES]; /* by number; sent: outcome + 1 */

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
                assert_in_set(cut_sent[i] - 1, ((unsigned long[]){ BUS_SENT_OK, BUS_SENT_LOST }), 2);
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
                UNIT(a_blocked_broker_is_told_within_a_second_and_consuming_goes_on),
                UNIT(no_confirmed_message_is_lost_when_connections_are_cut),
                UNIT(a_restarted_broker_is_found_again),
                UNIT(a_broker_that_is_not_there_is_reported_within_a_second),
        };

        log_open("test", LOG_LEVEL_WARN);
        return cmocka_run_group_tests_name("bus", tests, start_broker, remove_broker);
}
