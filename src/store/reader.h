#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Reading for the API: one non-blocking, pipelined, read-only connection that lives in somebody's event loop. Never blocks.
 * The caller watches store_reader_fd() for reading (and writing while store_reader_wants_write())
 * and calls store_reader_pump(). Reconnects by itself with backoff; pending queries then answer -ECONNRESET. */

#include "store/store.h"

struct store_reader;
int store_reader_new(const char *connection, struct store_reader **ret);
struct store_reader *store_reader_free(struct store_reader *r);
OWN_DEFINE(struct store_reader *, store_reader_free)
int store_reader_fd(struct store_reader *r);          /* -1 while there is none; may change after a pump */
bool store_reader_wants_write(struct store_reader *r);
int store_reader_timeout_ms(struct store_reader *r);  /* pump again after this even without an event; -1: no need */
void store_reader_pump(struct store_reader *r);
bool store_reader_ready(const struct store_reader *r);

enum store_compare { STORE_IS, STORE_AT_LEAST, STORE_AFTER /* > */, STORE_BEFORE /* < */ };
struct store_where {
        const char *column;           /* must be one of the table's, or "id" of an append-only one */
        enum store_compare compare;
        const char *const *values;    /* STORE_IS: any of them; others: one */
        size_t n_values;
};
/* Answer: 0 and rows (lent during the call), or negative: -ECONNRESET, -ETIMEDOUT, -EIO. For append-only tables
 * 'serials' has each row's id. */
typedef void (*store_on_rows)(int r, const struct store_rows *rows, const int64_t *serials, void *user);
/* Rows matching all of 'where' ordered by 'order' (a column, NULL: the primary key, "id" for append-only), at most 'limit' (0: none).
 * Everything is copied. Sent at the next pump or at once. 'deadline_ms' from now. Events (append-only) stop below the oldest running transaction. */
int store_reader_select(struct store_reader *r, const struct store_table *t,
                        const struct store_where *where, size_t n_where, const char *order,
                        bool descending, size_t limit, int deadline_ms, store_on_rows on_rows, void *user);
