/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "store/rows.h"
#include "store/tables.h"

static size_t alignment(enum store_kind kind)
{
        return kind == STORE_INT ? _Alignof(int64_t) : 1;
}

static size_t aligned(size_t at, size_t to)
{
        return (at + to - 1) / to * to;
}

/* Columns stand side by side as the fields do: a field that no column describes would be lost at
 * each write. */
static void columns_cover_the_whole_struct(void **state)
{
        (void)state;
        for (size_t i = 0; i < T_N; i++) {
                const struct store_table *t = &store_tables[i];
                size_t end = 0, widest = 1;

                for (const struct store_column *c = t->columns; c->name; c++) {
                        if (c->offset != aligned(end, alignment(c->kind)))
                                fail_msg("%s: something is missing before %s", t->name, c->name);
                        end = c->offset + c->size;
                        widest = alignment(c->kind) > widest ? alignment(c->kind) : widest;
                }
                if (aligned(end, widest) != t->row_size)
                        fail_msg("%s: something is missing at the end", t->name);
        }
}

static void kinds_have_the_size_of_their_fields(void **state)
{
        (void)state;
        for (size_t i = 0; i < T_N; i++)
                for (const struct store_column *c = store_tables[i].columns; c->name; c++) {
                        if (c->kind == STORE_INT)
                                assert_int_equal(c->size, sizeof(int64_t));
                        else if (c->kind == STORE_BOOL)
                                assert_int_equal(c->size, sizeof(bool));
                        else if (c->kind == STORE_UUID)
                                assert_int_equal(c->size, ID_SIZE);
                        else
                                assert_true(c->size > 1);
                }
}

static void every_table_has_a_key_or_is_append_only(void **state)
{
        (void)state;
        for (size_t i = 0; i < T_N; i++) {
                assert_non_null(store_tables[i].name);
                assert_int_equal(store_tables[i].append_only, store_tables[i].n_key == 0);
                assert_true(store_column_count(&store_tables[i]) < STORE_COLUMNS_MAX);
                assert_true(store_column_count(&store_tables[i]) > store_tables[i].n_key);
        }
}

static void rows_grow_zeroed_and_keep_what_is_there(void **state)
{
        const struct store_table *t = &store_tables[T_TIMER];
        OWN(store_rows_done) struct store_rows rows = { 0 };

        (void)state;
        for (int i = 0; i < 1000; i++) {
                struct timer *timer = store_rows_add(&rows, t);

                assert_int_equal(timer->due_ms, 0);
                timer->due_ms = i + 1;
        }
        for (size_t i = 0; i < 1000; i++)
                assert_int_equal(((struct timer *)store_rows_at(&rows, t, i))->due_ms, i + 1);
}

UNIT_MAIN(UNIT(columns_cover_the_whole_struct), UNIT(kinds_have_the_size_of_their_fields),
          UNIT(every_table_has_a_key_or_is_append_only),
          UNIT(rows_grow_zeroed_and_keep_what_is_there))
