/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include <stdio.h>

#include "bus/seen.h"

static void an_id_is_known_until_thousands_came_after_it(void **state)
{
        struct seen s = { 0 };
        char id[SEEN_ID];

        (void)state;
        assert_false(seen_has(&s, "id-0"));
        for (int i = 0; i < 3 * SEEN_IDS; i++) {
                snprintf(id, sizeof id, "id-%d", i);
                seen_add(&s, id);
                seen_add(&s, id);
                assert_true(seen_has(&s, id));
                if (i >= SEEN_IDS - 1) {
                        snprintf(id, sizeof id, "id-%d", i - SEEN_IDS + 1);
                        assert_true(seen_has(&s, id));
                        snprintf(id, sizeof id, "id-%d", i - SEEN_IDS);
                        assert_false(seen_has(&s, id));
                }
        }
        assert_int_equal(s.ids.n, SEEN_IDS);
        seen_done(&s);
}

static void no_id_and_one_too_long_are_never_known(void **state)
{
        static const char long_id[] = "0123456789012345678901234567890123456";
        struct seen s = { 0 };

        (void)state;
        seen_add(&s, "");
        seen_add(&s, long_id);
        assert_false(seen_has(&s, ""));
        assert_false(seen_has(&s, long_id));
        seen_add(&s, long_id + 1);
        assert_true(seen_has(&s, long_id + 1));
        seen_done(&s);
}

UNIT_MAIN(UNIT(an_id_is_known_until_thousands_came_after_it),
          UNIT(no_id_and_one_too_long_are_never_known))
