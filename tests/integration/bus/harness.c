/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <poll.h>

#include "base/clock.h"
#include "messages/topics.h"

struct broker broker;
struct bus_settings settings;

int start_broker(void **state)
{
        (void)state;
        if (!broker_new(&broker))
                return -1;
        settings = broker_settings(&broker);
        return 0;
}

int remove_broker(void **state)
{
        (void)state;
        broker_remove(&broker);
        return 0;
}

void serve(struct bus_delivery *d, void *user)
{
        struct server *s = user;
        const char *method = d->request->method;
        struct fault why = { 0 };

        atomic_fetch_add(&s->n_taken, 1);
        atomic_fetch_add(&s->n_redelivered, d->redelivered);
        atomic_fetch_add(&s->sum, (long)json_integer_value(json_object_get(d->request->args, "n")));
        if (d->delivery_count > s->most_deliveries)
                atomic_store(&s->most_deliveries, d->delivery_count);
        TEXT_SET(s->user_id, d->user_id);
        if (s->gives_back) {
                bus_settle(d, BUS_AGAIN, NULL);
                return;
        }
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

bool is_ready(void *arg)
{
        return bus_consumer_ready(arg);
}

struct bus *new_bus(const char *program)
{
        struct bus *b = NULL;
        struct fault why = { 0 };

        if (bus_new(program, &settings, &b, &why) != 0)
                fail_msg("%s", why.message);
        return b;
}

void start_server_on(struct server *s, const char *const *queues)
{
        struct bus_consumer_spec spec = {
                .queues = queues, .prefetch = 64, .declare = true, .on_delivery = serve, .user = s
        };

        *s = (struct server){ .bus = new_bus("server") };
        assert_int_equal(bus_consumer_new(s->bus, &spec, &s->consumer), 0);
        assert_true(wait_until(is_ready, s->consumer, 10000));
}

void start_server(struct server *s, const char *queue)
{
        start_server_on(s, (const char *const[]){ queue, NULL });
}

void stop_server(struct server *s)
{
        bus_drain(s->bus, 5000);
        bus_consumer_free(s->consumer);
        bus_free(s->bus);
}

void on_reply(const json_t *result, const struct fault *failure, void *user)
{
        struct answer *a = user;

        a->result = result ? json_deep_copy(result) : NULL;
        if (failure)
                a->why = *failure;
        a->at_ms = clock_mono_ms();
        atomic_fetch_add(&a->n, 1);
}

bool is_answered(void *arg)
{
        return atomic_load(&((struct answer *)arg)->n) > 0;
}

void call(struct bus *b, const char *topic, const char *method, const json_t *args, int timeout_ms,
          struct answer *a)
{
        *a = (struct answer){ 0 };
        assert_int_equal(bus_call(b, topic, NULL, method, args, NULL, timeout_ms, on_reply, a), 0);
        assert_true(wait_until(is_answered, a, timeout_ms + 2000));
        assert_int_equal(a->n, 1);
}

void assert_echo(struct bus *b, const char *topic)
{
        json_auto_t *args = json_pack("{s:i, s:s}", "n", 1, "text", "h\xc3\xa9 \"llo\"");
        struct answer a;

        call(b, topic, "echo", args, 10000, &a);
        if (!a.result)
                fail_msg("%s: %s", a.why.type, a.why.message);
        assert_true(json_equal(a.result, args));
        json_decref(a.result);
}

void on_sent(enum bus_sent how, void *user)
{
        struct sent *s = user;

        atomic_fetch_add(&s->n[how], 1);
}

static int n_sent(struct sent *s)
{
        return s->n[0] + s->n[1] + s->n[2] + s->n[3];
}

bool is_sent(void *arg)
{
        return n_sent(arg) > 0;
}

void cast(struct bus *b, const char *topic, const char *method, struct sent *s)
{
        assert_int_equal(bus_cast(b, topic, NULL, method, NULL, NULL, 0, on_sent, s), 0);
}

void side_open(struct side *side)
{
        side_open_url(side, broker.url);
}

void side_open_url(struct side *side, const char *url)
{
        static const struct bus_settings patient = { .heartbeat_timeout_s = 30 };
        static const struct session_hears deaf = { 0 };
        struct fault why = { 0 };

        *side = (struct side){ 0 };
        assert_int_equal(broker_url_parse(url, &side->url, &why), 0);
        assert_int_equal(watchdog_new(&side->watchdog), 0);
        struct session_how how = { .host = side->url->hosts,
                                   .vhost = side->url->vhost,
                                   .name = "test",
                                   .settings = &patient,
                                   .watchdog = side->watchdog,
                                   .watch = &side->watch };
        assert_int_equal(session_open(&how, &deaf, NULL, &side->session, &why), 0);
}

void side_close(struct side *side)
{
        session_free(side->session);
        watchdog_free(side->watchdog);
        broker_url_free(side->url);
}

void side_publish(struct side *side, const char *queue, const char *body, size_t n)
{
        amqp_basic_properties_t properties = { 0 };

        session_publish(side->session, "", queue, &properties, body, n);
        while (session_unwritten(side->session) > 0)
                session_flush(side->session, 0);
        assert_string_equal(side->session->reason, "");
}

char *side_get(struct side *side, const char *queue, char reason[256])
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

void sync_topology(void)
{
        struct fault why = { 0 };

        if (bus_topology_sync(&settings, (const char *const[]){ "paris", NULL }, 10000, &why) != 0)
                fail_msg("%s", why.message);
}

bool can_send(void *bus)
{
        return bus_can_send(bus);
}
