/* SPDX-License-Identifier: Apache-2.0 */
/* The simulation's store and PostgreSQL are told the same, drawn from a seed, and have to answer
 * the same: what the simulation proves of the conductor then holds for the real one. ATLAS_SEED
 * replays one. */
#include "support/unit.h"

#include "sim/sim_store.h"
#include "store/pg.h"
#include "store/rows.h"
#include "store/tables.h"
#include "support/database.h"
#include "support/random_rows.h"

enum { N_SEEDS = 12, N_TRANSACTIONS = 60, ROWS_MAX = 12, SELECTS_MAX = 6 };

static enum sim_store_fate fine(void *user, enum sim_store_point at)
{
        (void)user;
        (void)at;
        return SIM_FINE;
}

static void nobody(void *user)
{
        (void)user;
}

static const struct sim_store_hooks hooks = { .fate = fine, .between = nobody };

struct both {
        struct sim_db sim;
        struct store *stores[2]; /* the simulation's, PostgreSQL's */
        uint64_t seed;
        int n_answers[STORE_LOST + 1];
};

/* A row that is there already, or NULL. */
static const void *any_row(struct both *b, enum store_table_id t)
{
        const struct store_rows *rows = &b->sim.tables[t];

        return rows->n > 0 ? store_rows_at(rows, &store_tables[t], random_below(&b->seed, rows->n))
                           : NULL;
}

static void random_value(struct both *b, enum store_table_id t, const struct store_column *c,
                         char *ret, size_t size)
{
        const void *row = random_below(&b->seed, 4) ? any_row(b, t) : NULL;
        OWN(mem_free) void *fresh = row ? NULL : random_rows(&b->seed, &store_tables[t], 1);

        row_text(c, row ? row : fresh, ret, size);
}

static void select_both(struct both *b, struct store_rows got[2])
{
        enum store_table_id t = (enum store_table_id)random_below(&b->seed, T_EVENT);
        bool counted = t == T_TIMER && random_below(&b->seed, 2);
        const struct store_table *table = counted ? &store_open_work : &store_tables[t];
        const struct store_column *c =
                counted ? store_column_find(&store_tables[t], "project_id")
                        : &table->columns[random_below(&b->seed, store_column_count(table))];
        size_t n = random_below(&b->seed, 8);
        const char *values[8];
        static char texts[8][ANSWER_SIZE];
        bool lock = !counted && random_below(&b->seed, 2);

        for (size_t i = 0; i < n; i++) {
                random_value(b, t, c, texts[i], sizeof texts[i]);
                values[i] = texts[i];
        }
        for (int i = 0; i < 2; i++)
                assert_int_equal(
                        store_select(b->stores[i], table, c->name, values, n, lock, &got[i]), 0);
        for (int i = 0; i < 2; i++) /* both, so that a later transaction starts the same */
                assert_int_equal(store_flush(b->stores[i]), STORE_OK);
        assert_int_equal(got[0].n, got[1].n);
        for (size_t i = 0; i < got[0].n; i++)
                assert_true(rows_equal(table, store_rows_at(&got[0], table, i),
                                       store_rows_at(&got[1], table, i)));
}

static void due_both(struct both *b)
{
        struct store_rows got[2] = { 0 };
        int64_t now_ms = (int64_t)random_below(&b->seed, 1ull << 40);
        size_t limit = 1 + random_below(&b->seed, 20);

        for (int i = 0; i < 2; i++) {
                assert_int_equal(store_due(b->stores[i], now_ms, limit, &got[i]), 0);
                assert_int_equal(store_flush(b->stores[i]), STORE_OK);
        }
        assert_int_equal(got[0].n, got[1].n);
        for (size_t i = 0; i < got[0].n; i++)
                assert_true(rows_equal(&store_tables[T_TIMER], &((struct timer *)got[0].rows)[i],
                                       &((struct timer *)got[1].rows)[i]));
        store_rows_done(&got[0]);
        store_rows_done(&got[1]);
}

static bool in(const struct store_table *t, const char *rows, size_t n, const void *row)
{
        for (size_t i = 0; i < n; i++)
                if (rows_compare_keys(t, rows + i * t->row_size, row) == 0)
                        return true;
        return false;
}

/* Fresh rows, changed ones, and at times one that takes another's unique value. */
static void put_both(struct both *b)
{
        enum store_table_id t = (enum store_table_id)random_below(&b->seed, T_N);
        const struct store_table *table = &store_tables[t];
        size_t n = 1 + random_below(&b->seed, ROWS_MAX);
        OWN(mem_free) char *rows = random_rows(&b->seed, table, n);
        const void *pointers[ROWS_MAX];

        for (size_t i = 0; i < n; i++) {
                char *row = rows + i * table->row_size;
                const char *old = any_row(b, t);

                pointers[i] = row;
                if (t == T_TIMER)
                        ((struct timer *)(void *)row)->due_ms =
                                (int64_t)random_below(&b->seed, 1ull << 40);
                if (!old || table->append_only)
                        continue;
                for (const struct store_column *c = table->columns; c->name; c++)
                        if (c->unique && random_below(&b->seed, 40) == 0)
                                memcpy(row + c->offset, old + c->offset, c->size);
                if (random_below(&b->seed, 2) == 0 && !in(table, rows, i, old))
                        for (size_t k = 0; k < table->n_key; k++)
                                memcpy(row + table->columns[k].offset,
                                       old + table->columns[k].offset, table->columns[k].size);
        }
        for (int i = 0; i < 2; i++)
                assert_int_equal(store_put(b->stores[i], table, pointers, n), 0);
}

static void remove_both(struct both *b)
{
        enum store_table_id t = (enum store_table_id)random_below(&b->seed, T_EVENT);
        const struct store_table *table = &store_tables[t];
        const void *row = any_row(b, t);
        OWN(mem_free) void *fresh = random_rows(&b->seed, table, 1);
        const void *rows[] = { row ? row : fresh, fresh };
        OWN(mem_free) char *copy = calloc(1, table->row_size);

        memcpy(copy, rows[0], table->row_size); /* the simulation may move its own */
        rows[0] = copy;
        for (int i = 0; i < 2; i++)
                assert_int_equal(store_remove(b->stores[i], table, rows, 2), 0);
}

static void transaction_both(struct both *b)
{
        uint64_t reads = random_below(&b->seed, 4), writes = random_below(&b->seed, 6);
        int r[2];

        for (int i = 0; i < 2; i++)
                assert_int_equal(store_begin(b->stores[i]), STORE_OK);
        for (; reads > 0; reads--) {
                struct store_rows got[2] = { 0 };

                select_both(b, got);
                store_rows_done(&got[0]);
                store_rows_done(&got[1]);
        }
        due_both(b);
        for (; writes > 0; writes--)
                random_below(&b->seed, 4) ? put_both(b) : remove_both(b);
        if (random_below(&b->seed, 10) == 0) {
                store_rollback(b->stores[0]);
                store_rollback(b->stores[1]);
                return;
        }
        r[1] = store_commit(b->stores[1]);
        r[0] = store_commit(b->stores[0]);
        assert_int_equal(r[0], r[1]);
        b->n_answers[r[0]]++;
}

/* Every row of every table, by its key. */
static void compare_all(struct both *b, const struct database *db)
{
        char sql[128];

        for (size_t t = 0; t < T_N; t++) {
                const struct store_table *table = &store_tables[t];
                const struct store_rows *rows = &b->sim.tables[t];

                snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", table->name);
                assert_int_equal(database_int(db, sql), rows->n);
                for (size_t i = 0; i < rows->n && !table->append_only; i++) {
                        OWN(store_rows_done) struct store_rows got = { 0 };
                        const void *row = store_rows_at(rows, table, i);
                        char text[300];
                        const char *value = text;
                        bool found = false;

                        row_text(table->columns, row, text, sizeof text);
                        assert_int_equal(store_begin(b->stores[1]), STORE_OK);
                        assert_int_equal(store_select(b->stores[1], table, table->columns[0].name,
                                                      &value, 1, false, &got),
                                         0);
                        assert_int_equal(store_commit(b->stores[1]), STORE_OK);
                        for (size_t j = 0; j < got.n && !found; j++)
                                found = rows_equal(table, store_rows_at(&got, table, j), row);
                        assert_true(found);
                }
        }
}

static void both_stores_answer_the_same(void **state)
{
        const char *given = getenv("ATLAS_SEED");
        uint64_t first = given ? strtoull(given, NULL, 10) : 1, last = given ? first : N_SEEDS;
        int n_answers[STORE_LOST + 1] = { 0 };

        (void)state;
        for (uint64_t seed = first; seed <= last; seed++) {
                OWN(database_free) struct database *db = database_new();
                struct both b = { .seed = seed };

                database_run(db, "DELETE FROM control"); /* the only rows of a new database */
                print_message("ATLAS_SEED=%llu\n", (unsigned long long)seed);
                assert_int_equal(sim_store_new(&b.sim, &hooks, &b.stores[0]), 0);
                assert_int_equal(store_pg_new(database_connection(db), 3, &b.stores[1], NULL), 0);
                for (int i = 0; i < N_TRANSACTIONS; i++)
                        transaction_both(&b);
                compare_all(&b, db);
                for (int i = 0; i <= STORE_LOST; i++)
                        n_answers[i] += b.n_answers[i];
                store_free(b.stores[0]);
                store_free(b.stores[1]);
                sim_db_done(&b.sim);
        }
        /* The seeds reach both kinds of ends. */
        assert_true(given || (n_answers[STORE_OK] > 100 && n_answers[STORE_RETRY] > 10));
}

UNIT_MAIN(UNIT(both_stores_answer_the_same))
