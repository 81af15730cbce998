/* SPDX-License-Identifier: Apache-2.0 */
/* The database's schema. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "manage/manage.h"
#include "store/pg.h"

enum { PATH_SIZE = 4096 };

/* Beside the installed program ("bin/../share/cloud-atlas/sql"), else that of the source this was built from. */
static const char *sql_dir_of_program(char ret[PATH_SIZE])
{
        char program[PATH_SIZE - 64];
        ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
        char *slash;

        if (n > 0) {
                program[n] = '\0';
                slash = strrchr(program, '/');
                snprintf(ret, PATH_SIZE, "%.*s/%s", (int)(slash - program), program, ATLAS_SQL_FROM_BIN);
                if (access(ret, R_OK) == 0)
                        return ret;
        }
        return ATLAS_SQL_SOURCE;
}

int db_sync(struct manage *m)
{
        char room[PATH_SIZE];
        const char *dir = m->settings->sql_dir[0] ? m->settings->sql_dir : sql_dir_of_program(room);
        struct fault why = { 0 };
        int applied = 0, r = store_schema_sync(m->settings->connection, dir, &applied, &why);

        if (r)
                return r < 0 ? err_pass(r) : manage_refuse(&why);
        if (applied)
                printf("Applied %d of the steps in %s.\n", applied, dir);
        else
                printf("All steps in %s were applied before.\n", dir);
        return db_check(m);
}

int db_check(struct manage *m)
{
        struct fault why = { 0 };
        int r = store_schema_check(m->settings->connection, &why);

        if (r)
                return r < 0 ? err_pass(r) : manage_refuse(&why);
        printf("The database's schema is the one this program knows.\n");
        return MANAGE_OK;
}
