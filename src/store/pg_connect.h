#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to PostgreSQL: their settings, waiting with a deadline, and what an error means. */

#include <libpq-fe.h>

#include "base/fault.h"
#include "base/own.h"
#include "store/store.h"

static inline PGconn *pg_close(PGconn *conn)
{
        PQfinish(conn);
        return NULL;
}
static inline PGresult *pg_clear(PGresult *result)
{
        PQclear(result);
        return NULL;
}
OWN_DEFINE(PGconn *, pg_close)
OWN_DEFINE(PGresult *, pg_clear)

/* What a connection is for: its name in pg_stat_activity, "-c name=value" settings that hold from
 * its first moment on, and which server will do (target_session_attrs). */
struct pg_purpose {
        const char *name, *settings, *target;
};
extern const struct pg_purpose pg_writing, pg_reading, pg_living, pg_building;

/* False, with 'why', when 'connection' is no conninfo string or URI. */
bool pg_connection_valid(const char *connection, struct fault *why);
/* Blocks for at most 'timeout_s' per host of 'connection'. NULL, with 'why', if there is no
 * connection. */
PGconn *pg_connect(const char *connection, const struct pg_purpose *purpose, int timeout_s,
                   struct fault *why);
/* Begins; the caller goes on with PQconnectPoll(). NULL without memory. Name look-up blocks. */
PGconn *pg_connect_start(const char *connection, const struct pg_purpose *purpose);

/* Sends what is not sent and reads until PQgetResult() would not block. False: time is up or the
 * connection is gone. */
bool pg_wait(PGconn *conn, int64_t deadline_ms);
/* True when the server has closed an idle connection. */
bool pg_is_gone(PGconn *conn);

/* One statement (or, without 'value', several) outside a pipeline; the last result, owned by the
 * caller. NULL, with 'why', unless it gave rows or succeeded. */
PGresult *pg_run(PGconn *conn, const char *sql, const char *value, int timeout_ms,
                 struct fault *why);

/* STORE_RETRY, STORE_BAD_DATA, STORE_LOST, or negative for a statement that should not have failed.
 */
int pg_error_answer(PGconn *conn, const PGresult *result);
