#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL's binary forms of the four kinds of columns, alone and as arrays. Binary, because
 * nothing has to be escaped or parsed: a text with quotes, braces or "NULL" in it is just bytes. */

#include <libpq-fe.h>

#include "base/text.h"
#include "store/rows.h"

enum { PG_INT8 = 20 };
Oid pg_type(enum store_kind kind);
Oid pg_array_type(enum store_kind kind);

/* Appends column 'c' of 'n' rows as one array. False: a row's value is not of its kind (a UUID that
 * is none, a text without end). */
bool pg_put_column(struct text *to, const struct store_column *c, const void *const *rows,
                   size_t n);
/* Appends an array of those of 'n' texts that can be values of 'kind' ("" of a UUID: none); gives
 * how many. */
size_t pg_put_values(struct text *to, enum store_kind kind, const char *const *values, size_t n);
/* Appends one value. False: 'value' is not of that kind. */
bool pg_put_value(struct text *to, enum store_kind kind, const char *value);
void pg_put_int(struct text *to, int64_t value);

/* Row 'i' of a binary result whose first columns are those of 't'. 0, or negative when the table is
 * not what the descriptor says. */
int pg_read_row(const PGresult *result, int i, const struct store_table *t, void *row);
int64_t pg_read_int(const PGresult *result, int i, int column);
