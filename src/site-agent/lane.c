/* SPDX-License-Identifier: Apache-2.0 */
/* The worker: takes tasks, runs the core, looks at its gateway when it is due. */
#include "site-agent/lane.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "site-agent/counters.h"

enum { LOOK_TIMEOUT_MS = 10000 };

struct lane {
        struct outbox *outbox;
        const struct port_site *site;
        struct gateway_unit unit;
        bool has_unit;
        struct port_cloud cloud;
        struct queue *queue;
        pthread_t thread;
        bool started;
        atomic_bool stopping;
        struct task *stop; /* wakes the thread; made beforehand: stopping needs no memory */
        int64_t look_at_ms;

        pthread_mutex_t mutex;
        struct gateway_seen seen; /* the unit's, for other threads */
};

int lane_new(const struct lane_spec *spec, struct lane **ret, struct fault *why)
{
        OWN(lane_free) struct lane *l = calloc(1, sizeof *l);
        int r = l ? 0 : err_raise(-ENOMEM);

        if (r != 0)
                return r;
        pthread_mutex_init(&l->mutex, NULL);
        l->outbox = spec->outbox;
        l->site = spec->site;
        l->cloud.driver = spec->cloud;
        r = queue_new(&l->queue);
        r = r ? r : task_new(TASK_STOP, l->outbox, NULL, &l->stop);
        r = r ? r : spec->cloud->open(spec->file, &l->cloud.handle, why);
        if (r == 0 && spec->gateway) {
                r = gateway_unit_open(spec->file, spec->gateway, &l->unit, why);
                l->has_unit = r == 0;
                l->seen = l->unit.seen;
        }
        if (r != 0)
                return r < 0 ? err_pass(r) : r;
        *ret = TAKE(l);
        return 0;
}

struct lane *lane_free(struct lane *l)
{
        if (!l)
                return NULL;
        lane_ask_stop(l);
        lane_join(l);
        if (l->stop)
                task_end(l->stop, BUS_DONE, NULL);
        if (l->has_unit)
                gateway_unit_close(&l->unit);
        if (l->cloud.handle)
                l->cloud.driver->close(l->cloud.handle);
        queue_free(l->queue);
        pthread_mutex_destroy(&l->mutex);
        free(l);
        return NULL;
}

void lane_put(struct lane *l, struct task *t)
{
        queue_put(l->queue, &t->item);
}

struct gateway_unit *lane_unit(struct lane *l)
{
        return l->has_unit ? &l->unit : NULL;
}

void lane_seen(struct lane *l, struct gateway_seen *ret)
{
        pthread_mutex_lock(&l->mutex);
        *ret = l->seen;
        pthread_mutex_unlock(&l->mutex);
}

/* True when the conductor should hear of it at once: another device, or one that came into reach.
 */
static bool show_seen(struct lane *l)
{
        bool news;

        pthread_mutex_lock(&l->mutex);
        news = l->unit.seen.described &&
               (!l->seen.described ||
                strcmp(l->seen.gateway.boot_id, l->unit.seen.gateway.boot_id) != 0);
        if (l->seen.gateway.reachable != l->unit.seen.gateway.reachable)
                log_info("gateway_reachable", "gateway=%s reachable=%d", l->unit.name,
                         l->unit.seen.gateway.reachable);
        l->seen = l->unit.seen;
        pthread_mutex_unlock(&l->mutex);
        return news;
}

static void look(struct lane *l, bool asked)
{
        struct task *t = NULL;

        gateway_unit_look(&l->unit, clock_mono_ms() + LOOK_TIMEOUT_MS);
        l->look_at_ms = clock_mono_ms() + l->unit.settings.probe_interval_s * 1000;
        if (!show_seen(l) && !asked)
                return;
        if (task_new(TASK_LOOKED, l->outbox, NULL, &t) != 0) {
                log_error("out_of_memory", "gateway=%s", l->unit.name);
                return;
        }
        t->lane = l;
        t->asked = asked;
        queue_put(l->outbox->back, &t->item);
}

static void log_done(const struct task *t, const struct port_event *event, int64_t took_ms)
{
        log_event(fault_is_set(&event->fault) ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "command",
                  "request=%s method=%s gateway=%s took_ms=%" PRId64
                  " expired=%d fault=%s reason=\"%s\"",
                  task_request_id(t), t->delivery->request->method,
                  port_work_gateway(t->delivery->request->args), took_ms, event->expired,
                  fault_is_set(&event->fault) ? event->fault.type : "-", event->fault.message);
}

/* A command without an answer: nobody could be told, so the conductor's own deadline answers. */
static void give_up(struct task *t, int r, const struct fault *why)
{
        const char *reason = r > 0 ? why->message : err_trace();

        log_error("command_dead", "request=%s method=%s reason=\"%s\"", task_request_id(t),
                  t->delivery->request->method, reason);
        task_end(t, BUS_DEAD, reason);
}

static void run_command(struct lane *l, struct task *t)
{
        const struct request *request = t->delivery->request;
        const struct port_command command = {
                .method = request->method,
                .args = request->args,
                .request_id = task_request_id(t),
                .received_mono_ms = t->delivery->received_mono_ms,
                .expiration_ms = t->delivery->expiration_ms,
        };
        struct port_event event = { 0 };
        struct fault why = { 0 };
        int64_t began_ms = clock_mono_ms();
        int r;

        log_request(command.request_id);
        if (FAILPOINT_ANY())
                task_mark(t);
        r = port_work_run(l->site, t->unit, &l->cloud, &command, began_ms, &event, &why);
        log_request(NULL);
        if (l->has_unit)
                show_seen(l);
        if (r != 0) {
                give_up(t, r, &why);
                return;
        }
        counters_command(command.method, &event, clock_mono_ms() - began_ms);
        log_done(t, &event, clock_mono_ms() - began_ms);
        t->event = event.method;
        t->args = event.args;
        if (FAILPOINT("agent.after_apply"))
                log_warn("failpoint", "name=agent.after_apply");
        task_send(t);
}

static void run_task(struct lane *l, struct task *t)
{
        if (l->stopping) {
                task_end(t, BUS_AGAIN, NULL);
        } else if (t->kind == TASK_LOOK) {
                l->unit.seen.described = false; /* asked anew: describe it anew */
                look(l, true);
                task_end(t, BUS_DONE, NULL);
        } else {
                run_command(l, t);
        }
}

static bool look_is_due(const struct lane *l)
{
        return l->has_unit && !l->stopping && clock_mono_ms() >= l->look_at_ms;
}

static void run_waiting(struct lane *l)
{
        struct queue_item *item = queue_take(l->queue);

        while (item) {
                struct task *t = (struct task *)item;

                item = item->next;
                run_task(l, t);
                if (look_is_due(l))
                        look(l, false);
        }
}

/* Until the next look; -1 without a gateway. */
static int patience_ms(const struct lane *l)
{
        int64_t left = l->look_at_ms - clock_mono_ms();

        return !l->has_unit ? -1 : left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

static void *lane_main(void *arg)
{
        struct lane *l = arg;

        while (!l->stopping) {
                queue_wait(l->queue, patience_ms(l));
                run_waiting(l);
                if (look_is_due(l))
                        look(l, false);
        }
        return NULL;
}

int lane_start(struct lane *l)
{
        int r;

        l->look_at_ms = INT64_MAX; /* the first look is asked for */
        r = pthread_create(&l->thread, NULL, lane_main, l);
        l->started = r == 0;
        return r ? err_raise(-r) : 0;
}

void lane_ask_stop(struct lane *l)
{
        l->stopping = true;
        if (l->started && l->stop)
                lane_put(l, TAKE(l->stop));
}

void lane_join(struct lane *l)
{
        if (!l->started)
                return;
        pthread_join(l->thread, NULL);
        l->started = false;
        run_waiting(l); /* what came after the stop goes back */
}
