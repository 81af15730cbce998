/* SPDX-License-Identifier: Apache-2.0 */
/* The program: loops, their readers, the bus; and every call's first and last step. */
#include "api-server/api.h"

#include <errno.h>
#include <inttypes.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api-server/body.h"
#include "api-server/events_stream.h"
#include "api-server/problem.h"
#include "api-server/rate.h"
#include "api-server/routes.h"
#include "base/clock.h"
#include "base/daemon.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "messages/topics.h"

enum {
        DRAIN_MS = 10000,
        BUS_DRAIN_MS = 2000,
        START_WAIT_MS = 3000, /* for the dependencies, before we say that we serve */
        CONNECTIONS_MAX = 4096,
        NAME_ROOM = 64,
        HINTS_AT_ONCE = 100,
};
static const struct http_deadlines deadlines = {
        .idle_ms = 75000, .head_ms = 10000, .body_ms = 30000, .write_ms = 30000
};

static struct metric requests[] = {
        METRIC(METRIC_COUNTER, "atlas_api_requests_total", "status=\"1xx\"",
               "Requests by class of status"),
        METRIC(METRIC_COUNTER, "atlas_api_requests_total", "status=\"2xx\"",
               "Requests by class of status"),
        METRIC(METRIC_COUNTER, "atlas_api_requests_total", "status=\"3xx\"",
               "Requests by class of status"),
        METRIC(METRIC_COUNTER, "atlas_api_requests_total", "status=\"4xx\"",
               "Requests by class of status"),
        METRIC(METRIC_COUNTER, "atlas_api_requests_total", "status=\"5xx\"",
               "Requests by class of status"),
};
static struct metric latency = METRIC(METRIC_HISTOGRAM, "atlas_api_request_duration_ms", NULL,
                                      "From a request read whole to its answer");
static struct metric in_flight = METRIC(METRIC_GAUGE, "atlas_api_requests_in_flight", NULL,
                                        "Requests without an answer yet");

struct api {
        const struct api_config *config;
        struct auth *auth;
        struct rate *rate;
        struct bus *bus;
        struct bus_consumer *hints; /* of the conductors */
        struct http_server *server;
        struct metrics_server *metrics;
        struct api_loop *loops;
        _Atomic int n_loops;
        sem_t connected; /* posted once for each loop that reached the database */
};

struct bus *api_bus(const struct api_loop *loop)
{
        return loop->api->bus;
}

struct rate *api_rate(const struct api_loop *loop)
{
        return loop->api->rate;
}

const struct api_config *api_config(const struct api_loop *loop)
{
        return loop->api->config;
}

bool api_can_read(const struct api_loop *loop)
{
        return loop->reader && !loop->stopping;
}

void api_kick_reader(struct api_loop *loop)
{
        http_watch_kick(loop->watch);
}

/* ---- the end of a call ---- */

static void count(int status, int64_t ms)
{
        metric_add(&requests[status / 100 - 1], 1);
        metric_observe_ms(&latency, ms);
}

/* Counted and logged, while the request can still be read. */
static void note(const struct call *c, int status)
{
        const struct http_message *m = &c->q->message;
        int64_t ms = (clock_mono_us() - c->q->received_us) / 1000;

        count(status, ms);
        metric_add(&in_flight, -1);
        log_info("request",
                 "request=%s method=%s path=%s status=%d ms=%" PRId64 " project=\"%s\"%s%s%s%.32s",
                 c->q->id, http_method_name[m->method], m->path, status, ms, c->who.project_id,
                 c->who.global_request_id[0] ? " global_request=" : "", c->who.global_request_id,
                 c->trace[0] ? " trace=" : "", c->trace[0] ? c->trace + 3 : "");
}

static void finish(struct call *c, const struct http_answer *a)
{
        note(c, a->status);
        http_answer(c->q, a);
        sent_free(c->sent);
        free(c);
}

struct http_stream *call_stream(struct call *c, const char *content_type,
                                void (*on_gone)(void *user), void *user)
{
        struct http_request *q = c->q;

        note(c, 200);
        free(c);
        return http_stream_new(q, content_type, on_gone, user);
}

void call_answer(struct call *c, int status, json_t *body, const char *location)
{
        char header[CALL_BASE_SIZE + 300] = "", base[CALL_BASE_SIZE];
        struct http_answer a = { .status = status, .headers = header };
        char *bytes = body ? json_dumps(body, JSON_COMPACT) : NULL;
        struct fault why;

        json_decref(body);
        if (!bytes && status != 204) {
                problem_internal(&why);
                call_refuse(c, &why);
                return;
        }
        if (location) {
                call_base(c, base, sizeof base);
                snprintf(header, sizeof header, "Location: %s%s\r\n", base, location);
        }
        if (c->waited_s)
                snprintf(header + strlen(header), sizeof header - strlen(header),
                         "Preference-Applied: wait=%d\r\n", c->waited_s);
        a.body = bytes;
        a.n_body = bytes ? strlen(bytes) : 0;
        finish(c, &a);
        free(bytes);
}

void call_answer_text(struct call *c, int status, const struct text *body)
{
        const struct http_answer a = { .status = status, .body = body->bytes, .n_body = body->n };
        struct fault why;

        if (!body->failed) {
                finish(c, &a);
                return;
        }
        problem_internal(&why);
        call_refuse(c, &why);
}

void call_refuse_with(struct call *c, const struct fault *why, const char *extra)
{
        OWN(text_done) struct text body = { 0 };
        char headers[700];
        /* A fault from elsewhere may have a code that is none of HTTP's errors. */
        int status = why->code >= 400 && why->code <= 599 ? why->code : 500;
        struct http_answer a = { .status = status, .headers = headers };

        snprintf(headers, sizeof headers, "%s", extra ? extra : "");
        if (why->retry_after_ms > 0 && (status == 503 || status == 429 || status == 409))
                snprintf(headers, sizeof headers, "%sRetry-After: %" PRId64 "\r\n",
                         extra ? extra : "", (why->retry_after_ms + 999) / 1000);
        problem_render(why, c->q->id, &body);
        a.body = body.bytes;
        a.n_body = body.n;
        finish(c, &a);
}

void call_refuse(struct call *c, const struct fault *why)
{
        call_refuse_with(c, why, NULL);
}

/* ---- its beginning ---- */

json_t *call_body(struct call *c, const char *envelope, const struct attribute *attributes,
                  unsigned verb)
{
        const struct http_message *m = &c->q->message;
        json_t *object = NULL;
        struct fault why;

        if (body_read(m->body, m->n_body, envelope, attributes, verb, &object, &why) == BODY_OK)
                return object;
        call_refuse(c, &why);
        return NULL;
}

bool call_owns(struct call *c, json_t **object)
{
        static const char *const names[] = { "project_id", "tenant_id" };
        char attribute[NAME_ROOM];
        struct fault why;

        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
                const char *project = json_string_value(json_object_get(*object, names[i]));

                if (project && strcmp(project, c->who.project_id) != 0) {
                        snprintf(attribute, sizeof attribute, "%s.%s", c->route->resource->name,
                                 names[i]);
                        body_refuse(&why, attribute, "it is not the project that asks.");
                        json_decref(TAKE(*object));
                        call_refuse(c, &why);
                        return false;
                }
                json_object_del(*object, names[i]);
        }
        return true;
}

/* False: too many of the project's came lately, and the call has been refused. */
static bool may_now(struct call *c)
{
        int64_t wait_ms = c->route->flags & ROUTE_OPEN
                                  ? 0
                                  : rate_take(c->loop->api->rate, c->who.project_id, clock_mono_ms());
        struct fault why;

        if (wait_ms == 0)
                return true;
        fault_set(&why, 429, "request.too_many",
                  "The project sends more requests than this service answers to one; wait %" PRId64
                  " ms, and watch events instead of asking again and again.",
                  wait_ms);
        why.retry_after_ms = wait_ms;
        call_refuse(c, &why);
        return false;
}

static void carry_out(struct call *c)
{
        const struct http_message *m = &c->q->message;
        struct fault why;

        if (!may_now(c))
                return;
        if (!(c->route->flags & (ROUTE_OPEN | ROUTE_IF_MATCH)) && m->method != HTTP_GET &&
            m->method != HTTP_HEAD && http_message_field(m, "if-match")) {
                fault_set(&why, 400, "request.invalid_header",
                          "If-Match is not understood for this path.");
                call_refuse(c, &why);
        } else {
                c->route->handle(c);
        }
}

static void on_request(struct http_request *q, void *local)
{
        struct call *c = calloc(1, sizeof *c);
        const char *parent = http_message_field(&q->message, "traceparent");
        struct route_match match = { 0 };
        char header[160];
        struct fault why;
        int found;

        if (!c) {
                http_answer(q, &(struct http_answer){ .status = 500 });
                return;
        }
        metric_add(&in_flight, 1);
        c->q = q;
        c->loop = local;
        found = route_find(q->message.method, q->message.path, &match);
        c->route = match.route;
        TEXT_SET(c->id, match.id);
        TEXT_SET(c->tag, match.tag);
        if (parent || (q->message.method != HTTP_GET && q->message.method != HTTP_HEAD))
                traceparent_new(parent, q->id, c->trace);
        if (found == ROUTE_UNKNOWN) {
                problem_unknown(&why, "Path", q->message.path);
                call_refuse(c, &why);
        } else if (found == ROUTE_METHOD) {
                fault_set(&why, 405, "request.method_not_allowed", "This path takes %s.",
                          match.allow);
                snprintf(header, sizeof header, "Allow: %s\r\n", match.allow);
                call_refuse_with(c, &why, header);
        } else if (c->route->flags & ROUTE_OPEN) {
                carry_out(c);
        } else {
                auth_admit(c, carry_out);
        }
}

static void on_reject(int status, const char *why, const char *request_id, struct text *ret)
{
        struct fault fault;

        count(status, 0);
        fault_set(&fault, status, status == 413 ? "request.too_large" : "request.malformed", "%s",
                  why);
        problem_render(&fault, request_id, ret);
        log_info("request", "request=%s status=%d reason=\"%s\"", request_id, status, why);
}

/* ---- loops ---- */

static void on_reader(void *user)
{
        struct api_loop *loop = user;

        store_reader_pump(loop->reader);
        if (!loop->connected && store_reader_ready(loop->reader)) {
                loop->connected = true;
                sem_post(&loop->api->connected);
        }
}

static int on_start(struct http_loop *http, void *user, void **ret_local)
{
        struct api *api = user;
        struct api_loop *loop = &api->loops[api->n_loops++];
        int r;

        loop->api = api;
        loop->http = http;
        *ret_local = loop;
        r = auth_loop_new(api->auth, &loop->auth);
        r = r ? r : store_reader_new(api->config->connection, &loop->reader);
        r = r ? r
              : http_watch_new(http, store_reader_fd(loop->reader), on_reader, loop, &loop->watch);
        if (r != 0)
                return err_pass(r);
        http_watch_kick(loop->watch);
        return 0;
}

static void on_stop(struct http_loop *http, void *local)
{
        struct api_loop *loop = local;

        (void)http;
        /* Answers to what was asked still come, and may not ask again. */
        loop->stopping = true;
        loop->reader = store_reader_free(loop->reader);
        events_done(loop);
        loop->watch = http_watch_free(loop->watch);
        site_cache_done(&loop->sites);
}

/* ---- hints of conductors ---- */

static void on_hint(struct bus_delivery *d, void *user)
{
        struct api *api = user;

        for (int i = 0; i < api->n_loops; i++)
                events_hint(&api->loops[i]);
        bus_settle(d, BUS_DONE, NULL);
}

static int hear_hints(struct api *api)
{
        static const char *const none[] = { NULL };
        const struct bus_consumer_spec spec = {
                .queues = none,
                .fanout_topic = TOPIC_API,
                .prefetch = HINTS_AT_ONCE,
                .on_delivery = on_hint,
                .user = api,
        };

        return bus_consumer_new(api->bus, &spec, &api->hints);
}

/* ---- the program ---- */

static struct api *api_free(struct api *api)
{
        if (!api)
                return NULL;
        if (api->server)
                http_server_drain(api->server, DRAIN_MS);
        if (api->auth)
                auth_stop(api->auth);
        /* Calls that are still out end here, and their answers go to loops that only free them. */
        api->hints = bus_consumer_free(api->hints);
        api->bus = bus_free(api->bus);
        http_server_free(api->server);
        metrics_server_free(api->metrics);
        for (int i = 0; i < api->n_loops; i++)
                auth_loop_free(api->loops[i].auth);
        auth_free(api->auth);
        rate_free(api->rate);
        free(api->loops);
        sem_destroy(&api->connected);
        free(api);
        return NULL;
}
OWN_DEFINE(struct api *, api_free)

static int api_new(const struct api_config *config, struct api **ret, struct fault *why)
{
        OWN(api_free) struct api *api = calloc(1, sizeof *api);
        struct http_server_spec spec = {
                .host = config->bind_host,
                .port = (int)config->bind_port,
                .n_loops = (int)config->workers,
                .max_connections = CONNECTIONS_MAX,
                .deadlines = deadlines,
                .user = api,
                .on_start = on_start,
                .on_stop = on_stop,
                .on_request = on_request,
                .on_reject = on_reject,
        };
        int r;

        if (!api)
                return err_raise(-ENOMEM);
        sem_init(&api->connected, 0, 0);
        api->config = config;
        api->loops = calloc((size_t)config->workers, sizeof *api->loops);
        if (!api->loops)
                return err_raise(-ENOMEM);
        r = rate_new(config->project_rate_limit, config->project_rate_burst,
                     config->project_changes, &api->rate);
        r = r ? r : auth_new(config, &api->auth, why);
        if (r != 0)
                return r < 0 ? err_pass(r) : r;
        r = metrics_server_new(config->metrics_host, (int)config->metrics_port, &api->metrics);
        if (r != 0) {
                fault_set(why, 500, "metrics.listen",
                          "Cannot serve metrics at %s port %" PRId64 ".", config->metrics_host,
                          config->metrics_port);
                return err_pass(r);
        }
        log_info("metrics", "port=%d", metrics_server_port(api->metrics));
        r = bus_new("atlas-api", &config->bus, &api->bus, why);
        r = r ? r : bus_open(api->bus);
        r = r ? r : http_server_new(&spec, &api->server, why);
        r = r ? r : hear_hints(api);
        if (r != 0)
                return r < 0 ? err_pass(r) : r;
        *ret = TAKE(api);
        return 0;
}

static void wait_for_database(struct api *api)
{
        int64_t until_ms = clock_mono_ms() + START_WAIT_MS;
        struct timespec until = { until_ms / 1000, until_ms % 1000 * 1000000 };

        for (int i = 0; i < api->n_loops; i++)
                while (sem_clockwait(&api->connected, CLOCK_MONOTONIC, &until) != 0)
                        if (errno != EINTR)
                                return;
}

int api_run(const struct api_config *config)
{
        OWN(api_free) struct api *api = NULL;
        struct fault why = { 0 };
        int r = api_new(config, &api, &why);

        if (fault_is_set(&why)) {
                log_error("api.start", "reason=\"%s\"", why.message);
                return r;
        }
        if (r != 0)
                return err_pass(r);
        wait_for_database(api);
        log_info("api.ready", "host=%s port=%d workers=%d", config->bind_host,
                 http_server_port(api->server), api->n_loops);
        daemon_ready();
        while (!daemon_wait_stop(-1))
                ;
        log_info("api.stop", "drain_ms=%d", DRAIN_MS);
        if (!http_server_drain(api->server, DRAIN_MS))
                log_warn("api.stop", "reason=\"requests were cut off after %d ms\"", DRAIN_MS);
        return 0;
}
