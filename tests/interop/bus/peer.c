/* SPDX-License-Identifier: Apache-2.0 */
/* One end of our bus, for tests where oslo.messaging is the other; both read the same file.
 *
 *   bus-peer FILE serve FANOUT NAMESPACE VERSION QUEUE...
 *         answers methods ("" for none of a kind); says "ready"; prints the casts it was sent
 *   bus-peer FILE ask
 *         does what each line of its input says, one line of answer each:
 *         {"verb": "call", "topic": …, "server": …, "namespace": …, "version": …, "method": …,
 *          "args": {…}, "monitor_ms": …}      {"result": …} or {"fault": {…}}
 *         {"verb": "cast", "fanout": …, …}    {"sent": N}, of enum bus_sent
 *         {"verb": "notify", "priority": …, "event_type": …, "payload": …}
 *   bus-peer FILE listen QUEUE...
 *         says "ready"; prints the notifications that come
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/config.h"
#include "base/daemon.h"
#include "base/log.h"
#include "base/text.h"
#include "bus/bus.h"

struct peer {
        struct bus_settings settings;
        struct bus *bus;
        sem_t answered;
        json_t *answer;
        /* Of the server: what is answered later, soonest first, and how many were counted. */
        pthread_mutex_t lock;
        struct late *late;
        json_int_t n_seen;
};
struct late {
        struct bus_delivery *delivery;
        int64_t at_ms;
        struct late *next;
};

/* clang-format off */
static const struct setting settings[] = { BUS_SETTINGS(struct peer, settings), { 0 } };
/* clang-format on */

static void say(json_t *line)
{
        json_dumpf(line, stdout, JSON_ENCODE_ANY);
        putchar('\n');
        fflush(stdout);
        json_decref(line);
}

/* ---- the server ---- */

static void echo(struct peer *p, const struct request *r)
{
        json_auto_t *all = json_pack("{s:O, s:O, s:s}", "args", r->args, "context", r->context,
                                     "version", r->version);

        bus_reply(p->bus, r, all);
}

static void nothing(struct peer *p, const struct request *r)
{
        bus_reply(p->bus, r, NULL);
}

static void refuse(struct peer *p, const struct request *r)
{
        struct fault why = { 0 };

        fault_set(&why, 409, "link.bandwidth_unavailable", "Only 5 kbit/s are left.");
        fault_details(&why, "{\"left_kbps\":%d}", 5);
        why.retry_after_ms = 1500;
        bus_reply_fault(p->bus, r, &why);
}

/* As a Python server fails: a class of Python's own, and one that only the server knows. */
static void fail(struct peer *p, const struct request *r)
{
        bus_reply_failure(p->bus, r, "ValueError", "builtins", "no such \"thing\"");
}

static void fail_strangely(struct peer *p, const struct request *r)
{
        bus_reply_failure(p->bus, r, "Stranger", "elsewhere", "l\xc3\xa4nge");
}

static void note(struct peer *p, const struct request *r)
{
        (void)p;
        say(json_pack("{s:O, s:O}", "cast", r->args, "context", r->context));
}

static void count(struct peer *p, const struct request *r)
{
        json_auto_t *n = json_integer(++p->n_seen);

        bus_reply(p->bus, r, n);
}

static void seen(struct peer *p, const struct request *r)
{
        json_auto_t *n = json_integer(p->n_seen);

        bus_reply(p->bus, r, n);
}

/* oslo.messaging's load simulator: [seq, cargo, client_ts, server_ts, return_ts] comes back with
 * the server's time. */
static void info(struct peer *p, const struct request *r)
{
        json_auto_t *message = json_deep_copy(json_object_get(r->args, "message"));

        p->n_seen++;
        json_array_set_new(message, 3, json_real((double)clock_wall_ms() / 1e3));
        bus_reply(p->bus, r, message);
}

/* clang-format off */
static const struct {
        const char *method;
        void (*answer)(struct peer *p, const struct request *r);
} methods[] = {
        { "echo",           echo },
        { "nothing",        nothing },
        { "refuse",         refuse },
        { "fail",           fail },
        { "fail_strangely", fail_strangely },
        { "note",           note },
        { "count",          count },
        { "seen",           seen },
        { "info",           info },
        { "slow",           nothing }, /* after args' "seconds" */
};
/* clang-format on */

static void answer(struct peer *p, struct bus_delivery *d)
{
        for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
                if (strcmp(methods[i].method, d->request->method) != 0)
                        continue;
                methods[i].answer(p, d->request);
                bus_settle(d, BUS_DONE, NULL);
                return;
        }
        bus_reply_no_method(p->bus, d->request);
        bus_settle(d, BUS_DONE, NULL);
}

static void answer_later(struct peer *p, struct bus_delivery *d)
{
        double seconds = json_number_value(json_object_get(d->request->args, "seconds"));
        struct late *late = calloc(1, sizeof *late), **at = &p->late;

        if (!late)
                abort();
        *late = (struct late){ .delivery = d, .at_ms = clock_mono_ms() + (int64_t)(seconds * 1e3) };
        pthread_mutex_lock(&p->lock);
        while (*at && (*at)->at_ms <= late->at_ms)
                at = &(*at)->next;
        late->next = *at;
        *at = late;
        pthread_mutex_unlock(&p->lock);
}

static void on_delivery(struct bus_delivery *d, void *user)
{
        struct peer *p = user;

        if (strcmp(d->request->method, "slow") == 0)
                answer_later(p, d);
        else
                answer(p, d);
}

static struct late *take_late(struct peer *p, int64_t now_ms)
{
        struct late *late;

        pthread_mutex_lock(&p->lock);
        late = p->late;
        if (late && late->at_ms <= now_ms)
                p->late = late->next;
        else
                late = NULL;
        pthread_mutex_unlock(&p->lock);
        return late;
}

static const char *unless_empty(const char *text)
{
        return *text ? text : NULL;
}

static int serve(struct peer *p, const char *const *words)
{
        struct bus_consumer_spec spec = { .queues = words + 3,
                                          .fanout_topic = unless_empty(words[0]),
                                          .namespace = unless_empty(words[1]),
                                          .version = unless_empty(words[2]),
                                          .prefetch = 16,
                                          .declare = true,
                                          .on_delivery = on_delivery,
                                          .user = p };
        OWN(bus_consumer_free) struct bus_consumer *c = NULL;

        if (bus_consumer_new(p->bus, &spec, &c) != 0)
                return 1;
        for (bool ready = false; !daemon_wait_stop(20);) {
                struct late *late;

                while ((late = take_late(p, clock_mono_ms()))) {
                        answer(p, late->delivery);
                        free(late);
                }
                if (!ready && bus_consumer_ready(c)) {
                        puts("ready");
                        fflush(stdout);
                        ready = true;
                }
        }
        bus_consumer_stop(c);
        bus_drain(p->bus, 2000);
        return 0;
}

/* ---- the listener ---- */

static void on_notification(struct bus_delivery *d, void *user)
{
        const struct notification *n = d->notification;

        (void)user;
        say(json_pack("{s:s, s:s?, s:s, s:s?, s:s?, s:s?, s:O, s:O}", "queue", d->queue, "priority",
                      n->priority, "event_type", n->event_type, "publisher_id", n->publisher_id,
                      "message_id", n->message_id, "timestamp", n->timestamp, "payload", n->payload,
                      "context", n->context));
        bus_settle(d, BUS_DONE, NULL);
}

static int listen_to(struct peer *p, const char *const *queues)
{
        struct bus_consumer_spec spec = { .queues = queues,
                                          .notifications = true,
                                          .prefetch = 16,
                                          .declare = true,
                                          .on_delivery = on_notification,
                                          .user = p };
        OWN(bus_consumer_free) struct bus_consumer *c = NULL;

        if (bus_consumer_new(p->bus, &spec, &c) != 0)
                return 1;
        while (!daemon_wait_stop(20) && !bus_consumer_ready(c))
                ;
        puts("ready");
        fflush(stdout);
        while (!daemon_wait_stop(1000))
                ;
        bus_consumer_stop(c);
        return 0;
}

/* ---- the client ---- */

static void on_reply(const json_t *result, const struct fault *f, void *user)
{
        struct peer *p = user;

        p->answer = f ? json_pack("{s:{s:i, s:s, s:s, s:s, s:I}}", "fault", "code", f->code, "type",
                                  f->type, "message", f->message, "details", f->details,
                                  "retry_after_ms", (json_int_t)f->retry_after_ms)
                      : json_pack("{s:o}", "result", json_deep_copy(result));
        sem_post(&p->answered);
}

static void on_sent(enum bus_sent how, void *user)
{
        struct peer *p = user;

        p->answer = json_pack("{s:i}", "sent", (int)how);
        sem_post(&p->answered);
}

static const char *text(const json_t *from, const char *key)
{
        return json_string_value(json_object_get(from, key));
}

static int act(struct peer *p, const json_t *line)
{
        const char *verb = text(line, "verb"), *method = text(line, "method");
        const struct bus_target target = { .topic = text(line, "topic"),
                                           .server = text(line, "server"),
                                           .namespace = text(line, "namespace"),
                                           .version = text(line, "version"),
                                           .fanout =
                                                   json_is_true(json_object_get(line, "fanout")) };
        const json_t *args = json_object_get(line, "args");
        json_auto_t *context = json_pack("{s:s, s:[s], s:b}", "request_id", "req-1", "roles",
                                         "member", "is_admin", 0);

        if (strcmp(verb, "notify") == 0) {
                p->answer = json_object();
                sem_post(&p->answered);
                return bus_notify(p->bus, "notifications", "atlas.host", text(line, "event_type"),
                                  text(line, "priority"), json_object_get(line, "payload"),
                                  context);
        }
        if (strcmp(verb, "cast") == 0)
                return bus_cast_to(p->bus, &target, method, args, context, 0, on_sent, p);
        return bus_call_to(p->bus, &target, method, args, context,
                           p->settings.rpc_response_timeout_s * 1000,
                           json_integer_value(json_object_get(line, "monitor_ms")), on_reply, p);
}

static int ask(struct peer *p)
{
        OWN(mem_free) char *bytes = NULL;
        size_t room = 0;

        while (getline(&bytes, &room, stdin) > 0) {
                json_auto_t *line = json_loads(bytes, JSON_REJECT_DUPLICATES, NULL);

                if (!line || act(p, line) != 0)
                        return 1;
                while (sem_wait(&p->answered) != 0)
                        ;
                say(p->answer);
        }
        bus_drain(p->bus, 5000);
        return 0;
}

/* ---- */

static int read_settings(const char *path, struct peer *p, struct fault *why)
{
        static const struct setting *const tables[] = { settings, NULL };
        OWN(config_file_free) struct config_file *file = NULL;
        int r = config_file_load(path, &file, why);

        r = r ? r : config_check(file, tables, why);
        return r ? r : config_apply(file, settings, NULL, p, why);
}

int main(int argc, char **argv)
{
        struct peer p = { .lock = PTHREAD_MUTEX_INITIALIZER };
        struct fault why = { 0 };
        int r;

        log_open("bus-peer", LOG_LEVEL_WARN);
        if (argc < 3 || (strcmp(argv[2], "serve") == 0 && argc < 7))
                return 2;
        daemon_stop_fd();
        sem_init(&p.answered, 0, 0);
        r = read_settings(argv[1], &p, &why);
        r = r ? r : bus_new("bus-peer", &p.settings, &p.bus, &why);
        if (r != 0) {
                fprintf(stderr, "%s\n", why.message);
                return 1;
        }
        r = strcmp(argv[2], "serve") == 0    ? serve(&p, (const char *const *)argv + 3)
            : strcmp(argv[2], "listen") == 0 ? listen_to(&p, (const char *const *)argv + 3)
                                             : ask(&p);
        bus_free(p.bus);
        config_done(settings, &p);
        return r;
}
