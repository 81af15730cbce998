/* SPDX-License-Identifier: Apache-2.0 */
/* Conductors' life signs: a number is alive exactly as long as its holder's connection. */
#include "support/unit.h"

#include <unistd.h>

#include "base/clock.h"
#include "store/pg.h"
#include "support/database.h"

static int setup(void **state)
{
        *state = database_new();
        return 0;
}

static int teardown(void **state)
{
        database_free(*state);
        return 0;
}

static struct store_life *life_of(const struct database *db)
{
        struct store_life *l = NULL;

        assert_int_equal(store_life_new(database_connection(db), "host, of \"mine\"", 5, &l, NULL),
                         0);
        return l;
}

/* How many are dead, after the server saw that; '*ret_first' is the lowest. */
static size_t dead_count(struct store_life *l, int64_t *ret_first, size_t expected)
{
        int64_t deadline = clock_mono_ms() + 5000;
        OWN(mem_free) int64_t *numbers = NULL;
        size_t n = 0;

        for (;;) {
                assert_true(store_life_dead(l, &numbers, &n));
                if (n == expected || clock_mono_ms() > deadline)
                        break;
                free(numbers);
                usleep(5000);
        }
        *ret_first = n > 0 ? numbers[0] : 0;
        return n;
}

static void one_who_goes_is_seen_dead_by_the_others_until_forgotten(void **state)
{
        const struct database *db = *state;
        OWN(store_life_free) struct store_life *a = life_of(db);
        OWN(store_life_free) struct store_life *b = life_of(db);
        OWN(store_life_free) struct store_life *c = NULL;
        int64_t number = store_life_number(b), first;

        assert_int_not_equal(store_life_number(a), number);
        assert_int_equal(dead_count(a, &first, 0), 0);
        b = store_life_free(b);
        assert_int_equal(dead_count(a, &first, 1), 1);
        assert_int_equal(first, number);
        c = life_of(db);
        assert_int_not_equal(store_life_number(c), number); /* numbers are never used again */
        assert_int_equal(dead_count(c, &first, 1), 1);
        assert_true(store_life_forget(a, number));
        assert_int_equal(dead_count(c, &first, 0), 0);
        assert_int_equal(database_int(db, "SELECT count(*) FROM conductor WHERE started_ms = 5"),
                         2);
}

static void one_whose_connection_went_is_told_so(void **state)
{
        const struct database *db = *state;
        OWN(store_life_free) struct store_life *a = life_of(db);
        OWN(mem_free) int64_t *numbers = NULL;
        int64_t first;
        size_t n;

        database_run(db, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                         " WHERE application_name = 'atlas-life' AND datname = current_database()");
        assert_false(store_life_dead(a, &numbers, &n));
        assert_false(store_life_forget(a, 1));
        first = store_life_number(a);
        a = store_life_free(a);
        a = life_of(db);
        assert_int_equal(dead_count(a, &first, 1), 1);
}

static void answers_are_forgotten_after_their_time(void **state)
{
        const struct database *db = *state;
        OWN(store_life_free) struct store_life *a = life_of(db);

        database_run(db, "INSERT INTO idempotency_key SELECT 'red', 'm', n::text, 'h', NULL, '{}', n"
                         " FROM generate_series(1, 30) AS n");
        assert_true(store_life_sweep(a, 21));
        assert_int_equal(database_int(db, "SELECT min(created_ms) FROM idempotency_key"), 21);
        assert_int_equal(database_int(db, "SELECT count(*) FROM idempotency_key"), 10);
}

static void two_databases_do_not_see_each_other(void **state)
{
        OWN(database_free) struct database *other = database_new();
        OWN(store_life_free) struct store_life *a = life_of(*state);
        OWN(store_life_free) struct store_life *b = life_of(other);
        int64_t first;

        assert_int_equal(store_life_number(a), store_life_number(b));
        b = store_life_free(b);
        assert_int_equal(dead_count(a, &first, 0), 0);
        b = life_of(other);
        assert_int_equal(dead_count(b, &first, 1), 1);
}

static void a_database_that_is_away_is_a_fault_that_says_when(void **state)
{
        struct store_life *l = NULL;
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(store_life_new("host=/nowhere user=x dbname=y", "h", 1, &l, &why),
                         STORE_PG_FAULT);
        assert_true(why.retry_after_ms > 0);
        assert_int_equal(store_life_new("=", "h", 1, &l, &why), STORE_PG_FAULT);
        assert_int_equal(why.code, 400);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(one_who_goes_is_seen_dead_by_the_others_until_forgotten),
                TEST(one_whose_connection_went_is_told_so),
                TEST(answers_are_forgotten_after_their_time),
                TEST(two_databases_do_not_see_each_other),
                TEST(a_database_that_is_away_is_a_fault_that_says_when),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
