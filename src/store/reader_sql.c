/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of an append-only table are in the order (epoch, xid, id) and end below the oldest running transaction. Their "id" is a
 * place in that order: "after id 7" means behind the row with that id, whatever the ids there. */
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

static void place(struct text *sql, const struct store_table *t, enum store_compare compare, int n)
{
        text_addf(sql, "(epoch, xid, id) %s (coalesce((SELECT at.epoch FROM %s at WHERE at.id = $%d), 0),"
                       " coalesce((SELECT at.xid FROM %s at WHERE at.id = $%d), '0'), $%d)",
                  compare_sql[compare], t->name, n, t->name, n, n);
}

static int condition(const struct store_table *t, const struct store_where *w, struct reader_select *s)
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
        if (pg_put_value(&s->bytes, c->kind, w->values[0])) {
                n = parameter(s, pg_type(c->kind));
                if (c == &serial && w->compare != STORE_IS)
                        place(&s->sql, t, w->compare, n);
                else
                        text_addf(&s->sql, "%s %s $%d", c->name, compare_sql[w->compare], n);
                return 0;
        }
        if (w->compare != STORE_IS)
                return err_raise(-EINVAL);
        text_add(&s->sql, "false"); /* nothing equals what cannot be there */
        return 0;
}

static void order_by(const struct reader_question *q, struct text *sql)
{
        const struct store_table *t = q->table;
        const char *direction = q->descending ? " DESC" : "";
        const char *comma = "";

        text_add(sql, " ORDER BY ");
        if (q->order && !(t->append_only && strcmp(q->order, serial.name) == 0)) {
                text_addf(sql, "%s%s", q->order, direction);
                comma = ", ";
        }
        for (size_t i = 0; i < t->n_key; i++, comma = ", ")
                if (!q->order || strcmp(q->order, t->columns[i].name) != 0)
                        text_addf(sql, "%s%s%s", comma, t->columns[i].name, direction);
        if (t->append_only)
                text_addf(sql, "%sepoch%s, xid%s, id%s", comma, direction, direction, direction);
}

int reader_select_make(const struct reader_question *q, struct reader_select *ret)
{
        const struct store_table *t = q->table;
        struct reader_select s = { 0 };
        int r = 0;

        text_add(&s.sql, "SELECT ");
        pg_columns(&s.sql, t);
        text_addf(&s.sql, "%s FROM %s WHERE ", t->append_only ? ", id" : "", t->name);
        text_add(&s.sql, t->append_only ?
                                 "(epoch < event_epoch() OR xid < pg_snapshot_xmin(pg_current_snapshot()))" :
                                 "true");
        for (size_t i = 0; i < q->n_where && r == 0; i++) {
                text_add(&s.sql, " AND ");
                r = condition(t, &q->where[i], &s);
        }
        if (r == 0 && q->order && !column_of(t, q->order))
                r = err_raise(-EINVAL);
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
