/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/text.h"

static void a_copy_that_does_not_fit_is_cut_between_characters(void **state)
{
        char to[4];

        (void)state;
        assert_true(TEXT_SET(to, "abc"));
        assert_string_equal(to, "abc");
        assert_true(TEXT_SET(to, NULL));
        assert_string_equal(to, "");
        assert_false(TEXT_SET(to, "abcd"));
        assert_string_equal(to, "abc");
        assert_false(TEXT_SET(to, "ab\xc3\xa9"));
        assert_string_equal(to, "ab");
        assert_false(TEXT_SET(to, "\xf0\x9f\x98\x80"));
        assert_string_equal(to, "");
        assert_false(text_copy(to, 0, ""));
}

static void utf8_is_valid_without_nul_overlong_forms_or_surrogates(void **state)
{
        /* clang-format off */
        static const struct { const char *bytes; size_t n; bool valid; } cases[] = {
                { "", 0, true },
                { "plain", 5, true },
                { "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, true },
                { "\xf4\x8f\xbf\xbf", 4, true },  /* the last code point */
                { "\xf4\x90\x80\x80", 4, false }, /* one more */
                { "a\0b", 3, false },
                { "\xc0\x80", 2, false },         /* overlong */
                { "\xe0\x80\xaf", 3, false },
                { "\xf0\x80\x80\xaf", 4, false },
                { "\xed\x9f\xbf", 3, true },
                { "\xed\xa0\x80", 3, false },     /* surrogate */
                { "\x80", 1, false },
                { "\xc3", 1, false },             /* cut */
                { "\xe2\x82", 2, false },
                { "\xc3(", 2, false },
                { "\xff", 1, false },
        };
        /* clang-format on */

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++)
                assert_int_equal(text_utf8_valid(cases[i].bytes, cases[i].n), cases[i].valid);
        assert_int_equal(text_utf8_length("a\xc3\xa9\xe2\x82\xac"), 3);
}

static void texts_compare_with_null(void **state)
{
        (void)state;
        assert_true(text_equal("a", "a"));
        assert_false(text_equal("a", "b"));
        assert_true(text_equal(NULL, NULL));
        assert_false(text_equal(NULL, ""));
        assert_true(text_starts("gateway:x", "gateway:"));
        assert_false(text_starts("gate", "gateway:"));
}

static void an_integer_is_the_whole_text_within_its_limits(void **state)
{
        static const char *const bad[] = { "",    " 1",  "1 ",  "0x1", "1.0",
                                           "101", "-11", "--1", "+",   "99999999999999999999" };
        long long value = 7;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(bad); i++)
                assert_false(text_to_int(bad[i], -10, 100, &value));
        assert_false(text_to_int(NULL, -10, 100, &value));
        assert_int_equal(value, 7);
        assert_true(text_to_int("-10", -10, 100, &value));
        assert_int_equal(value, -10);
        assert_true(text_to_int("+100", -10, 100, &value));
        assert_int_equal(value, 100);
}

static void the_nearest_word_is_near_or_none(void **state)
{
        static const char *const words[] = { "transport_url", "debug", "workers", "up", NULL };

        (void)state;
        assert_string_equal(text_nearest("transport_uri", words), "transport_url");
        assert_string_equal(text_nearest("trasnport_url", words), "transport_url");
        assert_string_equal(text_nearest("worker", words), "workers");
        assert_null(text_nearest("connection", words));
        assert_null(text_nearest("xy", words));
}

static void a_growing_text_keeps_all_that_was_added(void **state)
{
        __attribute__((cleanup(own_text_done))) struct text t = { 0 };

        (void)state;
        for (int i = 0; i < 1000; i++)
                text_addf(&t, "%04d", i);
        assert_false(t.failed);
        assert_int_equal(t.n, 4000);
        assert_int_equal(strlen(t.bytes), 4000);
        assert_memory_equal(t.bytes + 3996, "0999", 5);
        text_reset(&t);
        text_add_n(&t, "ab\0c", 4);
        text_add(&t, "d");
        assert_int_equal(t.n, 5);
        assert_memory_equal(t.bytes, "ab\0cd", 6);
}

static void taking_an_empty_text_gives_an_empty_text(void **state)
{
        struct text t = { 0 };
        char *taken = text_take(&t);

        (void)state;
        assert_string_equal(taken, "");
        assert_null(t.bytes);
        free(taken);
}

static void after_a_failed_allocation_nothing_is_given(void **state)
{
        struct text t = { 0 };

        (void)state;
        text_add(&t, "kept");
        text_add_n(&t, "", SIZE_MAX / 2); /* refused before a byte is read */
        assert_true(t.failed);
        text_add(&t, "more");
        assert_string_equal(t.bytes, "kept");
        assert_null(text_take(&t));
}

UNIT_MAIN(UNIT(a_copy_that_does_not_fit_is_cut_between_characters),
          UNIT(utf8_is_valid_without_nul_overlong_forms_or_surrogates),
          UNIT(texts_compare_with_null), UNIT(an_integer_is_the_whole_text_within_its_limits),
          UNIT(the_nearest_word_is_near_or_none), UNIT(a_growing_text_keeps_all_that_was_added),
          UNIT(taking_an_empty_text_gives_an_empty_text),
          UNIT(after_a_failed_allocation_nothing_is_given))
