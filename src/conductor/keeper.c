/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that looks twice a second at the small table of timers, and at the life signs of all
 * conductors. */
#include "conductor/keeper.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/pg.h"

enum {
        LOOK_EVERY_MS = 500,
        DUE_MAX = 256,
        SWEEP_EVERY_MS = 10000,
        KEYS_LIVE_MS = 24 * 3600 * 1000,
        MONTHS_EVERY_MS = 3600 * 1000
};

static struct metric metric_due =
        METRIC(METRIC_COUNTER, "atlas_conductor_timers_due_total", NULL, "Timers found due");
static struct metric metric_dead = METRIC(METRIC_COUNTER, "atlas_conductor_dead_total", NULL,
                                          "Dead conductors whose commands were sent again");

static struct metric metric_unread =
        METRIC(METRIC_GAUGE, "atlas_conductor_gateways_unread", NULL,
               "Gateways that were not read since the database was restored");
static struct metric metric_found = METRIC(METRIC_GAUGE, "atlas_conductor_objects_found", NULL,
                                           "Objects at gateways that no row knows");

struct keeper {
        struct keeper_spec spec;
        const struct conductor_settings *settings;
        struct store *store;
        struct store_life *life;
        pthread_t thread;
        bool started;
        int stop_fd;
        size_t turn;            /* which worker is next */
        _Atomic int64_t n_open; /* our jobs that are not done */
        uint64_t send_epoch;
        int64_t rested_from_ms; /* since when the bus is whole again */
        int64_t swept_ms, months_ms;
};

static int life_take(struct keeper *k, _Atomic int64_t *number, struct fault *why)
{
        int r = store_life_new(k->settings->connection, k->settings->host, clock_wall_ms(),
                               &k->life, why);

        if (r == 0)
                atomic_store(number, store_life_number(k->life));
        return r;
}

static void put(struct keeper *k, enum input_kind kind, const struct timer *timer)
{
        struct job *j = job_timer(kind, timer);

        if (!j)
                return; /* found again at the next look */
        j->n_open = &k->n_open;
        atomic_fetch_add(&k->n_open, 1);
        worker_put(k->spec.workers[k->turn++ % k->spec.n_workers], j);
}

/* Hands every row of one select to the workers. */
static bool put_all(struct keeper *k, enum input_kind kind, int64_t owner)
{
        OWN(store_rows_done) struct store_rows rows = { 0 };
        char text[24];
        const char *values[] = { text };
        int r;

        snprintf(text, sizeof text, "%lld", (long long)owner);
        r = store_begin(k->store);
        if (r == 0)
                r = kind == INPUT_TIMER ? store_due(k->store, clock_wall_ms(), DUE_MAX, &rows)
                                        : store_select(k->store, &store_tables[T_TIMER], "owner",
                                                       values, 1, false, &rows);
        r = r ? r : store_flush(k->store);
        store_rollback(k->store);
        for (size_t i = 0; r == 0 && i < rows.n; i++)
                put(k, kind, (struct timer *)rows.rows + i);
        if (kind == INPUT_TIMER)
                metric_add(&metric_due, (int64_t)rows.n);
        return r == 0;
}

/* Timers rest while the bus is down: what they wait for cannot come. */
static bool bus_is_whole(struct keeper *k)
{
        int64_t now = clock_mono_ms();

        if (!bus_can_send(k->spec.bus) || !bus_consumer_ready(k->spec.consumer)) {
                k->rested_from_ms = 0;
                return false;
        }
        if (!k->rested_from_ms)
                k->rested_from_ms = now;
        return now - k->rested_from_ms >= (k->send_epoch ? 1000 : 0);
}

static void look_at_the_dead(struct keeper *k)
{
        OWN(mem_free) int64_t *dead = NULL;
        struct fault why = { 0 };
        size_t n = 0;

        if (!k->life || !store_life_dead(k->life, &dead, &n)) {
                k->life = store_life_free(k->life);
                if (life_take(k, k->spec.number, &why))
                        log_warn("life_sign_lost", "reason=\"%s\"", why.message);
                return;
        }
        for (size_t i = 0; i < n; i++) {
                if (!put_all(k, INPUT_LOST, dead[i]))
                        return;
                log_info("conductor_dead", "number=%lld", (long long)dead[i]);
                metric_add(&metric_dead, 1);
                store_life_forget(k->life, dead[i]);
        }
}

/* A new connection for sending: what the old one carried may be gone with the broker. */
static void look_at_the_bus(struct keeper *k)
{
        uint64_t epoch = bus_send_epoch(k->spec.bus);

        if (k->send_epoch && epoch != k->send_epoch &&
            !put_all(k, INPUT_LOST, atomic_load(k->spec.number)))
                return;
        k->send_epoch = epoch;
}

static void sweep(struct keeper *k)
{
        struct store_restore restore;
        int64_t now = clock_mono_ms();

        if (!k->life || now - k->swept_ms < SWEEP_EVERY_MS)
                return;
        k->swept_ms = now;
        store_life_sweep(k->life, clock_wall_ms() - KEYS_LIVE_MS);
        if (store_life_restore(k->life, &restore)) {
                metric_set(&metric_unread, restore.unread);
                metric_set(&metric_found, restore.found);
        }
        if (k->months_ms && now - k->months_ms < MONTHS_EVERY_MS)
                return;
        if (store_life_months(k->life, k->settings->keep_history_days))
                k->months_ms = now;
        else
                log_warn("history_months",
                         "reason=\"the database could not do it; it is asked again\"");
}

static void *keep(void *user)
{
        struct keeper *k = user;
        struct pollfd stop = { .fd = k->stop_fd, .events = POLLIN };

        while (poll(&stop, 1, LOOK_EVERY_MS) == 0) {
                look_at_the_dead(k);
                sweep(k);
                if (!bus_is_whole(k) || atomic_load(&k->n_open))
                        continue;
                look_at_the_bus(k);
                put_all(k, INPUT_TIMER, 0);
        }
        return NULL;
}

int keeper_new(const struct conductor_settings *settings, _Atomic int64_t *number,
               struct keeper **ret, struct fault *why)
{
        OWN(keeper_free) struct keeper *k = calloc(1, sizeof *k);
        int r;

        if (!k)
                return err_raise(-ENOMEM);
        k->settings = settings;
        k->stop_fd = eventfd(0, EFD_CLOEXEC);
        r = store_pg_new(settings->connection, 5, &k->store, why);
        r = r ? r : life_take(k, number, why);
        if (r)
                return r;
        *ret = TAKE(k);
        return 0;
}

int keeper_start(struct keeper *k, const struct keeper_spec *spec)
{
        int r;

        k->spec = *spec;
        r = pthread_create(&k->thread, NULL, keep, k);
        k->started = r == 0;
        return r ? err_raise(-r) : 0;
}

void keeper_stop(struct keeper *k)
{
        if (!k || !k->started)
                return;
        eventfd_write(k->stop_fd, 1);
        pthread_join(k->thread, NULL);
        k->started = false;
}

struct keeper *keeper_free(struct keeper *k)
{
        if (!k)
                return NULL;
        keeper_stop(k);
        close(k->stop_fd);
        store_life_free(k->life);
        store_free(k->store);
        free(k);
        return NULL;
}
