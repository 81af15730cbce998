/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator did with atlas-manage, in the history of everything else. */
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "manage/manage.h"
#include "store/tables.h"

const char *manage_user(void)
{
        static char name[PROJECT_SIZE];
        const struct passwd *login = getpwuid(getuid()); /* NOLINT(concurrency-mt-unsafe) */
        char host[HOST_SIZE] = "";

        gethostname(host, sizeof host - 1);
        snprintf(name, sizeof name, "%.63s@%.180s", login ? login->pw_name : "", host);
        return name;
}

int audit_put(struct store *store, struct event *e)
{
        const void *rows[] = { e };

        TEXT_SET(e->user_id, manage_user());
        e->at_ms = clock_wall_ms();
        return store_put(store, &store_tables[T_EVENT], rows, 1);
}
