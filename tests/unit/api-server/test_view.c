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

/* A link and its ends are read one after the other; it may go in between. */
static void a_link_without_its_ends_is_not_shown(void **state)
{
        struct vlink links[] = { { .id = "a" }, { .id = "b" }, { .id = "c" } };
        struct vport ports[] = { { .link_id = "a" }, { .link_id = "a", .side = SIDE_Z }, { .link_id = "b" } };
        struct view v = { .sets = { { .rows = links, .n = 3 }, { .rows = ports, .n = 3 } } };

        (void)state;
        assert_true(virtual_link_resource.whole(&v, 0));
        assert_false(virtual_link_resource.whole(&v, 1));
        assert_false(virtual_link_resource.whole(&v, 2));
}

UNIT_MAIN(UNIT(rows_are_found_by_their_sorted_key), UNIT(a_link_without_its_ends_is_not_shown))
