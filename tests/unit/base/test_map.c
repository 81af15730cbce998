/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/map.h"

enum { N = 3000 };
static char keys[N][16];

static void it_agrees_with_an_array_through_many_changes(void **state)
{
        struct map m = { 0 };
        bool there[N] = { false };
        size_t n = 0;
        uint32_t random = 1;

        (void)state;
        for (int i = 0; i < N; i++)
                snprintf(keys[i], sizeof keys[i], "k%d", i);
        for (int step = 0; step < 200000; step++) {
                uint32_t i;

                random = random * 1664525 + 1013904223;
                i = (random >> 8) % N;
                if (random >> 31) {
                        assert_int_equal(map_set(&m, keys[i], keys[i]), 0);
                        n += !there[i];
                        there[i] = true;
                } else {
                        assert_ptr_equal(map_remove(&m, keys[i]), there[i] ? keys[i] : NULL);
                        n -= there[i];
                        there[i] = false;
                }
                assert_int_equal(m.n, n);
        }
        for (int i = 0; i < N; i++)
                assert_ptr_equal(map_get(&m, keys[i]), there[i] ? keys[i] : NULL);
        map_done(&m);
}

static void setting_again_replaces_value_and_key(void **state)
{
        char a[] = "same", b[] = "same";
        struct map m = { 0 };
        const char *key;
        size_t at = 0;

        (void)state;
        map_set(&m, a, a);
        map_set(&m, b, b);
        assert_int_equal(m.n, 1);
        assert_ptr_equal(map_next(&m, &at, &key), b);
        assert_ptr_equal(key, b);
        assert_null(map_next(&m, &at, &key));
        map_done(&m);
}

static void an_empty_map_has_nothing(void **state)
{
        struct map m = { 0 };
        size_t at = 0;

        (void)state;
        assert_null(map_get(&m, "a"));
        assert_null(map_remove(&m, "a"));
        assert_null(map_next(&m, &at, NULL));
        map_done(&m);
}

static void a_walk_meets_each_entry_once(void **state)
{
        int met[100] = { 0 };
        struct map m = { 0 };
        size_t at = 0;
        int *p;

        (void)state;
        for (int i = 0; i < 100; i++) {
                snprintf(keys[i], sizeof keys[i], "%d", i);
                map_set(&m, keys[i], &met[i]);
        }
        while ((p = map_next(&m, &at, NULL)))
                ++*p;
        for (int i = 0; i < 100; i++)
                assert_int_equal(met[i], 1);
        map_done(&m);
}

UNIT_MAIN(UNIT(it_agrees_with_an_array_through_many_changes),
          UNIT(setting_again_replaces_value_and_key), UNIT(an_empty_map_has_nothing),
          UNIT(a_walk_meets_each_entry_once))
