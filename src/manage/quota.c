/* SPDX-License-Identifier: Apache-2.0 */
/* What a project may have, and has. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "manage/manage.h"
#include "store/pg.h"
#include "store/tables.h"

enum { CONNECT_S = 5, TRIES = 3 };

static int refuse(int code, const char *project, const char *problem)
{
        struct fault why = { 0 };

        fault_set(&why, code, "quota.refused", "Project %.100s: %s.", project, problem);
        return manage_refuse(&why);
}

/* "none", "default" or a number over 'ret'; left alone when not given. */
static bool limit_read(const char *text, int64_t *ret)
{
        long long n;

        if (!text)
                return true;
        if (text_equal(text, "none") || text_equal(text, "-1"))
                *ret = QUOTA_NONE;
        else if (text_equal(text, "default"))
                *ret = QUOTA_DEFAULT;
        else if (text_to_int(text, 0, INT64_MAX, &n))
                *ret = n;
        else
                return false;
        return true;
}

static void print(const char *name, int64_t limit, int64_t used)
{
        char text[24] = "default";

        if (limit == QUOTA_NONE)
                TEXT_SET(text, "none");
        else if (limit != QUOTA_DEFAULT)
                snprintf(text, sizeof text, "%lld", (long long)limit);
        printf("%-13s %20s %20lld\n", name, text, (long long)used);
}

static int open_store(struct manage *m, struct store **ret)
{
        struct fault why = { 0 };
        int r;

        if (!*m->word || strlen(m->word) >= PROJECT_SIZE ||
            !text_utf8_valid(m->word, strlen(m->word)))
                return refuse(400, m->word, "an id is 1 to 255 bytes of UTF-8");
        r = store_schema_check(m->settings->connection, &why);
        r = r ? r : store_pg_new(m->settings->connection, CONNECT_S, ret, &why);
        return r == 0 ? MANAGE_OK : r < 0 ? err_pass(r) : manage_refuse(&why);
}

/* STORE_… or negative: both as they are now. */
static int read_both(struct store *store, const char *project, bool lock, struct quota *ret,
                     struct project_use *ret_use)
{
        OWN(store_rows_done) struct store_rows quotas = { 0 }, uses = { 0 };
        int r = store_begin(store);

        *ret = (struct quota){ .limits = { QUOTA_DEFAULT, QUOTA_DEFAULT, QUOTA_DEFAULT } };
        *ret_use = (struct project_use){ 0 };
        TEXT_SET(ret->project_id, project);
        r = r ? r
              : store_select(store, &store_tables[T_QUOTA], "project_id", &project, 1, lock,
                             &quotas);
        r = r ? r
              : store_select(store, &store_project_use, "project_id", &project, 1, false, &uses);
        r = r ? r : store_flush(store);
        if (r == STORE_OK && quotas.n)
                *ret = *(const struct quota *)quotas.rows;
        if (r == STORE_OK && uses.n)
                *ret_use = *(const struct project_use *)uses.rows;
        return r;
}

static int tell(const char *project, int r, const struct quota *q, const struct project_use *use)
{
        if (r < 0)
                return err_pass(r);
        if (r != STORE_OK)
                return refuse(503, project, "the database did not answer; try again");
        printf("%-13s %20s %20s\n", "resource", "limit", "used");
        print("vpns", q->limits.vpns, use->vpns);
        print("virtual_links", q->limits.links, use->links);
        print("kbps", q->limits.kbps, use->kbps);
        return MANAGE_OK;
}

int quota_show(struct manage *m)
{
        OWN(store_free) struct store *store = NULL;
        struct project_use use;
        struct quota q;
        int r = open_store(m, &store);

        if (r)
                return r;
        r = read_both(store, m->word, false, &q, &use);
        if (r == STORE_OK)
                r = store_commit(store);
        return tell(m->word, r, &q, &use);
}

static int audit(struct store *store, const struct quota *q)
{
        struct event e = { .object_type = "project", .type = "quota.set" };

        TEXT_SET(e.project_id, q->project_id);
        snprintf(e.reason, sizeof e.reason,
                 "vpns %lld, links %lld, kbps %lld (-1: none, -2: default)",
                 (long long)q->limits.vpns, (long long)q->limits.links, (long long)q->limits.kbps);
        return audit_put(store, &e);
}

int quota_set(struct manage *m)
{
        OWN(store_free) struct store *store = NULL;
        struct project_use use;
        struct quota q;
        int r = open_store(m, &store), answer = STORE_RETRY;

        for (int i = 0; r == MANAGE_OK && i < TRIES && answer == STORE_RETRY; i++) {
                const void *rows[] = { &q };

                answer = read_both(store, m->word, true, &q, &use);
                if (answer != STORE_OK)
                        continue;
                if (!limit_read(m->vpns, &q.limits.vpns) ||
                    !limit_read(m->links, &q.limits.links) || !limit_read(m->kbps, &q.limits.kbps))
                        return refuse(400, m->word,
                                      "a limit is a number from 0, \"none\" or \"default\"");
                answer = store_put(store, &store_tables[T_QUOTA], rows, 1);
                answer = answer ? answer : audit(store, &q);
                answer = answer ? answer : store_commit(store);
        }
        return r ? r : tell(m->word, answer, &q, &use);
}
