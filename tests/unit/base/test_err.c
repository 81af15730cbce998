/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/err.h"

static int inner(void)
{
        return err_raise(-EIO);
}

static int outer(void)
{
        return err_pass(inner());
}

static void a_trace_names_the_error_and_the_places_it_passed(void **state)
{
        int first, second;
        char expected[128];

        (void)state;
        assert_int_equal(outer(), -EIO);
        assert_int_equal(sscanf(err_trace(), "EIO at test_err.c:%d inner < test_err.c:%d outer",
                                &first, &second),
                         2);
        snprintf(expected, sizeof expected, "EIO at test_err.c:%d inner < test_err.c:%d outer",
                 first, second);
        assert_string_equal(err_trace(), expected);
        assert_true(first < second);
}

static void a_new_error_starts_a_new_trace(void **state)
{
        (void)state;
        outer();
        err_raise(-ENOMEM);
        assert_memory_equal(err_trace(), "ENOMEM at ", 10);
        assert_null(strstr(err_trace(), "EIO"));
}

static void an_error_without_a_name_keeps_its_number(void **state)
{
        (void)state;
        err_raise(-4000);
        assert_memory_equal(err_trace(), "error 4000 at ", 14);
}

static void a_full_trace_keeps_where_the_error_began(void **state)
{
        int r = err_raise(-EPIPE);

        (void)state;
        for (int i = 0; i < 1000; i++)
                r = err_pass(r);
        assert_int_equal(r, -EPIPE);
        assert_memory_equal(err_trace(), "EPIPE at test_err.c:", 20);
        assert_true(strlen(err_trace()) < 512);
}

UNIT_MAIN(UNIT(a_trace_names_the_error_and_the_places_it_passed),
          UNIT(a_new_error_starts_a_new_trace), UNIT(an_error_without_a_name_keeps_its_number),
          UNIT(a_full_trace_keeps_where_the_error_began))
