/* SPDX-License-Identifier: Apache-2.0 */
/* TLS to a real RabbitMQ, with a CA of this test's own: host names, CAs and client certificates. */
#include "harness.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "messages/topics.h"

static char url[160], file[8][128];

static char *path(int i, const char *name)
{
        snprintf(file[i], sizeof file[i], "%s/tls/%s.pem", broker.dir, name);
        return file[i];
}

/* With TLS beside plain TCP: start_broker() gave it the folder, now it gets certificates. */
static int start_tls_broker(void **state)
{
        char command[512], port[128];
        FILE *f;
        int tls_port = 0, r;

        (void)state;
        if (!broker_new(&broker) || !broker_stop(&broker))
                return -1;
        snprintf(command, sizeof command, "%s/tests/support/tls.sh %s", ATLAS_SOURCE_DIR,
                 broker.dir);
        r = system(command); /* NOLINT(cert-env33-c): a test */
        if (r != 0 || !broker_start(&broker))
                return -1;
        snprintf(port, sizeof port, "%s/tls/port", broker.dir);
        f = fopen(port, "re");
        if (!f || fscanf(f, "%d", &tls_port) != 1)
                return -1;
        fclose(f);
        snprintf(url, sizeof url, "rabbit://guest:guest@localhost:%d/", tls_port);
        settings = broker_settings(&broker);
        settings.ssl = true;
        settings.ssl_ca_file = path(0, "ca");
        settings.transport_url = url;
        return 0;
}

static void calls_pass_over_tls(void **state)
{
        struct server s;
        struct bus *b = new_bus("client");
        char *large = malloc(100001);
        json_auto_t *args = NULL;
        struct answer a;

        (void)state;
        start_server(&s, "t-tls");
        for (int i = 0; i < 200; i++)
                assert_echo(b, "t-tls");
        memset(large, 'x', 100000);
        large[100000] = '\0';
        args = json_pack("{s:s}", "text", large);
        call(b, "t-tls", "echo", args, 10000, &a);
        assert_true(json_equal(a.result, args));
        json_decref(a.result);
        free(large);
        bus_free(b);
        stop_server(&s);
}

static void a_connection_over_tls_lives_while_nothing_is_said(void **state)
{
        struct bus_settings often = settings;
        struct fault why = { 0 };
        struct bus *b = NULL;
        struct server s;

        (void)state;
        often.heartbeat_timeout_s = 2;
        assert_int_equal(bus_new("client", &often, &b, &why), 0);
        start_server(&s, "t-tls-idle");
        assert_echo(b, "t-tls-idle");
        poll(NULL, 0, 7000);
        assert_echo(b, "t-tls-idle");
        assert_int_equal(bus_send_epoch(b), 1);
        bus_free(b);
        stop_server(&s);
}

/* The reason for which it cannot connect. */
static void assert_refused(const struct bus_settings *s, const char *reason)
{
        struct fault why = { 0 };

        assert_true(bus_topology_sync(s, NULL, 5000, &why) > 0);
        if (!strstr(why.message, reason))
                fail_msg("\"%s\" without \"%s\"", why.message, reason);
}

static void a_host_name_the_certificate_does_not_have_is_refused(void **state)
{
        struct bus_settings s = settings;
        char other[160];

        (void)state;
        snprintf(other, sizeof other, "rabbit://guest:guest@127.0.0.1%s", strrchr(url, ':'));
        s.transport_url = other;
        assert_refused(&s, "hostname verification failed");
}

static void an_unknown_ca_is_refused(void **state)
{
        struct bus_settings s = settings;

        (void)state;
        s.ssl_ca_file = path(1, "other-ca");
        assert_refused(&s, "peer cert verification failed");
        s.ssl_ca_file = path(2, "no-such-file");
        assert_refused(&s, "ssl_ca_file cannot be read");
        s.ssl_ca_file = NULL;
        assert_refused(&s, "ssl_ca_file is not set");
}

static void a_broker_without_tls_is_told_from_one_with_it(void **state)
{
        struct bus_settings s = settings;
        int64_t from_ms = clock_mono_ms();

        (void)state;
        s.transport_url = broker.url;
        assert_refused(&s, "");
        assert_true(clock_mono_ms() - from_ms < 4000);
}

static void a_client_certificate_says_who_we_are(void **state)
{
        struct bus_settings s = settings;
        struct fault why = { 0 };
        char named[160];

        (void)state;
        s.rabbit_login_method = (char *)(uintptr_t) "EXTERNAL";
        snprintf(named, sizeof named, "rabbit://localhost%s", strrchr(url, ':'));
        s.transport_url = named;
        assert_refused(&s, ""); /* no certificate */
        s.ssl_cert_file = path(3, "client");
        s.ssl_key_file = path(4, "no-such-file");
        assert_refused(&s, "ssl_key_file cannot be read");
        s.ssl_key_file = path(5, "client-key");
        assert_refused(&s, "ACCESS_REFUSED"); /* nobody of that name */
        assert_true(broker_ctl(&broker, "add_user", "site-paris", "unused", NULL));
        assert_true(broker_ctl(&broker, "set_permissions", "site-paris", ".*", ".*", ".*", NULL));
        if (bus_topology_sync(&s, NULL, 5000, &why) != 0)
                fail_msg("%s", why.message);
        for (int i = 0; i < 2; i++) {
                struct bus_settings plain = settings;
                struct server server;

                /* Named in the URL too, messages say who sent them, and the broker agrees. */
                snprintf(named, sizeof named, "rabbit://%slocalhost%s", i ? "site-paris:@" : "",
                         strrchr(url, ':'));
                settings = s;
                start_server(&server, "t-external");
                settings = plain;
                assert_echo(server.bus, "t-external");
                assert_string_equal(server.user_id, i ? "site-paris" : "");
                stop_server(&server);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                UNIT(calls_pass_over_tls),
                UNIT(a_connection_over_tls_lives_while_nothing_is_said),
                UNIT(a_host_name_the_certificate_does_not_have_is_refused),
                UNIT(an_unknown_ca_is_refused),
                UNIT(a_broker_without_tls_is_told_from_one_with_it),
                UNIT(a_client_certificate_says_who_we_are),
        };

        log_open("test", LOG_LEVEL_WARN);
        return cmocka_run_group_tests_name("tls", tests, start_tls_broker, remove_broker);
}
