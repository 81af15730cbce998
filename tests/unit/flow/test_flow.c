/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/flow.h"
#include "support/unit.h"

enum { IDLE, BUSY, DONE, STATE_N };
enum { NONE, GO, OK, LATE, EVENT_N };
static const char *const states[] = { "IDLE", "BUSY", "DONE" };
static const char *const events[] = { "NONE", "GO", "OK", "LATE" };

struct subject {
        int n_rows, n_acts, chain; /* the event that the action feeds */
};

static int act(void *subject)
{
        struct subject *s = subject;

        s->n_acts++;
        return s->chain;
}

static int on_row(void *subject, const struct flow_row *row)
{
        (void)row;
        ((struct subject *)subject)->n_rows++;
        return 0;
}

static struct flow flow_with(const struct flow_row *rows)
{
        return (struct flow){ .name = "test", .rows = rows, .states = states, .n_states = STATE_N, .events = events,
                              .n_events = EVENT_N, .start = IDLE, .timeout = LATE };
}

static const struct flow_row good[] = {
        { 901, IDLE, GO, FLOW_DO(act), BUSY, 1000 },
        { 902, BUSY, OK, NULL, NULL, DONE, 0 },
        { 903, BUSY, LATE, NULL, NULL, DONE, 0 },
        { 0 },
};

static void an_event_moves_the_state_and_acts(void **state)
{
        const struct flow f = flow_with(good);
        struct subject s = { 0 };
        int at = IDLE;

        (void)state;
        assert_int_equal(flow_feed(&f, &at, GO, on_row, &s), FLOW_OK);
        assert_int_equal(at, BUSY);
        assert_int_equal(s.n_rows, 1);
        assert_int_equal(s.n_acts, 1);
}

static void what_an_action_returns_is_fed_at_once(void **state)
{
        const struct flow f = flow_with(good);
        struct subject s = { .chain = OK };
        int at = IDLE;

        (void)state;
        assert_int_equal(flow_feed(&f, &at, GO, on_row, &s), FLOW_OK);
        assert_int_equal(at, DONE);
        assert_int_equal(s.n_rows, 2);
}

static void an_event_without_a_row_is_ignored(void **state)
{
        const struct flow f = flow_with(good);
        struct subject s = { 0 };
        int at = DONE;

        (void)state;
        assert_int_equal(flow_feed(&f, &at, OK, on_row, &s), FLOW_IGNORED);
        assert_int_equal(at, DONE);
        assert_int_equal(s.n_rows, 0);
}

static void an_error_of_an_action_comes_up(void **state)
{
        const struct flow f = flow_with(good);
        struct subject s = { .chain = -5 };
        int at = IDLE;

        (void)state;
        assert_int_equal(flow_feed(&f, &at, GO, on_row, &s), -5);
}

/* clang-format off */
static const struct {
        const char *offence;
        struct flow_row rows[5];
} bad[] = {
        { "out of range",       { { 901, IDLE, GO, NULL, NULL, STATE_N, 0 } } },
        { "out of range",       { { 901, IDLE, NONE, NULL, NULL, BUSY, 0 } } },
        { "numbered 901",       { { 901, IDLE, GO, NULL, NULL, BUSY, 9 }, { 901, BUSY, LATE, NULL, NULL, DONE, 0 } } },
        { "same state",         { { 901, IDLE, GO, NULL, NULL, BUSY, 9 }, { 902, IDLE, GO, NULL, NULL, DONE, 0 } } },
        { "differ on whether",  { { 901, IDLE, GO, NULL, NULL, BUSY, 9 }, { 902, IDLE, OK, NULL, NULL, BUSY, 0 } } },
        { "nothing leads to",   { { 901, IDLE, GO, NULL, NULL, DONE, 0 } } },
        { "without a TIMEOUT",  { { 901, IDLE, GO, NULL, NULL, BUSY, 9 }, { 902, BUSY, OK, NULL, NULL, DONE, 0 } } },
        { "which is an end",    { { 901, IDLE, GO, NULL, NULL, BUSY, 0 }, { 902, BUSY, LATE, NULL, NULL, DONE, 0 } } },
};
/* clang-format on */

static void each_offence_of_a_table_is_named(void **state)
{
        OWN(text_done) struct text none = { 0 };
        const struct flow whole = flow_with(good);

        (void)state;
        assert_int_equal(flow_prove(&whole, &none), 0);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                OWN(text_done) struct text offence = { 0 };
                const struct flow f = flow_with(bad[i].rows);

                assert_int_equal(flow_prove(&f, &offence), 1);
                assert_non_null(strstr(offence.bytes, bad[i].offence));
        }
}

static void a_table_shows_itself(void **state)
{
        OWN(text_done) struct text page = { 0 }, json = { 0 };
        const struct flow f = flow_with(good);

        (void)state;
        flow_page(&f, &page);
        assert_non_null(strstr(page.bytes, "    IDLE --> BUSY: 901 GO\n"));
        assert_non_null(strstr(page.bytes, "    DONE --> [*]\n"));
        assert_non_null(strstr(page.bytes, "| 901 | IDLE | GO | `act` | BUSY | 1 s |\n"));
        flow_json(&f, &json);
        assert_non_null(strstr(json.bytes, "{ \"pos\": 902, \"state\": \"BUSY\", \"event\": \"OK\", \"action\": \"\", "
                                           "\"next\": \"DONE\", \"within_ms\": 0 },\n"));
}

/* A table that feeds itself for ever is our own bug, and an error. */
static void a_chain_without_end_is_cut(void **state)
{
        static const struct flow_row rows[] = {
                { 904, IDLE, GO, FLOW_DO(act), BUSY, 9 },
                { 905, BUSY, OK, FLOW_DO(act), BUSY, 9 },
                { 0 },
        };
        const struct flow f = flow_with(rows);
        struct subject s = { .chain = OK };
        int at = IDLE;

        (void)state;
        assert_true(flow_feed(&f, &at, GO, on_row, &s) < 0);
}

UNIT_MAIN(UNIT(an_event_moves_the_state_and_acts),
          UNIT(what_an_action_returns_is_fed_at_once),
          UNIT(an_event_without_a_row_is_ignored),
          UNIT(an_error_of_an_action_comes_up),
          UNIT(each_offence_of_a_table_is_named),
          UNIT(a_table_shows_itself),
          UNIT(a_chain_without_end_is_cut))
