/* SPDX-License-Identifier: Apache-2.0 */
/* The API's reader on a real PostgreSQL: many questions at once, deadlines, and a server that goes
 * and comes. */
#include "support/unit.h"

#include <libpq-fe.h>
#include <poll.h>

#include "base/clock.h"
#include "store/pg.h"
#include "store/reader.h"
#include "store/rows.h"
#include "store/tables.h"
#include "support/database.h"
#include "support/random_rows.h"

enum { DEADLINE_MS = 5000 };

struct fixture {
        struct database *db;
        struct store *store;
        struct store_reader *reader;
        uint64_t seed;
};

static int setup(void **state)
{
        struct fixture *f = calloc(1, sizeof *f);

        f->db = database_new();
        f->seed = 7;
        assert_int_equal(store_pg_new(database_connection(f->db), 3, &f->store, NULL), 0);
        assert_int_equal(store_reader_new(database_connection(f->db), &f->reader), 0);
        *state = f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        store_free(f->store);
        store_reader_free(f->reader);
        database_free(f->db);
        free(f);
        return 0;
}

/* What came back for one question. */
struct answer {
        const struct store_table *table;
        int n_calls, r;
        struct store_rows rows;
        int64_t serials[64];
};

static void on_rows(int r, const struct store_rows *rows, const int64_t *serials, void *user)
{
        struct answer *a = user;

        a->n_calls++;
        a->r = r;
        for (size_t i = 0; i < rows->n; i++) {
                memcpy(store_rows_add(&a->rows, a->table), store_rows_at(rows, a->table, i),
                       a->table->row_size);
                if (serials && i < N_ELEMENTS(a->serials))
                        a->serials[i] = serials[i];
        }
}

static void pump_until(struct store_reader *r, const int *counter, int n)
{
        int64_t deadline = clock_mono_ms() + 20000;

        while (*counter < n) {
                struct pollfd p = { .fd = store_reader_fd(r), .events = POLLIN };

                assert_true(clock_mono_ms() < deadline);
                if (poll(&p, 1, 1000) > 0)
                        store_reader_pump(r);
        }
}

static void pump_until_ready(struct store_reader *r, bool ready)
{
        int64_t deadline = clock_mono_ms() + 20000;

        while (store_reader_ready(r) != ready) {
                struct pollfd p = { .fd = store_reader_fd(r), .events = POLLIN };

                assert_true(clock_mono_ms() < deadline);
                if (poll(&p, 1, 1000) > 0)
                        store_reader_pump(r);
        }
}

static void put_now(struct fixture *f, const struct store_table *t, const void *rows, size_t n)
{
        const void **each = calloc(n, sizeof *each);

        for (size_t i = 0; i < n; i++)
                each[i] = (const char *)rows + i * t->row_size;
        assert_int_equal(store_begin(f->store), STORE_OK);
        assert_int_equal(store_put(f->store, t, each, n), 0);
        assert_int_equal(store_commit(f->store), STORE_OK);
        free(each);
}

#define WHERE(column_, compare_, ...)                                                              \
        {                                                                                          \
                .column = column_, .compare = compare_,                                            \
                .values = (const char *const[]){ __VA_ARGS__ },                                    \
                .n_values = sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)          \
        }

static void ask(struct fixture *f, const struct store_table *t, const struct store_where *where,
                size_t n_where, const char *order, bool descending, size_t limit,
                struct answer *ret)
{
        store_rows_done(&ret->rows);
        *ret = (struct answer){ .table = t };
        assert_int_equal(store_reader_select(f->reader, t, where, n_where, order, descending, limit,
                                             DEADLINE_MS, on_rows, ret),
                         0);
        assert_int_equal(ret->n_calls, 0); /* never from within the call */
        pump_until(f->reader, &ret->n_calls, 1);
}

static void a_thousand_questions_at_once_have_a_thousand_answers(void **state)
{
        struct fixture *f = *state;
        const struct store_table *t = &store_tables[T_VLINK];
        OWN(mem_free) struct vlink *links = random_rows(&f->seed, t, 1000);
        struct answer *answers = calloc(1000, sizeof *answers);
        int r;

        put_now(f, t, links, 1000);
        pump_until_ready(f->reader, true);
        for (int i = 0; i < 1000; i++) {
                const struct store_where by_id = WHERE("id", STORE_IS, links[i].id);

                answers[i].table = t;
                r = store_reader_select(f->reader, t, &by_id, 1, NULL, false, 0, DEADLINE_MS,
                                        on_rows, &answers[i]);
                assert_int_equal(r, 0);
        }
        for (int i = 0; i < 1000; i++) {
                pump_until(f->reader, &answers[i].n_calls, 1);
                assert_int_equal(answers[i].n_calls, 1);
                assert_int_equal(answers[i].r, 0);
                assert_int_equal(answers[i].rows.n, 1);
                assert_true(rows_equal(t, answers[i].rows.rows, &links[i]));
                store_rows_done(&answers[i].rows);
        }
        free(answers);
}

/* Those that ask by ids in one turn share a statement; each has its own rows, as if it were alone. */
static void those_who_ask_by_ids_get_each_their_own_rows(void **state)
{
        enum { N = 200 };
        struct fixture *f = *state;
        const struct store_table *t = &store_tables[T_VPORT];
        OWN(mem_free) struct vport *ports = random_rows(&f->seed, t, 2 * N);
        struct answer *answers = calloc(N, sizeof *answers);
        char missing[] = "00000000-0000-4000-8000-000000000000";
        struct answer a = { .table = t }, none = { .table = t };
        const struct store_where where_id = WHERE("id", STORE_IS, ports[5].id),
                                 where_missing = WHERE("link_id", STORE_IS, missing, "rubbish");

        for (int i = 0; i < 2 * N; i++)
                strcpy(ports[i].link_id, ports[i / 2 * 2].id); /* two of each link */
        put_now(f, t, ports, 2 * N);
        pump_until_ready(f->reader, true);
        for (int i = 0; i < N; i++) {
                /* Of every third two links, the first of them twice. */
                const char *ids[] = { ports[2 * i].link_id, ports[(2 * i + 2) % (2 * N)].link_id,
                                      ports[2 * i].link_id };
                const struct store_where where = { "link_id", STORE_IS, ids, i % 3 ? 1 : 3 };

                answers[i].table = t;
                assert_int_equal(store_reader_select(f->reader, t, &where, 1, "link_id", false, 0,
                                                     DEADLINE_MS, on_rows, &answers[i]),
                                 0);
        }
        assert_int_equal(store_reader_select(f->reader, t, &where_id, 1, NULL, false, 1,
                                             DEADLINE_MS, on_rows, &a),
                         0);
        assert_int_equal(store_reader_select(f->reader, t, &where_missing, 1, "link_id", false, 0,
                                             DEADLINE_MS, on_rows, &none),
                         0);
        for (int i = 0; i < N; i++) {
                const struct vport *got = answers[i].rows.rows;
                size_t n = i % 3 ? 2 : 4;

                pump_until(f->reader, &answers[i].n_calls, 1);
                got = answers[i].rows.rows;
                assert_int_equal(answers[i].rows.n, n);
                for (size_t j = 1; j < n; j++) {
                        int by_link = strcmp(got[j - 1].link_id, got[j].link_id);

                        assert_true(by_link < 0 ||
                                    (by_link == 0 && strcmp(got[j - 1].id, got[j].id) < 0));
                }
                for (size_t j = 0; j < n && i % 3; j++)
                        assert_string_equal(got[j].link_id, ports[2 * i].link_id);
                store_rows_done(&answers[i].rows);
        }
        pump_until(f->reader, &a.n_calls, 1);
        assert_true(rows_equal(t, a.rows.rows, &ports[5]));
        pump_until(f->reader, &none.n_calls, 1);
        assert_int_equal(none.r, 0);
        assert_int_equal(none.rows.n, 0);
        store_rows_done(&a.rows);
        free(answers);
}

static void rows_are_filtered_ordered_and_limited(void **state)
{
        struct fixture *f = *state;
        const struct store_table *t = &store_tables[T_VLINK];
        OWN(mem_free) struct vlink *links = random_rows(&f->seed, t, 300);
        struct answer a = { 0 };
        const struct vlink *got;
        char marker[37];

        for (int i = 0; i < 300; i++) {
                strcpy(links[i].project_id, i % 3 ? "it's \"mine\"" : "theirs");
                links[i].revision_number = i % 10;
        }
        put_now(f, t, links, 300);
        ask(f, t, &(struct store_where)WHERE("project_id", STORE_IS, "it's \"mine\""), 1, NULL,
            false, 50, &a);
        assert_int_equal(a.rows.n, 50);
        got = a.rows.rows;
        for (int i = 1; i < 50; i++)
                assert_true(strcmp(got[i - 1].id, got[i].id) < 0);
        /* the next page begins behind the last id */
        strcpy(marker, got[49].id);
        ask(f, t,
            (struct store_where[]){ WHERE("project_id", STORE_IS, "it's \"mine\""),
                                    WHERE("id", STORE_AFTER, marker) },
            2, NULL, false, 0, &a);
        assert_int_equal(a.rows.n, 150);
        got = a.rows.rows;
        assert_true(strcmp(marker, got[0].id) < 0);
        ask(f, t,
            (struct store_where[]){ WHERE("revision_number", STORE_IS, "3", "5", "rubbish"),
                                    WHERE("project_id", STORE_IS, "theirs", "nobody") },
            2, "revision_number", true, 0, &a);
        assert_int_equal(a.rows.n, 20);
        got = a.rows.rows;
        assert_int_equal(got[0].revision_number, 5);
        assert_int_equal(got[19].revision_number, 3);
        ask(f, t,
            (struct store_where[]){ WHERE("revision_number", STORE_AT_LEAST, "3"),
                                    WHERE("revision_number", STORE_BEFORE, "5") },
            2, NULL, true, 0, &a);
        assert_int_equal(a.rows.n, 60);
        store_rows_done(&a.rows);
}

static void values_that_cannot_be_there_match_nothing(void **state)
{
        struct fixture *f = *state;
        const struct store_table *t = &store_tables[T_VLINK];
        struct answer a = { 0 };
        static const char *const rubbish[] = { "no-uuid", "", "\xff", "' OR true --" };

        for (size_t i = 0; i < N_ELEMENTS(rubbish); i++) {
                ask(f, t, &(struct store_where)WHERE("id", STORE_IS, rubbish[i]), 1, NULL, false, 0,
                    &a);
                assert_int_equal(a.r, 0);
                assert_int_equal(a.rows.n, 0);
        }
        ask(f, t, &(struct store_where){ .column = "id", .compare = STORE_IS }, 1, NULL, false, 0,
            &a);
        assert_int_equal(a.rows.n, 0);
        assert_int_equal(store_reader_select(f->reader, t,
                                             &(struct store_where)WHERE("nonsense", STORE_IS, "1"),
                                             1, NULL, false, 0, 1000, on_rows, &a),
                         -EINVAL);
        assert_int_equal(store_reader_select(f->reader, t,
                                             &(struct store_where)WHERE("id", STORE_AFTER, "1"), 1,
                                             NULL, false, 0, 1000, on_rows, &a),
                         -EINVAL);
        assert_int_equal(store_reader_select(f->reader, t, NULL, 0, "id; DROP TABLE vlink", false,
                                             0, 1000, on_rows, &a),
                         -EINVAL);
}

static void an_error_harms_no_other_question(void **state)
{
        struct fixture *f = *state;
        static const struct store_column columns[] = { { "id", STORE_UUID, 0, 37, false }, { 0 } };
        static const struct store_table missing = { "no_such_table", 37, columns, 1, false, false };
        struct answer answers[21] = { 0 };

        pump_until_ready(f->reader, true);
        for (int i = 0; i < 21; i++) {
                const struct store_table *t = i == 10 ? &missing : &store_tables[i % T_EVENT];

                answers[i].table = t;
                assert_int_equal(store_reader_select(f->reader, t, NULL, 0, NULL, false, 0,
                                                     DEADLINE_MS, on_rows, &answers[i]),
                                 0);
        }
        for (int i = 0; i < 21; i++) {
                pump_until(f->reader, &answers[i].n_calls, 1);
                assert_int_equal(answers[i].r, i == 10 ? -EIO : 0);
        }
}

/* Puts one event into a transaction that stays open. */
static PGconn *begin_with_event(struct fixture *f, const char *type)
{
        PGconn *conn = PQconnectdb(database_connection(f->db));
        PGresult *result;
        char sql[512];

        snprintf(
                sql, sizeof sql,
                "BEGIN; INSERT INTO event (project_id, object_type, object_id, operation_id, request_id, type, flow_row, from_state,"
                " to_state, site, reason, at_ms, id) SELECT project_id, object_type, object_id, operation_id, request_id, '%s', flow_row,"
                " from_state, to_state, site, reason, at_ms, event_id(1) FROM event ORDER BY id LIMIT 1",
                type);
        result = PQexec(conn, sql);
        assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
        PQclear(result);
        return conn;
}

static void commit(PGconn *conn)
{
        PGresult *result = PQexec(conn, "COMMIT");

        assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
        PQclear(result);
        PQfinish(conn);
}

static void one_who_resumes_after_an_event_misses_none(void **state)
{
        struct fixture *f = *state;
        const struct store_table *t = &store_tables[T_EVENT];
        OWN(mem_free) struct event *events = random_rows(&f->seed, t, 2);
        PGconn *early, *late;
        static const char *const types[] = { "early", "late", "last" };
        struct answer a = { 0 };
        char marker[24];

        strcpy(events[0].type, "first");
        put_now(f, t, events, 1);
        early = begin_with_event(f, "early");
        late = begin_with_event(f, "late");
        strcpy(events[1].type, "last");
        put_now(f, t, events + 1, 1);

        /* What began after the oldest that still runs is withheld, committed or not. */
        ask(f, t, NULL, 0, NULL, false, 0, &a);
        assert_int_equal(a.rows.n, 1);
        snprintf(marker, sizeof marker, "%lld", (long long)a.serials[0]);
        commit(late);
        ask(f, t, &(struct store_where)WHERE("id", STORE_AFTER, marker), 1, NULL, false, 0, &a);
        assert_int_equal(a.rows.n, 0);
        commit(early);
        ask(f, t, &(struct store_where)WHERE("id", STORE_AFTER, marker), 1, NULL, false, 0, &a);
        assert_int_equal(a.rows.n, 3);
        for (size_t i = 0; i < 3; i++) {
                const struct event *e = a.rows.rows;

                assert_string_equal(e[i].type, types[i]);
                assert_true(i == 0 || a.serials[i - 1] < a.serials[i]);
        }
        ask(f, t, NULL, 0, NULL, true, 2, &a);
        assert_string_equal(((struct event *)a.rows.rows)[1].type, "late");
        store_rows_done(&a.rows);
}

static void follow(struct fixture *f, int64_t after, size_t limit, struct answer *ret)
{
        const struct store_table *t = &store_tables[T_EVENT];

        store_rows_done(&ret->rows);
        *ret = (struct answer){ .table = t };
        assert_int_equal(
                store_reader_follow(f->reader, t, after, limit, DEADLINE_MS, on_rows, ret), 0);
        pump_until(f->reader, &ret->n_calls, 1);
}

static void one_who_follows_is_told_that_more_is_withheld(void **state)
{
        struct fixture *f = *state;
        OWN(mem_free) struct event *events = random_rows(&f->seed, &store_tables[T_EVENT], 2);
        PGconn *early;
        struct answer a = { 0 };

        put_now(f, &store_tables[T_EVENT], events, 1);
        early = begin_with_event(f, "early");
        follow(f, 0, 10, &a);
        assert_int_equal(a.r, 0); /* what is not committed is not known of */
        assert_int_equal(a.rows.n, 1);
        put_now(f, &store_tables[T_EVENT], events + 1, 1);
        follow(f, 0, 10, &a);
        assert_int_equal(a.r, STORE_WITHHELD);
        assert_int_equal(a.rows.n, 1);
        follow(f, a.serials[0], 10, &a);
        assert_int_equal(a.r, STORE_WITHHELD);
        assert_int_equal(a.rows.n, 0);
        commit(early);
        follow(f, 0, 2, &a);
        assert_int_equal(a.r, 0);
        assert_int_equal(a.rows.n, 2);
        assert_string_equal(((struct event *)a.rows.rows)[1].type, "early");
        store_rows_done(&a.rows);
}

static void a_new_epochs_events_stand_behind_all_older_ones(void **state)
{
        struct fixture *f = *state;
        const struct store_table *t = &store_tables[T_EVENT];
        OWN(mem_free) struct event *events = random_rows(&f->seed, t, 2);
        struct answer a = { 0 };

        put_now(f, t, events, 1);
        /* As if the database came from a dump: its transactions' numbers lie far ahead of the
         * server's. */
        database_run(f->db, "UPDATE event SET id = 900000000000::bigint << 17");
        ask(f, t, NULL, 0, NULL, false, 0, &a);
        assert_int_equal(a.rows.n, 0);
        database_run(
                f->db,
                "CREATE OR REPLACE FUNCTION event_epoch() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE"
                " AS 'SELECT 1::bigint'");
        strcpy(events[1].type, "new");
        put_now(f, t, events + 1, 1);
        ask(f, t, NULL, 0, "id", false, 0, &a);
        assert_int_equal(a.rows.n, 2);
        assert_string_equal(((struct event *)a.rows.rows)[1].type, "new");
        store_rows_done(&a.rows);
}

static void a_question_whose_time_is_up_is_told_so(void **state)
{
        struct fixture *f = *state;
        const struct store_table *t = &store_tables[T_VLINK];
        PGconn *locker = PQconnectdb(database_connection(f->db));
        struct answer a = { .table = t }, b = { .table = t };
        int64_t start;

        pump_until_ready(f->reader, true);
        PQclear(PQexec(locker, "BEGIN; LOCK TABLE vlink"));
        start = clock_mono_ms();
        assert_int_equal(
                store_reader_select(f->reader, t, NULL, 0, NULL, false, 0, 300, on_rows, &a), 0);
        pump_until(f->reader, &a.n_calls, 1);
        assert_int_equal(a.r, -ETIMEDOUT);
        assert_in_range(clock_mono_ms() - start, 290, 900);
        PQfinish(locker);
        assert_int_equal(
                store_reader_select(f->reader, t, NULL, 0, NULL, false, 0, 3000, on_rows, &b), 0);
        pump_until(f->reader, &b.n_calls, 1);
        assert_int_equal(b.r, 0);
        assert_int_equal(a.n_calls, 1);
}

static void a_killed_connection_answers_what_was_sent_and_comes_again(void **state)
{
        struct fixture *f = *state;
        const struct store_table *t = &store_tables[T_VLINK];
        PGconn *locker = PQconnectdb(database_connection(f->db));
        struct answer a = { .table = t }, b = { .table = t };
        int sent = 0;

        pump_until_ready(f->reader, true);
        PQclear(PQexec(locker, "BEGIN; LOCK TABLE vlink"));
        assert_int_equal(store_reader_select(f->reader, t, NULL, 0, NULL, false, 0, DEADLINE_MS,
                                             on_rows, &a),
                         0);
        store_reader_pump(f->reader);
        while (!sent)
                sent = (int)database_int(
                        f->db, "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
                               " WHERE application_name = 'atlas-reader' AND state = 'active'");
        PQfinish(locker);
        pump_until(f->reader, &a.n_calls, 1);
        assert_true(a.r == -ECONNRESET || a.r == -EIO);
        assert_int_equal(store_reader_select(f->reader, t, NULL, 0, NULL, false, 0, DEADLINE_MS,
                                             on_rows, &b),
                         0);
        pump_until(f->reader, &b.n_calls, 1);
        assert_int_equal(b.r, 0);
}

static void a_reader_survives_the_servers_restart(void **state)
{
        struct fixture *f = *state;
        const struct store_table *t = &store_tables[T_VLINK];
        OWN(mem_free) struct vlink *links = random_rows(&f->seed, t, 10);
        struct answer a = { .table = t }, b = { .table = t };

        if (!database_server_private())
                skip();
        put_now(f, t, links, 10);
        pump_until_ready(f->reader, true);
        database_server_stop();
        pump_until_ready(f->reader, false);
        assert_int_equal(
                store_reader_select(f->reader, t, NULL, 0, NULL, false, 0, 200, on_rows, &a), 0);
        pump_until(f->reader, &a.n_calls, 1);
        assert_int_equal(a.r, -ETIMEDOUT);
        assert_int_equal(
                store_reader_select(f->reader, t, NULL, 0, NULL, false, 0, 10000, on_rows, &b), 0);
        database_server_start();
        pump_until(f->reader, &b.n_calls, 1);
        assert_int_equal(b.r, 0);
        assert_int_equal(b.rows.n, 10);
        store_rows_done(&b.rows);
}

static void a_reader_that_goes_answers_all(void **state)
{
        struct fixture *f = *state;
        const struct store_table *t = &store_tables[T_VLINK];
        struct answer sent = { .table = t }, waiting = { .table = t };

        pump_until_ready(f->reader, true);
        assert_int_equal(store_reader_select(f->reader, t, NULL, 0, NULL, false, 0, DEADLINE_MS,
                                             on_rows, &sent),
                         0);
        store_reader_pump(f->reader);
        assert_int_equal(store_reader_select(f->reader, t, NULL, 0, NULL, false, 0, DEADLINE_MS,
                                             on_rows, &waiting),
                         0);
        f->reader = store_reader_free(f->reader);
        assert_int_equal(sent.n_calls, 1);
        assert_int_equal(waiting.n_calls, 1);
        assert_int_equal(waiting.r, -ECONNRESET);
        store_rows_done(&sent.rows);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(a_thousand_questions_at_once_have_a_thousand_answers),
                TEST(those_who_ask_by_ids_get_each_their_own_rows),
                TEST(rows_are_filtered_ordered_and_limited),
                TEST(values_that_cannot_be_there_match_nothing),
                TEST(an_error_harms_no_other_question),
                TEST(one_who_resumes_after_an_event_misses_none),
                TEST(one_who_follows_is_told_that_more_is_withheld),
                TEST(a_new_epochs_events_stand_behind_all_older_ones),
                TEST(a_question_whose_time_is_up_is_told_so),
                TEST(a_killed_connection_answers_what_was_sent_and_comes_again),
                TEST(a_reader_survives_the_servers_restart),
                TEST(a_reader_that_goes_answers_all),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
