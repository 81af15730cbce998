/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/site_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

bool site_cache_stale(const struct site_cache *c, int64_t now_mono_ms, bool *ret_wait)
{
        int64_t age = now_mono_ms - c->read_mono_ms;

        *ret_wait = c->read_mono_ms == 0 ||
                    age > (c->silent ? SITE_CACHE_SILENT_MS : SITE_CACHE_USABLE_MS);
        return *ret_wait || age > SITE_CACHE_FRESH_MS;
}

int site_cache_set(struct site_cache *c, const struct store_rows *rows, int64_t now_mono_ms,
                   int64_t now_wall_ms)
{
        bool silent = false;
        struct site *sites = calloc(rows->n ? rows->n : 1, sizeof *sites);
        struct map by_id = { 0 };
        int r = sites ? 0 : -ENOMEM;

        if (sites && rows->n)
                memcpy(sites, rows->rows, rows->n * sizeof *sites);
        for (size_t i = 0; i < rows->n && r == 0; i++) {
                silent = silent || site_is_silent(&sites[i], now_wall_ms);
                r = map_set(&by_id, sites[i].id, &sites[i]);
        }
        if (r != 0) {
                map_done(&by_id);
                free(sites);
                return err_raise(r);
        }
        site_cache_done(c);
        c->rows = (struct store_rows){ .rows = sites, .n = rows->n, .room = rows->n };
        c->by_id = by_id;
        c->read_mono_ms = now_mono_ms;
        c->silent = silent;
        return 0;
}

bool site_cache_silent(const struct site_cache *c, const char *id, int64_t now_wall_ms)
{
        const struct site *s = map_get(&c->by_id, id);

        return !s || site_is_silent(s, now_wall_ms);
}

void site_cache_done(struct site_cache *c)
{
        map_done(&c->by_id);
        free(c->rows.rows);
        c->rows = (struct store_rows){ 0 };
        c->by_id = (struct map){ 0 };
        c->read_mono_ms = 0;
}
