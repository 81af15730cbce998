/* SPDX-License-Identifier: Apache-2.0 */
/* A transaction as a pipeline: statements are sent as they are queued, each flush ends with a Sync
 * of its own (so that the server's time limits hold while we think), results are taken in the order
 * of the statements. */
#include "store/pg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "store/pg_codec.h"
#include "store/pg_connect.h"
#include "store/pg_sql.h"
#include "store/tables.h"

/* More than any statement may take on the server: so it is the network that fails here. */
enum { REPLY_TIMEOUT_MS = 15000, ROLLBACK_TIMEOUT_MS = 3000, WARN_EVERY_MS = 1000 };
/* Places that an event's id has for one transaction (sql/): more than that is halved like a batch
 * with bad data. */
enum { APPENDED_MAX = 131071 };

/* What the server still owes an answer for. */
enum step_kind { STEP_PREPARE, STEP_RUN, STEP_COMMIT, STEP_SYNC };
struct step {
        enum step_kind kind;
        struct pg_statement *statement;
        const struct store_table *table; /* of a select, with */
        struct store_rows *ret;
};

struct pg {
        struct store store;
        char *connection;
        int connect_timeout_s;
        PGconn *conn;
        struct pg_statements statements;
        struct step *steps;
        size_t n_steps, steps_room;
        struct text parameters;
        bool open;         /* between begin and commit or rollback */
        int answer;        /* of the round so far: the first that is not OK */
        size_t n_appended; /* rows of append-only tables in this transaction */
};

static struct pg *pg_of(struct store *s)
{
        return (struct pg *)s;
}

static void pg_drop(struct pg *p)
{
        p->conn = pg_close(p->conn);
        p->n_steps = 0;
        pg_statements_forget(&p->statements);
}

static int pg_connected(struct pg *p)
{
        static struct log_limit limit;
        struct fault why = { 0 };

        if (p->conn && (PQpipelineStatus(p->conn) != PQ_PIPELINE_ON || pg_is_gone(p->conn)))
                pg_drop(p);
        if (p->conn)
                return STORE_OK;
        p->conn = pg_connect(p->connection, &pg_writing, p->connect_timeout_s, &why);
        if (!p->conn) {
                if (log_allowed(&limit, WARN_EVERY_MS))
                        log_warn("store_unreachable", "reason=\"%s\"", why.message);
                return STORE_LOST;
        }
        if (PQsetnonblocking(p->conn, 1) == 0 && PQenterPipelineMode(p->conn))
                return STORE_OK;
        pg_drop(p);
        return STORE_LOST;
}

static struct step *pg_step(struct pg *p, enum step_kind kind)
{
        if (p->n_steps == p->steps_room) {
                size_t room = p->steps_room ? 2 * p->steps_room : 32;
                struct step *steps = reallocarray(p->steps, room, sizeof *steps);

                if (!steps)
                        return NULL;
                p->steps = steps;
                p->steps_room = room;
        }
        p->steps[p->n_steps] = (struct step){ .kind = kind };
        return &p->steps[p->n_steps++];
}

/* The round's first trouble is its answer. */
static int pg_note(struct pg *p, int answer)
{
        if (p->answer == STORE_OK)
                p->answer = answer;
        return p->answer;
}

/* The parameters as they stand in p->parameters: where each starts. */
struct parameters {
        size_t at[STORE_COLUMNS_MAX + 1];
        int n;
};

static void parameter_ends(struct pg *p, struct parameters *given)
{
        given->at[++given->n] = p->parameters.n;
}

/* Queues 'st' (preparing it first where the server does not know it). The step is there only after
 * 0. */
static int pg_send(struct pg *p, enum step_kind kind, struct pg_statement *st,
                   const struct parameters *given, struct step **ret)
{
        const char *values[STORE_COLUMNS_MAX];
        int lengths[STORE_COLUMNS_MAX], formats[STORE_COLUMNS_MAX];
        struct step *step;

        if (!st || p->parameters.failed)
                return err_raise(-ENOMEM);
        if (st->prepared == PG_NEW) {
                step = pg_step(p, STEP_PREPARE);
                if (!step)
                        return err_raise(-ENOMEM);
                step->statement = st;
                if (!PQsendPrepare(p->conn, st->name, st->sql, st->n_types, st->types))
                        return STORE_LOST;
                st->prepared = PG_ASKED;
        }
        step = pg_step(p, kind);
        if (!step)
                return err_raise(-ENOMEM);
        for (int i = 0; i < given->n; i++) {
                values[i] = p->parameters.bytes + given->at[i];
                lengths[i] = (int)(given->at[i + 1] - given->at[i]);
                formats[i] = 1;
        }
        if (!PQsendQueryPrepared(p->conn, st->name, given->n, values, lengths, formats, 1))
                return STORE_LOST;
        if (ret)
                *ret = step;
        return 0;
}

static int pg_send_plain(struct pg *p, enum step_kind kind, const char *sql)
{
        return pg_send(p, kind, pg_plain(&p->statements, sql, NULL, 0), &(struct parameters){ 0 },
                       NULL);
}

static int pg_read_rows(const struct step *step, const PGresult *result)
{
        int n = PQntuples(result);
        int r = store_rows_expect(step->ret, step->table, (size_t)n);

        for (int i = 0; r == 0 && i < n; i++)
                r = pg_read_row(result, i, step->table, store_rows_add(step->ret, step->table));
        return r;
}

/* Takes one result of 'step'. False: it is the connection's end, not the server's word. */
static bool pg_take(struct pg *p, const struct step *step, PGresult *result)
{
        ExecStatusType status = PQresultStatus(result);
        int r = 0;

        if (status == PGRES_FATAL_ERROR && !PQresultErrorField(result, PG_DIAG_SQLSTATE))
                return false;
        if (step->kind == STEP_PREPARE)
                step->statement->prepared = status == PGRES_COMMAND_OK ? PG_PREPARED : PG_NEW;
        if (status == PGRES_TUPLES_OK && step->ret)
                r = pg_read_rows(step, result);
        else if (status == PGRES_FATAL_ERROR)
                r = pg_error_answer(p->conn, result);
        else if (step->kind == STEP_COMMIT && status == PGRES_COMMAND_OK &&
                 strcmp(PQcmdStatus(result), "COMMIT") != 0)
                r = STORE_RETRY; /* the server rolled back instead */
        if (r == STORE_LOST && step->kind == STEP_COMMIT)
                r = STORE_UNKNOWN; /* a server that goes may have committed before */
        if (r != 0)
                pg_note(p, r);
        return true;
}

/* Takes what the server owes. False: the connection went, or time is up. */
static bool pg_receive(struct pg *p, int64_t deadline_ms)
{
        bool answered = false;

        for (size_t at = 0; at < p->n_steps;) {
                OWN(pg_clear) PGresult *result = NULL;

                if (!pg_wait(p->conn, deadline_ms))
                        return false;
                result = PQgetResult(p->conn);
                if (result && !pg_take(p, &p->steps[at], result))
                        return false;
                if (!result && !answered)
                        return false;
                /* Behind a statement's results stands NULL; behind a Sync's nothing. */
                answered = result && p->steps[at].kind != STEP_SYNC;
                at += !answered;
        }
        return true;
}

/* Sends a Sync and takes all answers up to it; 'broken' is the answer when the connection goes
 * meanwhile. */
static int pg_round(struct pg *p, int timeout_ms, enum store_answer broken)
{
        if (!pg_step(p, STEP_SYNC))
                return err_raise(-ENOMEM);
        if (!PQpipelineSync(p->conn) || !pg_receive(p, clock_mono_ms() + timeout_ms))
                pg_note(p, broken);
        p->n_steps = 0;
        return p->answer;
}

/* Ends the transaction; drops the connection if that cannot be done soon. Rows of selects that were
 * queued before are no longer wanted: their arrays may be gone. */
static void pg_roll_back(struct pg *p)
{
        for (size_t i = 0; i < p->n_steps; i++)
                p->steps[i].ret = NULL;
        p->open = false;
        p->answer = STORE_OK;
        if (p->conn && (pg_send_plain(p, STEP_RUN, "ROLLBACK") != 0 ||
                        pg_round(p, ROLLBACK_TIMEOUT_MS, STORE_LOST) != STORE_OK))
                pg_drop(p);
        p->answer = STORE_OK;
}

/* After any answer but OK there is no transaction. */
static int pg_ended(struct pg *p, int answer)
{
        if (answer == STORE_LOST || answer == STORE_UNKNOWN)
                pg_drop(p);
        if (answer != STORE_OK)
                pg_roll_back(p);
        return answer < 0 ? err_pass(answer) : answer;
}

static int pg_begin(struct store *s)
{
        struct pg *p = pg_of(s);
        int r;

        if (p->open)
                return err_raise(-EBUSY);
        r = pg_connected(p);
        if (r != STORE_OK)
                return r;
        p->open = true;
        p->answer = STORE_OK;
        p->n_appended = 0;
        r = pg_send_plain(p, STEP_RUN, "BEGIN ISOLATION LEVEL READ COMMITTED");
        return r == 0 ? STORE_OK : pg_ended(p, r);
}

/* What was queued without success is told by the next flush: callers look at one place. */
static int pg_queued(struct pg *p, int r)
{
        if (r < 0)
                return err_pass(pg_note(p, r));
        if (r > 0)
                pg_note(p, r);
        return 0;
}

static int pg_select_rows(struct store *s, const struct store_table *t, const char *column,
                          const char *const *values, size_t n, bool lock, struct store_rows *ret)
{
        struct pg *p = pg_of(s);
        const struct store_column *c = store_column_find(t, column);
        struct parameters given = { 0 };
        struct step *step = NULL;
        int r;

        if (!c || !p->open)
                return err_raise(-EINVAL);
        text_reset(&p->parameters);
        if (pg_put_values(&p->parameters, c->kind, values, n) == 0)
                return 0;
        parameter_ends(p, &given);
        r = pg_send(p, STEP_RUN, pg_select(&p->statements, t, c, lock), &given, &step);
        if (r == 0) {
                step->table = t;
                step->ret = ret;
        }
        return pg_queued(p, r);
}

static int pg_due(struct store *s, int64_t now_ms, size_t limit, struct store_rows *ret)
{
        static const Oid types[] = { PG_INT8, PG_INT8 };
        const struct store_table *t = &store_tables[T_TIMER];
        struct pg *p = pg_of(s);
        struct parameters given = { 0 };
        struct step *step = NULL;
        int r;

        if (!p->open)
                return err_raise(-EINVAL);
        text_reset(&p->parameters);
        pg_put_int(&p->parameters, now_ms);
        parameter_ends(p, &given);
        pg_put_int(&p->parameters, (int64_t)limit);
        parameter_ends(p, &given);
        r = pg_send(
                p, STEP_RUN,
                pg_plain(
                        &p->statements,
                        "SELECT ref_id, kind, due_ms, owner, project_id FROM timer WHERE due_ms <= $1"
                        " ORDER BY due_ms LIMIT $2",
                        types, 2),
                &given, &step);
        if (r == 0) {
                step->table = t;
                step->ret = ret;
        }
        return pg_queued(p, r);
}

/* Adds one array per column; false for rows that no database takes. */
static bool pg_arrays(struct pg *p, const struct store_table *t, size_t n_columns,
                      const void *const *rows, size_t n, struct parameters *ret)
{
        text_reset(&p->parameters);
        for (size_t i = 0; i < n_columns; i++) {
                if (!pg_put_column(&p->parameters, &t->columns[i], rows, n))
                        return false;
                parameter_ends(p, ret);
        }
        return true;
}

static int pg_put_rows(struct store *s, const struct store_table *t, const void *const *rows,
                       size_t n)
{
        struct pg *p = pg_of(s);
        struct parameters given = { 0 };

        if (!p->open)
                return err_raise(-EINVAL);
        if (n == 0)
                return 0;
        if (!pg_arrays(p, t, store_column_count(t), rows, n, &given))
                return pg_queued(p, STORE_BAD_DATA);
        if (t->append_only) {
                pg_put_int(&p->parameters, (int64_t)p->n_appended);
                parameter_ends(p, &given);
                p->n_appended += n;
                if (p->n_appended > APPENDED_MAX)
                        return pg_queued(p, STORE_BAD_DATA);
        }
        return pg_queued(p, pg_send(p, STEP_RUN, pg_put(&p->statements, t), &given, NULL));
}

static int pg_remove_rows(struct store *s, const struct store_table *t, const void *const *rows,
                          size_t n)
{
        struct pg *p = pg_of(s);
        struct parameters given = { 0 };

        if (!p->open || t->append_only)
                return err_raise(-EINVAL);
        if (n == 0)
                return 0;
        if (!pg_arrays(p, t, t->n_key, rows, n, &given))
                return pg_queued(p, STORE_BAD_DATA);
        return pg_queued(p, pg_send(p, STEP_RUN, pg_remove(&p->statements, t), &given, NULL));
}

static int pg_flush(struct store *s)
{
        struct pg *p = pg_of(s);

        if (!p->open)
                return err_raise(-EINVAL);
        return pg_ended(p, p->answer == STORE_OK ? pg_round(p, REPLY_TIMEOUT_MS, STORE_LOST)
                                                 : p->answer);
}

static int pg_commit(struct store *s)
{
        struct pg *p = pg_of(s);
        int r;

        if (!p->open)
                return err_raise(-EINVAL);
        if (FAILPOINT("store.before_commit") || (p->answer == STORE_OK && pg_is_gone(p->conn)))
                pg_note(p, STORE_LOST);
        if (p->answer == STORE_OK)
                pg_queued(p, pg_send_plain(p, STEP_COMMIT, "COMMIT"));
        r = p->answer == STORE_OK ? pg_round(p, REPLY_TIMEOUT_MS, STORE_UNKNOWN) : p->answer;
        if (r == STORE_OK && FAILPOINT("store.after_commit"))
                r = STORE_UNKNOWN;
        p->open = false;
        return pg_ended(p, r);
}

static void pg_rollback(struct store *s)
{
        struct pg *p = pg_of(s);

        if (p->open)
                pg_roll_back(p);
}

static struct store *pg_free(struct store *s)
{
        struct pg *p = pg_of(s);

        pg_drop(p);
        pg_statements_done(&p->statements);
        text_done(&p->parameters);
        free(p->steps);
        free(p->connection);
        free(p);
        return NULL;
}

static const struct store_ops pg_ops = {
        .begin = pg_begin,
        .select = pg_select_rows,
        .due = pg_due,
        .put = pg_put_rows,
        .remove = pg_remove_rows,
        .flush = pg_flush,
        .commit = pg_commit,
        .rollback = pg_rollback,
        .free = pg_free,
};

int store_pg_new(const char *connection, int connect_timeout_s, struct store **ret,
                 struct fault *why)
{
        struct pg *p;

        if (!pg_connection_valid(connection, why))
                return STORE_PG_FAULT;
        p = calloc(1, sizeof *p);
        if (!p)
                return err_raise(-ENOMEM);
        p->store.ops = &pg_ops;
        p->connect_timeout_s = connect_timeout_s;
        p->connection = strdup(connection);
        if (!p->connection) {
                free(p);
                return err_raise(-ENOMEM);
        }
        *ret = &p->store;
        return 0;
}
