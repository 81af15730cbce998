/* SPDX-License-Identifier: Apache-2.0 */
/* Sites in the database: all of them, and one more. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"
#include "manage/manage.h"
#include "model/site.h"
#include "store/pg.h"
#include "store/reader.h"
#include "store/tables.h"

enum { ANSWER_MS = 10000, CONNECT_S = 5, TRIES = 3 };

/* ---- all ---- */

struct reading {
        struct store_rows *to;
        bool over;
        int r;
};

static void on_rows(int r, const struct store_rows *rows, const int64_t *serials, void *user)
{
        struct reading *reading = user;

        (void)serials;
        reading->over = true;
        reading->r = r;
        if (r != 0 || rows->n == 0)
                return;
        reading->to->rows = malloc(rows->n * sizeof(struct site));
        if (!reading->to->rows) {
                reading->r = err_raise(-ENOMEM);
                return;
        }
        memcpy(reading->to->rows, rows->rows, rows->n * sizeof(struct site));
        reading->to->n = reading->to->room = rows->n;
}

/* The reader answers by itself when its time is up. */
static void pump_until(struct store_reader *reader, const bool *over)
{
        struct pollfd p = { .fd = store_reader_fd(reader), .events = POLLIN };

        store_reader_pump(reader); /* sends */
        while (!*over) {
                poll(&p, 1, ANSWER_MS);
                store_reader_pump(reader);
        }
}

int sites_read(const char *connection, struct store_rows *ret)
{
        OWN(store_reader_free) struct store_reader *reader = NULL;
        struct reading reading = { .to = ret };
        struct fault why = { 0 };
        int r = store_schema_check(connection,
                                   &why); /* also tells in words why there is no connection */

        if (r)
                return r < 0 ? err_pass(r) : manage_refuse(&why);
        r = store_reader_new(connection, &reader);
        if (r)
                return err_pass(r);
        r = store_reader_select(reader, &store_tables[T_SITE], NULL, 0, "name", false, 0, ANSWER_MS,
                                on_rows, &reading);
        if (r)
                return err_pass(r);
        pump_until(reader, &reading.over);
        if (reading.r == 0)
                return MANAGE_OK;
        fault_set(&why, 503, "database.unavailable", "The database did not answer in time.");
        return manage_refuse(&why);
}

/* ---- one more ---- */

static int refuse(int code, const char *name, const char *problem)
{
        struct fault why = { 0 };

        fault_set(&why, code, "site.refused", "Site %.100s: %s.", name, problem);
        return manage_refuse(&why);
}

/* STORE_… of one try, or negative; '*ret_there' when the name is taken. */
static int try_add(struct store *store, const struct site *s, bool *ret_there)
{
        OWN(store_rows_done) struct store_rows same = { 0 };
        const struct store_table *t = &store_tables[T_SITE];
        struct event added = { .object_type = "site", .type = "site.add" };
        const char *names[] = { s->name };
        const void *rows[] = { s };
        int r = store_begin(store);

        r = r ? r : store_select(store, t, "name", names, 1, false, &same);
        r = r ? r : store_flush(store);
        if (r)
                return r;
        *ret_there = same.n > 0;
        if (*ret_there) {
                store_rollback(store);
                return STORE_OK;
        }
        TEXT_SET(added.object_id, s->id);
        TEXT_SET(added.site, s->name);
        r = store_put(store, t, rows, 1);
        r = r ? r : audit_put(store, &added);
        return r ? r : store_commit(store);
}

int site_add(struct manage *m)
{
        OWN(store_free) struct store *store = NULL;
        struct site s = { .created_ms = clock_wall_ms() };
        struct fault why = { 0 };
        bool there = false;
        int r;

        if (!site_name_valid(m->word) || !TEXT_SET(s.name, m->word))
                return refuse(400, m->word, "a name is 1 to 63 of a-z, 0-9 and '-'");
        if (m->description &&
            (!text_utf8_valid(m->description, strlen(m->description)) ||
             text_utf8_length(m->description) > 255 || !TEXT_SET(s.description, m->description)))
                return refuse(400, m->word, "a description is at most 255 characters of UTF-8");
        uuid_new(s.id);
        r = store_schema_check(m->settings->connection, &why);
        r = r ? r : store_pg_new(m->settings->connection, CONNECT_S, &store, &why);
        if (r)
                return r < 0 ? err_pass(r) : manage_refuse(&why);
        r = STORE_RETRY;
        for (int i = 0; i < TRIES && r == STORE_RETRY; i++)
                r = try_add(store, &s, &there);
        if (r < 0)
                return err_pass(r);
        if (r != STORE_OK)
                return refuse(503, s.name,
                              "the database did not take it; see `site list`, and try again");
        if (there)
                return refuse(409, s.name, "there is one already");
        printf("%s %s\nNext: `atlas-manage bus sync` gives it its queue and user.\n", s.id, s.name);
        return MANAGE_OK;
}

int site_list(struct manage *m)
{
        OWN(store_rows_done) struct store_rows rows = { 0 };
        int r = sites_read(m->settings->connection, &rows);

        for (size_t i = 0; i < rows.n && r == MANAGE_OK; i++) {
                const struct site *s = (const struct site *)rows.rows + i;
                char seen[24];

                clock_format(s->last_seen_ms, seen, sizeof seen);
                printf("%s %-20s %-20s %s\n", s->id, s->name, *seen ? seen : "never",
                       s->description);
        }
        return r < 0 ? err_pass(r) : r;
}
