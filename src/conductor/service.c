/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the conductor together: bus, workers, keeper. */
#include "conductor/service.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "conductor/keeper.h"
#include "conductor/wan_host.h"
#include "conductor/worker.h"
#include "messages/topics.h"
#include "model/site.h"
#include "store/pg.h"

enum { WORKERS_MAX = 64, DRAIN_MS = 5000 };

struct service {
        struct conductor_settings settings;
        char host[HOST_SIZE];
        struct bus *bus;
        struct bus_consumer *consumer;
        struct wan_hosts *hosts;
        struct worker *workers[WORKERS_MAX];
        size_t n_workers;
        struct keeper *keeper;
        _Atomic int64_t number;
        _Atomic size_t turn;
};

/* The site of an event: what stands behind "atlas-event." in the routing key, which the broker
 * enforces. */
static const char *site_of(const char *routing_key)
{
        const char *dot = strchr(routing_key, '.');

        return dot ? dot + 1 : "";
}

/* The broker vouches for a user id: of our users only the site's own, or a peer that was given its
 * keys, speaks for a site. Others are an operator's, with the rights he gave. NULL, or what is
 * wrong. */
static const char *stranger(const struct bus_delivery *d, const char *site)
{
        static const char ours[] = "atlas-", of_site[] = "atlas-site-", of_peer[] = "atlas-peer-";

        if (!site_name_valid(site))
                return "its key names no site";
        if (!text_starts(d->user_id, ours) || text_starts(d->user_id, of_peer))
                return NULL;
        return text_starts(d->user_id, of_site) && text_equal(d->user_id + strlen(of_site), site)
                       ? NULL
                       : "another site's user sent it";
}

/* Events of one site go to one worker, so that workers rarely wait for each other's rows. */
static void on_delivery(struct bus_delivery *d, void *user)
{
        struct service *s = user;
        bool event = !text_equal(d->queue, TOPIC_CONDUCTOR);
        const char *wrong = event ? stranger(d, site_of(d->routing_key)) : NULL;
        struct job *j = wrong ? NULL : calloc(1, sizeof *j);
        size_t turn;

        if (wrong) {
                bus_settle(d, BUS_DEAD, wrong);
                return;
        }
        if (!j) {
                bus_settle(d, BUS_AGAIN, NULL);
                return;
        }
        j->delivery = d;
        j->input.kind = event ? INPUT_EVENT : INPUT_REQUEST;
        j->input.request = d->request;
        if (event)
                TEXT_SET(j->input.site, site_of(d->routing_key));
        turn = event ? (size_t)digest_text(j->input.site) : atomic_fetch_add(&s->turn, 1);
        worker_put(s->workers[turn % s->n_workers], j);
}

/* Answers about one link go to one worker. */
static void on_circuit(struct job *j, const char *link_id, void *user)
{
        struct service *s = user;

        worker_put(s->workers[digest_text(link_id) % s->n_workers], j);
}

static int host(struct service *s)
{
        const struct wan_hosts_spec spec = {
                .bus = s->bus,
                .connection = s->settings.connection,
                .on_answer = on_circuit,
                .user = s,
        };

        return wan_hosts_start(s->hosts, &spec);
}

static int workers_new(struct service *s, struct fault *why)
{
        int r = 0;

        for (int64_t i = 0; i < s->settings.n_workers && r == 0; i++) {
                r = worker_new(s->bus, &s->settings, &s->number, &s->workers[i], why);
                if (r == 0)
                        s->n_workers++;
        }
        return r;
}

static int consume(struct service *s)
{
        static const char *const queues[] = { TOPIC_HEARTBEAT, TOPIC_EVENT, TOPIC_CONDUCTOR, NULL };
        const struct bus_consumer_spec spec = {
                .queues = queues,
                .prefetch = (int)s->settings.prefetch,
                .declare = true, /* a queue that somebody deletes is there again at once */
                .on_delivery = on_delivery,
                .user = s,
        };

        return bus_consumer_new(s->bus, &spec, &s->consumer);
}

static int keep(struct service *s)
{
        const struct keeper_spec spec = {
                .bus = s->bus,
                .consumer = s->consumer,
                .settings = &s->settings,
                .workers = s->workers,
                .n_workers = s->n_workers,
                .number = &s->number,
        };

        return keeper_start(s->keeper, &spec);
}

static int notify_check(const struct conductor_settings *settings, struct fault *why)
{
        const char *driver = settings->notify_driver;

        return text_equal(driver, "noop") || text_equal(driver, "messagingv2")
                       ? 0
                       : fault_set(why, 400, "setting.invalid",
                                   "[oslo_messaging_notifications] driver is %.40s; it may be "
                                   "messagingv2 or noop.",
                                   driver);
}

int service_new(const struct conductor_settings *settings, const struct config_file *file,
                struct service **ret, struct fault *why)
{
        OWN(service_free) struct service *s = calloc(1, sizeof *s);
        int r;

        if (!s)
                return err_raise(-ENOMEM);
        s->settings = *settings;
        if (settings->host[0])
                TEXT_SET(s->host, settings->host);
        else if (gethostname(s->host, sizeof s->host - 1) < 0)
                return err_raise(-errno);
        s->settings.host = s->host;
        r = notify_check(settings, why);
        r = r ? r : wan_hosts_new(file, &s->hosts, why);
        if (r == 0)
                s->settings.wans = wan_hosts_domains(s->hosts, &s->settings.n_wans);
        r = r ? r : store_schema_check(settings->connection, why);
        r = r ? r : keeper_new(&s->settings, &s->number, &s->keeper, why);
        r = r ? r : bus_new("atlas-conductor", &settings->bus, &s->bus, why);
        r = r ? r : workers_new(s, why);
        r = r ? r : consume(s);
        r = r ? r : host(s);
        r = r ? r : keep(s);
        if (r)
                return r;
        log_info("conductor", "number=%lld host=%s workers=%zu", (long long)s->number, s->host,
                 s->n_workers);
        *ret = TAKE(s);
        return 0;
}

static struct service *left;

struct service *service_free(struct service *s)
{
        bool at_work;

        if (!s)
                return NULL;
        if (s->consumer)
                bus_consumer_stop(s->consumer);
        at_work = !wan_hosts_stop(s->hosts, DRAIN_MS);
        keeper_stop(s->keeper);
        for (size_t i = 0; i < s->n_workers; i++)
                worker_stop(s->workers[i]);
        if (s->bus)
                bus_drain(s->bus, DRAIN_MS);
        if (at_work) {
                left = s; /* its threads use it until the process ends */
                return NULL;
        }
        wan_hosts_free(s->hosts);
        bus_consumer_free(s->consumer);
        bus_free(s->bus);
        for (size_t i = 0; i < s->n_workers; i++)
                worker_free(s->workers[i]);
        keeper_free(s->keeper);
        free(s);
        return NULL;
}
