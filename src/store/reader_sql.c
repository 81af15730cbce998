/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of append-only tables are shown only below the table's horizon: the ids of the oldest
 * running transaction. */
#include "store/reader_sql.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "store/pg_sql.h"

static const struct store_column serial = { .name = "id", .kind = STORE_INT };

static const char *const compare_sql[] = {
        [STORE_IS] = "=",
        [STORE_AT_LEAST] = ">=",
        [STORE_AFTER] = ">",
        [STORE_BEFORE] = "<",
};

/* What is around the parameter. */
static const struct {
        const char *before, *between;
} list_sql[] = {
        [STORE_HAS_ALL] = { "", "@>" },
        [STORE_HAS_ANY] = { "", "&&" },
        [STORE_LACKS_SOME] = { "NOT ", "@>" },
        [STORE_LACKS_ALL] = { "NOT ", "&&" },
};

static const struct store_column *column_of(const struct store_table *t, const char *name)
{
        if (t->append_only && strcmp(name, serial.name) == 0)
                return &serial;
        return store_column_find(t, name);
}

static int parameter(struct reader_select *s, Oid type)
{
        s->ends[s->n] = s->bytes.n;
        s->types[s->n] = type;
        return ++s->n;
}

static int condition(const struct store_table *t, const struct store_where *w,
                     struct reader_select *s)
{
        const struct store_column *c = column_of(t, w->column);
        int n;

        if (!c || s->n + 2 > READER_PARAMETERS_MAX || (w->compare != STORE_IS && w->n_values != 1))
                return err_raise(-EINVAL);
        if (w->compare == STORE_IS && w->n_values != 1) {
                pg_put_values(&s->bytes, c->kind, w->values, w->n_values);
                n = parameter(s, pg_array_type(c->kind));
                text_addf(&s->sql, "%s = ANY ($%d)", c->name, n);
                return 0;
        }
        if (w->compare >= STORE_HAS_ALL) {
                pg_put_value(&s->bytes, STORE_TEXT, w->values[0]);
                n = parameter(s, pg_type(STORE_TEXT));
                text_addf(&s->sql, "%sstring_to_array(%s, ',') %s string_to_array($%d, ',')",
                          list_sql[w->compare].before, c->name, list_sql[w->compare].between, n);
                return 0;
        }
        if (pg_put_value(&s->bytes, c->kind, w->values[0])) {
                n = parameter(s, pg_type(c->kind));
                text_addf(&s->sql, "%s %s $%d", c->name, compare_sql[w->compare], n);
                return 0;
        }
        if (w->compare != STORE_IS)
                return err_raise(-EINVAL);
        text_add(&s->sql, "false"); /* nothing equals what cannot be there */
        return 0;
}

/* Rows behind a place in the order: (a > $1 OR a = $1 AND (b < $2 OR b = $2 AND id > $3)). */
static int after(const struct reader_question *q, struct reader_select *s)
{
        for (size_t i = 0; i < q->n_by; i++) {
                const struct store_column *c = column_of(q->table, q->by[i].column);
                int n;

                if (!c || s->n + 2 > READER_PARAMETERS_MAX ||
                    !pg_put_value(&s->bytes, c->kind, q->by[i].after))
                        return err_raise(-EINVAL);
                n = parameter(s, pg_type(c->kind));
                text_addf(&s->sql, "%s%s %s $%d", i == 0 ? " AND (" : " (", c->name,
                          q->by[i].descending ? "<" : ">", n);
                if (i + 1 < q->n_by)
                        text_addf(&s->sql, " OR %s = $%d AND", c->name, n);
        }
        for (size_t i = 0; i < q->n_by; i++)
                text_add(&s->sql, ")");
        return 0;
}

static void order_by(const struct reader_question *q, struct text *sql)
{
        const struct store_table *t = q->table;
        const char *direction = q->descending ? " DESC" : "";
        const char *comma = " ORDER BY ";

        for (size_t i = 0; i < q->n_by; i++, comma = ", ")
                text_addf(sql, "%s%s%s", comma, q->by[i].column,
                          q->by[i].descending ? " DESC" : "");
        if (q->n_by)
                return;
        if (q->order) {
                text_addf(sql, "%s%s%s", comma, q->order, direction);
                comma = ", ";
        }
        for (size_t i = 0; i < t->n_key; i++, comma = ", ")
                if (!text_equal(q->order, t->columns[i].name))
                        text_addf(sql, "%s%s%s", comma, t->columns[i].name, direction);
        if (t->append_only && !text_equal(q->order, serial.name))
                text_addf(sql, "%s%s%s", comma, serial.name, direction);
}

int reader_select_make(const struct reader_question *q, struct reader_select *ret)
{
        const struct store_table *t = q->table;
        struct reader_select s = { 0 };
        int r = 0;

        text_add(&s.sql, "SELECT ");
        pg_columns(&s.sql, t);
        if (q->follows)
                text_addf(&s.sql, ", id, id < (SELECT %s_horizon()) FROM %s WHERE true", t->name,
                          t->name);
        else if (t->append_only)
                text_addf(&s.sql, ", id FROM %s WHERE id < %s_horizon()", t->name, t->name);
        else
                text_addf(&s.sql, " FROM %s WHERE true", t->name);
        for (size_t i = 0; i < q->n_where && r == 0; i++) {
                text_add(&s.sql, " AND ");
                r = condition(t, &q->where[i], &s);
        }
        if (r == 0 && q->order && !column_of(t, q->order))
                r = err_raise(-EINVAL);
        for (size_t i = 0; i < q->n_by && r == 0; i++)
                r = column_of(t, q->by[i].column) ? 0 : err_raise(-EINVAL);
        if (r == 0 && q->n_by && q->by[0].after)
                r = after(q, &s);
        if (r == 0) {
                order_by(q, &s.sql);
                if (q->limit > 0) {
                        pg_put_int(&s.bytes, (int64_t)q->limit);
                        text_addf(&s.sql, " LIMIT $%d", parameter(&s, PG_INT8));
                }
        }
        if (r == 0 && (s.sql.failed || s.bytes.failed))
                r = err_raise(-ENOMEM);
        if (r != 0) {
                reader_select_done(&s);
                return r;
        }
        *ret = s;
        return 0;
}

void reader_select_done(struct reader_select *s)
{
        text_done(&s->sql);
        text_done(&s->bytes);
}
