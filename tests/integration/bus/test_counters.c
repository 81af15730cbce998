/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator reads of /metrics about the bus is what happened. */
#include "harness.h"

#include "base/log.h"
#include "base/metrics.h"

static const char *const names[] = {
        "published_total",   "confirmed_total",     "returned_total", "delivered_total",
        "redelivered_total", "dead_lettered_total", "in_flight",      "queue_ms_count",
        "send_ms_count",     "hold_ms_count",
};
enum { NAMES = N_ELEMENTS(names) };

static long value_of(const char *name)
{
        OWN(text_done) struct text all = { 0 };
        char line[64];
        const char *at;

        metrics_render(&all);
        snprintf(line, sizeof line, "\natlas_bus_%s ", name);
        at = all.failed ? NULL : strstr(all.bytes, line);
        return at ? strtol(at + strlen(line), NULL, 10) : 0;
}

static bool is_taken_twice(void *server)
{
        return ((struct server *)server)->n_redelivered == 1;
}

static void one_call(struct bus *b, struct server *s)
{
        (void)s;
        assert_echo(b, "t-counted");
}

static void one_that_nobody_takes(struct bus *b, struct server *s)
{
        struct sent sent = { 0 };

        (void)s;
        cast(b, "t-nobody-counts", "echo", &sent);
        assert_true(wait_until(is_sent, &sent, 5000));
}

static void one_that_is_given_back(struct bus *b, struct server *s)
{
        struct sent sent = { 0 };

        cast(b, "t-counted", "again", &sent);
        assert_true(wait_until(is_sent, &sent, 5000));
        assert_true(wait_until(is_taken_twice, s, 5000));
}

static void one_that_is_buried(struct bus *b, struct server *s)
{
        struct sent sent = { 0 };
        struct side side;
        char reason[256];

        (void)s;
        cast(b, "t-counted", "bury", &sent);
        assert_true(wait_until(is_sent, &sent, 5000));
        side_open(&side);
        free(side_get(&side, "atlas-dead", reason));
        side_close(&side);
}

static void read_all(long ret[NAMES])
{
        for (size_t i = 0; i < NAMES; i++)
                ret[i] = value_of(names[i]);
}

struct growth {
        long before[NAMES], grows[NAMES];
        const char *wrong; /* the first that grew otherwise */
        long grew;
};

/* The last are counted when the threads come to it. */
static bool grew_so(void *arg)
{
        struct growth *g = arg;

        g->wrong = NULL;
        for (size_t i = NAMES; i-- > 0;) {
                long grew = value_of(names[i]) - g->before[i];

                if (grew != g->grows[i]) {
                        g->wrong = names[i];
                        g->grew = grew;
                }
        }
        return !g->wrong;
}

static void each_counter_counts_what_it_says(void **state)
{
        /* clang-format off */
        static const struct {
                void (*happens)(struct bus *b, struct server *s);
                long grows[NAMES];
        } cases[] = {
                /*                         published  returned  redelivered  in flight     sent
                 *                              confirmed  delivered     dead       queued     held */
                { one_call,               { 2, 2,     0,   1,   0,       0,   0,       1,      2, 1 } },
                { one_that_nobody_takes,  { 1, 0,     1,   0,   0,       0,   0,       0,      0, 0 } },
                { one_that_is_given_back, { 1, 1,     0,   2,   1,       0,   0,       2,      1, 2 } },
                { one_that_is_buried,     { 2, 2,     0,   1,   0,       1,   0,       1,      2, 1 } },
        };
        /* clang-format on */
        struct server s;
        struct bus *b = new_bus("client");

        (void)state;
        sync_topology();
        start_server(&s, "t-counted");
        assert_echo(b, "t-counted");
        bus_drain(b, 5000);
        bus_drain(s.bus, 5000);
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                struct growth g = { 0 };

                memcpy(g.grows, cases[i].grows, sizeof g.grows);
                read_all(g.before);
                cases[i].happens(b, &s);
                if (!wait_until(grew_so, &g, 5000))
                        fail_msg("case %zu: %s grew by %ld", i, g.wrong, g.grew);
        }
        bus_free(b);
        stop_server(&s);
}

static bool has_reconnected(void *before)
{
        return value_of("reconnects_total") >= *(long *)before + 3;
}

static void lost_connections_are_counted(void **state)
{
        struct server s;
        struct bus *b = new_bus("client");
        long before;

        (void)state;
        start_server(&s, "t-counted");
        assert_echo(b, "t-counted");
        before = value_of("reconnects_total");
        assert_true(broker_ctl(&broker, "close_all_connections", "as a test", NULL));
        assert_true(wait_until(has_reconnected, &before, 10000));
        assert_true(wait_until(can_send, b, 10000));
        assert_true(wait_until(is_ready, s.consumer, 10000));
        assert_echo(b, "t-counted");
        bus_free(b);
        stop_server(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                UNIT(each_counter_counts_what_it_says),
                UNIT(lost_connections_are_counted),
        };

        log_open("test", LOG_LEVEL_WARN);
        return cmocka_run_group_tests_name("counters", tests, start_broker, remove_broker);
}
