/* SPDX-License-Identifier: Apache-2.0 */
/* The epoch of event ids: the highest bits of their order. */
#include "store/pg.h"

#include "base/err.h"
#include "base/text.h"
#include "store/pg_connect.h"

enum { CONNECT_S = 5, ANSWER_MS = 10000 };

int store_events_renew(const char *connection, struct fault *why)
{
        OWN(pg_close) PGconn *conn = NULL;
        OWN(pg_clear) PGresult *done = NULL;

        if (!pg_connection_valid(connection, why))
                return STORE_PG_FAULT;
        conn = pg_connect(connection, &pg_building, CONNECT_S, why);
        if (!conn)
                return STORE_PG_FAULT;
        done = pg_run(conn,
                      "DO $$ BEGIN EXECUTE format('CREATE OR REPLACE FUNCTION event_epoch() RETURNS bigint"
                      " LANGUAGE sql STABLE PARALLEL SAFE AS %L', format('SELECT %s::bigint', event_epoch() + 1));"
                      " END $$",
                      NULL, ANSWER_MS, why);
        return done ? STORE_PG_OK : STORE_PG_FAULT;
}
