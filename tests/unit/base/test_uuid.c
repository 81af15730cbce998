/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/uuid.h"

static void a_new_uuid_is_valid_of_version_4_and_unlike_the_last(void **state)
{
        char a[UUID_TEXT], b[UUID_TEXT];

        (void)state;
        for (int i = 0; i < 1000; i++) {
                uuid_new(a);
                uuid_new(b);
                assert_true(uuid_valid(a));
                assert_true(a[14] == '4' && strchr("89ab", a[19]));
                assert_string_not_equal(a, b);
        }
}

static void the_hex_form_has_32_digits(void **state)
{
        char hex[UUID_HEX];

        (void)state;
        uuid_new_hex(hex);
        assert_int_equal(strspn(hex, "0123456789abcdef"), 32);
        assert_int_equal(strlen(hex), 32);
}

static void only_the_lower_case_form_with_dashes_is_valid(void **state)
{
        static const char *const bad[] = {
                "",
                "0e8f1c3a",
                "0E8F1C3A-1111-4222-8333-444455556666",
                "0e8f1c3a11114222833344445555666",
                "0e8f1c3a-1111-4222-8333-4444555566667",
                "0e8f1c3a-1111-4222-8333-44445555666",
                "0e8f1c3a-1111-4222-8333-44445555666g",
                "0e8f1c3a+1111-4222-8333-444455556666",
                "{e8f1c3a-1111-4222-8333-44445555666}",
        };

        (void)state;
        assert_true(uuid_valid("0e8f1c3a-1111-4222-8333-444455556666"));
        assert_false(uuid_valid(NULL));
        for (size_t i = 0; i < N_ELEMENTS(bad); i++)
                assert_false(uuid_valid(bad[i]));
}

UNIT_MAIN(UNIT(a_new_uuid_is_valid_of_version_4_and_unlike_the_last),
          UNIT(the_hex_form_has_32_digits), UNIT(only_the_lower_case_form_with_dashes_is_valid))
