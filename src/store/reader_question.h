#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A reader's questions on their way. Those that ask for rows of one table by one column of ids go
 * to the server as a crowd, one statement for all of them, and each gets its own rows of the
 * answer. */

#include <libpq-fe.h>

#include "base/uuid.h"
#include "store/reader_sql.h"

enum {
        QUESTION_IDS_MAX = 8, /* of one that may join a crowd */
        CROWD_IDS_MAX = 256,
};
struct question {
        struct question *next;
        const struct store_table *table;
        const struct store_column *by; /* of ids: may join a crowd; else NULL and 'select' is set */
        char ids[QUESTION_IDS_MAX][UUID_TEXT]; /* in order, each once */
        size_t n_ids;
        struct reader_select select;
        bool follows; /* its rows say whether they may be shown */
        int64_t deadline_ms;
        store_on_rows on_rows;
        void *user;
        int attempts;
};
/* A list. Start with { .end = &list.first }. */
struct questions {
        struct question *first, **end;
};
void questions_add(struct questions *to, struct question *q);
struct question *questions_take(struct questions *from);
/* Answers all with 'r' and no rows. */
void questions_end(struct questions *all, int r);
/* Moves those whose time is up to 'late'; '*earliest_ms' becomes no later than the others'
 * deadlines. */
void questions_expire(struct questions *from, int64_t now_ms, int64_t *earliest_ms,
                      struct questions *late);

/* What 'asked' asks. 0; -EINVAL when a column is unknown or a value is not of its kind. */
int question_new(const struct reader_question *asked, struct question **ret);
/* The first that waits, and as many of those behind it as can be asked with it. */
void questions_take_crowd(struct questions *from, struct questions *ret);
/* The statement that answers all of a crowd. */
int questions_select(const struct questions *crowd, struct reader_select *ret);
/* Answers and empties a crowd with the rows of 'result'. */
void questions_answer(struct questions *crowd, const PGresult *result);
