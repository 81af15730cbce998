/* SPDX-License-Identifier: Apache-2.0 */
/* Locks by name: of one holder at a time, and free again however he ends. */
#include "support/unit.h"

#include <pthread.h>
#include <unistd.h>

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

static struct store_lock *lock_for(const struct database *db, int64_t keep_ms)
{
        struct store_lock *l = NULL;

        assert_int_equal(store_lock_new(database_connection(db), keep_ms, &l, NULL), 0);
        return l;
}

static struct store_lock *lock_of(const struct database *db)
{
        return lock_for(db, 60000);
}

static void a_name_has_one_holder_and_others_have_theirs(void **state)
{
        OWN(store_lock_free) struct store_lock *a = lock_of(*state);
        OWN(store_lock_free) struct store_lock *b = lock_of(*state);

        assert_int_equal(store_lock_take(a, "one"), STORE_LOCK_TAKEN);
        assert_int_equal(store_lock_take(b, "other"), STORE_LOCK_TAKEN);
        store_lock_let(b);
        assert_int_equal(store_lock_take(b, "one"), STORE_LOCK_BUSY);
        assert_int_equal(store_lock_take(b, "other"), STORE_LOCK_TAKEN); /* its connection is good */
        store_lock_let(b);
        store_lock_let(a);
        assert_int_equal(store_lock_take(b, "one"), STORE_LOCK_TAKEN);
}

static void *end_soon(void *lock)
{
        usleep(300000);
        store_lock_free(lock);
        return NULL;
}

static void one_who_dies_is_waited_for(void **state)
{
        struct store_lock *dying = lock_of(*state);
        OWN(store_lock_free) struct store_lock *heir = lock_of(*state);
        pthread_t thread;

        assert_int_equal(store_lock_take(dying, "one"), STORE_LOCK_TAKEN);
        assert_int_equal(pthread_create(&thread, NULL, end_soon, dying), 0);
        assert_int_equal(store_lock_take(heir, "one"), STORE_LOCK_TAKEN);
        pthread_join(thread, NULL);
}

static void one_who_stands_still_loses_it_in_time(void **state)
{
        OWN(store_lock_free) struct store_lock *paused = lock_for(*state, 500);
        OWN(store_lock_free) struct store_lock *heir = lock_of(*state);

        assert_int_equal(store_lock_take(paused, "one"), STORE_LOCK_TAKEN);
        assert_int_equal(store_lock_take(heir, "one"), STORE_LOCK_TAKEN);
        store_lock_let(paused);
        store_lock_let(heir);
        assert_int_equal(store_lock_take(paused, "one"), STORE_LOCK_TAKEN); /* over another connection */
}

static void without_a_database_nothing_is_locked(void **state)
{
        struct store_lock *l = NULL;
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(store_lock_new("host=/nowhere dbname=none", 1000, &l, &why), 0);
        assert_int_equal(store_lock_take(l, "one"), STORE_LOCK_AWAY);
        store_lock_let(l);
        store_lock_free(l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_name_has_one_holder_and_others_have_theirs, setup, teardown),
                cmocka_unit_test_setup_teardown(one_who_dies_is_waited_for, setup, teardown),
                cmocka_unit_test_setup_teardown(one_who_stands_still_loses_it_in_time, setup, teardown),
                cmocka_unit_test(without_a_database_nothing_is_locked),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
