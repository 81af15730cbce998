/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing a database's schema forward, file by file. Knows no table but schema_step. */
#include "store/pg.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "store/pg_connect.h"

/* The last file of sql/ this program knows of. Later ones may say that it works on with them. */
enum { SCHEMA_NUMBER = 14 };

enum { CONNECT_S = 5, STEP_MS = 600000, LOCK_MS = 60000, DIGITS = 4 };

/* Two that sync at once take turns. */
#define LOCK_SQL "SELECT pg_advisory_lock(1096043603, 0)"
/* New tables belong to atlas_owner where that can be arranged (the first file arranges it). */
#define OWNER_SQL                                                                                  \
        "SELECT set_config('role', 'atlas_owner', true) FROM pg_roles"                             \
        " WHERE rolname = 'atlas_owner' AND (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)"

static int is_step(const struct dirent *d)
{
        return strspn(d->d_name, "0123456789") == DIGITS && d->d_name[DIGITS] == '-' &&
               strlen(d->d_name) > 4 && strcmp(d->d_name + strlen(d->d_name) - 4, ".sql") == 0;
}

static int step_number(const char *name)
{
        return (int)strtol(name, NULL, 10);
}

static char *file_read(const char *dir, const char *name)
{
        OWN(text_done) struct text content = { 0 };
        char path[4096], piece[4096];
        FILE *f;
        size_t n;

        if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
                return NULL;
        f = fopen(path, "re");
        if (!f)
                return NULL;
        while ((n = fread(piece, 1, sizeof piece, f)) > 0)
                text_add_n(&content, piece, n);
        if (ferror(f))
                content.failed = true;
        fclose(f);
        return text_take(&content);
}

static bool run(PGconn *conn, const char *sql, const char *value, struct fault *why)
{
        OWN(pg_clear) PGresult *result = pg_run(conn, sql, value, STEP_MS, why);

        return result != NULL;
}

/* Negative: 'why'. */
static int number_of(PGconn *conn, const char *sql, struct fault *why)
{
        OWN(pg_clear) PGresult *result = pg_run(conn, sql, NULL, LOCK_MS, why);

        return result ? step_number(PQgetvalue(result, 0, 0)) : -1;
}

/* The number the database is at; 0: an empty one, negative: 'why'. */
static int schema_at(PGconn *conn, struct fault *why)
{
        OWN(pg_clear) PGresult *there = NULL;

        there = pg_run(conn, "SELECT to_regclass('schema_step')", NULL, LOCK_MS, why);
        if (!there)
                return -1;
        if (PQgetisnull(there, 0, 0))
                return 0;
        return number_of(conn, "SELECT coalesce(max(number), 0) FROM schema_step", why);
}

static bool step_apply(PGconn *conn, const char *dir, const char *name, struct fault *why)
{
        OWN(mem_free) void *sql = file_read(dir, name);
        struct fault broken = { 0 };
        char record[128];

        if (!sql) {
                fault_set(why, 500, "database.schema_unreadable", "Cannot read %s/%s.", dir, name);
                return false;
        }
        snprintf(record, sizeof record, "INSERT INTO schema_step (number, name) VALUES (%d, $1)",
                 step_number(name));
        if (run(conn, "BEGIN", NULL, &broken) &&
            (step_number(name) == 1 || run(conn, OWNER_SQL, NULL, &broken)) &&
            run(conn, sql, NULL, &broken) && run(conn, record, name, &broken) &&
            run(conn, "COMMIT", NULL, &broken))
                return true;
        run(conn, "ROLLBACK", NULL, NULL);
        fault_set(why, 500, "database.schema_step_failed", "%s: %s", name, broken.message);
        return false;
}

int store_schema_sync(const char *connection, const char *dir, int *ret_applied, struct fault *why)
{
        OWN(pg_close) PGconn *conn = NULL;
        struct dirent **files = NULL;
        int n, at, applied = 0;
        bool fine;

        if (!pg_connection_valid(connection, why))
                return STORE_PG_FAULT;
        conn = pg_connect(connection, &pg_building, CONNECT_S, why);
        if (!conn || !run(conn, LOCK_SQL, NULL, why))
                return STORE_PG_FAULT;
        at = schema_at(conn, why);
        if (at < 0)
                return STORE_PG_FAULT;
        n = scandir(dir, &files, is_step, alphasort);
        fine = n > 0;
        if (!fine)
                fault_set(why, 500, "database.schema_missing",
                          "There are no files NNNN-*.sql in %s.", dir);
        for (int i = 0; i < n; i++) {
                if (fine && step_number(files[i]->d_name) > at) {
                        fine = step_apply(conn, dir, files[i]->d_name, why);
                        applied += fine;
                }
                free(files[i]);
        }
        free(files);
        if (!fine)
                return STORE_PG_FAULT;
        *ret_applied = applied;
        return 0;
}

int store_schema_check(const char *connection, struct fault *why)
{
        OWN(pg_close) PGconn *conn = NULL;
        int at, least;

        if (!pg_connection_valid(connection, why))
                return STORE_PG_FAULT;
        conn = pg_connect(connection, &pg_reading, CONNECT_S, why);
        if (!conn)
                return STORE_PG_FAULT;
        at = schema_at(conn, why);
        if (at < 0)
                return STORE_PG_FAULT;
        if (at < SCHEMA_NUMBER) {
                fault_set(why, 500, "database.schema_differs",
                          "The database's schema is number %d, this program was built for %d: run "
                          "`atlas-manage db sync`.",
                          at, SCHEMA_NUMBER);
                return STORE_PG_FAULT;
        }
        least = number_of(conn, "SELECT max(coalesce(least, number)) FROM schema_step", why);
        if (least < 0)
                return STORE_PG_FAULT;
        if (least <= SCHEMA_NUMBER)
                return 0;
        fault_set(why, 500, "database.schema_differs",
                  "The database's schema is number %d, for programs of number %d and later; this "
                  "one was built for %d: install a newer program.",
                  at, least, SCHEMA_NUMBER);
        return STORE_PG_FAULT;
}
