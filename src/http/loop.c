/* SPDX-License-Identifier: Apache-2.0 */
/* One event loop: its posts from other threads, and the descriptors and times it watches for others.
 */
#include "http/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"

enum { TICK_MS = 250 };

void loop_run_posts(struct http_loop *loop)
{
        struct queue_item *item = queue_take(loop->posts);

        while (item) {
                struct queue_item *next = item->next;
                struct http_post *post = (struct http_post *)item;

                post->run(post);
                item = next;
        }
}

void http_loop_post(struct http_loop *loop, struct http_post *post)
{
        queue_put(loop->posts, &post->item);
}

void *http_loop_local(const struct http_loop *loop)
{
        return loop->local;
}

bool http_loop_draining(const struct http_loop *loop)
{
        return loop->draining;
}

static void on_posts(evutil_socket_t fd, short what, void *user)
{
        (void)fd;
        (void)what;
        loop_run_posts(user);
}

static void on_accept(evutil_socket_t fd, short what, void *user)
{
        (void)fd;
        (void)what;
        conn_accept_all(user);
}

static void on_tick(evutil_socket_t fd, short what, void *user)
{
        (void)fd;
        (void)what;
        conn_tick(user);
}

int loop_init(struct http_loop *loop, const struct http_server_spec *spec, int listen_fd)
{
        struct event_config *config = event_config_new();
        struct timeval tick = { 0, TICK_MS * 1000 };
        int r;

        loop->spec = spec;
        loop->listen_fd = listen_fd;
        loop->accepting = true;
        if (config) {
                event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
                loop->base = event_base_new_with_config(config);
                event_config_free(config);
        }
        if (!loop->base)
                return err_raise(-ENOMEM);
        r = queue_new(&loop->posts);
        if (r != 0)
                return err_pass(r);
        loop->on_posts =
                event_new(loop->base, queue_fd(loop->posts), EV_READ | EV_PERSIST, on_posts, loop);
        loop->on_accept = event_new(loop->base, listen_fd, EV_READ | EV_PERSIST, on_accept, loop);
        loop->on_tick = event_new(loop->base, -1, EV_PERSIST, on_tick, loop);
        if (!loop->on_posts || !loop->on_accept || !loop->on_tick ||
            event_add(loop->on_posts, NULL) != 0 || event_add(loop->on_accept, NULL) != 0 ||
            event_add(loop->on_tick, &tick) != 0)
                return err_raise(-ENOMEM);
        return 0;
}

void loop_done(struct http_loop *loop)
{
        struct event **events[] = { &loop->on_posts, &loop->on_accept, &loop->on_tick };

        for (size_t i = 0; i < sizeof events / sizeof *events; i++)
                if (*events[i])
                        event_free(TAKE(*events[i]));
        if (loop->base)
                event_base_free(TAKE(loop->base));
        if (loop->listen_fd >= 0)
                close(loop->listen_fd);
        loop->listen_fd = -1;
        loop->posts = queue_free(loop->posts);
}

/* ---- watches ---- */

struct http_watch {
        void (*on_event)(void *user);
        void *user;
        struct event *readable;
};

static void on_watch(evutil_socket_t fd, short what, void *user)
{
        struct http_watch *w = user;

        (void)fd;
        (void)what;
        w->on_event(w->user);
}

int http_watch_new(struct http_loop *loop, int fd, void (*on_event)(void *user), void *user,
                   struct http_watch **ret)
{
        OWN(http_watch_free) struct http_watch *w = calloc(1, sizeof *w);

        if (!w)
                return err_raise(-ENOMEM);
        w->on_event = on_event;
        w->user = user;
        w->readable = event_new(loop->base, fd, EV_READ | EV_PERSIST, on_watch, w);
        if (!w->readable || event_add(w->readable, NULL) != 0)
                return err_raise(-ENOMEM);
        *ret = TAKE(w);
        return 0;
}

void http_watch_kick(struct http_watch *w)
{
        event_active(w->readable, EV_READ, 0);
}

struct http_watch *http_watch_free(struct http_watch *w)
{
        if (!w)
                return NULL;
        if (w->readable)
                event_free(w->readable);
        free(w);
        return NULL;
}

/* ---- timers ---- */

struct http_timer {
        void (*on_time)(void *user);
        void *user;
        struct event *event;
};

static void on_timer(evutil_socket_t fd, short what, void *user)
{
        struct http_timer *t = user;

        (void)fd;
        (void)what;
        t->on_time(t->user);
}

int http_timer_new(struct http_loop *loop, void (*on_time)(void *user), void *user,
                   struct http_timer **ret)
{
        OWN(http_timer_free) struct http_timer *t = calloc(1, sizeof *t);

        if (!t)
                return err_raise(-ENOMEM);
        t->on_time = on_time;
        t->user = user;
        t->event = event_new(loop->base, -1, 0, on_timer, t);
        if (!t->event)
                return err_raise(-ENOMEM);
        *ret = TAKE(t);
        return 0;
}

void http_timer_set(struct http_timer *t, int64_t ms)
{
        struct timeval in = { ms / 1000, ms % 1000 * 1000 };

        event_add(t->event, &in);
}

struct http_timer *http_timer_free(struct http_timer *t)
{
        if (!t)
                return NULL;
        if (t->event)
                event_free(t->event);
        free(t);
        return NULL;
}
