/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/clock.h"

static void a_wall_time_is_written_in_utc(void **state)
{
        /* clang-format off */
        static const struct { int64_t ms; const char *text; } cases[] = {
                { 0,             "" },
                { 1,             "1970-01-01T00:00:00Z" },
                { 951782400000,  "2000-02-29T00:00:00Z" },
                { 1769903999999, "2026-01-31T23:59:59Z" },
        };
        /* clang-format on */
        char text[21];

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                clock_format(cases[i].ms, text, sizeof text);
                assert_string_equal(text, cases[i].text);
        }
}

static void too_little_room_gives_nothing(void **state)
{
        char text[20] = "x";

        (void)state;
        clock_format(1769903999999, text, sizeof text);
        assert_string_equal(text, "");
}

static void the_monotonic_clock_agrees_with_itself(void **state)
{
        int64_t us = clock_mono_us(), ms = clock_mono_ms();

        (void)state;
        assert_true(ms >= us / 1000);
        assert_true(clock_mono_us() >= us);
        assert_true(clock_wall_ms() > 1577836800000); /* 2020 */
}

static void a_written_time_is_read_again(void **state)
{
        /* clang-format off */
        static const struct { const char *text; int64_t ms; } cases[] = {
                { "1970-01-01T00:00:01Z",      1000 },
                { "2000-02-29T00:00:00Z",      951782400000 },
                { "2000-02-29T01:30:00+01:30", 951782400000 },
                { "2000-02-28T23:00:00-01:00", 951782400000 },
        };
        static const char *const bad[] = {
                "", "now", "2000-02-30T00:00:00Z", "2000-02-29T00:00:00", "2000-02-29T24:00:00Z", "2000-2-29T00:00:00Z",
                "2000-02-29 00:00:00Z", "2000-02-29T00:00:00+1:30", "2000-02-29T00:00:00+01:60", "2000-02-29T00:00:00Zx",
                "2000-02-29T00:00:00+ 1:30", "99999-01-01T00:00:00Z", " 2000-02-29T00:00:0Z",
        };
        /* clang-format on */
        int64_t ms = 0;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                assert_true(clock_parse(cases[i].text, &ms));
                assert_int_equal(ms, cases[i].ms);
        }
        for (size_t i = 0; i < N_ELEMENTS(bad); i++)
                if (clock_parse(bad[i], &ms))
                        fail_msg("read: %s", bad[i]);
}

UNIT_MAIN(UNIT(a_written_time_is_read_again), UNIT(a_wall_time_is_written_in_utc), UNIT(too_little_room_gives_nothing),
          UNIT(the_monotonic_clock_agrees_with_itself))
