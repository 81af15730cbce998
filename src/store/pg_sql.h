#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Statements made from descriptors, each once, and known to the server by name once it was
 * prepared. Knows SQL's text, not its execution. */

#include <libpq-fe.h>

#include "base/map.h"
#include "base/text.h"
#include "store/rows.h"

enum pg_prepared { PG_NEW, PG_ASKED, PG_PREPARED };
struct pg_statement {
        char *name, *sql;
        Oid types[STORE_COLUMNS_MAX];
        int n_types;
        enum pg_prepared prepared; /* on the present connection */
};

/* All statements of one connection. What the functions give is lent, or NULL without memory. */
struct pg_statements {
        struct map statements;
};
struct pg_statement *pg_select(struct pg_statements *s, const struct store_table *t,
                               const struct store_column *c, bool lock);
/* Of an append-only table: with one parameter more, the place in this transaction behind which the
 * rows stand. */
struct pg_statement *pg_put(struct pg_statements *s, const struct store_table *t);
struct pg_statement *pg_remove(struct pg_statements *s, const struct store_table *t);
/* Of any text; pg_known() only if it was made before. */
struct pg_statement *pg_known(const struct pg_statements *s, const char *sql);
struct pg_statement *pg_plain(struct pg_statements *s, const char *sql, const Oid *types,
                              int n_types);

/* The connection is a new one: nothing is prepared there. */
void pg_statements_forget(struct pg_statements *s);
void pg_statements_done(struct pg_statements *s);

/* "a, b, c": the columns of 't'. */
void pg_columns(struct text *to, const struct store_table *t);
