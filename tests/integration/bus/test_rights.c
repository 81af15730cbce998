/* SPDX-License-Identifier: Apache-2.0 */
/* The definitions file, loaded by a real RabbitMQ: what each role can do, and cannot. */
#include "support/unit.h"

#include <stdatomic.h>

#include "base/log.h"
#include "bus/bus.h"
#include "bus/definitions.h"
#include "messages/topics.h"
#include "support/broker.h"

static struct broker broker;

static int start_broker(void **state)
{
        static const struct bus_user users[] = {
                { .name = "conductor", .password = "c/secret:@", .role = BUS_ROLE_CONDUCTOR, .site = NULL },
                { .name = "api", .password = "a-secret", .role = BUS_ROLE_API, .site = NULL },
                { .name = "paris", .password = "p-secret", .role = BUS_ROLE_SITE, .site = "paris" },
        };
        static const char *const sites[] = { "paris", "lyon", NULL };
        OWN(text_done) struct text t = { 0 };
        struct bus_settings settings;
        char path[96];
        FILE *file;

        (void)state;
        if (!broker_new(&broker))
                return -1;
        settings = broker_settings(&broker);
        if (bus_definitions(&settings, "cloud", users, N_ELEMENTS(users), sites, &t) != 0)
                return -1;
        snprintf(path, sizeof path, "%s/definitions.json", broker.dir);
        file = fopen(path, "we");
        fputs(t.bytes, file);
        fclose(file);
        /* Twice: it has to be repeatable. */
        return broker_ctl(&broker, "import_definitions", path, NULL) &&
                               broker_ctl(&broker, "import_definitions", path, NULL)
                       ? 0
                       : -1;
}

static int remove_broker(void **state)
{
        (void)state;
        broker_remove(&broker);
        return 0;
}

static struct bus *bus_as(const char *login)
{
        struct bus_settings settings = broker_settings(&broker);
        struct bus *b = NULL;
        struct fault why = { 0 };
        char url[256];

        snprintf(url, sizeof url, "rabbit://%s%scloud", login, strchr(broker.url, '@'));
        settings.transport_url = url;
        if (bus_new(login, &settings, &b, &why) != 0)
                fail_msg("%s", why.message);
        return b;
}

static _Atomic int n_taken;

static void answer(struct bus_delivery *d, void *user)
{
        struct bus *b = user;

        bus_reply(b, d->request, d->request->args);
        atomic_fetch_add(&n_taken, 1);
        bus_settle(d, strcmp(d->request->method, "bury") == 0 ? BUS_DEAD : BUS_DONE, "as asked");
}

static struct bus_consumer *consume(struct bus *b, const char *queue)
{
        const char *queues[] = { queue, NULL };
        struct bus_consumer_spec spec = {
                .queues = queues, .prefetch = 8, .on_delivery = answer, .user = b
        };
        struct bus_consumer *c = NULL;

        assert_int_equal(bus_consumer_new(b, &spec, &c), 0);
        return c;
}

static bool is_ready(void *arg)
{
        return bus_consumer_ready(arg);
}

static _Atomic int last_sent;

static void on_sent(enum bus_sent how, void *user)
{
        (void)user;
        atomic_store(&last_sent, (int)how);
}

static bool is_sent(void *arg)
{
        (void)arg;
        return last_sent >= 0;
}

static int cast(struct bus *b, const char *topic, const char *server, const char *method)
{
        atomic_store(&last_sent, -1);
        assert_int_equal(bus_cast(b, topic, server, method, NULL, NULL, 0, on_sent, NULL), 0);
        assert_true(wait_until(is_sent, NULL, 5000));
        return last_sent;
}

static void a_site_speaks_with_its_own_keys_only(void **state)
{
        struct bus *b = bus_as("paris:p-secret");

        (void)state;
        assert_int_equal(cast(b, TOPIC_EVENT, "paris", "discovered"), BUS_SENT_OK);
        assert_int_equal(cast(b, TOPIC_HEARTBEAT, "paris", "heartbeat"), BUS_SENT_OK);
        assert_int_equal(cast(b, TOPIC_EVENT, "lyon", "discovered"), BUS_SENT_LOST);
        assert_int_equal(cast(b, TOPIC_AGENT, "lyon", "apply"), BUS_SENT_LOST);
        assert_int_equal(cast(b, TOPIC_CONDUCTOR, NULL, "delete_vpn"), BUS_SENT_LOST);
        assert_int_equal(cast(b, TOPIC_EVENT, "paris", "discovered"), BUS_SENT_OK);
        bus_free(b);
}

static void a_site_reads_its_own_queue_only(void **state)
{
        struct bus *b = bus_as("paris:p-secret"), *conductor = bus_as("conductor:c%2Fsecret%3A%40");
        struct bus_consumer *own = consume(b, TOPIC_AGENT ".paris");
        struct bus_consumer *other = consume(b, TOPIC_AGENT ".lyon");

        (void)state;
        assert_true(wait_until(is_ready, own, 5000));
        assert_false(wait_until(is_ready, other, 500));
        atomic_store(&n_taken, 0);
        assert_int_equal(cast(conductor, TOPIC_AGENT, "paris", "apply"), BUS_SENT_OK);
        assert_int_equal(cast(conductor, TOPIC_AGENT, "lyon", "apply"), BUS_SENT_OK);
        bus_consumer_free(other);
        bus_consumer_free(own);
        assert_int_equal(n_taken, 1);
        bus_free(b);
        bus_free(conductor);
}

static bool is_taken(void *arg)
{
        (void)arg;
        return n_taken > 0;
}

static void a_site_can_bury_what_it_cannot_read(void **state)
{
        struct bus *b = bus_as("paris:p-secret"), *conductor = bus_as("conductor:c%2Fsecret%3A%40");
        struct bus_consumer *own = consume(b, TOPIC_AGENT ".paris"), *dead;

        (void)state;
        assert_int_equal(cast(conductor, TOPIC_AGENT, "paris", "bury"), BUS_SENT_OK);
        assert_true(wait_until(is_taken, NULL, 5000));
        bus_drain(b, 5000);
        atomic_store(&n_taken, 0);
        dead = consume(conductor, QUEUE_DEAD);
        assert_true(wait_until(is_taken, NULL, 5000));
        bus_consumer_free(dead);
        bus_consumer_free(own);
        bus_free(b);
        bus_free(conductor);
}

static _Atomic int n_answers;

static void on_reply(const json_t *result, const struct fault *failure, void *user)
{
        (void)user;
        if (failure)
                print_message("%s: %s\n", failure->type, failure->message);
        atomic_fetch_add(&n_answers, result ? 1 : 100);
}

static bool is_answered(void *arg)
{
        (void)arg;
        return n_answers > 0;
}

static void the_api_calls_the_conductor_and_nobody_else(void **state)
{
        struct bus *api = bus_as("api:a-secret"), *conductor = bus_as("conductor:c%2Fsecret%3A%40");
        struct bus_consumer *c = consume(conductor, TOPIC_CONDUCTOR);

        (void)state;
        assert_int_equal(
                bus_call(api, TOPIC_CONDUCTOR, NULL, "m", NULL, NULL, 5000, on_reply, NULL), 0);
        assert_true(wait_until(is_answered, NULL, 6000));
        assert_int_equal(n_answers, 1);
        assert_int_equal(cast(api, TOPIC_AGENT, "paris", "apply"), BUS_SENT_LOST);
        bus_consumer_free(c);
        bus_free(api);
        bus_free(conductor);
}

static void a_wrong_password_is_not_let_in(void **state)
{
        struct bus *b = bus_as("paris:wrong");

        (void)state;
        atomic_store(&last_sent, -1);
        assert_int_equal(bus_cast(b, TOPIC_EVENT, "paris", "m", NULL, NULL, 0, on_sent, NULL), 0);
        assert_false(wait_until(is_sent, NULL, 500));
        assert_false(bus_can_send(b));
        bus_free(b);
        assert_int_equal(last_sent, BUS_SENT_EXPIRED);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                UNIT(a_site_speaks_with_its_own_keys_only),
                UNIT(a_site_reads_its_own_queue_only),
                UNIT(a_site_can_bury_what_it_cannot_read),
                UNIT(the_api_calls_the_conductor_and_nobody_else),
                UNIT(a_wrong_password_is_not_let_in),
        };

        log_open("test", LOG_LEVEL_ERROR);
        return cmocka_run_group_tests_name("rights", tests, start_broker, remove_broker);
}
