/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "bus/settled.h"

/* What settled_take() says, as text: "3+" is all up to 3, "5" is 5 alone. */
static void assert_takes(struct settled *s, const char *expected)
{
        char said[256] = "";
        uint64_t tag;
        bool multiple;

        while (settled_take(s, &tag, &multiple))
                snprintf(said + strlen(said), sizeof said - strlen(said), "%s%d%s",
                         *said ? " " : "", (int)tag, multiple ? "+" : "");
        assert_string_equal(said, expected);
}

static void bring(struct settled *s, int prefetch, int n)
{
        settled_reset(s, prefetch);
        for (int i = 1; i <= n; i++)
                assert_int_equal(settled_out(s, (uint64_t)i), 0);
}

static void all_in_order_take_one_acknowledgement(void **state)
{
        struct settled s = { 0 };

        (void)state;
        bring(&s, 64, 10);
        assert_takes(&s, "");
        for (uint64_t tag = 1; tag <= 10; tag++)
                settled_done(&s, tag, false);
        assert_takes(&s, "10+");
        assert_takes(&s, "");
        settled_free(&s);
}

static void nothing_beyond_the_oldest_that_is_out_is_acknowledged(void **state)
{
        struct settled s = { 0 };

        (void)state;
        bring(&s, 64, 10);
        settled_done(&s, 1, false);
        settled_done(&s, 3, false);
        settled_done(&s, 4, false);
        assert_takes(&s, "1+");
        settled_done(&s, 2, false);
        assert_takes(&s, "4+");
        settled_free(&s);
}

/* Else one long job would hold back the broker's credit of all the others. */
static void many_behind_a_slow_one_are_acknowledged_one_by_one(void **state)
{
        struct settled s = { 0 };

        (void)state;
        bring(&s, 8, 8);
        settled_done(&s, 8, false);
        settled_done(&s, 2, false);
        assert_takes(&s, "");
        settled_done(&s, 5, false);
        assert_takes(&s, "2");
        settled_done(&s, 3, false);
        settled_done(&s, 4, false);
        assert_takes(&s, "3 4");
        settled_done(&s, 1, false);
        settled_done(&s, 6, false);
        settled_done(&s, 7, false);
        assert_takes(&s, "8+");
        settled_free(&s);
}

/* A tag that was given back is gone from the broker: it must not be the last of a 'multiple'. */
static void what_was_given_back_is_never_acknowledged(void **state)
{
        struct settled s = { 0 };

        (void)state;
        bring(&s, 64, 4);
        settled_done(&s, 1, false);
        settled_done(&s, 2, true);
        assert_takes(&s, "1+");
        settled_done(&s, 3, true);
        settled_done(&s, 4, true);
        assert_takes(&s, "");
        assert_int_equal(settled_out(&s, 5), 0);
        settled_done(&s, 5, false);
        assert_takes(&s, "5+");
        settled_free(&s);
}

static void settling_twice_or_what_never_came_changes_nothing(void **state)
{
        struct settled s = { 0 };

        (void)state;
        settled_reset(&s, 4);
        settled_done(&s, 1, false);
        bring(&s, 4, 2);
        settled_done(&s, 0, false);
        settled_done(&s, 3, false);
        settled_done(&s, 1, false);
        settled_done(&s, 1, true);
        assert_takes(&s, "1+");
        settled_done(&s, 1, false);
        assert_takes(&s, "");
        settled_free(&s);
}

static void any_number_may_be_out(void **state)
{
        struct settled s = { 0 };

        (void)state;
        bring(&s, 0, 100000);
        for (uint64_t tag = 100000; tag > 1; tag--)
                settled_done(&s, tag, true);
        settled_done(&s, 1, false);
        assert_takes(&s, "1+");
        assert_int_equal(s.first, 100001);
        settled_free(&s);
}

UNIT_MAIN(UNIT(all_in_order_take_one_acknowledgement),
          UNIT(nothing_beyond_the_oldest_that_is_out_is_acknowledged),
          UNIT(many_behind_a_slow_one_are_acknowledged_one_by_one),
          UNIT(what_was_given_back_is_never_acknowledged),
          UNIT(settling_twice_or_what_never_came_changes_nothing), UNIT(any_number_may_be_out))
