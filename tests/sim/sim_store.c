/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/sim_store.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

enum op_kind { OP_SELECT, OP_DUE, OP_PUT, OP_REMOVE };
struct op {
        enum op_kind kind;
        const struct store_table *table;
        const struct store_column *column;
        char **values;          /* owned */
        size_t n;
        bool lock;
        int64_t now_ms;
        size_t limit;
        struct store_rows rows; /* PUT, REMOVE: owned copies */
        struct store_rows *ret; /* SELECT, DUE */
};
struct sim_store {
        struct store base;
        struct sim_db *db;
        const struct sim_store_hooks *hooks;
        struct op *ops;
        size_t n_ops, room;
        size_t n_read;  /* ops before this one were flushed */
        bool open, locked;
};

static struct sim_store *sim_of(struct store *s)
{
        return (struct sim_store *)(void *)s;
}

/* ---- the database ---- */

void sim_db_done(struct sim_db *db)
{
        for (int t = 0; t < T_N; t++)
                store_rows_done(&db->tables[t]);
        *db = (struct sim_db){ 0 };
}

void *sim_db_next(const struct sim_db *db, enum store_table_id t, size_t *at)
{
        return *at < db->tables[t].n ? store_rows_at(&db->tables[t], &store_tables[t], (*at)++) : NULL;
}

static const char *field(const struct store_column *c, const void *row)
{
        return (const char *)row + c->offset;
}

static int64_t integer_at(const struct store_column *c, const void *row)
{
        int64_t value;

        memcpy(&value, field(c, row), sizeof value);
        return value;
}

/* As SQL's: what is not a value of the column equals nothing, and neither does a missing one. */
static bool equals(const struct store_column *c, const void *row, const char *value)
{
        long long number;

        switch (c->kind) {
        case STORE_INT:
                return text_to_int(value, LLONG_MIN, LLONG_MAX, &number) && number == integer_at(c, row);
        case STORE_BOOL:
                return text_equal(value, *(const bool *)field(c, row) ? "true" : "false");
        case STORE_UUID:
        case STORE_NULL_TEXT:
                return *value && strcmp(field(c, row), value) == 0;
        case STORE_TEXT:
                return strcmp(field(c, row), value) == 0;
        }
        return false;
}

void *sim_db_find(const struct sim_db *db, enum store_table_id t, const char *column, const char *value)
{
        const struct store_column *c = store_column_find(&store_tables[t], column);
        size_t at = 0;
        void *row;

        while ((row = sim_db_next(db, t, &at)))
                if (equals(c, row, value))
                        return row;
        return NULL;
}

int sim_db_insert(struct sim_db *db, enum store_table_id t, const void *row)
{
        void *fresh = store_rows_add(&db->tables[t], &store_tables[t]);

        if (!fresh)
                return err_raise(-ENOMEM);
        memcpy(fresh, row, store_tables[t].row_size);
        return 0;
}

/* By primary key. */
static int compare_keys(const struct store_table *t, const void *a, const void *b)
{
        for (size_t i = 0; i < t->n_key; i++) {
                const struct store_column *c = &t->columns[i];
                int64_t x, y;
                int r;

                if (c->kind != STORE_INT) {
                        r = strcmp(field(c, a), field(c, b));
                        if (r)
                                return r;
                        continue;
                }
                x = integer_at(c, a);
                y = integer_at(c, b);
                if (x != y)
                        return x < y ? -1 : 1;
        }
        return 0;
}

static int compare_rows(const void *a, const void *b, void *table)
{
        return compare_keys(table, a, b);
}

static int compare_due(const void *a, const void *b, void *table)
{
        int64_t x = ((const struct timer *)a)->due_ms, y = ((const struct timer *)b)->due_ms;

        return x != y ? (x < y ? -1 : 1) : compare_keys(table, a, b);
}

static struct store_rows *rows_of(struct sim_db *db, const struct store_table *t)
{
        return &db->tables[t - store_tables];
}

static void *row_find(struct sim_db *db, const struct store_table *t, const void *like)
{
        struct store_rows *rows = rows_of(db, t);

        for (size_t i = 0; i < rows->n && !t->append_only; i++)
                if (compare_keys(t, store_rows_at(rows, t, i), like) == 0)
                        return store_rows_at(rows, t, i);
        return NULL;
}

/* ---- reading ---- */

static int add_copy(struct store_rows *to, const struct store_table *t, const void *row)
{
        void *copy = store_rows_add(to, t);

        if (!copy)
                return err_raise(-ENOMEM);
        memcpy(copy, row, t->row_size);
        return 0;
}

static bool selected(const struct op *o, const void *row)
{
        for (size_t i = 0; i < o->n; i++)
                if (equals(o->column, row, o->values[i]))
                        return true;
        return false;
}

/* What PostgreSQL counts in a view. */
static int read_open_work(const struct sim_db *db, const struct op *o)
{
        size_t at = 0, first = o->ret->n;
        const struct timer *timer;

        while ((timer = sim_db_next(db, T_TIMER, &at))) {
                struct open_work one = { .operations = 1 }, *w = NULL;

                TEXT_SET(one.project_id, timer->project_id);
                if (timer->kind != TIMER_OPERATION || !timer->project_id[0] || !selected(o, &one))
                        continue;
                for (size_t i = first; i < o->ret->n && !w; i++)
                        if (text_equal(((struct open_work *)o->ret->rows)[i].project_id, timer->project_id))
                                w = (struct open_work *)o->ret->rows + i;
                if (w)
                        w->operations++;
                else if (add_copy(o->ret, o->table, &one) < 0)
                        return err_raise(-ENOMEM);
        }
        if (o->ret->n > first)
                qsort_r(store_rows_at(o->ret, o->table, first), o->ret->n - first, o->table->row_size, compare_rows,
                        (void *)(uintptr_t)o->table);
        return 0;
}

static struct project_use *use_of(const struct op *o, size_t first, const char *project)
{
        struct project_use one = { 0 }, *all;

        TEXT_SET(one.project_id, project);
        if (!selected(o, &one))
                return NULL;
        all = o->ret->rows;
        for (size_t i = first; i < o->ret->n; i++)
                if (text_equal(all[i].project_id, project))
                        return &all[i];
        return add_copy(o->ret, o->table, &one) < 0
                       ? NULL
                       : (struct project_use *)o->ret->rows + o->ret->n - 1;
}

static int64_t max64(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

static int read_project_use(const struct sim_db *db, const struct op *o)
{
        size_t at = 0, first = o->ret->n;
        struct project_use *use;
        const struct vlink *l;
        const struct vpn *v;

        while ((v = sim_db_next(db, T_VPN, &at)))
                if ((use = use_of(o, first, v->project_id)))
                        use->vpns++;
        at = 0;
        while ((l = sim_db_next(db, T_VLINK, &at)))
                if ((use = use_of(o, first, l->project_id))) {
                        use->links++;
                        use->kbps += max64(max64(l->a_to_z_kbps, l->z_to_a_kbps),
                                           max64(l->goal_a_to_z_kbps, l->goal_z_to_a_kbps));
                }
        if (o->ret->n > first)
                qsort_r(store_rows_at(o->ret, o->table, first), o->ret->n - first, o->table->row_size, compare_rows,
                        (void *)(uintptr_t)o->table);
        return 0;
}

static int read_op(struct sim_db *db, const struct op *o)
{
        struct store_rows *rows;
        size_t first = o->ret->n;
        int r = 0;

        if (o->table == &store_open_work)
                return read_open_work(db, o);
        if (o->table == &store_project_use)
                return read_project_use(db, o);
        rows = rows_of(db, o->table);

        for (size_t i = 0; i < rows->n && r == 0; i++) {
                const void *row = store_rows_at(rows, o->table, i);
                bool wanted = o->kind == OP_DUE ? ((const struct timer *)row)->due_ms <= o->now_ms :
                                                  selected(o, row);

                if (wanted)
                        r = add_copy(o->ret, o->table, row);
        }
        if (o->ret->n > first)
                qsort_r(store_rows_at(o->ret, o->table, first), o->ret->n - first, o->table->row_size,
                        o->kind == OP_DUE ? compare_due : compare_rows,
                        (void *)(uintptr_t)o->table);
        if (o->kind == OP_DUE && o->ret->n - first > o->limit)
                o->ret->n = first + o->limit;
        return r;
}

/* ---- a transaction ---- */

static void forget_ops(struct sim_store *s)
{
        for (size_t i = 0; i < s->n_ops; i++) {
                struct op *o = &s->ops[i];

                for (size_t j = 0; j < o->n; j++)
                        free(o->values[j]);
                free(o->values);
                store_rows_done(&o->rows);
        }
        s->n_ops = s->n_read = 0;
        s->open = s->locked = false;
}

static int answer_of(enum sim_store_fate fate)
{
        return fate == SIM_FINE ? STORE_OK : fate == SIM_LOST ? STORE_LOST : fate == SIM_RETRY ? STORE_RETRY : STORE_UNKNOWN;
}

static int sim_begin(struct store *base)
{
        struct sim_store *s = sim_of(base);
        enum sim_store_fate fate = s->hooks->fate(s->hooks->user, SIM_BEGIN);

        forget_ops(s);
        s->open = fate == SIM_FINE;
        return answer_of(fate);
}

static struct op *op_new(struct sim_store *s, enum op_kind kind, const struct store_table *t)
{
        if (s->n_ops == s->room) {
                size_t room = s->room ? 2 * s->room : 32;
                struct op *ops = reallocarray(s->ops, room, sizeof *ops);

                if (!ops)
                        return NULL;
                s->ops = ops;
                s->room = room;
        }
        s->ops[s->n_ops] = (struct op){ .kind = kind, .table = t };
        return &s->ops[s->n_ops++];
}

static int sim_select(struct store *base, const struct store_table *t, const char *column,
                      const char *const *values, size_t n, bool lock, struct store_rows *ret)
{
        struct op *o = op_new(sim_of(base), OP_SELECT, t);

        if (!o)
                return err_raise(-ENOMEM);
        o->column = store_column_find(t, column);
        if (!o->column)
                return err_raise(-EINVAL);
        o->lock = lock;
        o->ret = ret;
        o->values = calloc(n + 1, sizeof *o->values);
        for (; o->values && o->n < n; o->n++) {
                o->values[o->n] = strdup(values[o->n]);
                if (!o->values[o->n])
                        return err_raise(-ENOMEM);
        }
        return o->values ? 0 : err_raise(-ENOMEM);
}

static int sim_due(struct store *base, int64_t now_ms, size_t limit, struct store_rows *ret)
{
        struct op *o = op_new(sim_of(base), OP_DUE, &store_tables[T_TIMER]);

        if (!o)
                return err_raise(-ENOMEM);
        o->now_ms = now_ms;
        o->limit = limit;
        o->ret = ret;
        return 0;
}

static int write_op(struct store *base, enum op_kind kind, const struct store_table *t,
                    const void *const *rows, size_t n)
{
        struct op *o = op_new(sim_of(base), kind, t);
        int r = o ? 0 : err_raise(-ENOMEM);

        for (size_t i = 0; i < n && r == 0; i++)
                r = add_copy(&o->rows, t, rows[i]);
        return r;
}

static int sim_put(struct store *base, const struct store_table *t, const void *const *rows, size_t n)
{
        return write_op(base, OP_PUT, t, rows, n);
}

static int sim_remove(struct store *base, const struct store_table *t, const void *const *rows, size_t n)
{
        return write_op(base, OP_REMOVE, t, rows, n);
}

static bool locks_next(const struct sim_store *s)
{
        for (size_t i = s->n_read; i < s->n_ops; i++)
                if (s->ops[i].lock)
                        return true;
        return false;
}

static int sim_flush(struct store *base)
{
        struct sim_store *s = sim_of(base);
        enum sim_store_fate fate;
        int r = 0;

        if (!s->open)
                return STORE_LOST;
        if (!s->locked && locks_next(s)) {
                s->locked = true;
                s->hooks->between(s->hooks->user);
        }
        fate = s->hooks->fate(s->hooks->user, SIM_FLUSH);
        if (fate != SIM_FINE) {
                forget_ops(s);
                return answer_of(fate);
        }
        for (; s->n_read < s->n_ops && r == 0; s->n_read++)
                if (s->ops[s->n_read].kind == OP_SELECT || s->ops[s->n_read].kind == OP_DUE)
                        r = read_op(s->db, &s->ops[s->n_read]);
        return r;
}

/* ---- commit: all or nothing ---- */

/* True when another row has the same text in a column that is unique. */
static bool breaks_unique(struct sim_db *db, const struct store_table *t, const void *row)
{
        struct store_rows *rows = rows_of(db, t);

        for (const struct store_column *c = t->columns; c->name; c++) {
                if (!c->unique || (c->kind == STORE_NULL_TEXT && !*field(c, row)))
                        continue;
                for (size_t i = 0; i < rows->n; i++) {
                        const void *other = store_rows_at(rows, t, i);

                        if (compare_keys(t, other, row) != 0 && strcmp(field(c, other), field(c, row)) == 0)
                                return true;
                }
        }
        return false;
}

/* The one that takes two columns: a gateway's name at its site. */
static bool gateway_twice(struct sim_db *db, const struct gateway *g)
{
        const struct gateway *other;
        size_t at = 0;

        while ((other = sim_db_next(db, T_GATEWAY, &at)))
                if (text_equal(other->site_id, g->site_id) && text_equal(other->name, g->name) &&
                    !text_equal(other->id, g->id))
                        return true;
        return false;
}

static int put_row(struct sim_db *db, const struct store_table *t, const void *row)
{
        void *there = row_find(db, t, row);

        if (breaks_unique(db, t, row) || (t == &store_tables[T_GATEWAY] && gateway_twice(db, row)))
                return STORE_RETRY;
        if (there && t->once)
                return STORE_RETRY;
        if (!there)
                return add_copy(rows_of(db, t), t, row);
        memcpy(there, row, t->row_size);
        return 0;
}

static void remove_row(struct sim_db *db, const struct store_table *t, const void *row)
{
        struct store_rows *rows = rows_of(db, t);
        char *there = row_find(db, t, row);
        size_t behind;

        if (!there)
                return;
        behind = (size_t)((char *)rows->rows + rows->n * t->row_size - (there + t->row_size));
        memmove(there, there + t->row_size, behind);
        rows->n--;
}

static int apply_ops(const struct sim_store *s, struct sim_db *db)
{
        int r = 0;

        for (size_t i = 0; i < s->n_ops && r == 0; i++) {
                const struct op *o = &s->ops[i];

                for (size_t j = 0; j < o->rows.n && r == 0; j++) {
                        const void *row = store_rows_at(&o->rows, o->table, j);

                        if (o->kind == OP_PUT)
                                r = put_row(db, o->table, row);
                        else
                                remove_row(db, o->table, row);
                }
        }
        return r;
}

/* Copies the tables that the transaction writes, so that a refused commit can be undone. */
static int save_tables(const struct sim_store *s, struct store_rows saved[T_N], bool touched[T_N])
{
        for (size_t i = 0; i < s->n_ops; i++) {
                const struct store_table *table = s->ops[i].table;
                struct store_rows *rows;
                size_t t;

                if (!s->ops[i].rows.n) /* it only reads */
                        continue;
                t = (size_t)(table - store_tables);
                rows = &s->db->tables[t];
                if (touched[t])
                        continue;
                touched[t] = true;
                if (table->append_only) {
                        saved[t].n = rows->n;
                        continue;
                }
                if (store_rows_expect(&saved[t], table, rows->n) < 0)
                        return err_raise(-ENOMEM);
                if (rows->n)
                        memcpy(saved[t].rows, rows->rows, rows->n * table->row_size);
                saved[t].n = rows->n;
        }
        return 0;
}

static int sim_commit(struct store *base)
{
        struct sim_store *s = sim_of(base);
        struct store_rows saved[T_N] = { 0 };
        bool touched[T_N] = { false };
        enum sim_store_fate fate;
        int r;

        if (!s->open)
                return STORE_LOST;
        fate = s->hooks->fate(s->hooks->user, SIM_COMMIT);
        r = fate == SIM_FINE || fate == SIM_UNKNOWN_YES ? save_tables(s, saved, touched) : answer_of(fate);
        if (r == 0)
                r = apply_ops(s, s->db);
        for (int t = 0; t < T_N; t++) {
                if (r != 0 && touched[t] && store_tables[t].append_only) {
                        s->db->tables[t].n = saved[t].n;
                } else if (r != 0 && touched[t]) {
                        store_rows_done(&s->db->tables[t]);
                        s->db->tables[t] = saved[t];
                } else {
                        free(saved[t].rows);
                }
        }
        if (r == 0)
                s->db->n_commits++;
        forget_ops(s);
        return r ? r : answer_of(fate);
}

static void sim_rollback(struct store *base)
{
        forget_ops(sim_of(base));
}

static struct store *sim_free(struct store *base)
{
        struct sim_store *s = sim_of(base);

        forget_ops(s);
        free(s->ops);
        free(s);
        return NULL;
}

static const struct store_ops sim_ops = {
        .begin = sim_begin,
        .select = sim_select,
        .due = sim_due,
        .put = sim_put,
        .remove = sim_remove,
        .flush = sim_flush,
        .commit = sim_commit,
        .rollback = sim_rollback,
        .free = sim_free,
};

int sim_store_new(struct sim_db *db, const struct sim_store_hooks *hooks, struct store **ret)
{
        struct sim_store *s = calloc(1, sizeof *s);

        if (!s)
                return err_raise(-ENOMEM);
        *s = (struct sim_store){ .base = { .ops = &sim_ops }, .db = db, .hooks = hooks };
        *ret = &s->base;
        return 0;
}
