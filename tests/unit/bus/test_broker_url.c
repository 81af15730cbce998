/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "bus/broker_url.h"

static void one_host_is_read(void **state)
{
        /* clang-format off */
        static const struct {
                const char *url, *user, *password, *host;
                int port;
                const char *vhost;
        } good[] = {
                { "rabbit://u:p@h:5673/v", "u", "p", "h", 5673, "v" },
                { "rabbit://u:p@h/", "u", "p", "h", 5672, "/" },
                { "rabbit://u:p@h", "u", "p", "h", 5672, "/" },
                { "rabbit://u:p@h//", "u", "p", "h", 5672, "/" },
                { "rabbit://u:p@h/%2F", "u", "p", "h", 5672, "/" },
                { "rabbit://h:1/v", "guest", "guest", "h", 1, "v" },
                { "rabbit://a%40b:c%3Ad%2fe@h/v%20w", "a@b", "c:d/e", "h", 5672, "v w" },
                { "rabbit://u:p@ss@h/v", "u", "p@ss", "h", 5672, "v" },
                { "rabbit://u:@h/v", "u", "", "h", 5672, "v" },
                { "rabbit://u:p@[::1]:5673/v", "u", "p", "::1", 5673, "v" },
                { "rabbit://u:p@[fe80::1]/v", "u", "p", "fe80::1", 5672, "v" },
        };
        /* clang-format on */

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(good); i++) {
                OWN(broker_url_free) struct broker_url *u = NULL;
                struct fault why = { 0 };

                if (broker_url_parse(good[i].url, &u, &why) != BROKER_URL_OK)
                        fail_msg("%s: %s", good[i].url, why.message);
                assert_int_equal(u->n_hosts, 1);
                assert_string_equal(u->hosts->user, good[i].user);
                assert_string_equal(u->hosts->password, good[i].password);
                assert_string_equal(u->hosts->host, good[i].host);
                assert_int_equal(u->hosts->port, good[i].port);
                assert_string_equal(u->vhost, good[i].vhost);
        }
}

static void several_hosts_are_read_in_any_order(void **state)
{
        OWN(broker_url_free) struct broker_url *u = NULL;
        struct fault why = { 0 };
        int ports = 0;

        (void)state;
        assert_int_equal(broker_url_parse("rabbit://u:p@a:1,u:p@b:2,u:p@c:4/v", &u, &why), 0);
        assert_int_equal(u->n_hosts, 3);
        for (size_t i = 0; i < 3; i++)
                ports += u->hosts[i].port;
        assert_int_equal(ports, 7);
}

static void a_bad_url_is_refused_without_telling_the_password(void **state)
{
        static const char *const bad[] = {
                NULL,
                "",
                "http://u:secret@h/",
                "rabbit://",
                "rabbit:///v",
                "rabbit://u:secret@/v",
                "rabbit://u@h/v",
                "rabbit://u:secret@h:0/v",
                "rabbit://u:secret@h:65536/v",
                "rabbit://u:secret@h:port/v",
                "rabbit://u:secret@h:/v",
                "rabbit://u:secret@[::1/v",
                "rabbit://u:secret@[::1]x/v",
                "rabbit://u:secret@h,/v",
                "rabbit://u:secret%zz@h/v",
                "rabbit://u:secret%2@h/v",
                "rabbit://u:secret%00@h/v",
                "rabbit://u:secret@h/v%",
                "rabbit://u:secret@h/v?ssl=1",
                "rabbit://u:p?secret@h/v",
                "rabbit://u:p?secret=x@h/v",
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
                struct broker_url *u = NULL;
                struct fault why = { 0 };

                if (broker_url_parse(bad[i], &u, &why) != BROKER_URL_BAD)
                        fail_msg("taken: %s", bad[i]);
                assert_null(u);
                assert_string_equal(why.type, "bus.bad_transport_url");
                assert_null(strstr(why.message, "secret"));
        }
}

static void an_option_in_the_url_is_refused_by_name(void **state)
{
        static const char *const urls[] = {
                "rabbit://u:p@h/v?ssl=1",
                "rabbit://u:p@h?ssl=1&heartbeat_rate=3",
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(urls); i++) {
                struct broker_url *u = NULL;
                struct fault why = { 0 };

                assert_int_equal(broker_url_parse(urls[i], &u, &why), BROKER_URL_BAD);
                assert_non_null(strstr(why.message, "'ssl'"));
                assert_non_null(strstr(why.message, "[oslo_messaging_rabbit]"));
        }
}

UNIT_MAIN(UNIT(one_host_is_read), UNIT(several_hosts_are_read_in_any_order),
          UNIT(a_bad_url_is_refused_without_telling_the_password),
          UNIT(an_option_in_the_url_is_refused_by_name))
