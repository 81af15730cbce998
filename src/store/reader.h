#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Reading for the API: one non-blocking, pipelined, read-only connection that lives in somebody's
 * event loop. Never blocks (but for looking up a host's name). The caller watches store_reader_fd()
 * for reading and calls store_reader_pump() when it is readable; there are no other duties. What is
 * asked between two pumps goes out together, and questions for rows of one table by ids are one
 * statement. Reconnects by itself with backoff: what was sent on
 * the lost connection is answered -ECONNRESET; what was not yet sent waits for the next connection,
 * until its deadline. */

#include "store/store.h"

struct store_reader;
int store_reader_new(const char *connection, struct store_reader **ret);
/* Answers what is not answered yet with -ECONNRESET. Not from within a callback. */
struct store_reader *store_reader_free(struct store_reader *r);
OWN_DEFINE(struct store_reader *, store_reader_free)
int store_reader_fd(const struct store_reader *r); /* one and the same for the reader's life */
void store_reader_pump(struct store_reader *r);
bool store_reader_ready(const struct store_reader *r); /* there is a connection */

enum store_compare {
        STORE_IS,
        STORE_AT_LEAST,
        STORE_AFTER,  /* > */
        STORE_BEFORE, /* < */
        /* Column and value are lists of words, joined by commas. */
        STORE_HAS_ALL,
        STORE_HAS_ANY,
        STORE_LACKS_SOME,
        STORE_LACKS_ALL,
};
struct store_where {
        const char *column; /* must be one of the table's, or "id" of an append-only one */
        enum store_compare compare;
        const char *const *values; /* STORE_IS: any of them; others: one */
        size_t n_values;
};
/* One column that a page is sorted by; 'after' is what it holds in the last row before the page, or
 * NULL (then it is NULL in all columns). Columns that hold NULLs cannot be sorted by. */
struct store_order {
        const char *column;
        bool descending;
        const char *after;
};
/* Answer: 0 and rows (lent during the call), or negative: -ECONNRESET, -ETIMEDOUT, -EIO. For
 * append-only tables 'serials' has each row's id. May ask again. STORE_WITHHELD, of one that
 * follows: after these rows are others that must not be shown yet; look again soon. */
enum { STORE_WITHHELD = 1 };
typedef void (*store_on_rows)(int r, const struct store_rows *rows, const int64_t *serials,
                              void *user);
/* Rows matching all of 'where' (values that cannot be in a column match nothing) ordered by 'order'
 * (a column, NULL: the primary key), at most 'limit' (0: none). Everything is copied but 'user'.
 * Sent at the next pump. 'deadline_ms' from now. Append-only tables stop below the oldest running
 * transaction, so that one who resumes after the last "id" misses none. 0, and 'on_rows' will be
 * called once; or -EINVAL (unknown column, bad value of another compare than STORE_IS), -ENOMEM. */
int store_reader_select(struct store_reader *r, const struct store_table *t,
                        const struct store_where *where, size_t n_where, const char *order,
                        bool descending, size_t limit, int deadline_ms, store_on_rows on_rows,
                        void *user);
/* The same, sorted by several columns; the last of 'order' has to be unique. */
struct store_page {
        const struct store_table *table;
        const struct store_where *where;
        size_t n_where;
        const struct store_order *order;
        size_t n_order;
        size_t limit;
};
int store_reader_page(struct store_reader *r, const struct store_page *page, int deadline_ms,
                      store_on_rows on_rows, void *user);
/* The rows of an append-only table behind the one with the id 'after', in order, at most 'limit':
 * what a follower asks again and again. As above. */
int store_reader_follow(struct store_reader *r, const struct store_table *t, int64_t after,
                        size_t limit, int deadline_ms, store_on_rows on_rows, void *user);
