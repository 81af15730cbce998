/* SPDX-License-Identifier: Apache-2.0 */
/* Links through bus, conductor, agents and back to ACTIVE, as an API process would ask for them.
 *
 *   link_bench seed URL DB                       schema, two sites, queues (an empty database and vhost)
 *   link_bench wait URL DB GATEWAYS              until so many gateways were discovered
 *   link_bench load URL DB LINKS OUTSTANDING PER_VPN named|free
 *   link_bench open URL DB LINKS OUTSTANDING PER_VPN named|free   only asks: they stay open while no agent is there
 *   link_bench idle URL DB LINKS
 *   link_bench sites URL DB N                    N more sites, named site-0000 and so on, with their queues
 *
 * PER_VPN links share a VPN; `free` leaves the choice of the gateways to the conductor. Prints name=value lines. */
#include <jansson.h>
#include <libpq-fe.h>
#include <poll.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/uuid.h"
#include "bus/bus.h"
#include "messages/topics.h"
#include "store/pg.h"
#include "store/tables.h"

enum { LINKS_MAX = 1000000, GATEWAYS_MAX = 1024, SITES = 2, SITES_MAX = 1024, SEED_AT_ONCE = 500, PATIENCE_MS = 120000 };

static const char *const site_names[SITES + 1] = { "bench-a", "bench-z", NULL };
static const char project[] = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

struct end {
        char site_id[ID_SIZE], gateway_id[ID_SIZE];
};
static struct end ends[SITES][GATEWAYS_MAX];
static size_t n_ends[SITES];

static void die(const char *what, const char *why)
{
        fprintf(stderr, "link_bench: %s: %s\n", what, why ? why : "");
        exit(EXIT_FAILURE);
}

static void must(int r, const char *what, const struct fault *why)
{
        if (r != 0)
                die(what, why && fault_is_set(why) ? why->message : "failed");
}

static size_t number(const char *text, size_t max)
{
        unsigned long long n = strtoull(text, NULL, 10);

        if (n < 1 || n > max)
                die("not a number in range", text);
        return (size_t)n;
}

static void pause_us(long us)
{
        const struct timespec t = { .tv_nsec = us * 1000 };

        ppoll(NULL, 0, &t, NULL);
}

/* ---- the database, beside the programs ---- */

static PGconn *database(const char *connection)
{
        PGconn *c = PQconnectdb(connection);

        if (PQstatus(c) != CONNECTION_OK)
                die("database", PQerrorMessage(c));
        return c;
}

static PGresult *query(PGconn *c, const char *sql)
{
        PGresult *r = PQexec(c, sql);

        if (PQresultStatus(r) != PGRES_TUPLES_OK)
                die(sql, PQerrorMessage(c));
        return r;
}

static int64_t query_int(PGconn *c, const char *sql)
{
        PGresult *r = query(c, sql);
        int64_t n = PQntuples(r) ? strtoll(PQgetvalue(r, 0, 0), NULL, 10) : 0;

        PQclear(r);
        return n;
}

static void read_ends(PGconn *c)
{
        PGresult *r = query(c, "SELECT site_name, site_id, id FROM gateway ORDER BY site_name, name");

        for (int i = 0; i < PQntuples(r); i++) {
                int s = strcmp(PQgetvalue(r, i, 0), site_names[0]) != 0;
                struct end *e = &ends[s][n_ends[s]];

                if (++n_ends[s] == GATEWAYS_MAX)
                        die("gateways", "too many");
                snprintf(e->site_id, ID_SIZE, "%s", PQgetvalue(r, i, 1));
                snprintf(e->gateway_id, ID_SIZE, "%s", PQgetvalue(r, i, 2));
        }
        PQclear(r);
        if (!n_ends[0] || !n_ends[1])
                die("gateways", "none were discovered");
}

/* ---- seed ---- */

static void add_sites(const char *connection, const struct bus_settings *bus, const char *const *names)
{
        static struct site sites[SITES_MAX];
        const void *rows[SITES_MAX];
        OWN(store_free) struct store *s = NULL;
        struct fault why = { 0 };
        size_t n = 0;

        for (; names[n]; n++) {
                uuid_new(sites[n].id);
                snprintf(sites[n].name, sizeof sites[n].name, "%s", names[n]);
                sites[n].created_ms = clock_wall_ms();
                rows[n] = &sites[n];
        }
        must(store_pg_new(connection, 5, &s, &why), "store", &why);
        must(store_begin(s), "begin", NULL);
        must(store_put(s, &store_tables[T_SITE], rows, n), "sites", NULL);
        must(store_commit(s), "commit", NULL);
        must(bus_topology_sync(bus, names, 60000, &why), "bus", &why);
}

static void seed(const char *connection, const struct bus_settings *bus)
{
        struct fault why = { 0 };
        int n = 0;

        must(store_schema_sync(connection, ATLAS_SOURCE_DIR "/sql", &n, &why), "schema", &why);
        add_sites(connection, bus, site_names);
}

static void more_sites(const char *connection, const struct bus_settings *bus, size_t n)
{
        static char names[SITES_MAX][24];
        static const char *all[SITES_MAX + 1];

        for (size_t i = 0; i < n; i++) {
                snprintf(names[i], sizeof names[i], "site-%04zu", i);
                all[i] = names[i];
        }
        add_sites(connection, bus, all);
}

static void wait_for_gateways(PGconn *c, size_t n)
{
        int64_t until_ms = clock_mono_ms() + PATIENCE_MS;

        /* Known, and read once: nothing is asked of them any more. */
        while ((size_t)query_int(c, "SELECT count(*) FROM gateway WHERE inflight_seq = 0 AND NOT audit_wanted") < n) {
                if (clock_mono_ms() > until_ms)
                        die("gateways", "not discovered in time");
                pause_us(100000);
        }
}

/* New VPNs of both sites. */
static void make_vpns(const char *connection, char (*ids)[ID_SIZE], size_t n)
{
        static struct vpn vpns[SEED_AT_ONCE];
        static struct vpn_site members[SEED_AT_ONCE * SITES];
        const void *vpn_rows[SEED_AT_ONCE], *member_rows[SEED_AT_ONCE * SITES];
        OWN(store_free) struct store *s = NULL;

        must(store_pg_new(connection, 5, &s, NULL), "store", NULL);
        for (size_t at = 0; at < n; at += SEED_AT_ONCE) {
                size_t some = n - at < SEED_AT_ONCE ? n - at : SEED_AT_ONCE;

                for (size_t i = 0; i < some; i++) {
                        struct vpn *v = &vpns[i];

                        *v = (struct vpn){ .name = "bench", .type = "mpls", .revision_number = 1 };
                        uuid_new(v->id);
                        snprintf(v->project_id, sizeof v->project_id, "%s", project);
                        v->created_ms = v->updated_ms = clock_wall_ms();
                        memcpy(ids[at + i], v->id, ID_SIZE);
                        vpn_rows[i] = v;
                        for (size_t j = 0; j < SITES; j++) {
                                struct vpn_site *m = &members[i * SITES + j];

                                memcpy(m->vpn_id, v->id, ID_SIZE);
                                memcpy(m->site_id, ends[j][0].site_id, ID_SIZE);
                                m->created_ms = v->created_ms;
                                member_rows[i * SITES + j] = m;
                        }
                }
                must(store_begin(s), "begin", NULL);
                must(store_put(s, &store_tables[T_VPN], vpn_rows, some), "vpns", NULL);
                must(store_put(s, &store_tables[T_VPN_SITE], member_rows, some * SITES), "members", NULL);
                must(store_commit(s), "commit", NULL);
        }
}

/* ---- asking ---- */

struct load {
        struct bus *bus;
        size_t n, per_vpn;
        bool named;
        char (*vpns)[ID_SIZE];
        char last[ID_SIZE];             /* the link asked for last */
        _Atomic size_t next, done, failed;
        sem_t over;
};

/* Link 'i' of its VPN joins pair (x, y) of a square of gateways that moves from VPN to VPN. */
static const struct end *end_of(const struct load *l, size_t i, int side)
{
        size_t vpn = i / l->per_vpn, k = i % l->per_vpn, width = 1;

        while (width * width < l->per_vpn)
                width++;
        return &ends[side][(vpn * (side ? 3 : 5) + (side ? k / width : k % width)) % n_ends[side]];
}

static json_t *endpoint(const struct load *l, size_t i, int side)
{
        const struct end *e = end_of(l, i, side);

        return json_pack("{s:s, s:s*}", "site_id", e->site_id, "gateway_id", l->named ? e->gateway_id : NULL);
}

static void on_reply(const json_t *result, const struct fault *failure, void *user);

/* Asks for the next link, if any is left. */
static void ask(struct load *l)
{
        size_t i = atomic_fetch_add(&l->next, 1);
        char id[ID_SIZE], request[REQUEST_ID_SIZE];
        json_t *link, *args, *context;

        if (i >= l->n)
                return;
        uuid_new(id);
        snprintf(request, sizeof request, "req-%s", id);
        link = json_pack("{s:s, s:s, s:s, s:s, s:[o, o], s:{s:i, s:i}}", "id", id, "name", "paris-lyon",
                         "description", "", "vpn_id", l->vpns[i / l->per_vpn], "endpoints", endpoint(l, i, 0),
                         endpoint(l, i, 1), "bandwidth", "a_to_z_kbps", 1000, "z_to_a_kbps", 2000);
        args = json_pack("{s:o}", "virtual_link", link);
        context = json_pack("{s:s, s:s, s:s, s:[s], s:b}", "request_id", request, "project_id", project, "user_id",
                            "bench", "roles", "member", "is_admin", 0);
        if (l->n == 1)
                memcpy(l->last, id, ID_SIZE);
        if (!args || bus_call(l->bus, TOPIC_CONDUCTOR, NULL, "create_virtual_link", args, context, 60000, on_reply, l) != 0)
                die("call", "not encoded");
        json_decref(args);
        json_decref(context);
}

static void on_reply(const json_t *result, const struct fault *failure, void *user)
{
        struct load *l = user;

        (void)result;
        if (failure && atomic_fetch_add(&l->failed, 1) < 3)
                fprintf(stderr, "link_bench: refused: %s\n", failure->message);
        ask(l);
        if (atomic_fetch_add(&l->done, 1) + 1 == l->n)
                sem_post(&l->over);
}

static void wait_over(struct load *l)
{
        while (sem_wait(&l->over) != 0)
                ;
        if (l->failed)
                die("load", "links were refused");
}

/* The moment at which no link is on its way. */
static void wait_active(PGconn *c)
{
        int64_t until_ms = clock_mono_ms() + PATIENCE_MS;

        while (query_int(c, "SELECT count(*) FROM timer WHERE kind = 0")) {
                if (clock_mono_ms() > until_ms) {
                        fprintf(stderr, "link_bench: %lld operations, %lld desires wait, at %lld gateways\n",
                                (long long)query_int(c, "SELECT count(*) FROM timer WHERE kind = 0"),
                                (long long)query_int(c, "SELECT count(*) FROM work"),
                                (long long)query_int(c, "SELECT count(DISTINCT gateway_id) FROM work"));
                        die("links", "not ACTIVE in time");
                }
                pause_us(20000);
        }
}

static void check_active(PGconn *c, int64_t since_ms, size_t wanted)
{
        char sql[160];

        snprintf(sql, sizeof sql, "SELECT count(*) FROM vlink WHERE provisioning = 1 AND operating = 0 AND created_ms >= %lld",
                 (long long)since_ms);
        if ((size_t)query_int(c, sql) != wanted)
                die("links", "not all became ACTIVE");
}

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static double percentile(double *sorted, size_t n, double p)
{
        size_t at = (size_t)(p * (double)n / 100);

        return sorted[at < n ? at : n - 1];
}

/* ---- load ---- */

static void load(PGconn *c, const char *connection, struct bus *bus, char **argv, bool until_active)
{
        struct load l = { .bus = bus };
        size_t outstanding = number(argv[1], 100000);
        char sql[256];
        int64_t from_us, since_ms;
        double replied_s, active_s;

        l.n = number(argv[0], LINKS_MAX);
        l.per_vpn = number(argv[2], 1024);
        l.named = strcmp(argv[3], "named") == 0;
        l.vpns = calloc(l.n / l.per_vpn + 1, sizeof *l.vpns);
        if (!l.vpns || sem_init(&l.over, 0, 0) != 0)
                die("memory", NULL);
        make_vpns(connection, l.vpns, l.n / l.per_vpn + 1);
        since_ms = clock_wall_ms();
        from_us = clock_mono_us();
        for (size_t i = 0; i < outstanding; i++)
                ask(&l);
        wait_over(&l);
        replied_s = (double)(clock_mono_us() - from_us) / 1e6;
        if (!until_active) {
                printf("links=%zu\nreplies_per_s=%.1f\n", l.n, (double)l.n / replied_s);
                sem_destroy(&l.over);
                free(l.vpns);
                return;
        }
        wait_active(c);
        active_s = (double)(clock_mono_us() - from_us) / 1e6;
        check_active(c, since_ms, l.n);
        snprintf(sql, sizeof sql, "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY finished_ms - started_ms)"
                 " FROM operation WHERE started_ms >= %lld", (long long)since_ms);
        printf("links=%zu\nseconds=%.3f\nlinks_per_s=%.1f\nreplies_per_s=%.1f\nloaded_p50_ms=%lld\n", l.n, active_s,
               (double)l.n / active_s, (double)l.n / replied_s, (long long)query_int(c, sql));
        sem_destroy(&l.over);
        free(l.vpns);
}

/* ---- idle ---- */

static void wait_one_active(PGconn *c, const char *id)
{
        const char *values[] = { id };

        for (;;) {
                PGresult *r = PQexecPrepared(c, "one", 1, values, NULL, NULL, 0);
                bool active = PQntuples(r) == 1 && strcmp(PQgetvalue(r, 0, 0), "1") == 0;

                if (PQresultStatus(r) != PGRES_TUPLES_OK || (PQntuples(r) == 1 && strcmp(PQgetvalue(r, 0, 0), "4") == 0))
                        die("link", "did not become ACTIVE");
                PQclear(r);
                if (active)
                        return;
                pause_us(200);
        }
}

static void idle(PGconn *c, const char *connection, struct bus *bus, char **argv)
{
        size_t n = number(argv[0], LINKS_MAX);
        double *reply_ms = calloc(n, sizeof *reply_ms), *active_ms = calloc(n, sizeof *active_ms);
        char(*vpns)[ID_SIZE] = calloc(n, sizeof *vpns);

        if (!reply_ms || !active_ms || !vpns)
                die("memory", NULL);
        make_vpns(connection, vpns, n);
        PQclear(PQprepare(c, "one", "SELECT provisioning FROM vlink WHERE id = $1::uuid", 1, NULL));
        for (size_t i = 0; i < n; i++) {
                struct load l = { .bus = bus, .n = 1, .per_vpn = 1, .vpns = &vpns[i] };
                int64_t from_us = clock_mono_us();

                sem_init(&l.over, 0, 0);
                ask(&l);
                wait_over(&l);
                reply_ms[i] = (double)(clock_mono_us() - from_us) / 1e3;
                wait_one_active(c, l.last);
                active_ms[i] = (double)(clock_mono_us() - from_us) / 1e3;
                sem_destroy(&l.over);
                pause_us(5000 + random() % 20000);
        }
        qsort(reply_ms, n, sizeof *reply_ms, compare);
        qsort(active_ms, n, sizeof *active_ms, compare);
        printf("reply_p50_ms=%.2f\nreply_p99_ms=%.2f\nactive_p50_ms=%.2f\nactive_p99_ms=%.2f\n",
               percentile(reply_ms, n, 50), percentile(reply_ms, n, 99), percentile(active_ms, n, 50),
               percentile(active_ms, n, 99));
        free(reply_ms);
        free(active_ms);
        free(vpns);
}

/* ---- */

static bool is(const char *verb, int argc, char **argv, int n_arguments)
{
        return argc == 4 + n_arguments && strcmp(argv[1], verb) == 0;
}

int main(int argc, char **argv)
{
        struct bus_settings settings = {
                .transport_url = argc > 2 ? argv[2] : NULL,
                .control_exchange = (char[]){ "atlas" },
                .amqp_durable_queues = true,
                .rabbit_quorum_queue = getenv("ATLAS_BENCH_QUORUM") != NULL,
                .rabbit_transient_queues_ttl_s = 1800,
                .rpc_response_timeout_s = 60,
                .heartbeat_timeout_s = 10,
                .ssl_ca_file = (char[]){ "" },
        };
        OWN(bus_free) struct bus *bus = NULL;
        struct fault why = { 0 };
        PGconn *c;

        log_open("link_bench", LOG_LEVEL_WARN);
        if (is("seed", argc, argv, 0)) {
                seed(argv[3], &settings);
                return 0;
        }
        if (is("sites", argc, argv, 1)) {
                more_sites(argv[3], &settings, number(argv[4], SITES_MAX - 1));
                return 0;
        }
        if (!is("wait", argc, argv, 1) && !is("load", argc, argv, 4) && !is("open", argc, argv, 4) && !is("idle", argc, argv, 1))
                die("usage", "link_bench seed|sites|wait|load|open|idle URL DB ...");
        c = database(argv[3]);
        if (is("wait", argc, argv, 1)) {
                wait_for_gateways(c, number(argv[4], GATEWAYS_MAX));
        } else {
                must(bus_new("link-bench", &settings, &bus, &why), "bus", &why);
                read_ends(c);
                if (strcmp(argv[1], "idle") == 0)
                        idle(c, argv[3], bus, argv + 4);
                else
                        load(c, argv[3], bus, argv + 4, strcmp(argv[1], "load") == 0);
        }
        PQfinish(c);
        return 0;
}
