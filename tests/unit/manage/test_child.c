/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/child.h"

#include "base/clock.h"
#include "base/own.h"
#include "support/unit.h"

static void its_words_arrive_as_they_are(void **state)
{
        static const char *const words[] = { "a b", "$HOME", "'\";|", NULL };
        OWN(text_done) struct text output = { 0 };
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(child_run(" printf \t[%s]", words, NULL, 5000, &output, &why), CHILD_OK);
        assert_string_equal(output.bytes, "[a b][$HOME]['\";|]");
}

static void its_input_arrives_and_its_output_comes_back(void **state)
{
        static const char *const words[] = { NULL };
        OWN(text_done) struct text input = { 0 };
        OWN(text_done) struct text output = { 0 };
        struct fault why = { 0 };

        (void)state;
        for (int i = 0; i < 50000; i++)
                text_addf(&input, "line %d\n", i);
        assert_int_equal(child_run("cat", words, &input, 5000, &output, &why), CHILD_OK);
        assert_string_equal(output.bytes, input.bytes);
}

static void its_failure_has_its_last_words(void **state)
{
        static const char *const words[] = { "/no/such/file", NULL };
        OWN(text_done) struct text output = { 0 };
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(child_run("ls", words, NULL, 5000, &output, &why), CHILD_FAILED);
        assert_non_null(strstr(why.message, "ls /no/such/file failed: "));
        assert_non_null(strstr(why.message, "No such file or directory"));
}

static void what_hangs_is_ended(void **state)
{
        static const char *const words[] = { "60", NULL };
        struct fault why = { 0 };
        int64_t began_ms = clock_mono_ms();

        (void)state;
        assert_int_equal(child_run("sleep", words, NULL, 100, NULL, &why), CHILD_FAILED);
        assert_string_equal(why.message, "sleep 60 did not end in time: ");
        assert_true(clock_mono_ms() - began_ms < 5000);
}

static void what_cannot_be_started_is_told(void **state)
{
        static const char *const words[] = { NULL };
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(child_run("/no/such/command", words, NULL, 5000, NULL, &why), CHILD_FAILED);
        assert_string_equal(why.message, "/no/such/command cannot be started: No such file or directory.");
        assert_int_equal(child_run(" \t", words, NULL, 5000, NULL, &why), CHILD_FAILED);
}

UNIT_MAIN(UNIT(its_words_arrive_as_they_are), UNIT(its_input_arrives_and_its_output_comes_back),
          UNIT(its_failure_has_its_last_words), UNIT(what_hangs_is_ended), UNIT(what_cannot_be_started_is_told))
