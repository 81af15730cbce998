#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The store in PostgreSQL: pipelined prepared array statements over one libpq connection. */

#include "store/store.h"

/* What the calls below answer besides 0: 'why' says what is wrong; its retry_after_ms is not 0
 * while the database is away. */
enum { STORE_PG_OK, STORE_PG_FAULT };

/* 'connection' is a libpq conninfo string or URI. Connects at the first store_begin(). Sets
 * idle_in_transaction_session_timeout 1 s, lock_timeout 2 s, statement_timeout 10 s,
 * target_session_attrs=read-write. Connecting waits at most 'connect_timeout_s' per host; the store
 * reconnects at store_begin(), which gives STORE_LOST while the database is away. */
int store_pg_new(const char *connection, int connect_timeout_s, struct store **ret,
                 struct fault *why);

/* Life signs of conductors, on a connection of their own: takes a free number, holds its advisory
 * lock while the object lives. */
struct store_life;
int store_life_new(const char *connection, const char *host, int64_t now_ms,
                   struct store_life **ret, struct fault *why);
int64_t store_life_number(const struct store_life *l);
/* Numbers of conductors whose lock is free (dead ones); the caller frees the array. False when the
 * connection went: the holder must make a new one (its number is then another). */
bool store_life_dead(struct store_life *l, int64_t **ret, size_t *ret_n);
/* Removes the row of a dead conductor, once nothing is left of its work. */
/* Forgets answers under Idempotency-Keys that were stored before then. */
bool store_life_sweep(struct store_life *l, int64_t before_ms);
/* Makes the months of history ahead and drops those that ended so long ago. */
bool store_life_months(struct store_life *l, int64_t keep_days);
/* How far a restore has come; once all gateways were read and nothing found waits, nobody looks for
 * that any more. */
struct store_restore {
        int64_t unread, found;
};
bool store_life_restore(struct store_life *l, struct store_restore *ret);
bool store_life_forget(struct store_life *l, int64_t number);
struct store_life *store_life_free(struct store_life *l);
OWN_DEFINE(struct store_life *, store_life_free)

/* One lock at a time, by name, among all who use the database; it is free again when its holder's
 * connection ends, or was held for 'keep_ms'. Connects when it is first taken. Waits two seconds
 * for who has it. */
struct store_lock;
int store_lock_new(const char *connection, int64_t keep_ms, struct store_lock **ret,
                   struct fault *why);
enum { STORE_LOCK_TAKEN, STORE_LOCK_BUSY /* another keeps it */, STORE_LOCK_AWAY };
int store_lock_take(struct store_lock *l, const char *name);
void store_lock_let(struct store_lock *l);
struct store_lock *store_lock_free(struct store_lock *l);
OWN_DEFINE(struct store_lock *, store_lock_free)

/* Applies the files 'dir'/NNNN-*.sql that the database has not seen, each in its own transaction,
 * under an advisory lock. Gives the number applied. */
int store_schema_sync(const char *connection, const char *dir, int *ret_applied, struct fault *why);
/* Later events stand behind all that were ever told, though transactions are numbered anew: for a
 * database that was restored. As the schema's owner. */
int store_events_renew(const char *connection, struct fault *why);
/* 0 when the database's schema is the one this program was built for, or a later one that older
 * programs may use; else a fault naming both. */
int store_schema_check(const char *connection, struct fault *why);
