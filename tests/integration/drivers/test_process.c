/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/clock.h"
#include "gateway-helper/process.h"

static int run(const char *const *argv, const char *input, int64_t within_ms, struct text *out,
               struct text *err, int *status, struct fault *why)
{
        return process_run(argv, input, input ? strlen(input) : 0, clock_mono_ms() + within_ms, out, err,
                           status, why);
}

static void what_goes_in_comes_out(void **state)
{
        static const char *const argv[] = { "cat", NULL };
        OWN(text_done) struct text out = { 0 };
        OWN(mem_free) char *much = malloc(3000001);
        struct fault why = { 0 };
        int status = -1;

        (void)state;
        memset(much, 'x', 3000000);
        much[3000000] = '\0';
        assert_int_equal(run(argv, much, 20000, &out, NULL, &status, &why), PROCESS_OK);
        assert_int_equal(status, 0);
        assert_int_equal(out.n, 3000000);
        assert_string_equal(out.bytes, much);
}

static void no_input_is_an_empty_one(void **state)
{
        static const char *const argv[] = { "wc", "-c", NULL };
        OWN(text_done) struct text out = { 0 };

        (void)state;
        assert_int_equal(run(argv, NULL, 20000, &out, NULL, NULL, NULL), PROCESS_OK);
        assert_string_equal(out.bytes, "0\n");
}

static void a_failure_says_what_the_tool_said(void **state)
{
        static const char *const argv[] = { "ls", "/no/such/folder", NULL };
        OWN(text_done) struct text err = { 0 };
        struct fault why = { 0 };
        int status = -1;

        (void)state;
        assert_int_equal(run(argv, NULL, 20000, NULL, &err, &status, &why), PROCESS_FAILED);
        assert_int_equal(status, 2);
        assert_string_equal(why.type, "gateway.device_error");
        assert_non_null(strstr(why.message, "No such file"));
        assert_non_null(strstr(err.bytes, "No such file"));
}

static void a_tool_that_is_not_there_is_a_failure(void **state)
{
        static const char *const argv[] = { "no-such-tool-of-ours", NULL };
        struct fault why = { 0 };
        int status = 0;

        (void)state;
        assert_int_equal(run(argv, NULL, 20000, NULL, NULL, &status, &why), PROCESS_FAILED);
        assert_int_equal(status, -1);
        assert_non_null(strstr(why.message, "cannot be started"));
}

static void a_tool_that_hangs_is_killed_at_the_deadline(void **state)
{
        static const char *const argv[] = { "sleep", "60", NULL };
        int64_t began_ms = clock_mono_ms();
        struct fault why = { 0 };
        int status = 0;

        (void)state;
        assert_int_equal(run(argv, NULL, 150, NULL, NULL, &status, &why), PROCESS_TIMEOUT);
        assert_true(clock_mono_ms() - began_ms < 20000);
        assert_int_equal(status, 128 + 9);
        assert_string_equal(why.type, "gateway.device_timeout");
        assert_true(why.retry_after_ms > 0);
}

UNIT_MAIN(UNIT(what_goes_in_comes_out), UNIT(no_input_is_an_empty_one),
          UNIT(a_failure_says_what_the_tool_said), UNIT(a_tool_that_is_not_there_is_a_failure),
          UNIT(a_tool_that_hangs_is_killed_at_the_deadline))
