#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A reader's SELECT: its text, which is the same for all questions of one form, and its parameters.
 */

#include "store/pg_codec.h"
#include "store/reader.h"

enum { READER_PARAMETERS_MAX = 80 };

/* What a reader asks. Lent. */
struct reader_question {
        const struct store_table *table;
        const struct store_where *where;
        size_t n_where;
        const char *order;
        bool descending;
        size_t limit;
        const struct store_order *by; /* instead of 'order' and 'descending' */
        size_t n_by;
        bool follows; /* of an append-only table: also what may not be shown yet, marked */
};
/* The question in PostgreSQL's terms. Owned. */
struct reader_select {
        struct text sql, bytes;
        size_t ends[READER_PARAMETERS_MAX]; /* where each parameter ends in 'bytes' */
        Oid types[READER_PARAMETERS_MAX];
        int n;
};
/* 0; -EINVAL when a column is unknown or a value is not of its kind. */
int reader_select_make(const struct reader_question *q, struct reader_select *ret);
void reader_select_done(struct reader_select *s);
