/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/fault.h"
#include "base/text.h"

static void setting_a_fault_gives_its_code_and_replaces_the_one_before(void **state)
{
        struct fault f = { .code = 500, .details = "{}", .retry_after_ms = 7 };

        (void)state;
        assert_false(fault_is_set(&(struct fault){ 0 }));
        assert_int_equal(fault_set(&f, 409, "link.duplicate", "The VPN %s has one.", "blue"), 409);
        assert_true(fault_is_set(&f));
        assert_string_equal(f.type, "link.duplicate");
        assert_string_equal(f.message, "The VPN blue has one.");
        assert_string_equal(f.details, "");
        assert_int_equal(f.retry_after_ms, 0);
}

static void a_caller_who_does_not_care_may_pass_null(void **state)
{
        (void)state;
        assert_int_equal(fault_set(NULL, 404, "x", "%s", "y"), 404);
        fault_details(NULL, "{}");
        fault_clear(NULL);
}

static void a_long_message_is_cut_between_characters(void **state)
{
        char words[1000] = "";
        struct fault f;

        (void)state;
        for (size_t i = 0; i + 2 < sizeof words; i += 2)
                memcpy(words + i, "\xc3\xa9", 3);
        fault_set(&f, 400, "t", "%s", words);
        assert_int_equal(strlen(f.message), sizeof f.message - 2);
        assert_true(text_utf8_valid(f.message, strlen(f.message)));
}

static void a_fault_may_quote_itself(void **state)
{
        struct fault f;

        (void)state;
        fault_set(&f, 503, "a.b", "inner");
        fault_set(&f, 500, f.type, "outer: %s", f.message);
        assert_string_equal(f.type, "a.b");
        assert_string_equal(f.message, "outer: inner");
}

static void details_that_do_not_fit_are_dropped_whole(void **state)
{
        char words[300];
        struct fault f = { .code = 400 };

        (void)state;
        fault_details(&f, "{\"left_kbps\": %d}", 5);
        assert_string_equal(f.details, "{\"left_kbps\": 5}");
        memset(words, 'a', sizeof words - 1);
        words[sizeof words - 1] = '\0';
        fault_details(&f, "{\"name\": \"%s\"}", words);
        assert_string_equal(f.details, "");
        fault_clear(&f);
        assert_false(fault_is_set(&f));
}

UNIT_MAIN(UNIT(setting_a_fault_gives_its_code_and_replaces_the_one_before),
          UNIT(a_caller_who_does_not_care_may_pass_null),
          UNIT(a_long_message_is_cut_between_characters), UNIT(a_fault_may_quote_itself),
          UNIT(details_that_do_not_fit_are_dropped_whole))
