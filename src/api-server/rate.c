/* SPDX-License-Identifier: Apache-2.0 */
/* A bucket is the time at which it was, or will be, full again: one number, and one that has passed
 * need not be kept. */
#include "api-server/rate.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/map.h"

enum { KEPT_MAX = 4096, US = 1000 };

struct bucket {
        int64_t full_us;
        int64_t n_open;
        char project_id[];
};
struct rate {
        pthread_mutex_t lock;
        int64_t each_us, burst; /* 'each_us' 0: no limit */
        int64_t open_max;
        struct map buckets;
        size_t sweep_at; /* so many buckets are looked through for full ones */
};

int rate_new(int64_t per_s, int64_t burst, int64_t open_max, struct rate **ret)
{
        struct rate *r = calloc(1, sizeof *r);

        if (!r)
                return err_raise(-ENOMEM);
        pthread_mutex_init(&r->lock, NULL);
        r->each_us = per_s > 0 ? US * US / per_s : 0;
        r->burst = burst > 1 ? burst : 1;
        r->open_max = open_max;
        r->sweep_at = KEPT_MAX;
        *ret = r;
        return 0;
}

/* A full bucket without anything open is as good as none. */
static void sweep(struct rate *r, int64_t now_us)
{
        struct map kept = { 0 };
        struct bucket *b;

        for (size_t at = 0; (b = map_next(&r->buckets, &at, NULL));)
                if ((b->full_us <= now_us && !b->n_open) || map_set(&kept, b->project_id, b) != 0)
                        free(b);
        map_done(&r->buckets);
        r->buckets = kept;
        r->sweep_at = 2 * kept.n > KEPT_MAX ? 2 * kept.n : KEPT_MAX;
}

static struct bucket *bucket_of(struct rate *r, const char *project_id, int64_t now_us)
{
        struct bucket *b = map_get(&r->buckets, project_id);

        if (b)
                return b;
        if (r->buckets.n >= r->sweep_at)
                sweep(r, now_us);
        b = calloc(1, sizeof *b + strlen(project_id) + 1);
        if (!b)
                return NULL;
        memcpy(b->project_id, project_id, strlen(project_id) + 1);
        if (map_set(&r->buckets, b->project_id, b) == 0)
                return b;
        free(b);
        return NULL;
}

int64_t rate_take(struct rate *r, const char *project_id, int64_t now_ms)
{
        int64_t now_us = now_ms * US, wait_us = 0;
        struct bucket *b;

        if (r->each_us == 0)
                return 0;
        pthread_mutex_lock(&r->lock);
        b = bucket_of(r, project_id, now_us);
        if (b) {
                if (b->full_us < now_us)
                        b->full_us = now_us;
                wait_us = b->full_us + r->each_us - now_us - r->burst * r->each_us;
                if (wait_us <= 0)
                        b->full_us += r->each_us;
        }
        pthread_mutex_unlock(&r->lock);
        return wait_us > 0 ? (wait_us + US - 1) / US : 0;
}

bool rate_begin(struct rate *r, const char *project_id, int64_t now_ms)
{
        struct bucket *b;
        bool may = true;

        pthread_mutex_lock(&r->lock);
        b = bucket_of(r, project_id, now_ms * US);
        if (b && r->open_max)
                may = b->n_open < r->open_max;
        if (b && may)
                b->n_open++;
        pthread_mutex_unlock(&r->lock);
        return may;
}

void rate_end(struct rate *r, const char *project_id)
{
        struct bucket *b;

        pthread_mutex_lock(&r->lock);
        b = map_get(&r->buckets, project_id);
        if (b && b->n_open > 0)
                b->n_open--;
        pthread_mutex_unlock(&r->lock);
}

struct rate *rate_free(struct rate *r)
{
        struct bucket *b;

        if (!r)
                return NULL;
        for (size_t at = 0; (b = map_next(&r->buckets, &at, NULL));)
                free(b);
        map_done(&r->buckets);
        pthread_mutex_destroy(&r->lock);
        free(r);
        return NULL;
}
