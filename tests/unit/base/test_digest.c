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

UNIT_MAIN(UNIT(digests_equal_the_published_ones))
