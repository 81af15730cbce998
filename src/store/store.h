#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Rows as plain structs, tables as descriptors, one transaction as a pipeline. The generic part:
 * knows columns, not nouns; the tables are in store/tables.h. Two implementations stand behind the
 * ops: PostgreSQL (store/pg.c) and the simulation's (tests/sim). One thread at a time per store.
 *
 * A transaction: store_begin, then rounds of queued selects, puts and deletes, each round ended by
 * store_flush (one round trip), then store_commit (sends what is still queued with COMMIT). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/own.h"

enum store_kind {
        STORE_UUID,      /* char[37]; "" is NULL */
        STORE_TEXT,      /* char[size] */
        STORE_NULL_TEXT, /* char[size]; "" is NULL (so that a unique index ignores it) */
        STORE_INT,       /* int64_t */
        STORE_BOOL,      /* bool */
};
struct store_column {
        const char *name;
        enum store_kind kind;
        size_t offset, size;
        bool unique; /* alone unique, besides the primary key; NULLs are not compared */
};
struct store_table {
        const char *name;
        size_t row_size;
        const struct store_column
                *columns; /* ended by { 0 }; the first n_key are the primary key */
        size_t n_key;
        bool append_only; /* rows have a serial of their own and are only inserted (n_key 0) */
        bool once;        /* a row is never put again: a second one of its key is RETRY */
};

/* Rows of one table, in an array. */
struct store_rows {
        void *rows;
        size_t n, room;
};
void store_rows_done(struct store_rows *r);
static inline void own_store_rows_done(struct store_rows *r)
{
        store_rows_done(r);
}

/* Answers of flush and commit. After any but OK the transaction is rolled back.
 * RETRY: serialization failure, deadlock, lock timeout, unique violation: do the batch again.
 * BAD_DATA: class 22/23 of another kind: a row is at fault; halve the batch.
 * UNKNOWN: the connection went while COMMIT was under way; decide by reading.
 * LOST: the connection went, nothing was committed; it is made again at the next begin. */
enum store_answer { STORE_OK, STORE_RETRY, STORE_BAD_DATA, STORE_UNKNOWN, STORE_LOST };

struct store;
struct store_ops {
        int (*begin)(struct store *s);
        int (*select)(struct store *s, const struct store_table *t, const char *column,
                      const char *const *values, size_t n, bool lock, struct store_rows *ret);
        int (*due)(struct store *s, int64_t now_ms, size_t limit, struct store_rows *ret);
        int (*put)(struct store *s, const struct store_table *t, const void *const *rows, size_t n);
        int (*remove)(struct store *s, const struct store_table *t, const void *const *rows,
                      size_t n);
        int (*flush)(struct store *s);
        int (*commit)(struct store *s);
        void (*rollback)(struct store *s);
        struct store *(*free)(struct store *s);
};
struct store {
        const struct store_ops *ops;
};

static inline int store_begin(struct store *s)
{
        return s->ops->begin(s);
}
/* Queues: rows whose 'column' equals one of 'values' (texts; INT columns take decimal text), in
 * primary key order, appended to
 * '*ret' by the next flush. With 'lock' each is locked FOR UPDATE in that order. 'values' may be
 * freed after the call. n = 0 is allowed. */
static inline int store_select(struct store *s, const struct store_table *t, const char *column,
                               const char *const *values, size_t n, bool lock,
                               struct store_rows *ret)
{
        return s->ops->select(s, t, column, values, n, lock, ret);
}
/* Queues: timers due at 'now_ms', earliest first, without a lock. */
static inline int store_due(struct store *s, int64_t now_ms, size_t limit, struct store_rows *ret)
{
        return s->ops->due(s, now_ms, limit, ret);
}
/* Queues: insert, or replace where the primary key is there already. Rows may be freed after the
 * call. */
static inline int store_put(struct store *s, const struct store_table *t, const void *const *rows,
                            size_t n)
{
        return s->ops->put(s, t, rows, n);
}
/* Queues: delete by primary key; other columns of 'rows' are not looked at. */
static inline int store_remove(struct store *s, const struct store_table *t,
                               const void *const *rows, size_t n)
{
        return s->ops->remove(s, t, rows, n);
}
static inline int store_flush(struct store *s)
{
        return s->ops->flush(s);
}
static inline int store_commit(struct store *s)
{
        return s->ops->commit(s);
}
static inline void store_rollback(struct store *s)
{
        s->ops->rollback(s);
}
static inline struct store *store_free(struct store *s)
{
        return s ? s->ops->free(s) : NULL;
}
OWN_DEFINE(struct store *, store_free)
