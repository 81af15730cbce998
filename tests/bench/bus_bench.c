/* SPDX-License-Identifier: Apache-2.0 */
/* RPC calls per second through the bus, beside rabbitmq-c alone on the same broker and in the same
 * run: same queue type, delivery mode, body sizes, mandatory, confirms, acknowledgements by hand.
 */
#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bare_rpc.h"
#include "base/clock.h"
#include "base/log.h"
#include "bus/bus.h"
#include "support/broker.h"

struct load {
        struct bus *bus;
        json_t *args, *context;
        _Atomic int left, done, failed;
        sem_t over;
        int n;
};

static void answer(struct bus_delivery *d, void *user)
{
        struct bus *b = user;

        bus_reply(b, d->request, d->request->args);
        bus_settle(d, BUS_DONE, NULL);
}

static void one_more(struct load *l);

static void on_reply(const json_t *result, const struct fault *failure, void *user)
{
        struct load *l = user;

        (void)result;
        if (failure && atomic_fetch_add(&l->failed, 1) == 0)
                fprintf(stderr, "bus_bench: %s\n", failure->message);
        one_more(l);
        if (atomic_fetch_add(&l->done, 1) + 1 == l->n)
                sem_post(&l->over);
}

static void one_more(struct load *l)
{
        if (atomic_fetch_sub(&l->left, 1) > 0 &&
            bus_call(l->bus, "bench", NULL, "create_virtual_link", l->args, l->context, 60000,
                     on_reply, l) != 0)
                exit(1);
}

static double through_bus(struct bus *b, json_t *args, json_t *context, int outstanding, int n)
{
        struct load l = { .bus = b, .args = args, .context = context, .left = n, .n = n };
        int64_t from_us = clock_mono_us();

        sem_init(&l.over, 0, 0);
        for (int i = 0; i < outstanding; i++)
                one_more(&l);
        while (sem_wait(&l.over) != 0)
                ;
        if (l.failed)
                exit(1);
        return n * 1e6 / (double)(clock_mono_us() - from_us);
}

static bool is_ready(void *arg)
{
        return bus_consumer_ready(arg);
}

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
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static double median(double *values, int n)
{
        qsort(values, (size_t)n, sizeof *values, compare);
        return values[n / 2];
}

/* CPU time in microseconds: ours, and the broker's. */
static double cpu_us(const struct broker *broker)
{
        struct rusage own;
        char path[96], line[1024] = "";
        long user = 0, system = 0;
        int pid = 0;
        FILE *file;

        if (!broker) {
                getrusage(RUSAGE_SELF, &own);
                return (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) * 1e6 +
                       (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec);
        }
        snprintf(path, sizeof path, "%s/pid", broker->dir);
        file = fopen(path, "re");
        if (!file || fscanf(file, "%d", &pid) != 1)
                exit(1);
        fclose(file);
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        file = fopen(path, "re");
        if (!file || !fgets(line, sizeof line, file) ||
            sscanf(strrchr(line, ')') + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %ld %ld",
                   &user, &system) != 2)
                exit(1);
        fclose(file);
        return (double)(user + system) * 1e6 / (double)sysconf(_SC_CLK_TCK);
}

struct cost {
        double rate[16], own_us, broker_us;
};

static void begin(struct cost *c, const struct broker *broker)
{
        c->own_us -= cpu_us(NULL);
        c->broker_us -= cpu_us(broker);
}

static void end(struct cost *c, const struct broker *broker)
{
        c->own_us += cpu_us(NULL);
        c->broker_us += cpu_us(broker);
}

static void print(const char *name, struct cost *c, int rounds, int n)
{
        printf("  %s %6.0f calls/s, CPU per call: own %.0f us, broker %.0f us\n", name,
               median(c->rate, rounds), c->own_us / rounds / n, c->broker_us / rounds / n);
}

static void measure(struct bus *client, const struct broker *broker, int outstanding, int n,
                    int rounds)
{
        int port = atoi(strrchr(broker->url, ':') + 1);
        json_auto_t *args = sample_args(),
                    *context = json_pack("{s:s, s:s, s:[s]}", "request_id",
                                         "req-5b2c1e0a-5d1f-4f0e-9d6c-0a1b2c3d4e5f", "project_id",
                                         "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "roles", "member");
        OWN(text_done) struct text request = { 0 }, reply = { 0 };
        struct cost bus = { 0 }, bare = { 0 };

        request_encode("create_virtual_link", "1.0", args, context,
                       "00000000000000000000000000000000", "reply_00000000000000000000000000000000",
                       &request);
        reply_encode_result("00000000000000000000000000000000", args, &reply);
        for (int i = 0; i < rounds; i++) {
                begin(&bare, broker);
                bare.rate[i] = bare_rpc(port, "bench-bare", request.bytes, request.n, reply.bytes,
                                        reply.n, outstanding, n);
                end(&bare, broker);
                begin(&bus, broker);
                bus.rate[i] = through_bus(client, args, context, outstanding, n);
                end(&bus, broker);
        }
        printf("rpc outstanding=%d request=%zu reply=%zu ratio=%.2f\n", outstanding, request.n,
               reply.n, median(bus.rate, rounds) / median(bare.rate, rounds));
        print("bus ", &bus, rounds, n);
        print("bare", &bare, rounds, n);
        fflush(stdout);
}

static int run(struct broker *broker, int n)
{
        static const char *const queues[] = { "bench", NULL };
        struct bus_settings settings = broker_settings(broker);
        OWN(bus_free) struct bus *server = NULL, *client = NULL;
        OWN(bus_consumer_free) struct bus_consumer *consumer = NULL;
        struct bus_consumer_spec spec = {
                .queues = queues, .prefetch = 1024, .declare = true, .on_delivery = answer
        };
        struct fault why = { 0 };

        if (bus_new("bench-server", &settings, &server, &why) != 0 ||
            bus_new("bench-client", &settings, &client, &why) != 0)
                return 1;
        spec.user = server;
        if (bus_consumer_new(server, &spec, &consumer) != 0 ||
            !wait_until(is_ready, consumer, 10000))
                return 1;
        measure(client, broker, 1, n / 10, 9);
        measure(client, broker, 32, n, 9);
        measure(client, broker, 200, n, 5);
        return 0;
}

int main(int argc, char **argv)
{
        struct broker broker = { 0 };
        int n = argc > 1 ? atoi(argv[1]) : 20000, r;

        log_open("bus_bench", LOG_LEVEL_WARN);
        if (!broker_new(&broker))
                return 1;
        r = run(&broker, n);
        broker_remove(&broker);
        return r;
}
