/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pg_sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "store/pg_codec.h"

enum { NAME_ROOM = 60 }; /* PostgreSQL cuts names at 63 bytes */

static struct pg_statement *statement_free(struct pg_statement *st)
{
        if (st) {
                free(st->name);
                free(st->sql);
                free(st);
        }
        return NULL;
}
OWN_DEFINE(struct pg_statement *, statement_free)

enum found_by { BY_NAME, BY_SQL };

/* Takes the text of 'sql'. */
static struct pg_statement *add(struct pg_statements *s, enum found_by by, const char *name,
                                struct text *sql, const Oid *types, int n_types)
{
        OWN(statement_free) struct pg_statement *st = calloc(1, sizeof *st);

        if (!st)
                return NULL;
        st->name = strdup(name);
        st->sql = text_take(sql);
        if (n_types > 0)
                memcpy(st->types, types, (size_t)n_types * sizeof *types);
        st->n_types = n_types;
        if (!st->name || !st->sql ||
            map_set(&s->statements, by == BY_SQL ? st->sql : st->name, st) < 0)
                return NULL;
        return TAKE(st);
}

void pg_columns(struct text *to, const struct store_table *t)
{
        for (const struct store_column *c = t->columns; c->name; c++)
                text_addf(to, "%s%s", c == t->columns ? "" : ", ", c->name);
}

static void key_columns(struct text *to, const struct store_table *t)
{
        for (size_t i = 0; i < t->n_key; i++)
                text_addf(to, "%s%s", i ? ", " : "", t->columns[i].name);
}

/* "unnest($1, $2, …)": one array per column, of the first 'n' columns. */
static int unnest(struct text *to, const struct store_table *t, size_t n, Oid *types)
{
        text_add(to, "unnest(");
        for (size_t i = 0; i < n; i++) {
                text_addf(to, "%s$%zu", i ? ", " : "", i + 1);
                types[i] = pg_array_type(t->columns[i].kind);
        }
        text_add(to, ")");
        return (int)n;
}

struct pg_statement *pg_select(struct pg_statements *s, const struct store_table *t,
                               const struct store_column *c, bool lock)
{
        Oid type = pg_array_type(c->kind);
        struct pg_statement *st;
        OWN(text_done) struct text sql = { 0 };
        char name[NAME_ROOM];

        snprintf(name, sizeof name, "%s %s.%s", lock ? "lock" : "select", t->name, c->name);
        st = map_get(&s->statements, name);
        if (st)
                return st;
        text_add(&sql, "SELECT ");
        pg_columns(&sql, t);
        text_addf(&sql, " FROM %s WHERE %s = ANY ($1)", t->name, c->name);
        if (c->kind == STORE_NULL_TEXT) /* so that an index without NULLs serves */
                text_addf(&sql, " AND %s IS NOT NULL", c->name);
        text_add(&sql, " ORDER BY ");
        key_columns(&sql, t);
        if (lock)
                text_add(&sql, " FOR UPDATE");
        return add(s, BY_NAME, name, &sql, &type, 1);
}

static void on_conflict(struct text *sql, const struct store_table *t)
{
        const struct store_column *rest = t->columns + t->n_key;

        text_add(sql, " ON CONFLICT (");
        key_columns(sql, t);
        text_add(sql, ") DO UPDATE SET ");
        for (const struct store_column *c = rest; c->name; c++)
                text_addf(sql, "%s%s = excluded.%s", c == rest ? "" : ", ", c->name, c->name);
}

static int append(struct text *sql, const struct store_table *t, Oid *types)
{
        size_t n = store_column_count(t);

        text_addf(sql, "INSERT INTO %s (", t->name);
        pg_columns(sql, t);
        text_add(sql, ", id) SELECT ");
        pg_columns(sql, t);
        text_addf(sql, ", (SELECT %s_id($%zu)) + place FROM ", t->name, n + 1);
        unnest(sql, t, n, types);
        text_add(sql, " WITH ORDINALITY AS fresh(");
        pg_columns(sql, t);
        text_add(sql, ", place)");
        types[n] = PG_INT8;
        return (int)n + 1;
}

static int upsert(struct text *sql, const struct store_table *t, Oid *types)
{
        int n;

        text_addf(sql, "INSERT INTO %s (", t->name);
        pg_columns(sql, t);
        text_add(sql, ") SELECT * FROM ");
        n = unnest(sql, t, store_column_count(t), types);
        if (!t->once)
                on_conflict(sql, t);
        return n;
}

struct pg_statement *pg_put(struct pg_statements *s, const struct store_table *t)
{
        OWN(text_done) struct text sql = { 0 };
        struct pg_statement *st;
        Oid types[STORE_COLUMNS_MAX];
        char name[NAME_ROOM];
        int n;

        snprintf(name, sizeof name, "put %s", t->name);
        st = map_get(&s->statements, name);
        if (st)
                return st;
        n = t->append_only ? append(&sql, t, types) : upsert(&sql, t, types);
        return add(s, BY_NAME, name, &sql, types, n);
}

struct pg_statement *pg_remove(struct pg_statements *s, const struct store_table *t)
{
        OWN(text_done) struct text sql = { 0 };
        struct pg_statement *st;
        Oid types[STORE_COLUMNS_MAX];
        char name[NAME_ROOM];
        int n;

        snprintf(name, sizeof name, "remove %s", t->name);
        st = map_get(&s->statements, name);
        if (st)
                return st;
        text_addf(&sql, "DELETE FROM %s USING ", t->name);
        n = unnest(&sql, t, t->n_key, types);
        text_add(&sql, " AS gone(");
        key_columns(&sql, t);
        text_add(&sql, ") WHERE ");
        for (size_t i = 0; i < t->n_key; i++)
                text_addf(&sql, "%s%s.%s = gone.%s", i ? " AND " : "", t->name, t->columns[i].name,
                          t->columns[i].name);
        return add(s, BY_NAME, name, &sql, types, n);
}

struct pg_statement *pg_known(const struct pg_statements *s, const char *sql)
{
        return map_get(&s->statements, sql);
}

struct pg_statement *pg_plain(struct pg_statements *s, const char *sql, const Oid *types,
                              int n_types)
{
        struct pg_statement *st = pg_known(s, sql);
        OWN(text_done) struct text copy = { 0 };
        char name[NAME_ROOM];

        if (st)
                return st;
        snprintf(name, sizeof name, "plain %zu", s->statements.n);
        text_add(&copy, sql);
        return add(s, BY_SQL, name, &copy, types, n_types);
}

void pg_statements_forget(struct pg_statements *s)
{
        struct pg_statement *st;

        for (size_t at = 0; (st = map_next(&s->statements, &at, NULL));)
                st->prepared = PG_NEW;
}

void pg_statements_done(struct pg_statements *s)
{
        struct pg_statement *st;

        for (size_t at = 0; (st = map_next(&s->statements, &at, NULL));)
                statement_free(st);
        map_done(&s->statements);
}
