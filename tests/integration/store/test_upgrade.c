/* SPDX-License-Identifier: Apache-2.0 */
/* From an old schema with data to the newest; programs of two steps on one database; and history by months. */
#include "support/unit.h"

#include <dirent.h>
#include <unistd.h>

#include "base/text.h"
#include "store/pg.h"
#include "store/tables.h"
#include "support/database.h"
#include "support/random_rows.h"

#define SQL_DIR ATLAS_SOURCE_DIR "/sql"

static int setup(void **state)
{
        *state = database_new();
        return 0;
}

static int setup_empty(void **state)
{
        *state = database_new_empty();
        return 0;
}

static int teardown(void **state)
{
        database_free(*state);
        return 0;
}

/* ---- folders of steps ---- */

static void folder_new(char ret[32])
{
        snprintf(ret, 32, "/tmp/atlas-sql-XXXXXX");
        assert_non_null(mkdtemp(ret));
}

static void folder_remove(const char *folder)
{
        DIR *d = opendir(folder);
        const struct dirent *each;

        while ((each = readdir(d)))
                if (each->d_name[0] != '.')
                        assert_int_equal(unlinkat(dirfd(d), each->d_name, 0), 0);
        closedir(d);
        rmdir(folder);
}

static void file_write(const char *folder, const char *name, const char *sql)
{
        char path[128];
        FILE *f;

        snprintf(path, sizeof path, "%s/%s", folder, name);
        f = fopen(path, "w");
        assert_non_null(f);
        fputs(sql, f);
        fclose(f);
}

static int sync_from(const struct database *db, const char *folder)
{
        struct fault why = { 0 };
        int applied = -1;

        if (store_schema_sync(database_connection(db), folder, &applied, &why) != 0)
                fail_msg("%s", why.message);
        return applied;
}

/* ---- from step 2 on ---- */

#define ID(n) "'00000000-0000-4000-8000-00000000000" #n "'"

/* As a program of step 2 writes. */
static const char *const rows_of_step_2[] = {
        "INSERT INTO site (id, name, description, last_seen_ms, created_ms) VALUES (" ID(1) ", 'east', '', 1, 1)",
        "INSERT INTO vpn (id, project_id, name, description, type, revision_number, created_ms, updated_ms)"
        " VALUES (" ID(2) ", 'red', 'v', '', 'vpls', 1, 1, 1)",
        "INSERT INTO vlink (id, project_id, vpn_id, pair_key, name, description, a_to_z_kbps, z_to_a_kbps, goal_a_to_z_kbps,"
        " goal_z_to_a_kbps, mtu, provisioning, operating, status_reason, admin_state_up, ignored, operation_id, revision_number,"
        " verified_ms, created_ms, updated_ms) VALUES (" ID(3) ", 'red', " ID(2) ", 'pair', 'l', '', 1000, 2000, 1000, 2000, 1500,"
        " 1, 0, '', true, '[]', NULL, 1, 1, 1, 1)",
        "INSERT INTO vport (id, link_id, project_id, side, site_id, site_name, gateway_id, attachment_id, label, generation,"
        " confirmed_generation, wanted, present, tx_kbps, rx_kbps, reason, verified_ms, created_ms)"
        " SELECT gen_random_uuid(), " ID(3) ", 'red', side, " ID(1) ", 'east', " ID(4) ", NULL, 16, 1, 1, side = 0, true, 1, 1, '', 1, 1"
        " FROM generate_series(0, 1) AS side",
        "INSERT INTO operation (id, project_id, request_id, link_id, attachment_id, kind, state, result, reason, retries, started_ms,"
        " finished_ms) VALUES (" ID(5) ", 'red', 'req-1', " ID(3) ", NULL, 0, 'PORTS', 0, '', 0, 1, 0)",
        "INSERT INTO request_key (project_id, key, request_hash, object_id, answer, created_ms)"
        " VALUES ('red', 'k', 'h', " ID(3) ", '{\"id\":1}', 1)",
};
#define EVENT_OF_STEP_2                                                                                               \
        "INSERT INTO event (project_id, object_type, object_id, operation_id, request_id, type, flow_row, from_state," \
        " to_state, site, reason, at_ms, id) SELECT 'red', 'virtual_link', " ID(3) ", " ID(5) ", 'req-1', 't', place, '', ''," \
        " '', '', 1, event_id(place) FROM generate_series(1, 5) AS place"

static void a_database_of_step_2_comes_forward_with_all_it_holds(void **state)
{
        const struct database *db = *state;
        char folder[32], command[160];
        struct fault why = { 0 };

        folder_new(folder);
        snprintf(command, sizeof command, "cp " SQL_DIR "/0001-*.sql " SQL_DIR "/0002-*.sql %s", folder);
        assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c) */
        assert_int_equal(sync_from(db, folder), 2);
        folder_remove(folder);
        for (size_t i = 0; i < N_ELEMENTS(rows_of_step_2); i++)
                database_run(db, rows_of_step_2[i]);
        database_run(db, EVENT_OF_STEP_2);
        assert_int_equal(store_schema_check(database_connection(db), &why), STORE_PG_FAULT);
        assert_non_null(strstr(why.message, "db sync"));

        assert_true(sync_from(db, SQL_DIR) >= 6);
        assert_int_equal(store_schema_check(database_connection(db), &why), 0);
        assert_int_equal(database_int(db, "SELECT count(*) FROM vlink WHERE tags = '' AND a_to_z_kbps = 1000"), 1);
        assert_int_equal(database_int(db, "SELECT count(*) FROM vport WHERE holds = wanted"), 2);
        assert_int_equal(database_int(db, "SELECT count(*) FROM operation WHERE state = 'PORTS' AND user_id = ''"), 1);
        assert_int_equal(database_int(db, "SELECT count(*) FROM idempotency_key WHERE answer = '{\"virtual_link\":{\"id\":1}}'"), 1);
        assert_int_equal(database_int(db, "SELECT count(*) FROM event WHERE user_id = '' AND duration_ms = 0"), 5);

        /* The next events come behind them. */
        database_run(db, EVENT_OF_STEP_2);
        assert_int_equal(database_int(db, "SELECT sum(flow_row * i) FROM (SELECT flow_row, row_number() OVER (ORDER BY id) AS i"
                                          " FROM event) AS e WHERE i <= 5"),
                         1 + 4 + 9 + 16 + 25);
        assert_int_equal(database_int(db, "SELECT count(DISTINCT id) FROM event"), 10);
}

static void what_a_program_of_an_older_step_writes_is_taken(void **state)
{
        const struct database *db = *state;

        for (size_t i = 0; i < N_ELEMENTS(rows_of_step_2); i++)
                database_run(db, rows_of_step_2[i]);
        database_run(db, EVENT_OF_STEP_2);
        assert_int_equal(database_int(db, "SELECT count(*) FROM event"), 5);
}

/* ---- this program and a later step ---- */

static int check(const struct database *db, struct fault *why)
{
        fault_clear(why);
        return store_schema_check(database_connection(db), why);
}

static void a_later_step_says_whether_this_program_works_on(void **state)
{
        const struct database *db = *state;
        OWN(store_free) struct store *s = NULL;
        OWN(mem_free) char *row = NULL;
        char folder[32], sql[160];
        struct fault why = { 0 };
        const void *rows[1];
        uint64_t seed = 1;
        int64_t ours = database_int(db, "SELECT max(number) FROM schema_step");

        folder_new(folder);
        snprintf(sql, sizeof sql, "SET LOCAL atlas.least = %d;\nALTER TABLE vlink ADD COLUMN colour text NOT NULL DEFAULT 'blue';\n",
                 (int)ours);
        file_write(folder, "9001-colours.sql", sql);
        assert_int_equal(sync_from(db, folder), 1);
        assert_int_equal(check(db, &why), 0);
        assert_int_equal(store_pg_new(database_connection(db), 3, &s, NULL), 0);
        rows[0] = row = random_rows(&seed, &store_tables[T_VLINK], 1);
        assert_int_equal(store_begin(s), STORE_OK);
        assert_int_equal(store_put(s, &store_tables[T_VLINK], rows, 1), 0);
        assert_int_equal(store_commit(s), STORE_OK);
        assert_int_equal(database_int(db, "SELECT count(*) FROM vlink WHERE colour = 'blue'"), 1);

        file_write(folder, "9002-says-nothing.sql", "ALTER TABLE vlink DROP COLUMN colour;\n");
        assert_int_equal(sync_from(db, folder), 1);
        assert_int_equal(check(db, &why), STORE_PG_FAULT);
        assert_non_null(strstr(why.message, "9002"));
        assert_non_null(strstr(why.message, "install a newer program"));
        folder_remove(folder);
}

/* ---- months ---- */

#define MONTHS "SELECT count(*) FROM pg_inherits WHERE inhparent = 'event'::regclass"
#define MS_OF(time) "(extract(epoch FROM " time ") * 1000)::bigint"

static void event_at(const struct database *db, const char *when)
{
        char sql[512];

        snprintf(sql, sizeof sql,
                 "INSERT INTO event (project_id, object_type, request_id, type, flow_row, from_state, to_state, site, reason, at_ms, id)"
                 " VALUES ('red', 'x', '', 't', 0, '', '', '', '', " MS_OF("%s") ", event_id(1))",
                 when);
        database_run(db, sql);
}

static void months_of_history_are_made_ahead(void **state)
{
        const struct database *db = *state;
        OWN(store_life_free) struct store_life *l = NULL;
        int64_t n = database_int(db, MONTHS);

        assert_int_equal(n, 5); /* this month, three more, and the rest */
        assert_int_equal(store_life_new(database_connection(db), "h", 1, &l, NULL), 0);
        assert_true(store_life_months(l, 400));
        assert_int_equal(database_int(db, MONTHS), n);

        /* A month is missing, and its history waits. */
        database_run(db, "DO $$ BEGIN EXECUTE 'DROP TABLE ' || to_char(now() AT TIME ZONE 'UTC' + interval '2 months', '\"event_\"YYYY_MM'); END $$");
        event_at(db, "date_trunc('month', now() AT TIME ZONE 'UTC') + interval '2 months 3 days'");
        event_at(db, "now()");
        assert_int_equal(database_int(db, "SELECT count(*) FROM event_other"), 1);
        assert_true(store_life_months(l, 400));
        assert_int_equal(database_int(db, MONTHS), n);
        assert_int_equal(database_int(db, "SELECT count(*) FROM event_other"), 0);
        assert_int_equal(database_int(db, "SELECT count(*) FROM event"), 2);
}

static void months_of_history_go_when_they_are_old(void **state)
{
        const struct database *db = *state;
        OWN(store_life_free) struct store_life *l = NULL;

        /* The first month holds all that was before: it goes, too, when it is old. */
        database_run(db, "DO $$ DECLARE name text := to_char(now() AT TIME ZONE 'UTC', '\"event_\"YYYY_MM');"
                         " BEGIN EXECUTE format('ALTER TABLE event DETACH PARTITION %I', name);"
                         " EXECUTE format('ALTER TABLE %I RENAME TO event_2001_02', name);"
                         " EXECUTE 'ALTER TABLE event ATTACH PARTITION event_2001_02 FOR VALUES FROM (MINVALUE) TO (983404800000)';"
                         " END $$");
        event_at(db, "timestamp '2001-02-03'");
        event_at(db, "now()");
        assert_int_equal(database_int(db, "SELECT count(*) FROM event_2001_02"), 1);
        assert_int_equal(store_life_new(database_connection(db), "h", 1, &l, NULL), 0);
        assert_true(store_life_months(l, 36500));
        assert_int_equal(database_int(db, "SELECT count(*) FROM event"), 2);
        assert_true(store_life_months(l, 400));
        assert_int_equal(database_int(db, "SELECT count(*) FROM event"), 1);
        assert_int_equal(database_int(db, "SELECT count(*) FROM pg_class WHERE relname = 'event_2001_02'"), 0);
        /* Not even when it is told to: what is younger than a month stays. */
        assert_true(store_life_months(l, 0));
        assert_int_equal(database_int(db, "SELECT count(*) FROM event"), 1);
}

/* Only through the function, which a role without rights on the tables may call. */
static void a_conductor_cannot_take_history_away(void **state)
{
        const struct database *db = *state;

        assert_int_equal(database_int(db, "SELECT count(*) FROM pg_class WHERE relname ~ '^event_' AND relkind = 'r' AND ("
                                          "has_table_privilege('atlas_conductor', oid, 'INSERT') OR "
                                          "has_table_privilege('atlas_conductor', oid, 'UPDATE') OR "
                                          "has_table_privilege('atlas_conductor', oid, 'DELETE'))"),
                         0);
        assert_int_equal(database_int(db, "SELECT has_function_privilege('atlas_conductor', 'event_months(bigint)', 'EXECUTE')::int"), 1);
        assert_int_equal(database_int(db, "SELECT has_function_privilege('atlas_api', 'event_months(bigint)', 'EXECUTE')::int"), 0);
        database_run(db, "DO $$ BEGIN EXECUTE 'DROP TABLE ' || to_char(now() AT TIME ZONE 'UTC' + interval '2 months', '\"event_\"YYYY_MM'); END $$");
        assert_int_equal(database_int(db, "SET ROLE atlas_conductor; SELECT event_months(400)"), 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_database_of_step_2_comes_forward_with_all_it_holds, setup_empty, teardown),
                TEST(what_a_program_of_an_older_step_writes_is_taken),
                TEST(a_later_step_says_whether_this_program_works_on),
                TEST(months_of_history_are_made_ahead),
                TEST(months_of_history_go_when_they_are_old),
                TEST(a_conductor_cannot_take_history_away),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
