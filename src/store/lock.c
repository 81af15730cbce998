/* SPDX-License-Identifier: Apache-2.0 */
/* A lock by name that lasts as long as its holder's connection: an advisory one of PostgreSQL. */
#include "store/pg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/pg_connect.h"

/* Waits for one that died just now and still seems to hold it; and one that stands still loses it.
 */
#define LIMITS    "SET lock_timeout = 2000; SET idle_session_timeout = %lld"
#define TAKE_LOCK "SELECT pg_advisory_lock(hashtextextended($1, 1096043605))"

enum { CONNECT_S = 3, ANSWER_MS = 4000 };

struct store_lock {
        char *connection;
        int64_t keep_ms;
        PGconn *conn;
};

int store_lock_new(const char *connection, int64_t keep_ms, struct store_lock **ret,
                   struct fault *why)
{
        OWN(store_lock_free) struct store_lock *l = NULL;

        if (!pg_connection_valid(connection, why))
                return STORE_PG_FAULT;
        l = calloc(1, sizeof *l);
        if (l)
                l->connection = strdup(connection);
        if (!l || !l->connection)
                return err_raise(-ENOMEM);
        l->keep_ms = keep_ms;
        *ret = TAKE(l);
        return 0;
}

static PGconn *connect(const struct store_lock *l)
{
        OWN(pg_close) PGconn *conn = pg_connect(l->connection, &pg_living, CONNECT_S, NULL);
        OWN(pg_clear) PGresult *set = NULL;
        char limits[sizeof LIMITS + 24];

        snprintf(limits, sizeof limits, LIMITS, (long long)l->keep_ms);
        if (conn)
                set = pg_run(conn, limits, NULL, ANSWER_MS, NULL);
        return set ? TAKE(conn) : NULL;
}

int store_lock_take(struct store_lock *l, const char *name)
{
        OWN(pg_clear) PGresult *result = NULL;

        if (l->conn && pg_is_gone(l->conn))
                l->conn = pg_close(l->conn);
        if (!l->conn)
                l->conn = connect(l);
        if (!l->conn)
                return STORE_LOCK_AWAY;
        result = pg_run(l->conn, TAKE_LOCK, name, ANSWER_MS, NULL);
        if (result)
                return STORE_LOCK_TAKEN;
        if (PQstatus(l->conn) == CONNECTION_OK && PQtransactionStatus(l->conn) == PQTRANS_IDLE)
                return STORE_LOCK_BUSY; /* it was refused, by the time limit */
        l->conn = pg_close(l->conn);
        return STORE_LOCK_AWAY;
}

void store_lock_let(struct store_lock *l)
{
        OWN(pg_clear) PGresult *result = NULL;

        if (l->conn)
                result = pg_run(l->conn, "SELECT pg_advisory_unlock_all()", NULL, ANSWER_MS, NULL);
        if (!result)
                l->conn = pg_close(l->conn);
}

struct store_lock *store_lock_free(struct store_lock *l)
{
        if (l) {
                pg_close(l->conn);
                free(l->connection);
                free(l);
        }
        return NULL;
}
