/* SPDX-License-Identifier: Apache-2.0 */
#include "store/rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

void store_rows_done(struct store_rows *r)
{
        free(r->rows);
        *r = (struct store_rows){ 0 };
}

void *store_rows_at(const struct store_rows *r, const struct store_table *t, size_t i)
{
        return (char *)r->rows + i * t->row_size;
}

void *store_rows_add(struct store_rows *r, const struct store_table *t)
{
        void *row;

        if (r->n == r->room) {
                size_t room = r->room ? 2 * r->room : 4;
                void *rows = reallocarray(r->rows, room, t->row_size);

                if (!rows)
                        return NULL;
                r->rows = rows;
                r->room = room;
        }
        row = store_rows_at(r, t, r->n++);
        memset(row, 0, t->row_size);
        return row;
}

int store_rows_expect(struct store_rows *r, const struct store_table *t, size_t more)
{
        void *rows;

        if (r->n + more <= r->room)
                return 0;
        rows = reallocarray(r->rows, r->n + more, t->row_size);
        if (!rows)
                return err_raise(-ENOMEM);
        r->rows = rows;
        r->room = r->n + more;
        return 0;
}

const struct store_column *store_column_find(const struct store_table *t, const char *name)
{
        for (const struct store_column *c = t->columns; c->name; c++)
                if (strcmp(c->name, name) == 0)
                        return c;
        return NULL;
}

size_t store_column_count(const struct store_table *t)
{
        size_t n = 0;

        while (t->columns[n].name)
                n++;
        return n;
}
