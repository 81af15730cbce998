/* SPDX-License-Identifier: Apache-2.0 */
/* Our bus, and rabbitmq-c alone, under load: bus_bench URL. Each line of its input asks for one
 * measurement, "WHO WHAT OUTSTANDING N": WHO is bus or bare, WHAT is call, cast or notification.
 * It answers "N_PER_SECOND P50_US P99_US". A cast took from its sending to its confirm; the last
 * one counts when it was consumed. Who asks reads our processor time from /proc. */
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bare.h"
#include "base/clock.h"
#include "base/log.h"
#include "bus/bus.h"
#include "support/broker.h"

struct bench {
        int port;
        struct bus *server, *client;
        json_t *args, *context;
        _Atomic int n_casts; /* that came */
        sem_t cast_came;
};

static void come(struct bus_delivery *d, void *user)
{
        struct bench *b = user;

        if (strcmp(d->request->method, "cast") == 0) {
                atomic_fetch_add(&b->n_casts, 1);
                sem_post(&b->cast_came);
        } else {
                bus_reply(b->server, d->request, d->request->args);
        }
        bus_settle(d, BUS_DONE, NULL);
}

/* ---- a number of messages, so many of them at a time ---- */

struct load {
        struct bench *bench;
        int64_t *took_us;
        int outstanding, n;
        _Atomic int begun, ended, failed;
        sem_t over;
};
struct one {
        struct load *load;
        int64_t *took_us;
};

static void one_more(struct load *l, int (*send)(struct load *l, struct one *one));
static int send_call(struct load *l, struct one *one);
static int send_cast(struct load *l, struct one *one);

static void end_one(struct one *one, bool good, int (*send)(struct load *l, struct one *one))
{
        struct load *l = one->load;

        *one->took_us += clock_mono_us();
        free(one);
        atomic_fetch_add(&l->failed, !good);
        one_more(l, send);
        if (atomic_fetch_add(&l->ended, 1) + 1 == l->n)
                sem_post(&l->over);
}

static void on_reply(const json_t *result, const struct fault *failure, void *user)
{
        (void)result;
        end_one(user, !failure, send_call);
}

static void on_sent(enum bus_sent how, void *user)
{
        end_one(user, how == BUS_SENT_OK, send_cast);
}

static int send_call(struct load *l, struct one *one)
{
        struct bench *b = l->bench;

        return bus_call(b->client, "bench", NULL, "create_virtual_link", b->args, b->context, 60000,
                        on_reply, one);
}

static int send_cast(struct load *l, struct one *one)
{
        struct bench *b = l->bench;

        return bus_cast(b->client, "bench", NULL, "cast", b->args, b->context, 0, on_sent, one);
}

static void one_more(struct load *l, int (*send)(struct load *l, struct one *one))
{
        int i = atomic_fetch_add(&l->begun, 1);
        struct one *one;

        if (i >= l->n)
                return;
        one = malloc(sizeof *one);
        if (!one)
                abort();
        *one = (struct one){ .load = l, .took_us = l->took_us + i };
        *one->took_us = -clock_mono_us();
        if (send(l, one) != 0)
                abort();
}

static void wait_for(sem_t *s)
{
        while (sem_wait(s) != 0)
                ;
}

static int64_t bus_messages(struct load *l, int (*send)(struct load *l, struct one *one))
{
        struct bench *b = l->bench;
        int64_t from_us = clock_mono_us();

        sem_init(&l->over, 0, 0);
        for (int i = 0; i < l->outstanding; i++)
                one_more(l, send);
        wait_for(&l->over);
        for (int i = 0; send == send_cast && i < l->n; i++)
                wait_for(&b->cast_came);
        if (l->failed) {
                fprintf(stderr, "bus_bench: %d failed\n", l->failed);
                exit(1);
        }
        return clock_mono_us() - from_us;
}

#define EVENT "atlas.link.create.end"
#define NOTIFICATIONS "notifications.info"

/* Nobody tells when a notification is confirmed: the window is of those not yet consumed. */
static int64_t bus_notifications(struct load *l)
{
        struct bench *b = l->bench;
        sem_t came;
        int64_t from_us = clock_mono_us();
        struct bare_sink *sink;

        sem_init(&came, 0, 0);
        sink = bare_sink_new(b->port, NOTIFICATIONS, l->n, &came);
        for (int sent = 0, done = 0; done < l->n;) {
                for (; sent < l->n && sent - done < l->outstanding; sent++) {
                        l->took_us[sent] = -clock_mono_us();
                        bus_notify(b->client, "notifications", "atlas.host", EVENT, "info", b->args,
                                   b->context);
                }
                wait_for(&came);
                l->took_us[done++] += clock_mono_us();
        }
        bare_sink_join(sink);
        return clock_mono_us() - from_us;
}

/* ---- the same bytes with rabbitmq-c ---- */

static int64_t bare(struct load *l, const char *what)
{
        static const char zeros[] = "00000000000000000000000000000000";
        struct bench *b = l->bench;
        OWN(text_done) struct text request = { 0 }, reply = { 0 };
        bool notification = strcmp(what, "notification") == 0;
        struct bare_load load = { .port = b->port,
                                  .queue = notification ? NOTIFICATIONS : "bench-bare",
                                  .outstanding = l->outstanding,
                                  .n = l->n,
                                  .took_us = l->took_us };

        if (notification)
                notification_encode("atlas.host", EVENT, "info", b->args, b->context,
                                    clock_wall_ms(), &request);
        else if (strcmp(what, "cast") == 0)
                request_encode("cast", "1.0", b->args, b->context, NULL, NULL, &request);
        else
                request_encode("create_virtual_link", "1.0", b->args, b->context, zeros,
                               "reply_00000000000000000000000000000000", &request);
        reply_encode_result(zeros, b->args, &reply);
        load.request = request.bytes;
        load.n_request = request.n;
        load.reply = reply.bytes;
        load.n_reply = reply.n;
        return strcmp(what, "call") == 0 ? bare_calls(&load) : bare_casts(&load);
}

/* ---- */

/* A request as the API makes it. */
static json_t *sample_args(void)
{
        return json_pack("{s:{s:s, s:s, s:s, s:s, s:[{s:s, s:s}, {s:s, s:s}], s:{s:i, s:i}}}",
                         "virtual_link", "id", "5b2c1e0a-5d1f-4f0e-9d6c-0a1b2c3d4e5f", "name",
                         "paris-lyon", "description", "", "vpn_id",
                         "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", "endpoints", "site_id", "paris",
                         "network_id", "11111111-2222-3333-4444-555555555555", "site_id", "lyon",
                         "network_id", "66666666-7777-8888-9999-000000000000", "bandwidth",
                         "a_to_z_kbps", 10000, "z_to_a_kbps", 20000);
}

static int compare(const void *a, const void *b)
{
        int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

        return (x > y) - (x < y);
}

static int64_t measure(struct load *l, const char *who, const char *what)
{
        if (strcmp(who, "bare") == 0)
                return bare(l, what);
        if (strcmp(what, "notification") == 0)
                return bus_notifications(l);
        return bus_messages(l, strcmp(what, "call") == 0 ? send_call : send_cast);
}

static void answer(struct bench *b, const char *who, const char *what, int outstanding, int n)
{
        struct load l = { .bench = b, .outstanding = outstanding, .n = n };
        int64_t us;

        l.took_us = calloc((size_t)n, sizeof *l.took_us);
        if (!l.took_us)
                abort();
        us = measure(&l, who, what);
        qsort(l.took_us, (size_t)n, sizeof *l.took_us, compare);
        printf("%.1f %lld %lld\n", n * 1e6 / (double)us, (long long)l.took_us[n / 2],
               (long long)l.took_us[(size_t)n * 99 / 100]);
        fflush(stdout);
        free(l.took_us);
}

static bool is_ready(void *arg)
{
        return bus_consumer_ready(arg);
}

static int run(struct bench *b, const char *url)
{
        static const char *const queues[] = { "bench", NULL };
        struct broker broker = { 0 };
        OWN(bus_consumer_free) struct bus_consumer *consumer = NULL;
        struct bus_consumer_spec spec = { .queues = queues,
                                          .prefetch = 1024,
                                          .declare = true,
                                          .on_delivery = come,
                                          .user = b };
        struct fault why = { 0 };
        char line[128], who[8], what[16];
        int outstanding, n;

        snprintf(broker.url, sizeof broker.url, "%s", url);
        struct bus_settings settings = broker_settings(&broker);
        settings.rabbit_quorum_queue = getenv("ATLAS_BENCH_QUORUM") != NULL;
        if (bus_new("bench-server", &settings, &b->server, &why) != 0 ||
            bus_new("bench-client", &settings, &b->client, &why) != 0 ||
            bus_consumer_new(b->server, &spec, &consumer) != 0 ||
            !wait_until(is_ready, consumer, 10000))
                return 1;
        while (fgets(line, sizeof line, stdin))
                if (sscanf(line, "%7s %15s %d %d", who, what, &outstanding, &n) == 4)
                        answer(b, who, what, outstanding, n);
        return 0;
}

int main(int argc, char **argv)
{
        struct bench b = { .args = sample_args(),
                           .context = json_pack("{s:s, s:s, s:[s]}", "request_id",
                                                "req-5b2c1e0a-5d1f-4f0e-9d6c-0a1b2c3d4e5f",
                                                "project_id", "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
                                                "roles", "member") };
        int r = 2;

        log_open("bus_bench", LOG_LEVEL_WARN);
        sem_init(&b.cast_came, 0, 0);
        if (argc == 2) {
                b.port = atoi(strrchr(argv[1], ':') + 1);
                r = run(&b, argv[1]);
        }
        bus_free(b.client);
        bus_free(b.server);
        json_decref(b.args);
        json_decref(b.context);
        return r;
}
