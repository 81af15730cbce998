#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A loop's copy of the site rows, at most about a second old while it is used: who is silent is
 * asked with each link. That somebody is silent is believed for less long: he may be heard of at
 * any moment. */

#include <stdbool.h>
#include <stdint.h>

#include "base/map.h"
#include "model/site.h"
#include "store/store.h"

enum { SITE_CACHE_FRESH_MS = 1000, SITE_CACHE_USABLE_MS = 3000, SITE_CACHE_SILENT_MS = 100 };

struct site_cache {
        struct store_rows rows;
        struct map by_id;
        int64_t read_mono_ms; /* 0: never */
        bool reading;
        bool silent; /* some site was */
};
/* The cache has to be read again; '*ret_wait' when it is also too old to be used meanwhile. */
bool site_cache_stale(const struct site_cache *c, int64_t now_mono_ms, bool *ret_wait);
/* Copies 'rows'. 0 or -ENOMEM; then it is as before. */
int site_cache_set(struct site_cache *c, const struct store_rows *rows, int64_t now_mono_ms,
                   int64_t now_wall_ms);
/* An unknown site counts as silent. */
bool site_cache_silent(const struct site_cache *c, const char *id, int64_t now_wall_ms);
void site_cache_done(struct site_cache *c);
