/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/resource.h"

#include "support/unit.h"

static void rows_are_found_by_their_sorted_key(void **state)
{
        struct vpn_site rows[] = { { .vpn_id = "b", .site_id = "1" }, { .vpn_id = "b", .site_id = "2" },
                                   { .vpn_id = "d", .site_id = "3" } };
        struct view v = { .sets = { { 0 }, { .rows = rows, .n = 3 } } };
        static const struct {
                const char *key;
                size_t n;
                int first;
        } cases[] = { { "a", 0, -1 }, { "b", 2, 0 }, { "c", 0, -1 }, { "d", 1, 2 }, { "e", 0, -1 }, { "", 0, -1 } };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                size_t n;
                const void *found = view_find(&v, 1, sizeof *rows, offsetof(struct vpn_site, vpn_id), cases[i].key, &n);

                assert_int_equal(n, cases[i].n);
                assert_ptr_equal(found, cases[i].first < 0 ? NULL : &rows[cases[i].first]);
        }
}

UNIT_MAIN(UNIT(rows_are_found_by_their_sorted_key))
