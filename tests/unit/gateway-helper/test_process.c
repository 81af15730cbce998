/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "gateway-helper/process.h"

static void the_first_line_of_a_complaint_is_kept_clean(void **state)
{
        static const struct {
                const char *said, *kept;
        } cases[] = {
                { "", "" },
                { "RTNETLINK answers: File exists\nCommand failed -:1\n", "RTNETLINK answers: File exists" },
                { "2026-11-22T16:15:03Z|00001|ofp_port|WARN|port 9|8 is bad\nmore", "port 9|8 is bad" },
                { "a\tb\033[31mc", "a b [31mc" },
                { "\nsecond", "" },
        };
        char kept[64];

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                process_complaint(cases[i].said, strlen(cases[i].said), kept, sizeof kept);
                assert_string_equal(kept, cases[i].kept);
        }
        process_complaint("0123456789", 10, kept, 5);
        assert_string_equal(kept, "0123");
}

UNIT_MAIN(UNIT(the_first_line_of_a_complaint_is_kept_clean))
