#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The store in memory: one database, any number of stores on it. A transaction reads what was committed and is applied
 * whole at its commit. Before its first lock, another's whole transaction may come in between (the hook); from then
 * on it has the database to itself, as locked rows are read in their newest version. */

#include "store/rows.h"
#include "store/store.h"
#include "store/tables.h"

struct sim_db {
        struct store_rows tables[T_N];
        unsigned long n_commits;
};
void sim_db_done(struct sim_db *db);
/* All tables as they are now, into the empty 'ret'. */
int sim_db_copy(const struct sim_db *db, struct sim_db *ret);
/* Walks a table: start with *at = 0; NULL at the end. Lent until the next commit. */
void *sim_db_next(const struct sim_db *db, enum store_table_id t, size_t *at);
/* The row whose text column 'column' equals 'value', or NULL. */
void *sim_db_find(const struct sim_db *db, enum store_table_id t, const char *column, const char *value);
/* Inserts a row as an operator's tool does. */
int sim_db_insert(struct sim_db *db, enum store_table_id t, const void *row);

/* What a transaction is told to suffer. 'at' is asked at begin and at commit. */
enum sim_store_point { SIM_BEGIN, SIM_FLUSH, SIM_COMMIT };
enum sim_store_fate {
        SIM_FINE,
        SIM_LOST,        /* LOST, nothing was committed */
        SIM_RETRY,       /* RETRY, nothing was committed */
        SIM_UNKNOWN_NO,  /* at commit: UNKNOWN, nothing was committed */
        SIM_UNKNOWN_YES, /* at commit: UNKNOWN, and committed */
};
struct sim_store_hooks {
        enum sim_store_fate (*fate)(void *user, enum sim_store_point at);
        void (*between)(void *user); /* before the first lock */
        void *user;
};
/* '*db' and 'hooks' are lent. */
int sim_store_new(struct sim_db *db, const struct sim_store_hooks *hooks, struct store **ret);
