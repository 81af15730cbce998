/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

struct watchdog {
        pthread_mutex_t lock;
        pthread_cond_t changed;
        pthread_t thread;
        struct watch *first;
        bool stop;
};

/* Cuts what is overdue; the time of the next one. Under the lock. */
static int64_t cut_overdue(struct watchdog *w, int64_t now_ms)
{
        int64_t next_ms = INT64_MAX;

        for (struct watch *at = w->first; at; at = at->next) {
                if (at->until_ms <= now_ms) {
                        shutdown(at->fd, SHUT_RDWR);
                        at->until_ms = INT64_MAX;
                }
                next_ms = at->until_ms < next_ms ? at->until_ms : next_ms;
        }
        return next_ms;
}

static void *watchdog_thread(void *arg)
{
        struct watchdog *w = arg;

        pthread_mutex_lock(&w->lock);
        while (!w->stop) {
                int64_t next_ms = cut_overdue(w, clock_mono_ms());
                struct timespec at = { .tv_sec = next_ms / 1000,
                                       .tv_nsec = next_ms % 1000 * 1000000 };

                if (next_ms == INT64_MAX)
                        pthread_cond_wait(&w->changed, &w->lock);
                else
                        pthread_cond_timedwait(&w->changed, &w->lock, &at);
        }
        pthread_mutex_unlock(&w->lock);
        return NULL;
}

int watchdog_new(struct watchdog **ret)
{
        struct watchdog *w = calloc(1, sizeof *w);
        pthread_condattr_t monotonic;
        int r;

        if (!w)
                return err_raise(-ENOMEM);
        pthread_condattr_init(&monotonic);
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        pthread_cond_init(&w->changed, &monotonic);
        pthread_condattr_destroy(&monotonic);
        pthread_mutex_init(&w->lock, NULL);
        r = pthread_create(&w->thread, NULL, watchdog_thread, w);
        if (r != 0) {
                free(w);
                return err_raise(-r);
        }
        *ret = w;
        return 0;
}

struct watchdog *watchdog_free(struct watchdog *w)
{
        if (!w)
                return NULL;
        pthread_mutex_lock(&w->lock);
        w->stop = true;
        pthread_cond_signal(&w->changed);
        pthread_mutex_unlock(&w->lock);
        pthread_join(w->thread, NULL);
        pthread_cond_destroy(&w->changed);
        pthread_mutex_destroy(&w->lock);
        free(w);
        return NULL;
}

void watch_begin(struct watchdog *w, struct watch *watch, int fd, int64_t until_ms)
{
        pthread_mutex_lock(&w->lock);
        if (watch->depth++ == 0) {
                watch->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
                watch->until_ms = watch->cut ? 0 : until_ms;
                watch->next = w->first;
                w->first = watch;
                pthread_cond_signal(&w->changed);
        }
        pthread_mutex_unlock(&w->lock);
}

static struct watch **find(struct watchdog *w, const struct watch *watch)
{
        struct watch **at = &w->first;

        while (*at && *at != watch)
                at = &(*at)->next;
        return at;
}

void watch_end(struct watchdog *w, struct watch *watch)
{
        pthread_mutex_lock(&w->lock);
        if (--watch->depth == 0) {
                *find(w, watch) = watch->next;
                close(watch->fd);
        }
        pthread_mutex_unlock(&w->lock);
}

void watch_cut(struct watchdog *w, struct watch *watch)
{
        pthread_mutex_lock(&w->lock);
        watch->cut = true;
        if (watch->depth > 0)
                shutdown(watch->fd, SHUT_RDWR);
        pthread_mutex_unlock(&w->lock);
}
