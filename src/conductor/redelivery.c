/* SPDX-License-Identifier: Apache-2.0 */
/* Counts in a row how often a message that came again was begun, before it is begun once more: what
 * kills or stops every conductor that takes it is found by that. The batch that does a message
 * takes its row away. */
#include "conductor/redelivery.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/own.h"
#include "base/text.h"
#include "store/tables.h"

enum { UNIQUE_ID_MAX = 64 };

int redelivery_name(const struct request *q, char ret[KEY_SIZE])
{
        OWN(mem_free) char *args = NULL;
        char digest[DIGEST_SIZE];
        size_t n = q->unique_id ? strlen(q->unique_id) : 0;

        if (n > 0 && n <= UNIQUE_ID_MAX && text_utf8_valid(q->unique_id, n)) {
                text_copy(ret, KEY_SIZE, q->unique_id);
                return 0;
        }
        args = json_dumps(q->args, JSON_COMPACT | JSON_SORT_KEYS);
        if (!args)
                return err_raise(-ENOMEM);
        digest_format(digest_text(args) ^ digest_text(q->method), digest);
        snprintf(ret, KEY_SIZE, "~%s", digest);
        return 0;
}

static int count_once(struct store *store, const char *name, int64_t now_ms, int64_t *ret)
{
        OWN(store_rows_done) struct store_rows rows = { 0 };
        const struct store_table *t = &store_tables[T_REDELIVERED];
        struct redelivered row = { .times = 1, .at_ms = now_ms };
        const void *put = &row;
        int r = store_begin(store);

        r = r ? r : store_select(store, t, "message", &name, 1, true, &rows);
        r = r ? r : store_flush(store);
        if (r == 0 && rows.n)
                row.times = ((const struct redelivered *)rows.rows)->times + 1;
        TEXT_SET(row.message, name);
        r = r ? r : store_put(store, t, &put, 1);
        r = r ? r : store_commit(store);
        if (r == 0)
                *ret = row.times;
        else
                store_rollback(store);
        return r;
}

int redelivery_count(struct store *store, const char *name, int64_t now_ms, int64_t *ret)
{
        int r = STORE_RETRY;

        for (int i = 0; i < 10 && r == STORE_RETRY; i++)
                r = count_once(store, name, now_ms, ret);
        return r;
}

int redelivery_forget(struct store *store, const char *name)
{
        struct redelivered row = { 0 };
        const void *gone = &row;
        int r;

        TEXT_SET(row.message, name);
        r = store_begin(store);
        r = r ? r : store_remove(store, &store_tables[T_REDELIVERED], &gone, 1);
        r = r ? r : store_commit(store);
        if (r)
                store_rollback(store);
        return r;
}
