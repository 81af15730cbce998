/* SPDX-License-Identifier: Apache-2.0 */
/* One end of our bus, for tests where oslo.messaging is the other:
 *
 *   bus-peer serve URL EXCHANGE QUEUE                     answers echo, refuse, silent; says "ready"
 *   bus-peer call URL EXCHANGE TOPIC SERVER METHOD ARGS   prints {"result": …} or {"fault": …}
 *   bus-peer cast URL EXCHANGE TOPIC SERVER METHOD ARGS   prints how it was sent: 0 is confirmed
 *   bus-peer notify URL EXCHANGE                          sends one notification
 */
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/daemon.h"
#include "base/log.h"
#include "bus/bus.h"

static sem_t over;

static void serve_one(struct bus_delivery *d, void *user)
{
        struct bus *b = user;
        struct fault why = { 0 };

        if (strcmp(d->request->method, "echo") == 0) {
                json_auto_t *result = json_pack("{s:O, s:O, s:s}", "args", d->request->args, "context",
                                                d->request->context, "version", d->request->version);

                bus_reply(b, d->request, result);
        } else if (strcmp(d->request->method, "nothing") == 0) {
                bus_reply(b, d->request, NULL);
        } else if (strcmp(d->request->method, "refuse") == 0) {
                fault_set(&why, 409, "link.bandwidth_unavailable", "Only 5 kbit/s are left.");
                fault_details(&why, "{\"left_kbps\":%d}", 5);
                why.retry_after_ms = 1500;
                bus_reply_fault(b, d->request, &why);
        } else if (strcmp(d->request->method, "cast") == 0) {
                printf("cast %s\n", json_string_value(json_object_get(d->request->args, "text")));
                fflush(stdout);
        } else {
                bus_reply_no_method(b, d->request);
        }
        bus_settle(d, BUS_DONE, NULL);
}

static int serve(struct bus *b, const char *queue)
{
        const char *const queues[] = { queue, NULL };
        struct bus_consumer_spec spec = {
                .queues = queues, .prefetch = 16, .declare = true, .on_delivery = serve_one, .user = b
        };
        OWN(bus_consumer_free) struct bus_consumer *c = NULL;

        if (bus_consumer_new(b, &spec, &c) != 0)
                return 1;
        for (bool ready = false; !daemon_wait_stop(20);) {
                if (!ready && bus_consumer_ready(c)) {
                        printf("ready\n");
                        fflush(stdout);
                        ready = true;
                }
        }
        bus_drain(b, 2000);
        return 0;
}

static void print(const char *key, json_t *value)
{
        json_auto_t *line = json_pack("{s:O}", key, value);

        json_dumpf(line, stdout, JSON_ENCODE_ANY);
        printf("\n");
}

static void on_reply(const json_t *result, const struct fault *f, void *user)
{
        (void)user;
        if (f) {
                json_auto_t *fault = json_pack("{s:i, s:s, s:s, s:s, s:I}", "code", f->code, "type",
                                               f->type, "message", f->message, "details", f->details,
                                               "retry_after_ms", (json_int_t)f->retry_after_ms);

                print("fault", fault);
        } else {
                json_auto_t *copy = json_deep_copy(result);

                print("result", copy);
        }
        sem_post(&over);
}

static void on_sent(enum bus_sent how, void *user)
{
        (void)user;
        printf("%d\n", (int)how);
        sem_post(&over);
}

static int send_one(struct bus *b, char **argv)
{
        const char *server = *argv[5] ? argv[5] : NULL;
        json_auto_t *args = json_loads(argv[7], 0, NULL);
        json_auto_t *context = json_pack("{s:s, s:[s], s:b}", "request_id", "req-1", "roles",
                                         "member", "is_admin", 0);
        int r = strcmp(argv[1], "call") == 0 ?
                        bus_call(b, argv[4], server, argv[6], args, context, 5000, on_reply, NULL) :
                        bus_cast(b, argv[4], server, argv[6], args, context, 0, on_sent, NULL);

        if (r != 0)
                return 1;
        while (sem_wait(&over) != 0)
                ;
        return 0;
}

static int notify(struct bus *b)
{
        json_auto_t *payload = json_pack("{s:s}", "text", "l\xc3\xa4nge");
        json_auto_t *context = json_pack("{s:s}", "request_id", "req-1");

        bus_notify(b, "atlas.host", "atlas.link.create.end", "info", payload, context);
        bus_drain(b, 5000);
        return 0;
}

int main(int argc, char **argv)
{
        OWN(bus_free) struct bus *b = NULL;
        struct fault why = { 0 };

        log_open("bus-peer", LOG_LEVEL_WARN);
        if (argc < 4)
                return 2;
        daemon_stop_fd();
        sem_init(&over, 0, 0);
        struct bus_settings settings = { .transport_url = argv[2],
                                         .control_exchange = argv[3],
                                         .amqp_durable_queues = true,
                                         .rabbit_transient_queues_ttl_s = 1800,
                                         .heartbeat_timeout_s = 10 };
        if (bus_new("bus-peer", &settings, &b, &why) != 0) {
                fprintf(stderr, "%s\n", why.message);
                return 1;
        }
        if (strcmp(argv[1], "serve") == 0 && argc == 5)
                return serve(b, argv[4]);
        if (strcmp(argv[1], "notify") == 0)
                return notify(b);
        return argc == 8 ? send_one(b, argv) : 2;
}
