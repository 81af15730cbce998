/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pg_connect.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

/* All rows are found by an index whose use does not depend on statistics: a plan made while a table
 * was empty must not scan it when it is full. Index scans rather than bitmaps: they sort, and they
 * mark dead entries. */
#define BY_INDEX                                                                                   \
        " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off"    \
        " -c jit=off"

const struct pg_purpose pg_writing = {
        "atlas-store",
        "-c idle_in_transaction_session_timeout=1s -c lock_timeout=2s -c statement_timeout=10s" BY_INDEX,
        "read-write",
};
const struct pg_purpose pg_reading = {
        "atlas-reader",
        "-c default_transaction_read_only=on -c statement_timeout=3s -c jit=off"
        " -c plan_cache_mode=force_generic_plan",
        "primary",
};
/* A host that vanished has to lose its advisory lock soon. */
const struct pg_purpose pg_living = {
        "atlas-life",
        "-c statement_timeout=3s -c tcp_keepalives_idle=3 -c tcp_keepalives_interval=2"
        " -c tcp_keepalives_count=3 -c tcp_user_timeout=9s",
        "read-write",
};
const struct pg_purpose pg_building = { "atlas-schema", "-c lock_timeout=30s", "read-write" };

enum {
        N_KEYWORDS = 12,
        FAULT_DATABASE = 503,
        RETRY_AFTER_MS = 1000,
        LAST_WORD_MS = 50,
        LOG_EVERY_MS = 1000
};

static void set_why(struct fault *why, const char *message)
{
        fault_set(why, FAULT_DATABASE, "database.unavailable", "The database: %.*s",
                  (int)strcspn(message, "\n"), message);
        if (why)
                why->retry_after_ms = RETRY_AFTER_MS;
}

/* libpq's own words quote pieces of the string, and a piece may be the password's. */
bool pg_connection_valid(const char *connection, struct fault *why)
{
        PQconninfoOption *options = PQconninfoParse(connection, NULL);

        if (!options)
                fault_set(
                        why, 400, "database.connection_invalid",
                        "The database's connection setting is neither postgresql://user:password@host/database "
                        "nor name=value pairs that libpq knows.");
        PQconninfoFree(options);
        return options != NULL;
}

/* Settings of 'purpose' after those that 'connection' has in "options" itself. */
static char *all_options(const char *connection, const struct pg_purpose *purpose)
{
        PQconninfoOption *options = PQconninfoParse(connection, NULL);
        struct text all = { 0 };

        for (PQconninfoOption *o = options; o && o->keyword; o++)
                if (strcmp(o->keyword, "options") == 0 && o->val)
                        text_addf(&all, "%s ", o->val);
        PQconninfoFree(options);
        text_add(&all, purpose->settings);
        return text_take(&all);
}

struct keywords {
        const char *names[N_KEYWORDS], *values[N_KEYWORDS];
        char timeout[16];
        char *options;
};

/* What stands before "dbname" gives way to the operator's connection string; what stands after does
 * not. */
static bool keywords_fill(struct keywords *k, const char *connection,
                          const struct pg_purpose *purpose, int timeout_s)
{
        snprintf(k->timeout, sizeof k->timeout, "%d", timeout_s);
        k->options = all_options(connection, purpose);

        const char *const pairs[][2] = {
                { "fallback_application_name", purpose->name },
                { "connect_timeout", k->timeout },
                { "keepalives_idle", "5" },
                { "keepalives_interval", "2" },
                { "keepalives_count", "3" },
                { "tcp_user_timeout", "5000" },
                { "dbname", connection },
                { "client_encoding", "UTF8" },
                { "target_session_attrs", purpose->target },
                { "options", k->options },
        };
        _Static_assert(sizeof pairs / sizeof *pairs < N_KEYWORDS, "ended by NULL");

        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
                k->names[i] = pairs[i][0];
                k->values[i] = pairs[i][1];
        }
        return k->options != NULL;
}

PGconn *pg_connect(const char *connection, const struct pg_purpose *purpose, int timeout_s,
                   struct fault *why)
{
        struct keywords k = { 0 };
        OWN(pg_close) PGconn *conn = NULL;

        if (keywords_fill(&k, connection, purpose, timeout_s))
                conn = PQconnectdbParams(k.names, k.values, 1);
        free(k.options);
        if (!conn || PQstatus(conn) != CONNECTION_OK) {
                set_why(why, conn ? PQerrorMessage(conn) : "out of memory");
                return NULL;
        }
        return TAKE(conn);
}

PGconn *pg_connect_start(const char *connection, const struct pg_purpose *purpose)
{
        struct keywords k = { 0 };
        PGconn *conn = NULL;

        if (keywords_fill(&k, connection, purpose, 0))
                conn = PQconnectStartParams(k.names, k.values, 1);
        free(k.options);
        return conn;
}

bool pg_wait(PGconn *conn, int64_t deadline_ms)
{
        while (PQisBusy(conn)) {
                int unsent = PQflush(conn);
                struct pollfd p = { .fd = PQsocket(conn), .events = POLLIN };
                int64_t left_ms = deadline_ms - clock_mono_ms();

                if (unsent < 0 || p.fd < 0 || left_ms <= 0)
                        return false;
                if (unsent > 0)
                        p.events |= POLLOUT;
                if (poll(&p, 1, (int)left_ms) < 0 && errno != EINTR)
                        return false;
                if ((p.revents & (POLLIN | POLLERR | POLLHUP)) && !PQconsumeInput(conn))
                        return false;
        }
        return true;
}

bool pg_is_gone(PGconn *conn)
{
        struct pollfd p = { .fd = PQsocket(conn), .events = POLLIN };

        /* A server that goes says so first: its word is there a moment before the end. */
        for (int i = 0; i < 3 && poll(&p, 1, i == 0 ? 0 : LAST_WORD_MS) > 0; i++)
                if (!PQconsumeInput(conn))
                        return true;
        return PQstatus(conn) != CONNECTION_OK;
}

PGresult *pg_run(PGconn *conn, const char *sql, const char *value, int timeout_ms,
                 struct fault *why)
{
        int64_t deadline_ms = clock_mono_ms() + timeout_ms;
        OWN(pg_clear) PGresult *last = NULL;
        ExecStatusType status;
        PGresult *result;
        int sent = value ? PQsendQueryParams(conn, sql, 1, NULL, &value, NULL, NULL, 0)
                         : PQsendQuery(conn, sql);

        while (sent) {
                if (!pg_wait(conn, deadline_ms)) {
                        set_why(why, PQstatus(conn) == CONNECTION_OK ? "no answer in time"
                                                                     : PQerrorMessage(conn));
                        return NULL;
                }
                result = PQgetResult(conn);
                if (!result)
                        break;
                PQclear(last);
                last = result;
                if (PQresultStatus(last) == PGRES_FATAL_ERROR)
                        set_why(why, PQresultErrorMessage(last));
        }
        status = last ? PQresultStatus(last) : PGRES_FATAL_ERROR;
        if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY)
                return TAKE(last);
        if (!last)
                set_why(why, PQerrorMessage(conn));
        return NULL;
}

/* A whole class ("22") or one state ("40001"); the first row that fits decides. */
static const struct {
        const char *state;
        int answer;
} answers[] = {
        { "40001", STORE_RETRY }, /* serialization failure */
        { "40P01", STORE_RETRY }, /* deadlock */
        { "55P03", STORE_RETRY }, /* lock timeout */
        { "57014", STORE_RETRY }, /* statement timeout, or an operator's cancel */
        { "23505", STORE_RETRY }, /* unique violation: another transaction was faster */
        { "23", STORE_BAD_DATA }, /* check, not null */
        { "22", STORE_BAD_DATA }, /* not a value of the column's type */
        { "21", STORE_BAD_DATA }, /* one row twice in a put */
        { "54", STORE_BAD_DATA }, /* too long for an index */
        { "08", STORE_LOST },     /* connection */
        { "25006", STORE_LOST },  /* the server became a standby */
        { "25P03", STORE_LOST },  /* idle in transaction for too long */
        { "26000", STORE_LOST },  /* prepared on another server connection */
        { "0A000", STORE_LOST },  /* prepared before the schema changed */
        { "53", STORE_LOST },     /* disk, memory, connections used up: not now */
        { "57", STORE_LOST },     /* the server goes or comes */
        { "58", STORE_LOST },     /* its system fails */
};

int pg_error_answer(PGconn *conn, const PGresult *result)
{
        static struct log_limit limit;
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        int answer = PQstatus(conn) == CONNECTION_OK ? -EIO : STORE_LOST;

        for (size_t i = 0; state && i < sizeof answers / sizeof *answers; i++)
                if (text_starts(state, answers[i].state)) {
                        answer = answers[i].answer;
                        break;
                }
        if (state && (answer < 0 || answer == STORE_BAD_DATA) && log_allowed(&limit, LOG_EVERY_MS))
                log_warn("store_refused", "sqlstate=%s reason=\"%s\"", state,
                         PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY));
        return answer < 0 ? err_raise(answer) : answer;
}
