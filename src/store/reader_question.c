/* SPDX-License-Identifier: Apache-2.0 */
#include "store/reader_question.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

void questions_add(struct questions *to, struct question *q)
{
        q->next = NULL;
        *to->end = q;
        to->end = &q->next;
}

struct question *questions_take(struct questions *from)
{
        struct question *q = from->first;

        if (q) {
                from->first = q->next;
                if (!from->first)
                        from->end = &from->first;
        }
        return q;
}

static void question_end(struct question *q, int r, const struct store_rows *rows,
                         const int64_t *serials)
{
        static const struct store_rows none = { 0 };

        q->on_rows(r, rows ? rows : &none, serials, q->user);
        reader_select_done(&q->select);
        free(q);
}

void questions_end(struct questions *all, int r)
{
        struct question *q;

        while ((q = questions_take(all)))
                question_end(q, r, NULL, NULL);
}

void questions_expire(struct questions *from, int64_t now_ms, int64_t *earliest_ms,
                      struct questions *late)
{
        struct questions kept = { .end = &kept.first };
        struct question *q;

        while ((q = questions_take(from))) {
                if (q->deadline_ms > now_ms && q->deadline_ms < *earliest_ms)
                        *earliest_ms = q->deadline_ms;
                questions_add(q->deadline_ms <= now_ms ? late : &kept, q);
        }
        while ((q = questions_take(&kept)))
                questions_add(from, q);
}

/* ---- asking ---- */

static int compare_ids(const void *a, const void *b)
{
        return strcmp(a, b);
}

/* In the database's order. */
static void copy_ids(struct question *q, const struct store_where *w)
{
        size_t n = 0;

        for (size_t i = 0; i < w->n_values; i++)
                if (uuid_valid(w->values[i]))
                        memcpy(q->ids[q->n_ids++], w->values[i], UUID_TEXT);
        qsort(q->ids, q->n_ids, sizeof *q->ids, compare_ids);
        for (size_t i = 0; i < q->n_ids; i++)
                if (n == 0 || strcmp(q->ids[n - 1], q->ids[i]) != 0)
                        memmove(q->ids[n++], q->ids[i], UUID_TEXT);
        q->n_ids = n;
}

/* The column of a question for all rows that have one of a few ids there, in the order of the ids;
 * NULL for any other. */
static const struct store_column *column_of_ids(const struct reader_question *asked)
{
        const struct store_table *t = asked->table;
        const struct store_where *w = asked->where;
        const struct store_column *c;
        bool is_key;

        if (t->append_only || asked->n_where != 1 || asked->descending || asked->n_by ||
            w->compare != STORE_IS || w->n_values < 1 || w->n_values > QUESTION_IDS_MAX)
                return NULL;
        c = store_column_find(t, w->column);
        is_key = c == t->columns && t->n_key == 1;
        if (!c || c->kind != STORE_UUID || (asked->order ? strcmp(asked->order, c->name) != 0 : !is_key) ||
            (asked->limit > 0 && (!is_key || asked->limit < w->n_values)))
                return NULL;
        return c;
}

int question_new(const struct reader_question *asked, struct question **ret)
{
        OWN(mem_free) struct question *q = calloc(1, sizeof *q);
        int r;

        if (!q)
                return err_raise(-ENOMEM);
        q->table = asked->table;
        q->follows = asked->follows;
        q->by = column_of_ids(asked);
        if (q->by) {
                copy_ids(q, asked->where);
        } else {
                r = reader_select_make(asked, &q->select);
                if (r < 0)
                        return err_pass(r);
        }
        *ret = TAKE(q);
        return 0;
}

/* One that was passed over before may be at fault: it is asked alone. */
void questions_take_crowd(struct questions *from, struct questions *ret)
{
        struct questions others = { .end = &others.first };
        struct question *first = questions_take(from), *q;
        size_t n = first->n_ids;

        questions_add(ret, first);
        if (!first->by || first->attempts > 0)
                return;
        while ((q = questions_take(from))) {
                bool joins = q->by == first->by && q->attempts == 0 && n + q->n_ids <= CROWD_IDS_MAX;

                n += joins ? q->n_ids : 0;
                questions_add(joins ? ret : &others, q);
        }
        while ((q = questions_take(&others)))
                questions_add(from, q);
}

int questions_select(const struct questions *crowd, struct reader_select *ret)
{
        const struct question *first = crowd->first;
        const char *ids[CROWD_IDS_MAX];
        struct store_where where = { first->by->name, STORE_IS, ids, 0 };
        const struct reader_question asked = {
                .table = first->table, .where = &where, .n_where = 1, .order = first->by->name
        };

        for (const struct question *q = first; q; q = q->next)
                for (size_t i = 0; i < q->n_ids; i++)
                        ids[where.n_values++] = q->ids[i];
        return reader_select_make(&asked, ret);
}

/* ---- answering ---- */

static const char *id_at(const struct question *q, const struct store_rows *rows, size_t i)
{
        return (const char *)store_rows_at(rows, q->table, i) + q->by->offset;
}

/* Rows are sorted by the crowd's column: the first with 'id', and how many. */
static size_t find_id(const struct question *q, const struct store_rows *rows, const char *id,
                      size_t *ret_n)
{
        size_t low = 0, high = rows->n, n = 0;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (strcmp(id_at(q, rows, middle), id) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        while (low + n < rows->n && strcmp(id_at(q, rows, low + n), id) == 0)
                n++;
        *ret_n = n;
        return low;
}

static void answer_one(struct question *q, const struct store_rows *all)
{
        OWN(store_rows_done) struct store_rows gathered = { 0 };
        struct store_rows rows = { 0 };
        int r = 0;

        for (size_t i = 0; i < q->n_ids && r == 0; i++) {
                size_t n, first = find_id(q, all, q->ids[i], &n);

                if (n == 0)
                        continue;
                if (q->n_ids == 1) {
                        rows = (struct store_rows){ store_rows_at(all, q->table, first), n, n };
                        break;
                }
                r = store_rows_expect(&gathered, q->table, n);
                if (r == 0) {
                        memcpy((char *)gathered.rows + gathered.n * q->table->row_size,
                               store_rows_at(all, q->table, first), n * q->table->row_size);
                        gathered.n += n;
                        rows = gathered;
                }
        }
        question_end(q, r, r == 0 ? &rows : NULL, NULL);
}

/* Rows of an append-only table have their serial behind the table's columns; of one that is
 * followed, also whether they may be shown yet: the first that may not ends them. */
static int read_rows(const struct question *q, const PGresult *result, struct store_rows *rows,
                     int64_t **ret_serials)
{
        const struct store_table *t = q->table;
        int n = PQntuples(result), column = (int)store_column_count(t);
        int r = n > 0 ? store_rows_expect(rows, t, (size_t)n) : 0;

        if (r == 0 && t->append_only) {
                *ret_serials = calloc((size_t)n + 1, sizeof **ret_serials);
                r = *ret_serials ? 0 : err_raise(-ENOMEM);
        }
        for (int i = 0; r == 0 && i < n; i++) {
                if (q->follows && *PQgetvalue(result, i, column + 1) == 0)
                        return STORE_WITHHELD;
                r = pg_read_row(result, i, t, store_rows_add(rows, t));
                if (*ret_serials)
                        (*ret_serials)[i] = pg_read_int(result, i, column);
        }
        return r;
}

void questions_answer(struct questions *crowd, const PGresult *result)
{
        OWN(store_rows_done) struct store_rows rows = { 0 };
        OWN(mem_free) int64_t *serials = NULL;
        struct question *q = crowd->first;
        bool alone = !q->by || !q->next;
        int r = read_rows(q, result, &rows, &serials);

        if (r < 0) {
                questions_end(crowd, r);
        } else if (alone) {
                question_end(questions_take(crowd), r, &rows, serials);
        } else {
                while ((q = questions_take(crowd)))
                        answer_one(q, &rows);
        }
}
