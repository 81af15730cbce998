/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's main loop: hands commands to lanes, discovers, heartbeats, sends again what was not
 * confirmed. */
#include "site-agent/agent.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/daemon.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"
#include "messages/topics.h"
#include "model/site.h"
#include "site-agent/counters.h"
#include "site-agent/lane.h"

enum {
        HEARTBEAT_MS = 5000,
        HEARTBEAT_EXPIRES_MS = 10000,
        ROUND_MS = 11000, /* a round of looks is told about at the latest after this */
        AGAIN_MS = 1000,  /* before an unconfirmed event is sent again */
        DRAIN_MS = 10000,
        PREFETCH = 1000,
};

struct agent {
        const struct agent_settings *settings;
        struct port_site site;
        struct outbox outbox;
        char host[HOST_SIZE], queue_name[SITE_SIZE + sizeof TOPIC_AGENT + 1];
        struct bus *bus;
        struct bus_consumer *consumer;
        struct queue *back;
        struct lane **gateways; /* n_gateways */
        size_t n_gateways;
        struct lane **clouds; /* settings->cloud_workers */
        struct map by_name;   /* gateway's name: its lane */

        /* The main loop's own. */
        int64_t heartbeat_at_ms;
        int64_t round_until_ms; /* 0: no round of looks is on */
        size_t n_looking;
        struct task *asking; /* discovers to be answered, linked by others */
        struct task *again;  /* events to be sent again, linked by others */
        uint64_t send_epoch;
};

/* ---- the bus's thread: from the queue to a lane ---- */

static struct lane *cloud_lane(struct agent *a, const json_t *args)
{
        uint64_t digest = digest_text(port_work_attachment(args));

        return a->clouds[(digest ^ digest >> 32) % (uint64_t)a->settings->cloud_workers];
}

static void dispatch(struct agent *a, struct task *t)
{
        const struct request *request = t->delivery->request;
        struct lane *gateway = map_get(&a->by_name, port_work_gateway(request->args));

        t->unit = gateway ? lane_unit(gateway) : NULL;
        switch (port_work_lane(request->method)) {
        case LANE_GATEWAY: /* any lane can say that there is no such gateway */
                lane_put(gateway ? gateway : a->clouds[0], t);
                return;
        case LANE_CLOUD:
                lane_put(cloud_lane(a, request->args), t);
                return;
        case LANE_NONE:
                break;
        }
        log_warn("unknown_method", "request=%s method=%s", task_request_id(t), request->method);
        bus_reply_no_method(a->bus, request);
        task_end(t, BUS_DEAD, "The agent has no such method.");
}

static void on_delivery(struct bus_delivery *d, void *user)
{
        struct agent *a = user;
        struct task *t = NULL;

        if (task_new(TASK_COMMAND, &a->outbox, d, &t) != 0) {
                log_error("out_of_memory", "method=%s", d->request->method);
                bus_settle(d, BUS_AGAIN, NULL);
        } else if (strcmp(d->request->method, "discover") == 0) {
                t->kind = TASK_DISCOVER;
                queue_put(a->back, &t->item);
        } else {
                dispatch(a, t);
        }
}

/* ---- discovery ---- */

/* All lanes look; a round that is on is joined. */
static void round_begin(struct agent *a)
{
        if (a->round_until_ms)
                return;
        a->round_until_ms = clock_mono_ms() + ROUND_MS;
        a->n_looking = 0;
        for (size_t i = 0; i < a->n_gateways; i++) {
                struct task *look = NULL;

                if (task_new(TASK_LOOK, &a->outbox, NULL, &look) != 0) {
                        log_error("out_of_memory", "event=look");
                        continue;
                }
                a->n_looking++;
                lane_put(a->gateways[i], look);
        }
}

/* All of them, or those that have been looked at: one that nobody looked at yet is not away. */
static json_t *gateways_to_json(struct agent *a, bool looked,
                                json_t *(*to_json)(const struct gateway_seen *))
{
        json_auto_t *list = json_array();
        int n_reachable = 0;

        for (size_t i = 0; i < a->n_gateways; i++) {
                struct gateway_seen seen;

                lane_seen(a->gateways[i], &seen);
                n_reachable += seen.gateway.reachable;
                if (looked && !seen.looked)
                        continue;
                if (json_array_append_new(list, to_json(&seen)) != 0)
                        return NULL;
        }
        counters_gateways((int)a->n_gateways, n_reachable);
        return TAKE(list);
}

/* Tells of all gateways, and so answers who asked. */
static void tell_discovered(struct agent *a)
{
        struct task *t = NULL;

        a->round_until_ms = 0;
        if (task_new(TASK_DISCOVERED, &a->outbox, NULL, &t) != 0) {
                log_error("out_of_memory", "event=discovered");
                return;
        }
        t->event = "discovered";
        t->args = json_pack("{ss so}", "host", a->host, "gateways",
                            gateways_to_json(a, false, gateway_seen_to_report));
        if (!t->args) {
                log_error("out_of_memory", "event=discovered");
                task_end(t, BUS_DONE, NULL);
                return;
        }
        t->others = TAKE(a->asking);
        task_send(t);
}

static void heartbeat(struct agent *a)
{
        json_auto_t *args = json_pack("{ss so}", "host", a->host, "gateways",
                                      gateways_to_json(a, true, gateway_seen_to_heartbeat));
        json_auto_t *context = json_object();
        uint64_t epoch = bus_send_epoch(a->bus);

        a->heartbeat_at_ms = clock_mono_ms() + HEARTBEAT_MS;
        if (!args || bus_cast(a->bus, TOPIC_HEARTBEAT, a->outbox.site, "heartbeat", args, context,
                              HEARTBEAT_EXPIRES_MS, NULL, NULL) != 0)
                log_error("heartbeat_not_sent", "trace=\"%s\"", err_trace());
        if (epoch > 1 && epoch != a->send_epoch)
                round_begin(a); /* not the first connection: what was told before may be lost */
        a->send_epoch = epoch;
}

/* ---- what comes back ---- */

static void link_task(struct task **list, struct task *t)
{
        struct task *last = t;

        while (last->others)
                last = last->others;
        last->others = *list;
        *list = t;
}

static void on_back(struct agent *a, struct task *t)
{
        struct task *askers;

        switch (t->kind) {
        case TASK_DISCOVER:
                link_task(&a->asking, t);
                round_begin(a);
                return;
        case TASK_LOOKED:
                if (t->asked && a->n_looking > 0)
                        a->n_looking--;
                if (a->round_until_ms ? a->n_looking == 0 : !t->asked)
                        tell_discovered(a);
                task_end(t, BUS_DONE, NULL);
                return;
        case TASK_DISCOVERED: /* not confirmed: told anew, with what is known then */
                askers = TAKE(t->others);
                if (askers)
                        link_task(&a->asking, askers);
                task_end(t, BUS_DONE, NULL);
                a->round_until_ms = clock_mono_ms() + AGAIN_MS;
                return;
        case TASK_COMMAND:
                t->again_mono_ms = clock_mono_ms() + AGAIN_MS;
                link_task(&a->again, t);
                return;
        case TASK_LOOK:
        case TASK_STOP:
                break;
        }
        abort(); /* these go to lanes only */
}

static void take_back(struct agent *a)
{
        struct queue_item *item = queue_take(a->back);

        while (item) {
                struct task *t = (struct task *)item;

                item = item->next;
                on_back(a, t);
        }
}

static void send_again(struct agent *a, int64_t now_ms)
{
        struct task *waiting = TAKE(a->again);

        while (waiting) {
                struct task *t = waiting;

                waiting = t->others;
                t->others = NULL;
                if (t->again_mono_ms > now_ms)
                        link_task(&a->again, t);
                else
                        task_send(t);
        }
}

static int patience_ms(const struct agent *a, int64_t now_ms)
{
        int64_t until = a->heartbeat_at_ms;

        if (a->round_until_ms && a->round_until_ms < until)
                until = a->round_until_ms;
        for (const struct task *t = a->again; t; t = t->others)
                if (t->again_mono_ms < until)
                        until = t->again_mono_ms;
        return until > now_ms ? (int)(until - now_ms) : 0;
}

/* ---- running and ending ---- */

static int serve(struct agent *a)
{
        struct pollfd fds[] = {
                { .fd = daemon_stop_fd(), .events = POLLIN },
                { .fd = queue_fd(a->back), .events = POLLIN },
        };

        while (!(fds[0].revents & POLLIN)) {
                int64_t now_ms = clock_mono_ms();

                if (poll(fds, 2, patience_ms(a, now_ms)) < 0 && errno != EINTR)
                        return err_raise(-errno);
                take_back(a);
                now_ms = clock_mono_ms();
                if (a->round_until_ms && now_ms >= a->round_until_ms)
                        tell_discovered(a);
                send_again(a, now_ms);
                if (now_ms >= a->heartbeat_at_ms)
                        heartbeat(a);
        }
        return 0;
}

/* Lanes first: their last events are sent; then the broker's confirms, which acknowledge the
 * commands. What is left goes back to the queue, for another agent. */
static void drain(struct agent *a)
{
        struct queue_item *item;

        bus_consumer_stop(a->consumer);
        for (size_t i = 0; i < a->n_gateways; i++)
                lane_ask_stop(a->gateways[i]);
        for (int64_t i = 0; i < a->settings->cloud_workers; i++)
                lane_ask_stop(a->clouds[i]);
        for (size_t i = 0; i < a->n_gateways; i++)
                lane_join(a->gateways[i]);
        for (int64_t i = 0; i < a->settings->cloud_workers; i++)
                lane_join(a->clouds[i]);
        bus_drain(a->bus, DRAIN_MS);
        for (item = queue_take(a->back); item;) {
                struct task *t = (struct task *)item;

                item = item->next;
                task_end(t, BUS_AGAIN, NULL);
        }
        task_end(TAKE(a->asking), BUS_AGAIN, NULL);
        task_end(TAKE(a->again), BUS_AGAIN, NULL);
}

int agent_run(struct agent *a)
{
        const char *const queues[] = { a->queue_name, NULL };
        const struct bus_consumer_spec spec = {
                .queues = queues,
                .prefetch = PREFETCH,
                .on_delivery = on_delivery,
                .user = a,
        };
        int r = 0;

        for (size_t i = 0; r == 0 && i < a->n_gateways; i++)
                r = lane_start(a->gateways[i]);
        for (int64_t i = 0; r == 0 && i < a->settings->cloud_workers; i++)
                r = lane_start(a->clouds[i]);
        r = r ? r : bus_consumer_new(a->bus, &spec, &a->consumer);
        if (r != 0)
                return err_pass(r);
        round_begin(a);
        heartbeat(a);
        daemon_ready();
        log_info("started", "site=%s host=%s gateways=%zu queue=%s", a->outbox.site, a->host,
                 a->n_gateways, a->queue_name);
        r = serve(a);
        drain(a);
        log_info("stopped", "site=%s host=%s", a->outbox.site, a->host);
        return r;
}

/* ---- making ---- */

static int name_agent(struct agent *a, struct fault *why)
{
        const struct agent_settings *s = a->settings;

        if (!site_name_valid(s->site)) {
                fault_set(why, 400, "config.value",
                          "site: \"%s\" is no name of a site: a-z, 0-9, '-'.", s->site);
                return CONFIG_BAD;
        }
        TEXT_SET(a->host, s->host);
        if (!*a->host && gethostname(a->host, sizeof a->host) != 0)
                return err_raise(-errno);
        snprintf(a->queue_name, sizeof a->queue_name, "%s.%s", TOPIC_AGENT, s->site);
        a->site = (struct port_site){ s->site, s->policy };
        a->outbox = (struct outbox){ a->bus, s->site, a->host, a->back };
        return 0;
}

static int open_gateways(struct agent *a, const struct lane_spec *common,
                         const struct config_file *file, struct fault *why)
{
        struct lane_spec spec = *common;
        size_t n = 0;
        int r = 0;

        while (config_section_name(file, "gateway:", n))
                n++;
        a->gateways = calloc(n + 1, sizeof *a->gateways);
        if (!a->gateways)
                return err_raise(-ENOMEM);
        while (r == 0 && a->n_gateways < n) {
                struct lane **lane = &a->gateways[a->n_gateways];

                spec.gateway = config_section_name(file, "gateway:", a->n_gateways);
                r = lane_new(&spec, lane, why);
                if (r == 0) {
                        a->n_gateways++;
                        r = map_set(&a->by_name, lane_unit(*lane)->name, *lane);
                }
        }
        if (r == 0 && n == 0) {
                fault_set(why, 400, "config.value", "The file has no [gateway:NAME] section.");
                return CONFIG_BAD;
        }
        return r;
}

static int open_lanes(struct agent *a, const struct config_file *file, struct fault *why)
{
        struct lane_spec spec = {
                .outbox = &a->outbox,
                .site = &a->site,
                .file = file,
                .cloud = cloud_driver_find(a->settings->cloud_driver),
        };
        int r = 0;

        if (!spec.cloud) {
                fault_set(why, 400, "config.value", "[cloud] driver: there is no driver \"%s\".",
                          a->settings->cloud_driver);
                return CONFIG_BAD;
        }
        a->clouds = calloc((size_t)a->settings->cloud_workers, sizeof *a->clouds);
        if (!a->clouds)
                return err_raise(-ENOMEM);
        for (int64_t i = 0; r == 0 && i < a->settings->cloud_workers; i++)
                r = lane_new(&spec, &a->clouds[i], why);
        return r ? r : open_gateways(a, &spec, file, why);
}

int agent_new(const struct agent_settings *settings, const struct config_file *file,
              struct agent **ret, struct fault *why)
{
        OWN(agent_free) struct agent *a = calloc(1, sizeof *a);
        int r = a ? 0 : err_raise(-ENOMEM);

        if (r != 0)
                return r;
        a->settings = settings;
        r = queue_new(&a->back);
        r = r ? r : bus_new("atlas-agent", &settings->bus, &a->bus, why);
        r = r ? r : name_agent(a, why);
        r = r ? r : open_lanes(a, file, why);
        if (r != 0)
                return r < 0 ? err_pass(r) : CONFIG_BAD;
        *ret = TAKE(a);
        return 0;
}

struct agent *agent_free(struct agent *a)
{
        if (!a)
                return NULL;
        bus_consumer_free(a->consumer);
        for (size_t i = 0; i < a->n_gateways; i++)
                lane_free(a->gateways[i]);
        for (int64_t i = 0; a->clouds && i < a->settings->cloud_workers; i++)
                lane_free(a->clouds[i]);
        bus_free(a->bus);
        map_done(&a->by_name);
        free(a->gateways);
        free(a->clouds);
        queue_free(a->back);
        free(a);
        return NULL;
}
