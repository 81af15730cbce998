/* SPDX-License-Identifier: Apache-2.0 */
/* Watching a real atlas-api: streams of events under concurrent commits, hundreds of watchers, slow ones, and changes
 * whose end is waited for. */
#include "support/unit.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "messages/topics.h"
#include "store/pg.h"
#include "store/tables.h"
#include "support/api.h"
#include "support/broker.h"
#include "support/database.h"

#define LINK "dddddddd-0000-4000-8000-000000000001"
#define OTHER_LINK "dddddddd-0000-4000-8000-000000000002"
#define OPERATION "ffffffff-0000-4000-8000-000000000001"

enum { WAIT_MS = 8000, ROOM = 4 << 20 };

static struct broker broker;
static struct database *db;
static struct api_process api;
static struct store *store;
static struct bus *bus; /* of a conductor played by the test */
static struct bus_consumer *consumer;

/* ---- what happens ---- */

static void put(enum store_table_id table, const void *row)
{
        assert_int_equal(store_begin(store), STORE_OK);
        assert_int_equal(store_put(store, &store_tables[table], &row, 1), 0);
        assert_int_equal(store_commit(store), STORE_OK);
}

static void put_event(const char *project, const char *object_id, const char *type)
{
        struct event e = { .object_type = "virtual_link", .from = "a", .to = "b" };

        TEXT_SET(e.project_id, project);
        TEXT_SET(e.object_id, object_id);
        TEXT_SET(e.operation_id, OPERATION);
        TEXT_SET(e.type, type);
        e.at_ms = clock_wall_ms();
        put(T_EVENT, &e);
}

static void hint(void)
{
        const struct bus_target all = { .topic = TOPIC_API, .fanout = true };
        json_auto_t *none = json_object();

        assert_int_equal(bus_cast_to(bus, &all, "committed", none, none, 1000, NULL, NULL), 0);
}

/* ---- who watches ---- */

static int ask(const char *target, const char *project, const char *headers)
{
        int port = atoi(strrchr(api.base, ':') + 1), fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in to = { .sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr = { htonl(INADDR_LOOPBACK) } };
        char request[1024];
        int n = snprintf(request, sizeof request,
                         "GET %s HTTP/1.1\r\nHost: x\r\nX-Project-Id: %s\r\nAccept: text/event-stream\r\n%s\r\n", target,
                         project, headers);

        assert_true(fd >= 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
        assert_int_equal(send(fd, request, (size_t)n, MSG_NOSIGNAL), n);
        return fd;
}

/* Reads until 'needle' is in 'text', which goes on from what is there; NULL: until the end. */
static bool hear(int fd, const char *needle, char *text, int wait_ms)
{
        size_t n = strlen(text);

        for (int64_t until = clock_mono_ms() + wait_ms; !needle || !strstr(text, needle);) {
                struct pollfd p = { .fd = fd, .events = POLLIN };
                int64_t left = until - clock_mono_ms();
                ssize_t got;

                if (left <= 0 || n >= ROOM - 1 || poll(&p, 1, (int)left) <= 0)
                        return false;
                got = recv(fd, text + n, ROOM - 1 - n, 0);
                if (got <= 0)
                        return !needle;
                n += (size_t)got;
                text[n] = '\0';
        }
        return true;
}

static char text[ROOM];

/* A stream that has said where it stands. */
static int watch(const char *target, const char *project, const char *headers)
{
        int fd = ask(target, project, headers);

        text[0] = '\0';
        assert_true(hear(fd, "\n\n", text, WAIT_MS));
        assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\n"));
        assert_non_null(strstr(text, "Content-Type: text/event-stream\r\n"));
        assert_non_null(strstr(text, "\r\n\r\nretry: "));
        return fd;
}

/* The id of the last whole event (or sign of life) in what was heard. */
static int64_t last_id(const char *heard)
{
        int64_t id = -1;

        for (const char *at = heard; (at = strstr(at, "id: ")); at++)
                if ((at == heard || at[-1] == '\n') && strstr(at, "\n\n"))
                        id = strtoll(at + 4, NULL, 10);
        return id;
}

static int count(const char *heard, const char *needle)
{
        int n = 0;

        for (const char *at = heard; (at = strstr(at, needle)); at++)
                n++;
        return n;
}

/* ---- tests ---- */

static void a_watcher_is_told_what_is_its_own(void **state)
{
        int red = watch("/v1/events", "red", ""), link = watch("/v1/events?object_id=" LINK, "red", "");
        char heard[8192] = "";

        (void)state;
        put_event("blue", LINK, "not-for-red");
        put_event("red", OTHER_LINK, "other-object");
        put_event("red", LINK, "for-both");
        text[0] = '\0';
        assert_true(hear(red, "for-both", text, WAIT_MS));
        assert_int_equal(count(text, "\"other-object\""), 1);
        assert_null(strstr(text, "not-for-red"));
        assert_non_null(strstr(text, "data: {\"event\":{\"id\":\""));
        assert_true(hear(link, "for-both", heard, WAIT_MS));
        assert_null(strstr(heard, "other-object"));
        assert_null(strstr(heard, "not-for-red"));
        close(red);
        close(link);
}

static void a_hint_makes_it_quick(void **state)
{
        int64_t slowest_ms = 0, sum_ms = 0;
        int fd = watch("/v1/events", "red", "");

        (void)state;
        for (int i = 0; i < 10; i++) {
                char type[32];
                int64_t began_ms = clock_mono_ms(), took_ms;

                snprintf(type, sizeof type, "quick-%d", i);
                put_event("red", LINK, type);
                hint();
                text[0] = '\0';
                assert_true(hear(fd, type, text, WAIT_MS));
                took_ms = clock_mono_ms() - began_ms;
                sum_ms += took_ms;
                slowest_ms = took_ms > slowest_ms ? took_ms : slowest_ms;
        }
        print_message("hinted events took %" PRId64 " ms at most, %" PRId64 " on average\n", slowest_ms, sum_ms / 10);
        /* Without the hints, the average is half of 250. */
        assert_in_range(sum_ms / 10, 0, 100);
        close(fd);
}

/* Threads that commit events in transactions of random length: ids and commits are in different orders. */
enum { WRITERS = 4, EACH = 150 };
static atomic_int n_running;

static void *writer(void *user)
{
        PGconn *conn = PQconnectdb(database_connection(db));
        unsigned seed = (unsigned)(intptr_t)user;
        char sql[600];

        for (int i = 0; i < EACH; i++) {
                snprintf(sql, sizeof sql,
                         "BEGIN; INSERT INTO event (project_id, object_type, object_id, request_id, type, flow_row, from_state, to_state,"
                         " site, reason, at_ms, id) VALUES ('red', 'virtual_link', '" LINK "', '', 'w%ld-%d.', 0, '', '', '', '', 1,"
                         " event_id(%d)); SELECT pg_sleep(%d / 1000.0); COMMIT",
                         (long)(intptr_t)user, i, 1 + rand_r(&seed) % 1000, rand_r(&seed) % 8);
                PGresult *result = PQexec(conn, sql);
                if (PQresultStatus(result) != PGRES_COMMAND_OK)
                        fprintf(stderr, "%s", PQerrorMessage(conn));
                PQclear(result);
        }
        PQfinish(conn);
        n_running--;
        return NULL;
}

static void who_resumes_misses_nothing_and_sees_nothing_twice(void **state)
{
        pthread_t threads[WRITERS];
        int fd = watch("/v1/events?object_type=virtual_link", "red", ""), n_cuts = 0;
        int64_t id = last_id(text);
        char *all = calloc(1, ROOM), header[64];
        size_t n = 0;

        (void)state;
        n_running = WRITERS;
        for (intptr_t i = 0; i < WRITERS; i++)
                assert_int_equal(pthread_create(&threads[i], NULL, writer, (void *)(i + 1)), 0);
        for (int64_t until = clock_mono_ms() + 40000; count(all, "\"w") < WRITERS * EACH;) {
                assert_true(clock_mono_ms() < until);
                text[0] = '\0';
                hear(fd, "never", text, 30 + n_cuts % 7 * 20);
                /* Only whole events count: the rest comes again. */
                char *end = text;
                for (char *at = text; (at = strstr(at, "\n\n")); at += 2)
                        end = at + 2;
                *end = '\0';
                n = (size_t)(stpcpy(all + n, text) - all);
                if (last_id(text) >= 0)
                        id = last_id(text);
                close(fd);
                n_cuts++;
                snprintf(header, sizeof header, "Last-Event-ID: %" PRId64 "\r\n", id);
                fd = ask("/v1/events?object_type=virtual_link", "red", header);
        }
        for (int i = 0; i < WRITERS; i++)
                pthread_join(threads[i], NULL);
        for (int w = 1; w <= WRITERS; w++)
                for (int i = 0; i < EACH; i++) {
                        char name[32];

                        snprintf(name, sizeof name, "\"w%d-%d.\"", w, i);
                        assert_int_equal(count(all, name), 1);
                }
        print_message("resumed %d times\n", n_cuts);
        assert_true(n_cuts >= 3); /* otherwise nothing was shown */
        free(all);
        close(fd);
}

static void a_long_past_is_read_in_pages(void **state)
{
        enum { N = 1500 };
        struct event *events = calloc(N, sizeof *events);
        const void *rows[N];
        int fd = watch("/v1/events", "past", "");
        char header[64], *last = NULL;

        (void)state;
        snprintf(header, sizeof header, "Last-Event-ID: %" PRId64 "\r\n", last_id(text));
        close(fd);
        for (int i = 0; i < N; i++) {
                events[i] = (struct event){ .project_id = "past", .object_type = "virtual_link", .object_id = LINK, .at_ms = 1 };
                snprintf(events[i].type, sizeof events[i].type, "past-%d.", i);
                rows[i] = &events[i];
        }
        assert_int_equal(store_begin(store), STORE_OK);
        assert_int_equal(store_put(store, &store_tables[T_EVENT], rows, N), 0);
        assert_int_equal(store_commit(store), STORE_OK);
        fd = ask("/v1/events", "past", header);
        text[0] = '\0';
        assert_true(hear(fd, "past-1499.", text, WAIT_MS));
        assert_int_equal(count(text, "\"past-"), N);
        for (int i = 0; i < N; i++) {
                char *at;

                snprintf(header, sizeof header, "past-%d.", i);
                at = strstr(text, header);
                assert_true(at > last); /* in order */
                last = at;
        }
        close(fd);
        free(events);
}

static int64_t rss_kb(void)
{
        char path[64], line[256];
        long long kb = 0;
        FILE *f;

        snprintf(path, sizeof path, "/proc/%d/status", (int)api.pid);
        f = fopen(path, "re");
        assert_non_null(f);
        while (fgets(line, sizeof line, f))
                if (sscanf(line, "VmRSS: %lld", &kb) == 1)
                        break;
        fclose(f);
        return kb;
}

static void two_hundred_watchers_are_told_within_a_second(void **state)
{
        enum { N = 200 };
        int fds[N];
        int64_t before_kb, began_ms;

        (void)state;
        close(watch("/v1/events", "crowd", "")); /* what the first costs is not each one's */
        before_kb = rss_kb();
        for (int i = 0; i < N; i++)
                fds[i] = watch(i % 2 ? "/v1/events" : "/v1/events?object_id=" LINK, "crowd", "");
        for (int round = 0; round < 3; round++) {
                char type[32];

                snprintf(type, sizeof type, "crowd-%d", round);
                put_event("crowd", LINK, type);
                began_ms = clock_mono_ms();
                for (int i = 0; i < N; i++) {
                        text[0] = '\0';
                        assert_true(hear(fds[i], type, text, WAIT_MS));
                }
                assert_in_range(clock_mono_ms() - began_ms, 0, 1000);
        }
        print_message("%d watchers, %.1f KiB each\n", N, (double)(rss_kb() - before_kb) / N);
#ifndef __SANITIZE_ADDRESS__ /* it keeps what was freed */
        assert_in_range(rss_kb() - before_kb, 0, N * 20);
#endif
        for (int i = 0; i < N; i++)
                close(fds[i]);
}

static void a_watcher_that_does_not_read_is_cut_and_can_resume(void **state)
{
        enum { N = 4000 };
        struct event *events = calloc(N, sizeof *events);
        const void *rows[N];
        int small = 4096, fd, slow;
        char header[64];
        int64_t id;

        (void)state;
        slow = watch("/v1/events", "slow", "");
        setsockopt(slow, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        id = last_id(text);
        for (int i = 0; i < N; i++) {
                events[i] = (struct event){ .project_id = "slow", .object_type = "virtual_link", .object_id = LINK, .at_ms = 1 };
                memset(events[i].reason, 'r', sizeof events[i].reason - 1);
                snprintf(events[i].type, sizeof events[i].type, "slow-%d.", i);
                rows[i] = &events[i];
        }
        /* More than the kernel and we hold for it. */
        for (int i = 0; i < 4; i++) {
                assert_int_equal(store_begin(store), STORE_OK);
                assert_int_equal(store_put(store, &store_tables[T_EVENT], rows, N), 0);
                assert_int_equal(store_commit(store), STORE_OK);
        }
        free(events);
        struct pollfd p = { .fd = slow, .events = POLLRDHUP };
        assert_int_equal(poll(&p, 1, 20000), 1);
        text[0] = '\0';
        hear(slow, NULL, text, WAIT_MS);
        close(slow);
        if (last_id(text) > 0)
                id = last_id(text);
        /* The others were not kept waiting, and it goes on where it stopped. */
        snprintf(header, sizeof header, "Last-Event-ID: %" PRId64 "\r\n", id);
        fd = ask("/v1/events", "slow", header);
        text[0] = '\0';
        if (!hear(fd, "slow-", text, WAIT_MS))
                fail_msg("after %s: %.600s", header, text);
        close(fd);
}

static void what_cannot_be_watched_is_refused(void **state)
{
        static const struct {
                const char *target, *headers, *status;
        } cases[] = {
                { "/v1/events", "Last-Event-ID: yesterday\r\n", " 400 " },
                { "/v1/events?nonsense=1", "", " 400 " },
                { "/v1/events?all_projects=true", "", " 403 " },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                int fd = ask(cases[i].target, "red", cases[i].headers);

                text[0] = '\0';
                assert_true(hear(fd, "request_id", text, WAIT_MS));
                assert_non_null(strstr(text, cases[i].status));
                close(fd);
        }
}

/* ---- Prefer: wait ---- */

static struct operation operation;

static void on_delivery(struct bus_delivery *d, void *user)
{
        json_auto_t *result =
                json_pack("{s{ss ss ss}}", "virtual_link", "id", LINK, "operation_id", OPERATION, "provisioning_status",
                          "PENDING_UPDATE");

        (void)user;
        bus_reply(bus, d->request, result);
        bus_settle(d, BUS_DONE, NULL);
}

static void *finish_later(void *user)
{
        PGconn *conn = PQconnectdb(database_connection(db));

        poll(NULL, 0, 300);
        PQclear(PQexec(conn, user));
        PQfinish(conn);
        return NULL;
}

#define EVENT_OF_END                                                                                                 \
        "INSERT INTO event (project_id, object_type, object_id, operation_id, request_id, type, flow_row, from_state, to_state," \
        " site, reason, at_ms, id) VALUES ('red', 'virtual_link', '" LINK "', '" OPERATION                           \
        "', '', 'virtual_link.update.end', 0, '', '', '', '', 1, event_id(1))"

static void put_link(void)
{
        struct vlink link = { .id = LINK, .project_id = "red", .ignored = "[]", .operation_id = OPERATION };

        operation = (struct operation){ .id = OPERATION, .project_id = "red", .link_id = LINK, .state = "x", .kind = OP_UPDATE };
        TEXT_SET(link.vpn_id, OTHER_LINK);
        put(T_VLINK, &link);
        for (int side = 0; side < SIDE_N; side++) {
                struct vport port = { .link_id = LINK, .project_id = "red", .side = side, .site_id = LINK, .gateway_id = LINK };

                TEXT_SET(port.id, side == SIDE_A ? LINK : OTHER_LINK);
                put(T_VPORT, &port);
        }
        put(T_OPERATION, &operation);
}

static void who_would_wait_is_answered_when_it_ended(void **state)
{
        static const struct {
                const char *method, *body, *sql;
                int status, wait_s;
                int64_t least_ms, most_ms;
        } cases[] = {
                { "PUT", "{\"virtual_link\": {\"bandwidth\": {\"a_to_z_kbps\": 1, \"z_to_a_kbps\": 1}}}",
                  "BEGIN; UPDATE operation SET result = 1; UPDATE vlink SET operation_id = NULL; " EVENT_OF_END "; COMMIT", 200, 10,
                  250, 3000 },
                { "DELETE", NULL,
                  "BEGIN; UPDATE operation SET result = 1; DELETE FROM vlink; " EVENT_OF_END "; COMMIT", 204, 10, 250, 3000 },
                { "PUT", "{\"virtual_link\": {\"bandwidth\": {\"a_to_z_kbps\": 1, \"z_to_a_kbps\": 1}}}",
                  "BEGIN; UPDATE operation SET result = 2; " EVENT_OF_END "; COMMIT", 202, 10, 250, 3000 },
                { "PUT", "{\"virtual_link\": {\"bandwidth\": {\"a_to_z_kbps\": 1, \"z_to_a_kbps\": 1}}}", "SELECT 1", 202, 1, 950,
                  3000 },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                OWN(text_done) struct text headers = { 0 };
                char prefer[40], applied[60];
                const char *const red[] = { "X-Project-Id: red", prefer, NULL };
                json_auto_t *answer = NULL;
                pthread_t thread;
                char *sql = strdup(cases[i].sql);
                int64_t began_ms;

                database_run(db, "DELETE FROM vlink; DELETE FROM operation");
                put_link();
                snprintf(prefer, sizeof prefer, "Prefer: respond-async, wait=%d", cases[i].wait_s);
                snprintf(applied, sizeof applied, "reference-Applied: wait=%d", cases[i].wait_s);
                assert_int_equal(pthread_create(&thread, NULL, finish_later, sql), 0);
                began_ms = clock_mono_ms();
                assert_int_equal(api_ask(&api, cases[i].method, "/v1/virtual-links/" LINK, red, cases[i].body, &answer, &headers),
                                 cases[i].status);
                assert_in_range(clock_mono_ms() - began_ms, cases[i].least_ms, cases[i].most_ms);
                assert_non_null(strstr(headers.bytes, applied));
                pthread_join(thread, NULL);
                free(sql);
        }
}

static bool ready(void *user)
{
        return bus_consumer_ready(user);
}

static void a_server_that_ends_lets_its_watchers_go(void **state)
{
        struct api_process other;
        struct api_process keep = api;
        int fd, status;

        (void)state;
        api_start(&other, ATLAS_API, broker.url, database_connection(db), "");
        api = other;
        fd = watch("/v1/events", "red", "");
        int64_t began_ms = clock_mono_ms();
        status = api_stop(&other);
        api = keep;
        assert_int_equal(status, 0);
        assert_in_range(clock_mono_ms() - began_ms, 0, 3000);
        text[0] = '\0';
        assert_true(hear(fd, NULL, text, WAIT_MS));
        close(fd);
}

static void a_project_that_asks_too_often_has_to_wait(void **state)
{
        const char *const red[] = { "X-Project-Id: red", NULL }, *const blue[] = { "X-Project-Id: blue", NULL };
        OWN(text_done) struct text headers = { 0 };
        struct api_process other;
        int n_ok = 0, n_late = 0;

        (void)state;
        api_start(&other, ATLAS_API, broker.url, database_connection(db),
                  "project_rate_limit = 1\nproject_rate_burst = 10\n");
        for (int i = 0; i < 30; i++) {
                json_auto_t *answer = NULL;
                int status = api_ask(&other, "GET", "/v1/vpns", red, NULL, &answer, &headers);

                n_ok += status == 200;
                n_late += status == 429;
                if (status == 429) {
                        assert_non_null(strstr(headers.bytes, "etry-After: 1\n"));
                        assert_string_equal(json_string_value(json_object_get(json_object_get(answer, "error"), "type")),
                                            "request.too_many");
                }
        }
        assert_int_equal(n_ok + n_late, 30);
        assert_in_range(n_ok, 10, 20); /* one a second comes on top */
        assert_int_equal(api_ask(&other, "GET", "/v1/vpns", blue, NULL, NULL, NULL), 200);
        assert_int_equal(api_ask(&other, "GET", "/healthcheck/live", NULL, NULL, NULL, NULL), 200);
        assert_int_equal(api_stop(&other), 0);
}

static int start_all(void **state)
{
        static const char *const queues[] = { TOPIC_CONDUCTOR, NULL };
        struct bus_consumer_spec spec = { .queues = queues, .prefetch = 10, .declare = true, .on_delivery = on_delivery };
        struct bus_settings settings;

        (void)state;
        if (!broker_new(&broker))
                return -1;
        db = database_new();
        settings = broker_settings(&broker);
        assert_int_equal(bus_new("test-conductor", &settings, &bus, NULL), 0);
        assert_int_equal(bus_consumer_new(bus, &spec, &consumer), 0);
        assert_true(wait_until(ready, consumer, 10000));
        assert_int_equal(store_pg_new(database_connection(db), 5, &store, NULL), 0);
        api_start(&api, ATLAS_API, broker.url, database_connection(db), "");
        return 0;
}

static int stop_all(void **state)
{
        int status = api_stop(&api);

        (void)state;
        bus_consumer_free(consumer);
        bus_free(bus);
        store_free(store);
        broker_remove(&broker);
        database_free(db);
        return status;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                UNIT(a_watcher_is_told_what_is_its_own),
                UNIT(a_hint_makes_it_quick),
                UNIT(who_resumes_misses_nothing_and_sees_nothing_twice),
                UNIT(a_long_past_is_read_in_pages),
                UNIT(two_hundred_watchers_are_told_within_a_second),
                UNIT(a_watcher_that_does_not_read_is_cut_and_can_resume),
                UNIT(what_cannot_be_watched_is_refused),
                UNIT(who_would_wait_is_answered_when_it_ended),
                UNIT(a_server_that_ends_lets_its_watchers_go),
                UNIT(a_project_that_asks_too_often_has_to_wait),
        };

        return cmocka_run_group_tests(tests, start_all, stop_all);
}
