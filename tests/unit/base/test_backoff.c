/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/backoff.h"

static void each_failure_doubles_the_wait_up_to_the_limit(void **state)
{
        static const int bases[] = { 100, 200, 400, 800, 1000, 1000, 1000 };

        (void)state;
        for (uint32_t random = 0; random < 2000; random += 7) {
                struct backoff b = { .first_ms = 100, .limit_ms = 1000 };

                for (size_t i = 0; i < N_ELEMENTS(bases); i++) {
                        int wait = backoff_next_ms(&b, random);

                        assert_in_range(wait, bases[i] / 2, bases[i]);
                }
        }
}

static void the_ends_of_the_range_are_reached(void **state)
{
        struct backoff a = { .first_ms = 100, .limit_ms = 1000 }, b = a;

        (void)state;
        assert_int_equal(backoff_next_ms(&a, 0), 50);
        assert_int_equal(backoff_next_ms(&b, 50), 100);
}

static void it_never_overflows_however_long_it_goes_on(void **state)
{
        struct backoff b = { .first_ms = 1, .limit_ms = INT32_MAX };

        (void)state;
        for (int i = 0; i < 100; i++)
                assert_true(backoff_next_ms(&b, UINT32_MAX) >= 0);
        assert_in_range(backoff_next_ms(&b, 12345), INT32_MAX / 2, INT32_MAX);
        backoff_reset(&b);
        assert_in_range(backoff_next_ms(&b, 12345), 0, 1);
}

UNIT_MAIN(UNIT(each_failure_doubles_the_wait_up_to_the_limit),
          UNIT(the_ends_of_the_range_are_reached), UNIT(it_never_overflows_however_long_it_goes_on))
