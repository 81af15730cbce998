/* SPDX-License-Identifier: Apache-2.0 */
/* What oslo.messaging's servers and clients do beside plain calls, on a real RabbitMQ. */
#include "harness.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "messages/topics.h"
#include "messages/trace.h"

static bool took(void *arg)
{
        return ((struct server *)arg)->n_taken > 0;
}

static void a_fanout_reaches_every_server_once(void **state)
{
        static const char *const queues[][2] = { { "t-all.a", NULL }, { "t-all.b", NULL } };
        const struct bus_target all = { .topic = "t-all", .fanout = true };
        struct bus *b = new_bus("client");
        struct server s[2];
        struct sent sent = { 0 }, nobody = { 0 };

        (void)state;
        sync_topology();
        /* Nobody serves it yet: the exchange goes and comes with its servers. */
        assert_int_equal(bus_cast_to(b, &all, "m", NULL, NULL, 0, on_sent, &nobody), 0);
        assert_true(wait_until(is_sent, &nobody, 5000));
        assert_int_equal(nobody.n[BUS_SENT_UNROUTABLE], 1);
        for (int i = 0; i < 2; i++) {
                struct bus_consumer_spec spec = { .queues = queues[i],
                                                  .fanout_topic = "t-all",
                                                  .prefetch = 4,
                                                  .declare = true,
                                                  .on_delivery = serve,
                                                  .user = &s[i] };

                s[i] = (struct server){ .bus = new_bus("server") };
                assert_int_equal(bus_consumer_new(s[i].bus, &spec, &s[i].consumer), 0);
                assert_true(wait_until(is_ready, s[i].consumer, 5000));
        }
        assert_int_equal(bus_cast_to(b, &all, "m", NULL, NULL, 0, on_sent, &sent), 0);
        assert_true(wait_until(took, &s[0], 5000) && wait_until(took, &s[1], 5000));
        assert_int_equal(sent.n[BUS_SENT_OK], 1);
        assert_int_equal(s[0].n_taken + s[1].n_taken, 2);
        for (int i = 0; i < 2; i++) {
                bus_consumer_stop(s[i].consumer);
                stop_server(&s[i]);
        }
        /* The queues went with their servers, the exchange with the last queue: sending still
         * works. */
        memset(&nobody, 0, sizeof nobody);
        poll(NULL, 0, 200);
        assert_int_equal(bus_cast_to(b, &all, "m", NULL, NULL, 0, on_sent, &nobody), 0);
        assert_true(wait_until(is_sent, &nobody, 5000));
        assert_int_equal(nobody.n[BUS_SENT_UNROUTABLE], 1);
        assert_int_equal(bus_send_epoch(b), 1);
        bus_free(b);
}

static void what_is_not_served_is_answered_as_by_oslo_messaging(void **state)
{
        /* clang-format off */
        static const struct {
                const char *namespace, *version;
                bool served;
        } asked[] = {
                { NULL, "1.0", true },
                { NULL, "1.1", false },
                { NULL, "2.0", false },
                { "other", "1.0", false },
        };
        /* clang-format on */
        struct bus *b = new_bus("client");
        struct server s;

        (void)state;
        start_server(&s, "t-version");
        for (size_t i = 0; i < N_ELEMENTS(asked); i++) {
                const struct bus_target target = { .topic = "t-version",
                                                   .namespace = asked[i].namespace,
                                                   .version = asked[i].version };
                struct answer a = { 0 };
                char expected[128];

                snprintf(expected, sizeof expected,
                         "UnsupportedVersion: Endpoint does not support RPC version %s. Attempted "
                         "method: echo",
                         asked[i].version);
                assert_int_equal(bus_call_to(b, &target, "echo", NULL, NULL, 5000, 0, on_reply, &a),
                                 0);
                assert_true(wait_until(is_answered, &a, 6000));
                if (asked[i].served)
                        assert_non_null(a.result);
                else
                        assert_string_equal(a.why.message, expected);
                json_decref(a.result);
        }
        assert_int_equal(s.n_taken, 1);
        bus_free(b);
        stop_server(&s);
}

/* A server that takes what comes and holds it. */
struct holder {
        struct bus *bus;
        struct bus_consumer *consumer;
        struct bus_delivery *_Atomic held;
        _Atomic int n;
};

static void hold(struct bus_delivery *d, void *user)
{
        struct holder *h = user;

        atomic_store(&h->held, d);
        atomic_fetch_add(&h->n, 1);
}

static bool holds_one(void *arg)
{
        return atomic_load(&((struct holder *)arg)->held) != NULL;
}

static void start_holder(struct holder *h, const char *queue)
{
        struct bus_consumer_spec spec = { .queues = (const char *const[]){ queue, NULL },
                                          .prefetch = 4,
                                          .declare = true,
                                          .on_delivery = hold,
                                          .user = h };

        *h = (struct holder){ .bus = new_bus("holder") };
        assert_int_equal(bus_consumer_new(h->bus, &spec, &h->consumer), 0);
        assert_true(wait_until(is_ready, h->consumer, 5000));
}

static void stop_holder(struct holder *h)
{
        bus_drain(h->bus, 5000);
        bus_consumer_free(h->consumer);
        bus_free(h->bus);
}

static void a_monitored_call_lives_while_its_server_is_at_work(void **state)
{
        const struct bus_target target = { .topic = "t-slow" };
        struct bus *b = new_bus("client");
        struct holder h;
        struct answer a = { 0 };

        (void)state;
        start_holder(&h, "t-slow");
        assert_int_equal(bus_call_to(b, &target, "m", NULL, NULL, 30000, 2000, on_reply, &a), 0);
        assert_true(wait_until(holds_one, &h, 5000));
        poll(NULL, 0, 4500); /* more than two of its patiences */
        assert_int_equal(a.n, 0);
        bus_reply(h.bus, h.held->request, NULL);
        bus_settle(h.held, BUS_DONE, NULL);
        assert_true(wait_until(is_answered, &a, 5000));
        assert_true(json_is_null(a.result));
        bus_free(b);
        stop_holder(&h);
}

static void a_monitored_call_ends_when_its_server_falls_silent(void **state)
{
        const struct bus_target target = { .topic = "t-mute" };
        struct bus *b = new_bus("client");
        struct holder h;
        struct answer a = { 0 };
        int64_t from_ms;

        (void)state;
        start_holder(&h, "t-mute");
        bus_consumer_stop(h.consumer); /* its queue stays, and nobody works */
        h.consumer = bus_consumer_free(h.consumer);
        from_ms = clock_mono_ms();
        assert_int_equal(bus_call_to(b, &target, "m", NULL, NULL, 30000, 2000, on_reply, &a), 0);
        assert_true(wait_until(is_answered, &a, 6000));
        assert_string_equal(a.why.type, "bus.timeout");
        assert_non_null(strstr(a.why.message, "fell silent"));
        assert_true(a.at_ms - from_ms >= 1990 && a.at_ms - from_ms < 3500);
        bus_free(b);
        stop_holder(&h);
}

/* Whoever does not monitor gets no heartbeat: a Python caller would stumble over it. */
static void a_call_without_timeout_gets_its_answer_only(void **state)
{
        static const char request[] = "{\"method\": \"m\", \"_msg_id\": \"quiet\", \"_reply_q\": "
                                      "\"reply_quiet\", \"_timeout\": null}",
                          monitored[] = "{\"method\": \"m\", \"_msg_id\": \"loud\", \"_reply_q\": "
                                        "\"reply_quiet\", \"_timeout\": 2}";
        char reason[256], *body;
        struct side side;
        struct holder h;

        (void)state;
        start_holder(&h, "t-quiet");
        side_open(&side);
        amqp_queue_declare(side.session->amqp, SESSION_CHANNEL, amqp_cstring_bytes("reply_quiet"),
                           0, 0, 0, 0, amqp_empty_table);
        side_publish(&side, "t-quiet", request, sizeof request - 1);
        assert_true(wait_until(holds_one, &h, 5000));
        poll(NULL, 0, 2500);
        bus_reply(h.bus, h.held->request, NULL);
        bus_settle(h.held, BUS_DONE, NULL);
        body = side_get(&side, "reply_quiet", reason);
        assert_non_null(strstr(body, "\\\"ending\\\": true"));
        free(body);
        h.held = NULL;
        side_publish(&side, "t-quiet", monitored, sizeof monitored - 1);
        assert_true(wait_until(holds_one, &h, 5000));
        body = side_get(&side, "reply_quiet", reason);
        assert_non_null(strstr(body, "\\\"ending\\\": false"));
        assert_non_null(strstr(body, "\\\"_msg_id\\\": \\\"loud\\\""));
        free(body);
        bus_settle(h.held, BUS_DONE, NULL);
        stop_holder(&h);
        side_close(&side);
}

static bool is_idle(void *arg)
{
        return ((struct server *)arg)->n_taken >= 3;
}

static void a_unique_id_is_carried_out_once_and_counts_only_when_it_was(void **state)
{
        static const char once[] =
                "{\"method\": \"echo\", \"_unique_id\": \"0123456789abcdef0123456789abcdef\"}";
        static const char again[] =
                "{\"method\": \"again\", \"_unique_id\": \"1123456789abcdef0123456789abcdef\"}";
        struct server s;
        struct side side;

        (void)state;
        start_server(&s, "t-once");
        side_open(&side);
        side_publish(&side, "t-once", once, sizeof once - 1);
        assert_true(wait_until(took, &s, 5000));
        poll(NULL, 0, 100);
        for (int i = 0; i < 3; i++)
                side_publish(&side, "t-once", once, sizeof once - 1);
        /* Given back, it was not carried out: it comes again. */
        side_publish(&side, "t-once", again, sizeof again - 1);
        assert_true(wait_until(is_idle, &s, 5000));
        poll(NULL, 0, 200);
        assert_int_equal(s.n_taken, 3);
        assert_int_equal(s.n_redelivered, 1);
        side_close(&side);
        stop_server(&s);
}

static void an_expired_call_is_not_carried_out(void **state)
{
        struct bus *b = new_bus("client");
        struct server s;
        struct answer a;

        (void)state;
        start_server(&s, "t-expired");
        bus_consumer_stop(s.consumer);
        s.consumer = bus_consumer_free(s.consumer);
        call(b, "t-expired", "echo", NULL, 700, &a);
        assert_string_equal(a.why.type, "bus.timeout");
        poll(NULL, 0, 300);
        stop_server(&s);
        start_server(&s, "t-expired");
        assert_echo(b, "t-expired");
        assert_int_equal(s.n_taken, 1);
        bus_free(b);
        stop_server(&s);
}

static void a_reply_that_lacks_what_it_needs_ends_its_call_at_once(void **state)
{
        static const char *const bad[] = {
                "\"result\": 1, \"ending\": true",
                "\"result\": 1, \"failure\": null",
                "\"result\": 1, \"failure\": {}, \"ending\": true",
        };
        struct bus *b = new_bus("client");
        struct holder h;
        struct side side;

        (void)state;
        start_holder(&h, "t-broken");
        side_open(&side);
        for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
                struct answer a = { 0 };
                char body[256];
                int n;

                h.held = NULL;
                assert_int_equal(
                        bus_call(b, "t-broken", NULL, "m", NULL, NULL, 20000, on_reply, &a), 0);
                assert_true(wait_until(holds_one, &h, 5000));
                side_publish(&side, h.held->request->reply_q, "nonsense", 8);
                n = snprintf(body, sizeof body, "{%s, \"_msg_id\": \"%s\"}", bad[i],
                             h.held->request->msg_id);
                side_publish(&side, h.held->request->reply_q, body, (size_t)n);
                assert_true(wait_until(is_answered, &a, 5000));
                assert_int_equal(a.why.code, 502);
                assert_string_equal(a.why.type, "bus.bad_reply");
                bus_settle(h.held, BUS_DONE, NULL);
        }
        side_close(&side);
        bus_free(b);
        stop_holder(&h);
}

static void every_message_says_who_sent_it_and_what_it_belongs_to(void **state)
{
        struct bus *b = new_bus("client");
        json_auto_t *context =
                json_pack("{s:s}", "request_id", "req-5b2c1e0a-5d1f-4f0e-9d6c-0a1b2c3d4e5f");
        struct holder h;
        struct sent sent = { 0 };
        const struct request *r;

        (void)state;
        start_holder(&h, "t-who");
        assert_int_equal(bus_cast(b, "t-who", NULL, "m", NULL, context, 0, on_sent, &sent), 0);
        assert_true(wait_until(holds_one, &h, 5000));
        r = h.held->request;
        assert_string_equal(h.held->user_id, "guest");
        assert_string_equal(request_context(r, "request_id"),
                            "req-5b2c1e0a-5d1f-4f0e-9d6c-0a1b2c3d4e5f");
        assert_true(traceparent_valid(request_context(r, "traceparent")));
        assert_memory_equal(request_context(r, "traceparent"),
                            "00-5b2c1e0a5d1f4f0e9d6c0a1b2c3d4e5f-", 36);
        bus_settle(h.held, BUS_DONE, NULL);
        bus_free(b);
        stop_holder(&h);
}

/* With other options, in a vhost of its own. */
static void start_with(struct server *s, const struct bus_settings *options, const char *queue)
{
        struct bus_consumer_spec spec = { .queues = (const char *const[]){ queue, NULL },
                                          .prefetch = 4,
                                          .declare = true,
                                          .on_delivery = serve,
                                          .user = s };
        struct fault why = { 0 };

        *s = (struct server){ 0 };
        assert_int_equal(bus_new("server", options, &s->bus, &why), 0);
        assert_int_equal(bus_consumer_new(s->bus, &spec, &s->consumer), 0);
        assert_true(wait_until(is_ready, s->consumer, 10000));
}

static struct bus_settings in_vhost(const char *vhost, char url[160])
{
        struct bus_settings s = settings;

        assert_true(broker_ctl(&broker, "add_vhost", vhost, NULL));
        assert_true(broker_ctl(&broker, "set_permissions", "-p", vhost, "guest", ".*", ".*", ".*",
                               NULL));
        snprintf(url, 160, "%s%s", broker.url, vhost);
        s.transport_url = url;
        return s;
}

static void a_quorum_queue_counts_its_deliveries_and_keeps_to_its_limit(void **state)
{
        char url[160];
        struct bus_settings s = in_vhost("quorum", url);
        struct fault why = { 0 };
        struct server server;
        struct side side;

        (void)state;
        s.rabbit_quorum_queue = true;
        s.amqp_durable_queues = false; /* quorum makes them durable, as in oslo.messaging */
        s.rabbit_quorum_delivery_limit = 3;
        assert_int_equal(bus_topology_sync(&s, NULL, 10000, &why), 0);
        start_with(&server, &s, "t-quorum");
        assert_echo(server.bus, "t-quorum");
        side_open_url(&side, url);
        server.n_taken = 0;
        server.gives_back = true;
        side_publish(&side, "t-quorum", "{\"method\": \"m\"}", 15);
        assert_true(wait_until(is_idle, &server, 5000));
        poll(NULL, 0, 500);
        assert_int_equal(server.n_taken, 4); /* once, and three times again */
        assert_int_equal(server.most_deliveries, 3);
        side_close(&side);
        stop_server(&server);
        /* Who says otherwise is refused: the declaration is the same, byte for byte in its meaning.
         */
        s.rabbit_quorum_delivery_limit = 4;
        assert_true(bus_topology_sync(&s, NULL, 10000, &why) > 0);
        assert_non_null(strstr(why.message, "x-delivery-limit"));
}

static void what_is_deleted_by_itself_is_gone_after_its_last_user(void **state)
{
        char url[160];
        struct bus_settings s = in_vhost("autodelete", url);
        struct server server;
        struct side side;

        (void)state;
        s.amqp_auto_delete = true;
        s.amqp_durable_queues = false;
        s.control_exchange = (char *)(uintptr_t) "elsewhere";
        start_with(&server, &s, "t-auto");
        assert_echo(server.bus, "t-auto");
        stop_server(&server);
        side_open_url(&side, url);
        amqp_exchange_declare(side.session->amqp, SESSION_CHANNEL, amqp_cstring_bytes("elsewhere"),
                              amqp_cstring_bytes("topic"), 1, 0, 0, 0, amqp_empty_table);
        assert_false(session_answered(side.session, "exchange"));
        assert_non_null(strstr(side.session->reason, "NOT_FOUND"));
        side_close(&side);
}

static void a_channel_the_broker_closed_is_opened_again(void **state)
{
        char url[160];
        struct bus_settings s = in_vhost("closed", url);
        struct fault why = { 0 };
        struct sent sent = { 0 };
        struct bus *b = NULL;
        struct server server;
        struct side side;

        (void)state;
        assert_int_equal(bus_new("client", &s, &b, &why), 0);
        start_with(&server, &s, "t-closed");
        assert_echo(b, "t-closed");
        /* Publishing to an exchange that is not there closes the channel: 404. */
        side_open_url(&side, url);
        amqp_exchange_delete(side.session->amqp, SESSION_CHANNEL, amqp_cstring_bytes("atlas"), 0);
        assert_true(session_answered(side.session, "exchange.delete"));
        cast(b, "t-closed", "m", &sent);
        assert_true(wait_until(is_sent, &sent, 5000));
        assert_int_equal(sent.n[BUS_SENT_LOST], 1);
        poll(NULL, 0, 500);
        assert_false(bus_can_send(b)); /* not before somebody put it back */
        assert_true(bus_consumer_ready(server.consumer));
        assert_int_equal(bus_topology_sync(&s, NULL, 5000, &why), 0);
        assert_true(wait_until(can_send, b, 5000));
        assert_int_equal(bus_send_epoch(b), 2);
        stop_server(&server);
        start_with(&server, &s, "t-closed");
        assert_echo(b, "t-closed");
        stop_server(&server);
        bus_free(b);
        side_close(&side);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                UNIT(a_fanout_reaches_every_server_once),
                UNIT(what_is_not_served_is_answered_as_by_oslo_messaging),
                UNIT(a_monitored_call_lives_while_its_server_is_at_work),
                UNIT(a_monitored_call_ends_when_its_server_falls_silent),
                UNIT(a_call_without_timeout_gets_its_answer_only),
                UNIT(a_unique_id_is_carried_out_once_and_counts_only_when_it_was),
                UNIT(an_expired_call_is_not_carried_out),
                UNIT(a_reply_that_lacks_what_it_needs_ends_its_call_at_once),
                UNIT(every_message_says_who_sent_it_and_what_it_belongs_to),
                UNIT(a_quorum_queue_counts_its_deliveries_and_keeps_to_its_limit),
                UNIT(what_is_deleted_by_itself_is_gone_after_its_last_user),
                UNIT(a_channel_the_broker_closed_is_opened_again),
        };

        log_open("test", LOG_LEVEL_WARN);
        return cmocka_run_group_tests_name("rpc", tests, start_broker, remove_broker);
}
