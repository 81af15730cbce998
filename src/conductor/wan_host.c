/* SPDX-License-Identifier: Apache-2.0 */
/* Commands wait in a list of their domain until one of its threads is free. A thread holds the
 * circuit's lock while the driver works, and hands over what came of it with the command, which is
 * acknowledged after COMMIT: if we die before, another conductor gets it and asks the WAN. */
#include "conductor/wan_host.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"
#include "base/uuid.h"
#include "conductor/wan_call.h"
#include "drivers/wan/wan_driver.h"
#include "messages/topics.h"
#include "model/site.h"
#include "store/pg.h"

enum { CALLS_MAX = 64, AWAY_MS = 1000 };

static struct metric metric_calls = METRIC(METRIC_COUNTER, "atlas_conductor_wan_calls_total", NULL,
                                           "Commands that a WAN driver carried out");
static struct metric metric_faults = METRIC(METRIC_COUNTER, "atlas_conductor_wan_faults_total",
                                            NULL, "Those of them that failed");

struct settings {
        char *driver;
        int64_t calls, deadline_s;
};

#define AT(member) offsetof(struct settings, member)
/* clang-format off */
const struct setting wan_settings[] = {
        { "wan:", "driver", SETTING_TEXT, AT(driver), NULL, 0, 0,
          "Who makes the circuits of links in this WAN domain; the options of the drivers follow. The same in every conductor" },
        { "wan:", "calls", SETTING_INT, AT(calls), "4", 1, CALLS_MAX, "Links that this conductor has the driver work on at the same time" },
        { "wan:", "deadline", SETTING_INT, AT(deadline_s), "300", 1, 1500, "Seconds that one call of the driver may take" },
        { 0 },
};
/* clang-format on */

struct host;
/* One call at a time. */
struct caller {
        struct host *host;
        struct wan_handle *handle;
        struct store *store;
        struct store_lock *lock;
        pthread_t thread;
        bool started;
};
struct waiting {
        struct bus_delivery *delivery;
        struct waiting *next;
};
struct host {
        char domain[DOMAIN_SIZE];
        char queue[sizeof TOPIC_WAN + DOMAIN_SIZE];
        struct settings settings;
        const struct wan_driver *driver;
        const struct wan_hosts_spec *spec;
        struct bus_consumer *consumer;
        pthread_mutex_t mutex;
        pthread_cond_t something;
        struct waiting *first, **last;
        bool stopping;
        struct caller callers[CALLS_MAX];
        size_t n_callers;
};
struct wan_hosts {
        struct wan_hosts_spec spec;
        struct host *hosts;
        struct wan_domain *domains; /* beside them */
        size_t n;
};

/* ---- one command ---- */

/* Waits a little, unless all stops. */
static void pause_a_while(struct host *h)
{
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += AWAY_MS / 1000;
        pthread_mutex_lock(&h->mutex);
        while (!h->stopping && pthread_cond_timedwait(&h->something, &h->mutex, &until) == 0)
                ;
        pthread_mutex_unlock(&h->mutex);
}

static struct job *answer_new(struct host *h, const struct circuit_want *want, bool changed,
                              const struct fault *why, const char *request_id)
{
        struct job *j = calloc(1, sizeof *j);
        struct request *made = calloc(1, sizeof *made);

        if (made) {
                made->method = strdup("circuit_set");
                made->args = wan_answer(want, changed, why);
                made->context = json_pack("{s:s}", "request_id", request_id);
        }
        if (!j || !made || !made->method || !made->args || !made->context) {
                request_free(made);
                free(j);
                return NULL;
        }
        j->made = made;
        j->input.kind = INPUT_CIRCUIT;
        j->input.request = made;
        TEXT_SET(j->input.site, h->domain);
        return j;
}

static void call(struct caller *c, const struct circuit_want *want, const char *request_id,
                 struct bus_delivery *d)
{
        struct host *h = c->host;
        int64_t from_ms = clock_mono_ms();
        struct fault why = { 0 };
        struct job *j = NULL;
        bool changed = false;
        int r;

        log_info("wan_call", "request=%s link=%s domain=%s generation=%lld present=%d", request_id,
                 want->link_id, h->domain, (long long)want->generation, want->present);
        (void)FAILPOINT("conductor.before_wan_call");
        r = wan_apply(h->driver, c->handle, want, from_ms + h->settings.deadline_s * 1000, &changed,
                      &why);
        (void)FAILPOINT("conductor.after_wan_call");
        if (r < 0)
                fault_set(&why, 500, "wan.error", "The driver failed: %s.", err_trace());
        metric_add(&metric_calls, 1);
        metric_add(&metric_faults, r != 0);
        log_info("wan_answer", "request=%s link=%s domain=%s ms=%lld fault=%s reason=\"%s\"",
                 request_id, want->link_id, h->domain, (long long)(clock_mono_ms() - from_ms),
                 r ? why.type : "-", why.message);
        j = answer_new(h, want, changed, &why, request_id);
        store_lock_let(c->lock);
        if (!j) {
                bus_settle(d, BUS_AGAIN, NULL);
                return;
        }
        j->delivery = d;
        h->spec->on_answer(j, want->link_id, h->spec->user);
}

/* The lock is taken before the database is asked. Where another holds it, he will say what came of
 * it, and a newer desire is asked for then. */
static void carry_out(struct caller *c, struct bus_delivery *d)
{
        const char *link_id = json_string_value(json_object_get(d->request->args, "link_id"));
        char request_id[REQUEST_ID_SIZE] = "";
        struct circuit_want want = { 0 };
        int r;

        if (!text_equal(d->request->method, "set_circuit") || !link_id || !uuid_valid(link_id)) {
                bus_settle(d, BUS_DEAD, "it names no link whose circuit shall be set");
                return;
        }
        r = store_lock_take(c->lock, link_id);
        if (r == STORE_LOCK_BUSY) {
                bus_settle(d, BUS_DONE, NULL);
                return;
        }
        r = r == STORE_LOCK_TAKEN ? wan_look(c->store, link_id, &want, request_id) : WAN_LOOK_AWAY;
        if (r == WAN_LOOK_WANTED) {
                call(c, &want, request_id, d);
                return;
        }
        store_lock_let(c->lock);
        if (r == WAN_LOOK_AWAY)
                pause_a_while(c->host);
        bus_settle(d,
                   r == WAN_LOOK_AWAY ? BUS_AGAIN
                   : r < 0            ? BUS_DEAD
                                      : BUS_DONE,
                   r < 0 ? err_trace() : NULL);
}

/* ---- threads ---- */

static void on_delivery(struct bus_delivery *d, void *user)
{
        struct host *h = user;
        struct waiting *w = calloc(1, sizeof *w);

        if (!w) {
                bus_settle(d, BUS_AGAIN, NULL);
                return;
        }
        w->delivery = d;
        pthread_mutex_lock(&h->mutex);
        *h->last = w;
        h->last = &w->next;
        pthread_cond_signal(&h->something);
        pthread_mutex_unlock(&h->mutex);
}

/* The next command, or NULL when all stops. */
static struct bus_delivery *take(struct host *h)
{
        struct bus_delivery *d = NULL;
        struct waiting *w = NULL;

        pthread_mutex_lock(&h->mutex);
        while (!h->first && !h->stopping)
                pthread_cond_wait(&h->something, &h->mutex);
        if (!h->stopping)
                w = h->first;
        if (w) {
                d = w->delivery;
                h->first = w->next;
                if (!h->first)
                        h->last = &h->first;
        }
        pthread_mutex_unlock(&h->mutex);
        free(w);
        return d;
}

static void *work(void *user)
{
        struct caller *c = user;
        struct bus_delivery *d;

        while ((d = take(c->host)))
                carry_out(c, d);
        return NULL;
}

/* ---- putting together ---- */

static int host_open(struct host *h, const struct config_file *file, const char *domain,
                     struct fault *why)
{
        int r = config_apply(file, wan_settings, domain, &h->settings, why);

        if (r != 0)
                return r;
        if (!site_name_valid(domain) || !TEXT_SET(h->domain, domain)) {
                fault_set(why, 400, "config.value",
                          "[wan:%s]: a domain's name is made of a-z, 0-9 and '-'.", domain);
                return CONFIG_BAD;
        }
        h->driver = wan_driver_find(h->settings.driver);
        if (!h->driver) {
                fault_set(why, 400, "config.value", "[wan:%s] driver: there is no driver \"%s\".",
                          domain, h->settings.driver);
                return CONFIG_BAD;
        }
        snprintf(h->queue, sizeof h->queue, TOPIC_WAN ".%s", domain);
        for (; r == 0 && h->n_callers < (size_t)h->settings.calls; h->n_callers += r == 0) {
                h->callers[h->n_callers].host = h;
                r = h->driver->open(file, domain, &h->callers[h->n_callers].handle, why);
        }
        return r;
}

static void host_init(struct host *h)
{
        pthread_condattr_t attr;

        pthread_mutex_init(&h->mutex, NULL);
        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_cond_init(&h->something, &attr);
        pthread_condattr_destroy(&attr);
        h->last = &h->first;
}

int wan_hosts_new(const struct config_file *file, struct wan_hosts **ret, struct fault *why)
{
        OWN(wan_hosts_free) struct wan_hosts *all = calloc(1, sizeof *all);
        size_t n = 0;
        int r = 0;

        while (file && config_section_name(file, "wan:", n))
                n++;
        if (all) {
                all->hosts = calloc(n + 1, sizeof *all->hosts);
                all->domains = calloc(n + 1, sizeof *all->domains);
        }
        if (!all || !all->hosts || !all->domains)
                return err_raise(-ENOMEM);
        for (size_t i = 0; i < n && r == 0; i++) {
                struct host *h = &all->hosts[all->n++];

                host_init(h);
                r = host_open(h, file, config_section_name(file, "wan:", i), why);
                if (r == 0)
                        all->domains[i] = (struct wan_domain){
                                .name = h->domain,
                                .can = h->driver->can(h->callers[0].handle),
                                .deadline_ms = h->settings.deadline_s * 1000,
                        };
        }
        if (r == 0)
                *ret = TAKE(all);
        return r;
}

const struct wan_domain *wan_hosts_domains(const struct wan_hosts *all, size_t *ret_n)
{
        *ret_n = all->n;
        return all->domains;
}

static int caller_start(struct caller *c)
{
        const char *connection = c->host->spec->connection;
        int64_t keep_ms = c->host->settings.deadline_s * 1000 + AWAY_MS;
        int r = store_pg_new(connection, 5, &c->store, NULL);

        r = r ? r : store_lock_new(connection, keep_ms, &c->lock, NULL);
        if (r)
                return r < 0 ? err_pass(r) : err_raise(-EINVAL);
        r = pthread_create(&c->thread, NULL, work, c);
        c->started = r == 0;
        return r ? err_raise(-r) : 0;
}

static int host_start(struct host *h)
{
        const char *const queues[] = { h->queue, NULL };
        const struct bus_consumer_spec consumer = {
                .queues = queues,
                .prefetch = (int)h->n_callers,
                .declare = true,
                .on_delivery = on_delivery,
                .user = h,
        };
        int r = 0;

        for (size_t i = 0; i < h->n_callers && r == 0; i++)
                r = caller_start(&h->callers[i]);
        r = r ? r : bus_consumer_new(h->spec->bus, &consumer, &h->consumer);
        if (r == 0)
                log_info("wan_host", "domain=%s driver=%s calls=%zu", h->domain, h->driver->name,
                         h->n_callers);
        return r;
}

int wan_hosts_start(struct wan_hosts *all, const struct wan_hosts_spec *spec)
{
        int r = 0;

        all->spec = *spec;
        for (size_t i = 0; i < all->n && r == 0; i++) {
                all->hosts[i].spec = &all->spec;
                r = host_start(&all->hosts[i]);
        }
        return r;
}

static void host_halt(struct host *h)
{
        if (h->consumer)
                bus_consumer_stop(h->consumer);
        pthread_mutex_lock(&h->mutex);
        h->stopping = true;
        pthread_cond_broadcast(&h->something);
        pthread_mutex_unlock(&h->mutex);
}

bool wan_hosts_stop(struct wan_hosts *all, int within_ms)
{
        struct timespec until;
        bool stopped = true;

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += within_ms / 1000;
        for (size_t i = 0; all && i < all->n; i++)
                host_halt(&all->hosts[i]);
        for (size_t i = 0; all && i < all->n; i++)
                for (size_t j = 0; j < all->hosts[i].n_callers; j++) {
                        struct caller *c = &all->hosts[i].callers[j];

                        if (c->started && pthread_timedjoin_np(c->thread, NULL, &until) != 0)
                                stopped = false;
                        else
                                c->started = false;
                }
        return stopped;
}

static void host_done(struct host *h)
{
        struct waiting *next;

        for (struct waiting *w = h->first; w; w = next) {
                next = w->next;
                bus_settle(w->delivery, BUS_AGAIN, NULL);
                free(w);
        }
        bus_consumer_free(h->consumer);
        for (size_t i = 0; i < CALLS_MAX; i++) {
                struct caller *c = &h->callers[i];

                if (c->handle)
                        h->driver->close(c->handle);
                store_free(c->store);
                store_lock_free(c->lock);
        }
        pthread_cond_destroy(&h->something);
        pthread_mutex_destroy(&h->mutex);
        config_done(wan_settings, &h->settings);
}

struct wan_hosts *wan_hosts_free(struct wan_hosts *all)
{
        if (!all)
                return NULL;
        for (size_t i = 0; i < all->n; i++)
                host_done(&all->hosts[i]);
        free(all->hosts);
        free(all->domains);
        free(all);
        return NULL;
}
