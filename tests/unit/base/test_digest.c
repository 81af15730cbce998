/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/digest.h"

static void digests_equal_the_published_ones(void **state)
{
        char text[17];

        (void)state;
        digest_format(digest_text(""), text);
        assert_string_equal(text, "cbf29ce484222325");
        digest_format(digest_text("a"), text);
        assert_string_equal(text, "af63dc4c8601ec8c");
        digest_format(digest_text("foobar"), text);
        assert_string_equal(text, "85944171f73967e8");
        digest_format(digest_bytes("foobar", 6), text);
        assert_string_equal(text, "85944171f73967e8");
        digest_format(0xab, text);
        assert_string_equal(text, "00000000000000ab");
}

static void a_digest_is_read_from_its_sixteen_digits_only(void **state)
{
        (void)state;
        assert_true(digest_parse("cbf29ce484222325") == 0xcbf29ce484222325);
        assert_true(digest_parse("00000000000000ab") == 0xab);
        assert_true(digest_parse("ab") == 0);
        assert_true(digest_parse("cbf29ce48422232x") == 0);
        assert_true(digest_parse("") == 0);
        assert_true(digest_parse(NULL) == 0);
}

UNIT_MAIN(UNIT(digests_equal_the_published_ones), UNIT(a_digest_is_read_from_its_sixteen_digits_only))
