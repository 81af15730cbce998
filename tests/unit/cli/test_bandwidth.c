/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/bandwidth.h"

#include "base/own.h"
#include "support/unit.h"

static void rates_are_read_exactly(void **state)
{
        static const struct {
                const char *text;
                int64_t kbps;
        } rows[] = {
                { "1", 1 },
                { "64k", 64 },
                { "64K", 64 },
                { "20M", 20000 },
                { "20m", 20000 },
                { "1.5G", 1500000 },
                { "0.5M", 500 },
                { "2147.483647G", 2147483647 },
                { "2147483647", 2147483647 },
                { "0.000001G", 1 },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                int64_t kbps = 0;

                assert_true(bandwidth_read(rows[i].text, &kbps));
                assert_int_equal(kbps, rows[i].kbps);
        }
}

static void what_is_no_rate_is_refused(void **state)
{
        static const char *const texts[] = {
                "",      "M",          "0",          "0M",           "-1M",
                "+1M",   " 1M",        "1 M",        "20Mb",         "20T",
                "1.M",   ".5M",        "1.5",        "0.0001M",      "1e3",
                "20M:",  "1.0000001G", "2147483648", "2147.483648G", "99999999999G",
                "20,5M", "1.2.3M",
        };
        int64_t kbps = 7;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(texts); i++)
                if (bandwidth_read(texts[i], &kbps))
                        fail_msg("%s was taken for a rate", texts[i]);
        assert_int_equal(kbps, 7);
}

static void one_rate_is_for_both_directions(void **state)
{
        int64_t out = 0, back = 0;

        (void)state;
        assert_true(bandwidth_read_pair("20M", &out, &back));
        assert_int_equal(out, 20000);
        assert_int_equal(back, 20000);
        assert_true(bandwidth_read_pair("20M:512k", &out, &back));
        assert_int_equal(out, 20000);
        assert_int_equal(back, 512);
        assert_false(bandwidth_read_pair(":20M", &out, &back));
        assert_false(bandwidth_read_pair("20M:", &out, &back));
        assert_false(bandwidth_read_pair("1M:2M:3M", &out, &back));
        assert_false(
                bandwidth_read_pair("000000000000000000000000000000000000001M:1M", &out, &back));
        assert_int_equal(out, 20000);
}

static void what_is_printed_can_be_typed(void **state)
{
        static const struct {
                int64_t kbps;
                const char *text;
        } rows[] = {
                { 1, "1k" },          { 999, "999k" },
                { 1000, "1M" },       { 1500, "1.5M" },
                { 1001, "1.001M" },   { 20000, "20M" },
                { 1000000, "1G" },    { 1234567, "1234.567M" },
                { 1050000, "1.05G" }, { 2147483647, "2147483.647M" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                OWN(text_done) struct text text = { 0 };
                int64_t back = 0;

                bandwidth_add(&text, rows[i].kbps);
                assert_string_equal(text.bytes, rows[i].text);
                assert_true(bandwidth_read(text.bytes, &back));
                assert_int_equal(back, rows[i].kbps);
        }
}

static void nothing_left_is_printed_as_zero(void **state)
{
        OWN(text_done) struct text text = { 0 };

        (void)state;
        bandwidth_add_pair(&text, 0, 20000);
        assert_string_equal(text.bytes, "0:20M");
}

UNIT_MAIN(UNIT(rates_are_read_exactly), UNIT(what_is_no_rate_is_refused),
          UNIT(one_rate_is_for_both_directions), UNIT(what_is_printed_can_be_typed),
          UNIT(nothing_left_is_printed_as_zero))
