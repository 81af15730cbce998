/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/line.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "bus/counters.h"

enum { STACK_BYTES = 8 << 20, FIRST_RETRY_MS = 100, LAST_RETRY_MS = 2000 };

struct line {
        struct line_net net;
        const struct line_duty *duty;
        void *user;
        struct queue *queue;
        struct queue_item wake; /* in the queue while 'woken' */
        _Atomic bool woken, stop, opening;
        pthread_t thread;
        struct watch watch;
        pthread_mutex_t awake; /* held by the thread but while it sleeps */

        struct session *session;
        struct backoff backoff;
        int64_t retry_ms;
        size_t next_host;
        struct log_limit away_log, lost_log;
};

/* Under watch: the library's own waits would go on when the program wants to end. */
static bool get_up(struct line *l, struct session *s)
{
        bool good;

        watch_begin(l->net.watchdog, &l->watch, s->fd, clock_mono_ms() + 2 * SESSION_RPC_MS);
        good = l->duty->up(s, l->user);
        watch_end(l->net.watchdog, &l->watch);
        return good;
}

static void open_session(struct line *l)
{
        const struct broker_host *host = &l->net.url->hosts[l->next_host++ % l->net.url->n_hosts];
        char name[256];
        const struct session_how how = {
                .host = host,
                .vhost = l->net.url->vhost,
                .name = name,
                .settings = l->net.settings,
                .watchdog = l->net.watchdog,
                .watch = &l->watch,
        };
        OWN(session_free) struct session *s = NULL;
        struct fault why = { 0 };
        bool good;
        int r;

        snprintf(name, sizeof name, "%s:%d:%s", l->net.program, (int)getpid(), l->duty->purpose);
        atomic_store(&l->opening, true);
        r = session_open(&how, &l->duty->hears, l->user, &s, &why);
        good = r == SESSION_OK && get_up(l, s);
        atomic_store(&l->opening, false);
        if (good) {
                log_info("bus_connected", "purpose=%s host=%s port=%d", l->duty->purpose,
                         host->host, host->port);
                backoff_reset(&l->backoff);
                l->session = TAKE(s);
                return;
        }
        l->retry_ms = clock_mono_ms() + backoff_next_ms(&l->backoff, random_u32());
        if (log_allowed(&l->away_log, 5000))
                log_warn("bus_away", "purpose=%s host=%s port=%d reason=\"%s\"", l->duty->purpose,
                         host->host, host->port,
                         s       ? s->reason
                         : r < 0 ? err_trace()
                                 : why.message);
        if (s)
                l->duty->down(l->user);
}

static void drop_session(struct line *l)
{
        const struct broker_host *host =
                &l->net.url->hosts[(l->next_host - 1) % l->net.url->n_hosts];

        metric_add(&bus_reconnects, 1);
        if (log_allowed(&l->lost_log, 1000))
                log_warn("bus_lost", "purpose=%s host=%s port=%d reason=\"%s\"", l->duty->purpose,
                         host->host, host->port, l->session->reason);
        l->session = session_free(l->session);
        l->duty->down(l->user);
        l->retry_ms = clock_mono_ms() + backoff_next_ms(&l->backoff, random_u32());
}

static void hand_over(struct line *l)
{
        struct queue_item *item = queue_take(l->queue), *next;

        for (; item; item = next) {
                next = item->next;
                if (item == &l->wake)
                        atomic_store(&l->woken, false);
                else
                        l->duty->item(item, l->user);
        }
}

/* Sleeps until the socket, another thread or 'until_ms' wants something; true if the socket does.
 */
static bool wait_for_work(struct line *l, int64_t until_ms)
{
        struct pollfd fds[] = {
                { .fd = queue_fd(l->queue), .events = POLLIN },
                { .fd = -1 },
        };
        int64_t left_ms = until_ms - clock_mono_ms();

        if (l->session) {
                fds[1].fd = l->session->fd;
                fds[1].events = (short)(POLLIN | (session_unwritten(l->session) > 0 ? POLLOUT : 0));
                if (l->session->unread)
                        left_ms = 0;
        }
        pthread_mutex_unlock(&l->awake);
        poll(fds, 2, left_ms <= 0 ? 0 : left_ms > 60000 ? 60000 : (int)left_ms);
        pthread_mutex_lock(&l->awake);
        if (fds[0].revents)
                hand_over(l);
        return fds[1].revents & ~POLLOUT;
}

/* One turn; the time when the next one is due. */
static int64_t turn(struct line *l, bool readable)
{
        int64_t now_ms = clock_mono_ms(), beat_ms = INT64_MAX, next_ms;

        if (l->session && readable)
                l->session->heard_ms = now_ms;
        if (l->session && (readable || l->session->unread))
                session_read(l->session);
        next_ms = l->duty->turn(l->session && !session_over(l->session) ? l->session : NULL, now_ms,
                                l->user);
        if (l->session) {
                session_flush(l->session, now_ms);
                beat_ms = session_beat(l->session, now_ms);
                if (session_over(l->session))
                        drop_session(l);
        }
        if (!l->session)
                beat_ms = l->retry_ms;
        return next_ms < beat_ms ? next_ms : beat_ms;
}

static void *line_thread(void *arg)
{
        struct line *l = arg;
        bool readable = false;

        pthread_mutex_lock(&l->awake);
        while (!atomic_load(&l->stop)) {
                int64_t next_ms;

                if (!l->session && clock_mono_ms() >= l->retry_ms)
                        open_session(l);
                next_ms = turn(l, readable);
                readable = wait_for_work(l, next_ms);
        }
        hand_over(l);
        turn(l, false);
        if (l->session) {
                l->session = session_free(l->session);
                l->duty->down(l->user);
        }
        pthread_mutex_unlock(&l->awake);
        return NULL;
}

bool line_act(struct line *l, bool (*act)(struct session *s, int64_t now_ms, void *arg), void *arg)
{
        bool done = false;

        if (pthread_mutex_trylock(&l->awake) != 0)
                return false;
        if (l->session && !l->session->tls && !session_over(l->session) &&
            session_unwritten(l->session) == 0 && queue_is_empty(l->queue)) {
                int64_t now_ms = clock_mono_ms();

                done = act(l->session, now_ms, arg);
                session_flush(l->session, now_ms);
                /* The thread knows neither of an error nor of what is left to write. */
                if (session_over(l->session) || session_unwritten(l->session) > 0)
                        line_wake(l);
        }
        pthread_mutex_unlock(&l->awake);
        return done;
}

int line_new(const struct line_net *net, const struct line_duty *duty, void *user,
             struct queue *queue, struct line **ret)
{
        struct line *l = calloc(1, sizeof *l);
        pthread_attr_t attr;
        int r;

        if (!l)
                return err_raise(-ENOMEM);
        l->net = *net;
        l->duty = duty;
        l->user = user;
        l->queue = queue;
        l->backoff = (struct backoff){ .first_ms = FIRST_RETRY_MS, .limit_ms = LAST_RETRY_MS };
        pthread_mutex_init(&l->awake, NULL);
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, STACK_BYTES);
        *ret = l; /* the thread may use it through its owner at once */
        r = pthread_create(&l->thread, &attr, line_thread, l);
        pthread_attr_destroy(&attr);
        if (r == 0)
                return 0;
        *ret = NULL;
        pthread_mutex_destroy(&l->awake);
        free(l);
        return err_raise(-r);
}

void line_wake(struct line *l)
{
        if (!atomic_exchange(&l->woken, true))
                queue_put(l->queue, &l->wake);
}

struct line *line_free(struct line *l)
{
        if (!l)
                return NULL;
        atomic_store(&l->stop, true);
        if (atomic_load(&l->opening))
                watch_cut(l->net.watchdog, &l->watch);
        line_wake(l);
        pthread_join(l->thread, NULL);
        /* The wake-up stands in this memory. */
        while (atomic_load(&l->woken))
                hand_over(l);
        pthread_mutex_destroy(&l->awake);
        free(l);
        return NULL;
}
