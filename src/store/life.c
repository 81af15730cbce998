/* SPDX-License-Identifier: Apache-2.0 */
/* A conductor lives while it holds the advisory lock of its number: PostgreSQL lets go of it when
 * the connection ends, so nobody has to write heartbeats. A number is never used again. */
#include "store/pg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/text.h"
#include "store/pg_connect.h"

/* First half of the lock's key; the second is the number. */
#define LOCK_CLASS "1096043603"

enum { CONNECT_S = 3, ANSWER_MS = 4000 };

struct store_life {
        PGconn *conn;
        int64_t number;
};

static bool life_number(PGresult *result, int64_t *ret)
{
        long long number;

        if (!result || PQntuples(result) != 1 ||
            !text_to_int(PQgetvalue(result, 0, 0), 1, INT32_MAX, &number))
                return false;
        *ret = number;
        return true;
}

/* The lock comes before the row: whoever sees the row finds the lock taken. */
static int life_take(struct store_life *l, const char *host, int64_t now_ms, struct fault *why)
{
        OWN(pg_clear) PGresult *taken = NULL;
        OWN(pg_clear) PGresult *locked = NULL;
        OWN(pg_clear) PGresult *written = NULL;
        char sql[200];

        taken = pg_run(l->conn, "SELECT nextval('conductor_number')", NULL, ANSWER_MS, why);
        if (!life_number(taken, &l->number))
                return STORE_PG_FAULT;
        snprintf(sql, sizeof sql, "SELECT pg_advisory_lock(" LOCK_CLASS ", %lld)",
                 (long long)l->number);
        locked = pg_run(l->conn, sql, NULL, ANSWER_MS, why);
        if (!locked)
                return STORE_PG_FAULT;
        snprintf(sql, sizeof sql,
                 "INSERT INTO conductor (number, host, started_ms) VALUES (%lld, $1, %lld)",
                 (long long)l->number, (long long)now_ms);
        written = pg_run(l->conn, sql, host, ANSWER_MS, why);
        return written ? 0 : STORE_PG_FAULT;
}

int store_life_new(const char *connection, const char *host, int64_t now_ms,
                   struct store_life **ret, struct fault *why)
{
        OWN(store_life_free) struct store_life *l = NULL;
        int r;

        if (!pg_connection_valid(connection, why))
                return STORE_PG_FAULT;
        l = calloc(1, sizeof *l);
        if (!l)
                return err_raise(-ENOMEM);
        l->conn = pg_connect(connection, &pg_living, CONNECT_S, why);
        if (!l->conn)
                return STORE_PG_FAULT;
        r = life_take(l, host, now_ms, why);
        if (r != 0)
                return r;
        *ret = TAKE(l);
        return 0;
}

int64_t store_life_number(const struct store_life *l)
{
        return l->number;
}

bool store_life_dead(struct store_life *l, int64_t **ret, size_t *ret_n)
{
        OWN(pg_clear) PGresult *result = NULL;
        int64_t *numbers;
        size_t n;

        result = pg_run(
                l->conn,
                "SELECT number FROM conductor WHERE number NOT IN (SELECT objid FROM pg_locks"
                " WHERE locktype = 'advisory' AND classid = " LOCK_CLASS
                " AND objsubid = 2 AND granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
                " ORDER BY number",
                NULL, ANSWER_MS, NULL);
        if (!result)
                return false;
        n = (size_t)PQntuples(result);
        numbers = calloc(n + 1, sizeof *numbers);
        if (!numbers)
                return false;
        for (size_t i = 0; i < n; i++)
                numbers[i] = strtoll(PQgetvalue(result, (int)i, 0), NULL, 10);
        *ret = numbers;
        *ret_n = n;
        return true;
}

bool store_life_forget(struct store_life *l, int64_t number)
{
        OWN(pg_clear) PGresult *result = NULL;
        char text[24];

        snprintf(text, sizeof text, "%lld", (long long)number);
        result = pg_run(l->conn, "DELETE FROM conductor WHERE number = $1::bigint", text, ANSWER_MS,
                        NULL);
        return result != NULL;
}

bool store_life_sweep(struct store_life *l, int64_t before_ms)
{
        OWN(pg_clear) PGresult *result = NULL;
        char text[24];

        snprintf(text, sizeof text, "%lld", (long long)before_ms);
        result = pg_run(
                l->conn,
                "DELETE FROM idempotency_key WHERE (project_id, method, key) IN (SELECT project_id, method, key"
                " FROM idempotency_key WHERE created_ms < $1::bigint LIMIT 10000 FOR UPDATE SKIP LOCKED)",
                text, ANSWER_MS, NULL);
        return result != NULL;
}

bool store_life_restore(struct store_life *l, struct store_restore *ret)
{
        OWN(pg_clear) PGresult *result = NULL;

        result = pg_run(
                l->conn,
                "WITH still AS (SELECT (SELECT count(*) FROM gateway WHERE read_ms <> coalesce((SELECT since_ms FROM control"
                " WHERE name = 'restore'), 0)) AS unread, (SELECT count(*) FROM found) AS found,"
                " (SELECT count(*) FROM leftover WHERE peer_address <> '') AS given_up),"
                " over AS (UPDATE control SET is_on = false FROM still"
                " WHERE name = 'restore' AND is_on AND unread + found + given_up = 0)"
                " SELECT unread, found FROM still",
                NULL, ANSWER_MS, NULL);
        if (!result || PQntuples(result) != 1)
                return false;
        ret->unread = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
        ret->found = strtoll(PQgetvalue(result, 0, 1), NULL, 10);
        return true;
}

bool store_life_months(struct store_life *l, int64_t keep_days)
{
        OWN(pg_clear) PGresult *result = NULL;
        char text[24];

        snprintf(text, sizeof text, "%lld", (long long)keep_days);
        result = pg_run(l->conn, "SELECT event_months($1::bigint)", text, ANSWER_MS, NULL);
        return result != NULL;
}

struct store_life *store_life_free(struct store_life *l)
{
        if (l) {
                pg_close(l->conn);
                free(l);
        }
        return NULL;
}
