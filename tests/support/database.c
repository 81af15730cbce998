/* SPDX-License-Identifier: Apache-2.0 */
#include "support/database.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/pg.h"

#define SCRIPT   ATLAS_SOURCE_DIR "/tests/support/postgres.sh"
#define TEMPLATE "atlas_template_%d"

static struct {
        char connection[512]; /* without a database's name */
        char folder[64];
        bool ours;
        int keep; /* the server goes when this end of the pipe is closed */
        pid_t pid;
        unsigned n_databases;
} server = { .keep = -1 };

struct database {
        char name[64];
        char connection[640];
};

_Noreturn static void give_up(const char *what, const char *why)
{
        fprintf(stderr, "test database: %s: %s\n", what, why);
        exit(EXIT_FAILURE);
}

static void server_run(const char *sql);

static void server_end(void)
{
        char sql[128];

        if (server.keep < 0) {
                snprintf(sql, sizeof sql, "DROP DATABASE IF EXISTS " TEMPLATE, (int)getpid());
                server_run(sql);
                return;
        }
        close(server.keep);
        server.keep = -1;
        waitpid(server.pid, NULL, 0);
}

static void server_spawn(void)
{
        int in[2], out[2];
        FILE *said;

        if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
                give_up("pipe", "failed");
        snprintf(server.folder, sizeof server.folder, "/tmp/atlas-pg-%d", (int)getpid());
        server.pid = fork();
        if (server.pid == 0) {
                dup2(in[0], STDIN_FILENO);
                dup2(out[1], STDOUT_FILENO);
                execl(SCRIPT, SCRIPT, "run", server.folder, (char *)NULL);
                _exit(127);
        }
        close(in[0]);
        close(out[1]);
        server.keep = in[1];
        server.ours = true;
        said = fdopen(out[0], "r");
        if (!said || !fgets(server.connection, sizeof server.connection, said))
                give_up(SCRIPT, "said nothing");
        fclose(said);
        server.connection[strcspn(server.connection, "\n")] = '\0';
}

static PGresult *run_at(const char *connection, const char *sql, PGconn **ret)
{
        PGresult *result;

        *ret = PQconnectdb(connection);
        if (PQstatus(*ret) != CONNECTION_OK)
                give_up(connection, PQerrorMessage(*ret));
        result = PQexec(*ret, sql);
        if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
                give_up(sql, PQerrorMessage(*ret));
        return result;
}

static void server_run(const char *sql)
{
        char connection[640];
        PGconn *conn;

        snprintf(connection, sizeof connection, "%s dbname=postgres", server.connection);
        PQclear(run_at(connection, sql, &conn));
        PQfinish(conn);
}

/* The template has the schema, so that a test's database is a copy of files. */
static void server_need(void)
{
        const char *given = getenv("ATLAS_TEST_POSTGRES");
        struct fault why = { 0 };
        char connection[640], sql[128];
        int applied;

        if (server.connection[0])
                return;
        if (given)
                snprintf(server.connection, sizeof server.connection, "%s", given);
        else
                server_spawn();
        atexit(server_end);
        snprintf(sql, sizeof sql, "CREATE DATABASE " TEMPLATE, (int)getpid());
        server_run(sql);
        snprintf(connection, sizeof connection, "%s dbname=" TEMPLATE, server.connection,
                 (int)getpid());
        if (store_schema_sync(connection, ATLAS_SOURCE_DIR "/sql", &applied, &why) != 0)
                give_up("schema", why.message);
}

static struct database *new_from(const char *template)
{
        struct database *d = calloc(1, sizeof *d);
        char sql[256];

        if (!d)
                give_up("calloc", "no memory");
        snprintf(d->name, sizeof d->name, "atlas_%d_%u", (int)getpid(), ++server.n_databases);
        snprintf(sql, sizeof sql, "CREATE DATABASE %s TEMPLATE %s", d->name, template);
        server_run(sql);
        snprintf(d->connection, sizeof d->connection, "%s dbname=%s", server.connection, d->name);
        return d;
}

struct database *database_new(void)
{
        char template[64];

        server_need();
        snprintf(template, sizeof template, TEMPLATE, (int)getpid());
        return new_from(template);
}

struct database *database_new_empty(void)
{
        server_need();
        return new_from("template0");
}

struct database *database_free(struct database *d)
{
        char sql[128];

        if (d) {
                snprintf(sql, sizeof sql, "DROP DATABASE %s WITH (FORCE)", d->name);
                server_run(sql);
                free(d);
        }
        return NULL;
}

const char *database_connection(const struct database *d)
{
        return d->connection;
}

const char *database_name(const struct database *d)
{
        return d->name;
}

char *database_text(const struct database *d, const char *sql)
{
        PGconn *conn;
        PGresult *result = run_at(d->connection, sql, &conn);
        char *text = strdup(PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");

        PQclear(result);
        PQfinish(conn);
        if (!text)
                give_up("strdup", "no memory");
        return text;
}

int64_t database_int(const struct database *d, const char *sql)
{
        char *text = database_text(d, sql);
        int64_t value = strtoll(text, NULL, 10);

        free(text);
        return value;
}

void database_run(const struct database *d, const char *sql)
{
        free(database_text(d, sql));
}

bool database_server_private(void)
{
        server_need();
        return server.ours;
}

static void script(const char *command)
{
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                dup2(STDERR_FILENO, STDOUT_FILENO);
                execl(SCRIPT, SCRIPT, command, server.folder, (char *)NULL);
                _exit(127);
        }
        if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
                give_up(SCRIPT, command);
}

void database_server_stop(void)
{
        script("stop");
}

void database_server_start(void)
{
        script("start");
}
