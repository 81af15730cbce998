/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "store/pg_sql.h"
#include "store/reader_sql.h"
#include "store/tables.h"

static void statements_are_made_from_the_descriptor(void **state)
{
        const struct store_table *t = &store_tables[T_TIMER];
        struct pg_statements all = { 0 };

        (void)state;
        assert_string_equal(pg_select(&all, t, &t->columns[0], true)->sql,
                            "SELECT ref_id, kind, due_ms, owner, project_id FROM timer WHERE ref_id = ANY ($1)"
                            " ORDER BY ref_id, kind FOR UPDATE");
        assert_string_equal(
                pg_select(&all, t, &t->columns[3], false)->sql,
                "SELECT ref_id, kind, due_ms, owner, project_id FROM timer WHERE owner = ANY ($1) ORDER BY ref_id, kind");
        assert_string_equal(
                pg_put(&all, t)->sql,
                "INSERT INTO timer (ref_id, kind, due_ms, owner, project_id) SELECT * FROM unnest($1, $2, $3, $4, $5)"
                " ON CONFLICT (ref_id, kind) DO UPDATE SET due_ms = excluded.due_ms, owner = excluded.owner,"
                " project_id = excluded.project_id");
        assert_string_equal(pg_remove(&all, t)->sql,
                            "DELETE FROM timer USING unnest($1, $2) AS gone(ref_id, kind)"
                            " WHERE timer.ref_id = gone.ref_id AND timer.kind = gone.kind");
        pg_statements_done(&all);
}

static void a_statement_is_made_once_and_prepared_once_per_connection(void **state)
{
        const struct store_table *t = &store_tables[T_VLINK];
        struct pg_statements all = { 0 };
        struct pg_statement *put = pg_put(&all, t);

        (void)state;
        put->prepared = PG_PREPARED;
        assert_ptr_equal(pg_put(&all, t), put);
        assert_ptr_not_equal(pg_select(&all, t, t->columns, false),
                             pg_select(&all, t, t->columns, true));
        pg_statements_forget(&all);
        assert_int_equal(put->prepared, PG_NEW);
        pg_statements_done(&all);
}

static void names_fit_into_what_postgresql_keeps_of_them(void **state)
{
        struct pg_statements all = { 0 };

        (void)state;
        for (size_t i = 0; i < T_N; i++)
                for (const struct store_column *c = store_tables[i].columns; c->name; c++) {
                        const struct pg_statement *st = pg_select(&all, &store_tables[i], c, false);

                        assert_non_null(strstr(st->name, c->name));
                        assert_true(strlen(st->name) < 59);
                }
        pg_statements_done(&all);
}

static void questions_of_one_form_are_one_statement(void **state)
{
        const char *const one[] = { "p1" }, *const other[] = { "p2" },
                          *const many[] = { "p1", "p2" };
        struct store_where where = {
                .column = "project_id", .compare = STORE_IS, .values = one, .n_values = 1
        };
        const struct reader_question q = { &store_tables[T_TIMER], NULL, 0, "due_ms", true, 10, NULL, 0, false };
        struct reader_question by_project = { &store_tables[T_VPN_SITE], NULL, 0, NULL, false, 0, NULL, 0, false };
        struct reader_select a, b, c;

        (void)state;
        assert_int_equal(reader_select_make(&q, &a), 0);
        assert_string_equal(a.sql.bytes, "SELECT ref_id, kind, due_ms, owner, project_id FROM timer WHERE true"
                                         " ORDER BY due_ms DESC, ref_id DESC, kind DESC LIMIT $1");
        reader_select_done(&a);
        by_project = (struct reader_question){ &store_tables[T_EVENT], &where, 1, NULL, false, 5, NULL, 0, false };
        assert_int_equal(reader_select_make(&by_project, &a), 0);
        where.values = other;
        assert_int_equal(reader_select_make(&by_project, &b), 0);
        assert_string_equal(a.sql.bytes, b.sql.bytes);
        assert_non_null(
                strstr(a.sql.bytes,
                       "WHERE id < event_horizon() AND project_id = $1 ORDER BY id LIMIT $2"));
        where.values = many;
        where.n_values = 2;
        assert_int_equal(reader_select_make(&by_project, &c), 0);
        assert_non_null(strstr(c.sql.bytes, "project_id = ANY ($1)"));
        reader_select_done(&a);
        reader_select_done(&b);
        reader_select_done(&c);
}

static void who_follows_is_told_what_must_not_be_shown_yet(void **state)
{
        const char *const after[] = { "7" };
        const struct store_where where = { "id", STORE_AFTER, after, 1 };
        const struct reader_question q = { &store_tables[T_EVENT], &where, 1, "id", false, 5, NULL, 0, true };
        struct reader_select s;

        (void)state;
        assert_int_equal(reader_select_make(&q, &s), 0);
        assert_non_null(strstr(s.sql.bytes, ", id, id < (SELECT event_horizon()) FROM event WHERE"
                                            " true AND id > $1 ORDER BY id LIMIT $2"));
        reader_select_done(&s);
}

static void only_known_columns_reach_the_text(void **state)
{
        const char *const value[] = { "1" };
        struct store_where where = { .column = "1; DROP TABLE x", .values = value, .n_values = 1 };
        struct reader_question q = { &store_tables[T_TIMER], &where, 1, NULL, false, 0, NULL, 0, false };
        struct reader_select s;

        (void)state;
        assert_int_equal(reader_select_make(&q, &s), -EINVAL);
        q = (struct reader_question){ &store_tables[T_TIMER], NULL, 0, "due_ms; --", false, 0, NULL, 0, false };
        assert_int_equal(reader_select_make(&q, &s), -EINVAL);
        where = (struct store_where){
                .column = "due_ms", .compare = STORE_AFTER, .values = value, .n_values = 0
        };
        q = (struct reader_question){ &store_tables[T_TIMER], &where, 1, NULL, false, 0, NULL, 0, false };
        assert_int_equal(reader_select_make(&q, &s), -EINVAL);
}

UNIT_MAIN(UNIT(statements_are_made_from_the_descriptor),
          UNIT(a_statement_is_made_once_and_prepared_once_per_connection),
          UNIT(names_fit_into_what_postgresql_keeps_of_them),
          UNIT(questions_of_one_form_are_one_statement),
          UNIT(who_follows_is_told_what_must_not_be_shown_yet), UNIT(only_known_columns_reach_the_text))
