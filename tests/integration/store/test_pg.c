/* SPDX-License-Identifier: Apache-2.0 */
/* The store on a real PostgreSQL: what goes in comes out, and each way to fail has its answer. */
#include "support/unit.h"

#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/pg.h"
#include "store/rows.h"
#include "store/tables.h"
#include "support/database.h"
#include "support/random_rows.h"

enum { CONNECT_S = 3 };

struct fixture {
        struct database *db;
        struct store *store, *peer;
        uint64_t seed;
};

static struct store *store_of(const struct database *db)
{
        struct store *s = NULL;

        assert_int_equal(store_pg_new(database_connection(db), CONNECT_S, &s, NULL), 0);
        return s;
}

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);

        f->db = database_new();
        f->store = store_of(f->db);
        f->peer = store_of(f->db);
        f->seed = 1;
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        store_free(f->store);
        store_free(f->peer);
        database_free(f->db);
        free(f);
        return 0;
}

/* Pointers to 'n' rows that stand side by side; until the next call. */
static const void *const *each(const struct store_table *t, const void *rows, size_t n)
{
        static const void *pointers[20000];

        assert_true(n <= N_ELEMENTS(pointers));
        for (size_t i = 0; i < n; i++)
                pointers[i] = (const char *)rows + i * t->row_size;
        return pointers;
}

static int put_now(struct store *s, const struct store_table *t, const void *rows, size_t n)
{
        assert_int_equal(store_begin(s), STORE_OK);
        assert_int_equal(store_put(s, t, each(t, rows, n), n), 0);
        return store_commit(s);
}

static struct vlink *some_links(struct fixture *f, size_t n)
{
        return random_rows(&f->seed, &store_tables[T_VLINK], n);
}

/* The rows of 'rows' that the store gives for their keys' first column, in one select. */
static void select_all(struct store *s, const struct store_table *t, const char *rows, size_t n,
                       struct store_rows *ret)
{
        char(*texts)[300] = calloc(n, sizeof *texts);
        const char **values = calloc(n, sizeof *values);

        for (size_t i = 0; i < n; i++) {
                row_text(&t->columns[0], rows + i * t->row_size, texts[i], sizeof texts[i]);
                values[i] = texts[i];
        }
        assert_int_equal(store_select(s, t, t->columns[0].name, values, n, false, ret), 0);
        free(texts);
        free(values);
}

static void check_same(const struct store_table *t, const struct store_rows *got, const char *rows,
                       size_t n)
{
        assert_int_equal(got->n, n);
        for (size_t i = 0; i < got->n; i++) {
                const void *row = store_rows_at(got, t, i);
                bool found = false;

                for (size_t j = 0; j < n && !found; j++)
                        found = rows_equal(t, row, rows + j * t->row_size);
                assert_true(found);
                if (i > 0)
                        assert_true(rows_compare_keys(t, store_rows_at(got, t, i - 1), row) < 0);
        }
}

static void every_table_gives_back_what_was_put(void **state)
{
        struct fixture *f = *state;

        for (size_t i = 0; i < T_N; i++) {
                const struct store_table *t = &store_tables[i];
                OWN(store_rows_done) struct store_rows got = { 0 };
                OWN(mem_free) void *rows = random_rows(&f->seed, t, 150);

                if (t->append_only)
                        continue;
                assert_int_equal(put_now(f->store, t, rows, 150), STORE_OK);
                assert_int_equal(store_begin(f->store), STORE_OK);
                select_all(f->store, t, rows, 150, &got);
                assert_int_equal(store_commit(f->store), STORE_OK);
                check_same(t, &got, rows, 150);
        }
}

/* Who comes second has to read what the first one answered. */
static void a_row_that_is_written_once_is_not_replaced(void **state)
{
        struct fixture *f = *state;
        const struct store_table *t = &store_tables[T_REQUEST_KEY];
        OWN(mem_free) void *rows = random_rows(&f->seed, t, 2);

        assert_true(t->once);
        assert_int_equal(put_now(f->store, t, rows, 1), STORE_OK);
        assert_int_equal(put_now(f->peer, t, rows, 2), STORE_RETRY);
        assert_int_equal(database_int(f->db, "SELECT count(*) FROM idempotency_key"), 1);
}

static void a_row_that_is_put_again_is_replaced(void **state)
{
        struct fixture *f = *state;

        for (size_t i = 0; i < T_N; i++) {
                const struct store_table *t = &store_tables[i];
                OWN(store_rows_done) struct store_rows got = { 0 };
                OWN(mem_free) void *rows = random_rows(&f->seed, t, 50);

                if (t->append_only || t->once)
                        continue;
                assert_int_equal(put_now(f->store, t, rows, 50), STORE_OK);
                for (size_t j = 0; j < 50; j++)
                        for (const struct store_column *c = t->columns + t->n_key; c->name; c++)
                                random_column(&f->seed, t, c, (char *)rows + j * t->row_size);
                assert_int_equal(put_now(f->store, t, rows, 50), STORE_OK);
                assert_int_equal(store_begin(f->store), STORE_OK);
                select_all(f->store, t, rows, 50, &got);
                assert_int_equal(store_commit(f->store), STORE_OK);
                check_same(t, &got, rows, 50);
        }
}

static void removed_rows_are_gone_and_others_stay(void **state)
{
        struct fixture *f = *state;

        for (size_t i = 0; i < T_N; i++) {
                const struct store_table *t = &store_tables[i];
                OWN(store_rows_done) struct store_rows got = { 0 };
                OWN(mem_free) char *rows = random_rows(&f->seed, t, 40);

                if (t->append_only)
                        continue;
                assert_int_equal(put_now(f->store, t, rows, 40), STORE_OK);
                assert_int_equal(store_begin(f->store), STORE_OK);
                assert_int_equal(store_remove(f->store, t, each(t, rows, 15), 15), 0);
                select_all(f->store, t, rows, 40, &got); /* in the same transaction */
                assert_int_equal(store_commit(f->store), STORE_OK);
                check_same(t, &got, rows + 15 * t->row_size, 25);
        }
}

static void events_keep_the_order_they_were_put_in(void **state)
{
        struct fixture *f = *state;
        const struct store_table *t = &store_tables[T_EVENT];
        OWN(mem_free) struct event *events = random_rows(&f->seed, t, 500);

        for (int i = 0; i < 500; i++)
                events[i].at_ms = i;
        assert_int_equal(put_now(f->store, t, events, 500), STORE_OK);
        assert_int_equal(database_int(f->db, "SELECT count(*) FROM event"), 500);
        assert_int_equal(
                database_int(f->db, "SELECT count(*) FROM event WHERE id & 131071 = at_ms + 1"),
                500);
        assert_int_equal(database_int(f->db, "SELECT count(DISTINCT id >> 17) FROM event"), 1);
        /* and in one transaction the second put stands behind the first */
        assert_int_equal(store_begin(f->store), STORE_OK);
        assert_int_equal(store_put(f->store, t, each(t, events, 3), 3), 0);
        assert_int_equal(store_put(f->store, t, each(t, events + 3, 1), 1), 0);
        assert_int_equal(store_commit(f->store), STORE_OK);
        assert_int_equal(database_int(f->db, "SELECT at_ms FROM event ORDER BY id DESC"), 3);
        assert_int_equal(database_int(f->db, "SELECT id & 131071 FROM event ORDER BY id DESC"), 4);
}

static void due_timers_come_earliest_first_up_to_the_limit(void **state)
{
        struct fixture *f = *state;
        const struct store_table *t = &store_tables[T_TIMER];
        OWN(mem_free) struct timer *timers = random_rows(&f->seed, t, 100);
        OWN(store_rows_done) struct store_rows some = { 0 }, all = { 0 };

        for (int i = 0; i < 100; i++)
                timers[i].due_ms = 1000 + (i * 37) % 100;
        assert_int_equal(put_now(f->store, t, timers, 100), STORE_OK);
        assert_int_equal(store_begin(f->store), STORE_OK);
        assert_int_equal(store_due(f->store, 1049, 10, &some), 0);
        assert_int_equal(store_due(f->store, 1049, 1000, &all), 0);
        assert_int_equal(store_commit(f->store), STORE_OK);
        assert_int_equal(some.n, 10);
        assert_int_equal(all.n, 50);
        for (size_t i = 0; i < all.n; i++)
                assert_int_equal(((struct timer *)all.rows)[i].due_ms, 1000 + i);
}

static void values_that_cannot_be_there_find_nothing(void **state)
{
        struct fixture *f = *state;
        const char *const ids[] = { "", "no-uuid", "'; DROP TABLE vlink; --", "\xff\xfe" };
        const char *const numbers[] = { "", "x", "1e3", "99999999999999999999" };
        OWN(store_rows_done) struct store_rows got = { 0 };

        assert_int_equal(store_begin(f->store), STORE_OK);
        assert_int_equal(store_select(f->store, &store_tables[T_VLINK], "id", ids, 4, true, &got),
                         0);
        assert_int_equal(
                store_select(f->store, &store_tables[T_VLINK], "pair_key", ids, 4, true, &got), 0);
        assert_int_equal(
                store_select(f->store, &store_tables[T_TIMER], "owner", numbers, 4, true, &got), 0);
        assert_int_equal(store_select(f->store, &store_tables[T_VLINK], "id", NULL, 0, true, &got),
                         0);
        assert_int_equal(store_put(f->store, &store_tables[T_VLINK], NULL, 0), 0);
        assert_int_equal(store_remove(f->store, &store_tables[T_VLINK], NULL, 0), 0);
        assert_int_equal(store_flush(f->store), STORE_OK);
        assert_int_equal(got.n, 0);
        assert_true(store_select(f->store, &store_tables[T_VLINK], "no_column", ids, 4, true,
                                 &got) < 0);
        assert_int_equal(store_commit(f->store), STORE_OK);
}

static void one_transaction_carries_thousands_of_rows(void **state)
{
        struct fixture *f = *state;
        const struct store_table *t = &store_tables[T_VLINK];
        OWN(mem_free) struct vlink *links = some_links(f, 10000);
        OWN(store_rows_done) struct store_rows got = { 0 };

        for (size_t i = 0; i < 10000; i++)
                memset(links[i].description, 'd', sizeof links[i].description - 1);
        assert_int_equal(store_begin(f->store), STORE_OK);
        for (size_t i = 0; i < 10; i++)
                assert_int_equal(store_put(f->store, t, each(t, links + 1000 * i, 1000), 1000), 0);
        for (size_t i = 0; i < 10; i++)
                select_all(f->store, t, (char *)(links + 1000 * i), 1000, &got);
        assert_int_equal(store_commit(f->store), STORE_OK);
        assert_int_equal(got.n, 10000);
}

static int lock_link(struct store *s, const char *id)
{
        OWN(store_rows_done) struct store_rows got = { 0 };

        assert_int_equal(store_begin(s), STORE_OK);
        assert_int_equal(store_select(s, &store_tables[T_VLINK], "id", &id, 1, true, &got), 0);
        return store_flush(s);
}

static void reading_does_not_wait_for_a_lock(void **state)
{
        struct fixture *f = *state;
        OWN(mem_free) struct vlink *l = some_links(f, 1);
        const char *id = l->id;
        OWN(store_rows_done) struct store_rows got = { 0 };
        int64_t start = clock_mono_ms();

        assert_int_equal(put_now(f->store, &store_tables[T_VLINK], l, 1), STORE_OK);
        assert_int_equal(lock_link(f->peer, id), STORE_OK);
        assert_int_equal(store_begin(f->store), STORE_OK);
        assert_int_equal(store_select(f->store, &store_tables[T_VLINK], "id", &id, 1, false, &got),
                         0);
        assert_int_equal(store_flush(f->store), STORE_OK);
        assert_int_equal(got.n, 1);
        assert_true(clock_mono_ms() - start < 1000);
        store_rollback(f->store);
        store_rollback(f->peer);
        assert_int_equal(lock_link(f->store, id), STORE_OK);
        store_rollback(f->store);
}

struct sleeper {
        const struct fixture *f;
        char sql[400];
};

static void *run_sql(void *user)
{
        struct sleeper *s = user;

        database_run(s->f->db, s->sql);
        return NULL;
}

static void wait_for(const struct fixture *f, const char *condition)
{
        int64_t deadline = clock_mono_ms() + 10000;

        while (!database_int(f->db, condition)) {
                assert_true(clock_mono_ms() < deadline);
                usleep(2000);
        }
}

static void a_lock_that_is_not_given_in_two_seconds_is_a_retry(void **state)
{
        struct fixture *f = *state;
        OWN(mem_free) struct vlink *l = some_links(f, 1);
        struct sleeper holder = { .f = f };
        int64_t start;
        pthread_t thread;

        assert_int_equal(put_now(f->store, &store_tables[T_VLINK], l, 1), STORE_OK);
        snprintf(
                holder.sql, sizeof holder.sql,
                "DO $$ BEGIN PERFORM FROM vlink FOR UPDATE; PERFORM pg_advisory_lock(7); PERFORM pg_sleep(3.5); END $$");
        assert_int_equal(pthread_create(&thread, NULL, run_sql, &holder), 0);
        wait_for(f, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7");
        start = clock_mono_ms();
        assert_int_equal(lock_link(f->store, l->id), STORE_RETRY);
        assert_in_range(clock_mono_ms() - start, 1900, 2900);
        pthread_join(thread, NULL);
        assert_int_equal(lock_link(f->store, l->id), STORE_OK);
        store_rollback(f->store);
}

struct locker {
        struct store *store;
        struct vlink *links;
        size_t n;
        bool backwards;
        int retries;
};

static void *lock_many(void *user)
{
        struct locker *l = user;
        const char **ids = calloc(l->n, sizeof *ids);

        for (size_t i = 0; i < l->n; i++)
                ids[i] = l->links[l->backwards ? l->n - 1 - i : i].id;
        for (int i = 0; i < 60; i++) {
                OWN(store_rows_done) struct store_rows got = { 0 };
                int r = store_begin(l->store);

                r = r ? r
                      : store_select(l->store, &store_tables[T_VLINK], "id", ids, l->n, true, &got);
                r = r ? r : store_flush(l->store);
                for (size_t j = 0; j < got.n; j++)
                        ((struct vlink *)got.rows)[j].revision_number++;
                r = r ? r
                      : store_put(l->store, &store_tables[T_VLINK],
                                  (const void *[]){ got.rows, (struct vlink *)got.rows + 1 }, 2);
                r = r ? r : store_commit(l->store);
                l->retries += r != STORE_OK;
        }
        free(ids);
        return NULL;
}

static void two_that_lock_the_same_rows_never_deadlock(void **state)
{
        struct fixture *f = *state;
        OWN(mem_free) struct vlink *links = some_links(f, 200);
        struct locker a = { f->store, links, 200, false, 0 }, b = { f->peer, links, 200, true, 0 };
        pthread_t thread;

        for (size_t i = 0; i < 200; i++)
                links[i].revision_number = 0;
        assert_int_equal(put_now(f->store, &store_tables[T_VLINK], links, 200), STORE_OK);
        assert_int_equal(pthread_create(&thread, NULL, lock_many, &b), 0);
        lock_many(&a);
        pthread_join(thread, NULL);
        assert_int_equal(a.retries + b.retries, 0);
        /* and none of their changes was lost */
        assert_int_equal(database_int(f->db, "SELECT sum(revision_number) FROM vlink"), 240);
}

static void a_unique_value_taken_by_another_row_is_a_retry(void **state)
{
        struct fixture *f = *state;
        OWN(mem_free) struct vlink *links = some_links(f, 2);

        strcpy(links[1].pair_key, links[0].pair_key);
        assert_int_equal(put_now(f->store, &store_tables[T_VLINK], links, 1), STORE_OK);
        assert_int_equal(put_now(f->store, &store_tables[T_VLINK], links + 1, 1), STORE_RETRY);
        assert_int_equal(database_int(f->db, "SELECT count(*) FROM vlink"), 1);
        assert_int_equal(put_now(f->store, &store_tables[T_VLINK], links, 1), STORE_OK);
}

static void empty_optional_texts_do_not_collide(void **state)
{
        struct fixture *f = *state;
        OWN(mem_free) struct attachment *a = random_rows(&f->seed, &store_tables[T_ATTACHMENT], 3);

        for (int i = 0; i < 3; i++)
                a[i].net_key[0] = '\0';
        assert_int_equal(put_now(f->store, &store_tables[T_ATTACHMENT], a, 3), STORE_OK);
        assert_int_equal(
                database_int(f->db, "SELECT count(*) FROM attachment WHERE net_key IS NULL"), 3);
}

static void a_row_that_no_database_takes_is_bad_data_and_harms_no_other(void **state)
{
        struct fixture *f = *state;
        OWN(mem_free) struct vlink *links = some_links(f, 4);

        strcpy(links[0].name, "\xff\xfe no utf-8");
        links[1].provisioning = 99;
        strcpy(links[2].id, "not-a-uuid");
        for (size_t i = 0; i < 3; i++)
                assert_int_equal(put_now(f->store, &store_tables[T_VLINK], links + i, 1),
                                 STORE_BAD_DATA);
        links[0].vpn_id[0] = '\0';
        strcpy(links[0].name, "fine");
        assert_int_equal(put_now(f->store, &store_tables[T_VLINK], links, 1), STORE_BAD_DATA);
        assert_int_equal(put_now(f->store, &store_tables[T_VLINK], links + 3, 1), STORE_OK);
        assert_int_equal(database_int(f->db, "SELECT count(*) FROM vlink"), 1);
}

static void nothing_is_seen_of_what_was_rolled_back(void **state)
{
        struct fixture *f = *state;
        OWN(mem_free) struct vlink *l = some_links(f, 1);

        assert_int_equal(store_begin(f->store), STORE_OK);
        assert_int_equal(
                store_put(f->store, &store_tables[T_VLINK], each(&store_tables[T_VLINK], l, 1), 1),
                0);
        assert_int_equal(store_flush(f->store), STORE_OK);
        store_rollback(f->store);
        assert_int_equal(store_begin(f->store), STORE_OK);
        store_rollback(f->store); /* before anything was sent */
        assert_int_equal(database_int(f->db, "SELECT count(*) FROM vlink"), 0);
        assert_int_equal(put_now(f->store, &store_tables[T_VLINK], l, 1), STORE_OK);
}

static void kill_stores(const struct fixture *f)
{
        database_run(f->db,
                     "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
                     " WHERE application_name = 'atlas-store' AND datname = current_database()");
}

static void a_connection_killed_before_commit_is_lost_with_nothing_done(void **state)
{
        struct fixture *f = *state;
        OWN(mem_free) struct vlink *l = some_links(f, 1);
        const struct store_table *t = &store_tables[T_VLINK];

        assert_int_equal(store_begin(f->store), STORE_OK);
        assert_int_equal(store_flush(f->store), STORE_OK);
        kill_stores(f);
        assert_int_equal(store_flush(f->store), STORE_LOST);

        assert_int_equal(store_begin(f->store), STORE_OK);
        assert_int_equal(store_put(f->store, t, each(t, l, 1), 1), 0);
        assert_int_equal(store_flush(f->store), STORE_OK);
        kill_stores(f);
        assert_int_equal(store_commit(f->store), STORE_LOST);
        assert_int_equal(database_int(f->db, "SELECT count(*) FROM vlink"), 0);

        assert_int_equal(put_now(f->store, t, l, 1), STORE_OK);
        kill_stores(f); /* between transactions nobody notices */
        assert_int_equal(put_now(f->store, t, l, 1), STORE_OK);
}

static void a_connection_killed_during_commit_leaves_it_unknown(void **state)
{
        struct fixture *f = *state;
        OWN(mem_free) struct vlink *l = some_links(f, 1);
        struct sleeper killer = { .f = f };
        pthread_t thread;

        database_run(f->db,
                     "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
                     " 'BEGIN PERFORM pg_advisory_lock(8); PERFORM pg_sleep(5); RETURN NULL; END'");
        database_run(
                f->db,
                "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON vlink DEFERRABLE INITIALLY DEFERRED"
                " FOR EACH ROW EXECUTE FUNCTION slow()");
        snprintf(
                killer.sql, sizeof killer.sql,
                "DO $$ BEGIN LOOP"
                " EXIT WHEN (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 8) > 0;"
                " PERFORM pg_sleep(0.01); END LOOP;"
                " PERFORM pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory' AND objid = 8;"
                " END $$");
        assert_int_equal(pthread_create(&thread, NULL, run_sql, &killer), 0);
        assert_int_equal(put_now(f->store, &store_tables[T_VLINK], l, 1), STORE_UNKNOWN);
        pthread_join(thread, NULL);
        assert_int_equal(store_begin(f->store), STORE_OK);
        store_rollback(f->store);
}

static void one_that_pauses_with_locks_loses_them(void **state)
{
        struct fixture *f = *state;
        OWN(mem_free) struct vlink *l = some_links(f, 1);

        assert_int_equal(put_now(f->store, &store_tables[T_VLINK], l, 1), STORE_OK);
        assert_int_equal(lock_link(f->store, l->id), STORE_OK);
        /* 'store' does nothing now; the peer waits, and gets the lock when the server ends the
         * other's session. */
        assert_int_equal(lock_link(f->peer, l->id), STORE_OK);
        store_rollback(f->peer);
        assert_int_equal(store_commit(f->store), STORE_LOST);
        assert_int_equal(lock_link(f->store, l->id), STORE_OK);
        store_rollback(f->store);
}

static void a_server_that_is_away_is_lost_until_it_is_back(void **state)
{
        struct fixture *f = *state;
        OWN(mem_free) struct vlink *l = some_links(f, 1);

        if (!database_server_private())
                skip();
        assert_int_equal(put_now(f->store, &store_tables[T_VLINK], l, 1), STORE_OK);
        assert_int_equal(store_begin(f->peer), STORE_OK);
        database_server_stop();
        assert_int_equal(store_begin(f->store), STORE_LOST);
        assert_int_equal(store_begin(f->store), STORE_LOST);
        assert_int_equal(store_commit(f->peer), STORE_LOST);
        database_server_start();
        assert_int_equal(put_now(f->store, &store_tables[T_VLINK], l, 1), STORE_OK);
        assert_int_equal(put_now(f->peer, &store_tables[T_VLINK], l, 1), STORE_OK);
        assert_int_equal(database_int(f->db, "SELECT count(*) FROM vlink"), 1);
}

static void rows_that_change_together_do_so_without_touching_an_index(void **state)
{
        struct fixture *f = *state;
        const struct store_table *t = &store_tables[T_VLINK];
        OWN(mem_free) struct vlink *links = some_links(f, 1024);

        for (size_t i = 0; i < 1024; i++)
                strcpy(links[i].description, "an ordinary one");
        for (size_t i = 0; i < 1024; i += 64)
                assert_int_equal(put_now(f->store, t, links + i, 64), STORE_OK);
        for (int round = 0; round < 4; round++)
                for (size_t i = 0; i < 1024; i += 64) {
                        for (size_t j = i; j < i + 64; j++) {
                                links[j].provisioning = round;
                                links[j].revision_number++;
                                links[j].updated_ms += 5;
                        }
                        assert_int_equal(put_now(f->store, t, links + i, 64), STORE_OK);
                }
        f->store = store_free(f->store); /* a session's counts are told when it ends */
        wait_for(f,
                 "SELECT (n_tup_upd = 4096)::int FROM pg_stat_user_tables WHERE relname = 'vlink'");
        assert_in_range(
                database_int(f->db,
                             "SELECT 100 * n_tup_hot_upd / n_tup_upd FROM pg_stat_user_tables"
                             " WHERE relname = 'vlink'"),
                90, 100);
}

static void a_connection_setting_that_is_none_is_refused(void **state)
{
        struct fault why = { 0 };
        struct store *s = NULL;

        (void)state;
        assert_int_equal(store_pg_new("hots=localhost", CONNECT_S, &s, &why), STORE_PG_FAULT);
        assert_null(strstr(why.message, "hots")); /* a piece of it may be the password */
        assert_null(s);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(every_table_gives_back_what_was_put),
                TEST(a_row_that_is_written_once_is_not_replaced),
                TEST(a_row_that_is_put_again_is_replaced),
                TEST(removed_rows_are_gone_and_others_stay),
                TEST(events_keep_the_order_they_were_put_in),
                TEST(due_timers_come_earliest_first_up_to_the_limit),
                TEST(values_that_cannot_be_there_find_nothing),
                TEST(one_transaction_carries_thousands_of_rows),
                TEST(reading_does_not_wait_for_a_lock),
                TEST(a_lock_that_is_not_given_in_two_seconds_is_a_retry),
                TEST(two_that_lock_the_same_rows_never_deadlock),
                TEST(a_unique_value_taken_by_another_row_is_a_retry),
                TEST(empty_optional_texts_do_not_collide),
                TEST(a_row_that_no_database_takes_is_bad_data_and_harms_no_other),
                TEST(nothing_is_seen_of_what_was_rolled_back),
                TEST(a_connection_killed_before_commit_is_lost_with_nothing_done),
                TEST(a_connection_killed_during_commit_leaves_it_unknown),
                TEST(one_that_pauses_with_locks_loses_them),
                TEST(a_server_that_is_away_is_lost_until_it_is_back),
                TEST(rows_that_change_together_do_so_without_touching_an_index),
                TEST(a_connection_setting_that_is_none_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
