/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "bus/definitions.h"

static json_t *make(bool quorum)
{
        static const struct bus_user users[] = {
                { .name = "conductor",
                  .password = "c-secret",
                  .role = BUS_ROLE_CONDUCTOR,
                  .site = NULL },
                { .name = "api", .password = NULL, .role = BUS_ROLE_API, .site = NULL },
                { .name = "paris", .password = "p-secret", .role = BUS_ROLE_SITE, .site = "paris" },
        };
        static const char *const sites[] = { "paris", "lyon", NULL };
        const struct bus_settings settings = { .control_exchange = (char *)(uintptr_t) "atlas",
                                               .amqp_durable_queues = true,
                                               .rabbit_quorum_queue = quorum };
        OWN(text_done) struct text t = { 0 };
        json_t *all;

        assert_int_equal(bus_definitions(&settings, "cloud", users, 3, sites, &t), 0);
        assert_null(strstr(t.bytes, "secret"));
        all = json_loads(t.bytes, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(all);
        return all;
}

/* The member of 'all'[array] whose 'key' is 'value'. */
static json_t *find(json_t *all, const char *array, const char *key, const char *value)
{
        json_t *list = json_object_get(all, array);

        for (size_t i = 0; i < json_array_size(list); i++) {
                json_t *at = json_array_get(list, i);

                if (strcmp(json_string_value(json_object_get(at, key)), value) == 0)
                        return at;
        }
        return NULL;
}

static const char *get(const json_t *from, const char *key)
{
        return json_string_value(json_object_get(from, key));
}

static void a_site_may_do_nothing_but_its_own(void **state)
{
        json_auto_t *all = make(false);
        json_t *may = find(all, "permissions", "user", "paris");
        json_t *topics = find(all, "topic_permissions", "user", "paris");

        (void)state;
        assert_string_equal(get(may, "configure"), "^$");
        assert_string_equal(get(may, "read"), "^atlas-agent\\.paris$");
        assert_string_equal(get(may, "write"), "^atlas$");
        assert_string_equal(get(topics, "exchange"), "atlas");
        assert_string_equal(get(topics, "write"),
                            "^(atlas-event|atlas-heartbeat|atlas-dead)\\.paris\\z");
        assert_string_equal(get(topics, "read"), "^$");
}

static void a_user_without_password_keeps_its_own(void **state)
{
        json_auto_t *all = make(false);

        (void)state;
        assert_int_equal(json_array_size(json_object_get(all, "users")), 2);
        assert_null(find(all, "users", "name", "api"));
        assert_non_null(find(all, "permissions", "user", "api"));
        assert_int_equal(strlen(get(find(all, "users", "name", "paris"), "password_hash")), 48);
}

static void queues_and_keys_are_those_programs_declare(void **state)
{
        static const char *const expected[][2] = {
                { "atlas-conductor", "atlas-conductor" },
                { "atlas-event", "atlas-event.*" },
                { "atlas-heartbeat", "atlas-heartbeat.*" },
                { "atlas-dead", "atlas-dead.#" },
                { "atlas-agent.paris", "atlas-agent.paris" },
                { "atlas-agent.lyon", "atlas-agent.lyon" },
        };

        (void)state;
        for (int quorum = 0; quorum < 2; quorum++) {
                json_auto_t *all = make(quorum);

                assert_int_equal(json_array_size(json_object_get(all, "queues")), 6);
                for (size_t i = 0; i < N_ELEMENTS(expected); i++) {
                        json_t *queue = find(all, "queues", "name", expected[i][0]);
                        json_t *binding = find(all, "bindings", "destination", expected[i][0]);

                        assert_true(json_is_true(json_object_get(queue, "durable")));
                        assert_int_equal(json_object_size(json_object_get(queue, "arguments")),
                                         quorum);
                        assert_string_equal(get(binding, "routing_key"), expected[i][1]);
                }
        }
}

UNIT_MAIN(UNIT(a_site_may_do_nothing_but_its_own), UNIT(a_user_without_password_keeps_its_own),
          UNIT(queues_and_keys_are_those_programs_declare))
