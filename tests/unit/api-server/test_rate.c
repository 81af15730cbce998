/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "api-server/rate.h"

static void a_burst_is_let_through_and_then_a_steady_rate(void **state)
{
        OWN(rate_free) struct rate *r = NULL;
        int n = 0;

        (void)state;
        assert_int_equal(rate_new(10, 5, 0, &r), 0);
        for (int i = 0; i < 5; i++)
                assert_int_equal(rate_take(r, "red", 1000), 0);
        assert_int_equal(rate_take(r, "red", 1000), 100);
        assert_int_equal(rate_take(r, "red", 1040), 60);
        assert_int_equal(rate_take(r, "red", 1100), 0);
        assert_int_equal(rate_take(r, "red", 1100), 100);
        /* Asking in vain costs nothing: ten a second stay ten. */
        for (int64_t now_ms = 1101; now_ms <= 11100; now_ms++)
                n += rate_take(r, "red", now_ms) == 0;
        assert_int_equal(n, 100);
        /* Rest fills the bucket, not more. */
        n = 0;
        for (int i = 0; i < 20; i++)
                n += rate_take(r, "red", 100000) == 0;
        assert_int_equal(n, 5);
}

static void one_project_does_not_pay_for_another(void **state)
{
        OWN(rate_free) struct rate *r = NULL;

        (void)state;
        assert_int_equal(rate_new(1, 1, 0, &r), 0);
        assert_int_equal(rate_take(r, "red", 0), 0);
        assert_int_equal(rate_take(r, "blue", 0), 0);
        assert_int_equal(rate_take(r, "red", 0), 1000);
        assert_int_equal(rate_take(r, "blue", 500), 500);
}

static void without_a_limit_nobody_waits(void **state)
{
        OWN(rate_free) struct rate *r = NULL;

        (void)state;
        assert_int_equal(rate_new(0, 1, 0, &r), 0);
        for (int i = 0; i < 1000; i++)
                assert_int_equal(rate_take(r, "red", 0), 0);
}

static void many_projects_leave_nothing_behind(void **state)
{
        OWN(rate_free) struct rate *r = NULL;
        char project[32];

        (void)state;
        assert_int_equal(rate_new(1, 1, 0, &r), 0);
        for (int i = 0; i < 200000; i++) {
                snprintf(project, sizeof project, "project-%d", i);
                assert_int_equal(rate_take(r, project, i), 0);
        }
        assert_int_equal(rate_take(r, project, 200000), 999);
}

static void a_project_has_only_so_many_changes_on_their_way(void **state)
{
        OWN(rate_free) struct rate *r = NULL;

        (void)state;
        assert_int_equal(rate_new(0, 1, 2, &r), 0);
        assert_true(rate_begin(r, "red", 1000));
        assert_true(rate_begin(r, "red", 1000));
        assert_false(rate_begin(r, "red", 1000));
        assert_true(rate_begin(r, "blue", 1000)); /* the others are not the worse for it */
        for (int i = 0; i < 5000; i++) { /* nor is it forgotten among many */
                char name[16];

                snprintf(name, sizeof name, "p%d", i);
                assert_true(rate_begin(r, name, 2000));
                rate_end(r, name);
        }
        assert_false(rate_begin(r, "red", 3000));
        rate_end(r, "red");
        assert_true(rate_begin(r, "red", 3000));
}

UNIT_MAIN(UNIT(a_project_has_only_so_many_changes_on_their_way),
          UNIT(a_burst_is_let_through_and_then_a_steady_rate),
          UNIT(one_project_does_not_pay_for_another), UNIT(without_a_limit_nobody_waits),
          UNIT(many_projects_leave_nothing_behind))
