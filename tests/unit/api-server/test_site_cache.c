/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/site_cache.h"

#include "support/unit.h"

static void a_cache_is_fresh_then_usable_then_too_old(void **state)
{
        struct site site = { .id = "s", .last_seen_ms = 100000 };
        struct store_rows rows = { .rows = &site, .n = 1 };
        struct site_cache c = { 0 };
        bool wait;

        (void)state;
        assert_true(site_cache_stale(&c, 5, &wait));
        assert_true(wait);
        assert_int_equal(site_cache_set(&c, &rows, 10000, 100000), 0);
        assert_false(site_cache_stale(&c, 11000, &wait));
        assert_true(site_cache_stale(&c, 11001, &wait));
        assert_false(wait);
        assert_true(site_cache_stale(&c, 13001, &wait));
        assert_true(wait);
        site_cache_done(&c);
}

static void silence_is_not_believed_for_long(void **state)
{
        struct site site = { .id = "s" };
        struct store_rows rows = { .rows = &site, .n = 1 };
        struct site_cache c = { 0 };
        bool wait;

        (void)state;
        assert_int_equal(site_cache_set(&c, &rows, 10000, 100000), 0);
        assert_false(site_cache_stale(&c, 10100, &wait));
        assert_true(site_cache_stale(&c, 10101, &wait));
        assert_true(wait);
        site.last_seen_ms = 100000;
        assert_int_equal(site_cache_set(&c, &rows, 10101, 100101), 0);
        assert_false(site_cache_stale(&c, 11101, &wait));
        site_cache_done(&c);
}

static void silence_is_told_by_site(void **state)
{
        struct site sites[] = { { .id = "a", .last_seen_ms = 100000 }, { .id = "b", .last_seen_ms = 0 } };
        struct store_rows rows = { .rows = sites, .n = 2 };
        struct site_cache c = { 0 };

        (void)state;
        assert_int_equal(site_cache_set(&c, &rows, 1, 100000), 0);
        rows.n = 2;
        assert_int_equal(site_cache_set(&c, &rows, 2, 100000), 0);
        assert_false(site_cache_silent(&c, "a", 130000));
        assert_true(site_cache_silent(&c, "a", 130001));
        assert_true(site_cache_silent(&c, "b", 1));
        assert_true(site_cache_silent(&c, "unheard", 1));
        site_cache_done(&c);
}

UNIT_MAIN(UNIT(a_cache_is_fresh_then_usable_then_too_old), UNIT(silence_is_not_believed_for_long),
          UNIT(silence_is_told_by_site))
