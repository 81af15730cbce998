/* SPDX-License-Identifier: Apache-2.0 */
/* The files of sql/: applied once each, equal to the snapshot, and the same as what the program
 * believes. */
#include "support/unit.h"

#include <unistd.h>

#include "base/text.h"
#include "model/gateway.h"
#include "model/operation.h"
#include "model/status.h"
#include "store/pg.h"
#include "store/tables.h"
#include "support/database.h"

#define SQL_DIR  ATLAS_SOURCE_DIR "/sql"
#define SNAPSHOT SQL_DIR "/schema.sql"

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

static void each_file_is_applied_once(void **state)
{
        const struct database *db = *state;
        struct fault why = { 0 };
        int applied = -1;

        assert_int_equal(store_schema_check(database_connection(db), &why), STORE_PG_FAULT);
        assert_non_null(strstr(why.message, "db sync"));
        if (store_schema_sync(database_connection(db), SQL_DIR, &applied, &why) != 0)
                fail_msg("%s", why.message);
        assert_true(applied >= 2);
        assert_int_equal(database_int(db, "SELECT count(*) FROM schema_step"), applied);
        assert_int_equal(store_schema_sync(database_connection(db), SQL_DIR, &applied, &why), 0);
        assert_int_equal(applied, 0);
        /* The program knows of the last file. */
        assert_int_equal(store_schema_check(database_connection(db), &why), 0);
        database_run(db, "INSERT INTO schema_step (number, name) VALUES (9999, 'of the future')");
        assert_int_equal(store_schema_check(database_connection(db), &why), STORE_PG_FAULT);
        assert_non_null(strstr(why.message, "9999"));
}

static void a_file_that_fails_leaves_nothing_behind(void **state)
{
        const struct database *db = *state;
        char dir[] = "/tmp/atlas-sql-XXXXXX", path[64];
        struct fault why = { 0 };
        int applied = -1;
        FILE *f;

        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof path, "%s/9998-broken.sql", dir);
        f = fopen(path, "w");
        fputs("CREATE TABLE half (id int);\nSELECT no_such_column;\n", f);
        fclose(f);
        assert_int_equal(store_schema_sync(database_connection(db), dir, &applied, &why),
                         STORE_PG_FAULT);
        assert_non_null(strstr(why.message, "9998-broken.sql"));
        assert_non_null(strstr(why.message, "no_such_column"));
        assert_int_equal(database_int(db, "SELECT count(*) FROM pg_class WHERE relname = 'half'"),
                         0);
        assert_int_equal(store_schema_check(database_connection(db), &why), 0);
        unlink(path);
        assert_int_equal(store_schema_sync(database_connection(db), dir, &applied, &why),
                         STORE_PG_FAULT);
        rmdir(dir);
}

static char *file_text(const char *path)
{
        struct text all = { 0 };
        FILE *f = fopen(path, "r");
        char piece[4096];
        size_t n;

        while (f && (n = fread(piece, 1, sizeof piece, f)) > 0)
                text_add_n(&all, piece, n);
        if (f)
                fclose(f);
        return text_take(&all);
}

/* pg_dump's words without its versions, settings and comments. */
static char *schema_text(const struct database *db)
{
        struct text all = { 0 };
        char command[1024], line[8192];
        bool blank = true;
        FILE *dump;

        snprintf(command, sizeof command, "pg_dump --schema-only --no-owner --exclude-table='event_[0-9]*' -d '%s'",
                 database_connection(db));
        dump = popen(command, "r");
        text_add(
                &all,
                "-- SPDX-License-Identifier: Apache-2.0\n"
                "-- All files of this folder applied, as pg_dump shows it. Made by a test: ATLAS_WRITE=1.\n\n");
        while (dump && fgets(line, sizeof line, dump)) {
                bool comment = text_starts(line, "--") || text_starts(line, "SET ") ||
                               text_starts(line, "\\") ||
                               text_starts(line, "SELECT pg_catalog.set_config");

                if (comment || (blank && *line == '\n'))
                        continue;
                blank = *line == '\n';
                text_add(&all, line);
        }
        assert_non_null(dump);
        assert_int_equal(pclose(dump), 0);
        while (all.n > 1 && all.bytes[all.n - 2] == '\n')
                all.bytes[--all.n] = '\0';
        return text_take(&all);
}

static void the_snapshot_is_what_the_files_make(void **state)
{
        OWN(mem_free) char *is = schema_text(*state);
        OWN(mem_free) char *was = NULL;
        FILE *f;

        if (getenv("ATLAS_WRITE")) {
                f = fopen(SNAPSHOT, "w");
                assert_non_null(f);
                fputs(is, f);
                fclose(f);
        }
        was = file_text(SNAPSHOT);
        assert_string_equal(is, was);
}

static void columns_are_those_of_the_descriptors(void **state)
{
        static const char *const type[] = {
                [STORE_UUID] = "uuid",  [STORE_TEXT] = "text",    [STORE_NULL_TEXT] = "text",
                [STORE_INT] = "bigint", [STORE_BOOL] = "boolean",
        };

        for (size_t i = 0; i <= T_N + 1; i++) {
                const struct store_table *t = i < T_N    ? &store_tables[i]
                                              : i == T_N ? &store_open_work
                                                         : &store_project_use;
                OWN(text_done) struct text expected = { 0 };
                OWN(mem_free) char *is = NULL;
                char sql[400];

                for (const struct store_column *c = t->columns; c->name; c++)
                        text_addf(&expected, "%s %s\n", c->name, type[c->kind]);
                if (t->append_only)
                        text_add(&expected, "id bigint\n");
                snprintf(
                        sql, sizeof sql,
                        "SELECT string_agg(attname || ' ' || format_type(atttypid, NULL) || E'\\n', '' ORDER BY attnum)"
                        " FROM pg_attribute WHERE attrelid = '%s'::regclass AND attnum > 0",
                        t->name);
                is = database_text(*state, sql);
                assert_string_equal(is, expected.bytes);
                if (t->append_only || i >= T_N)
                        continue;
                snprintf(
                        sql, sizeof sql,
                        "SELECT indnkeyatts FROM pg_index WHERE indrelid = '%s'::regclass AND indisprimary",
                        t->name);
                assert_int_equal(database_int(*state, sql), t->n_key);
        }
}

static void unique_columns_are_those_of_the_descriptors(void **state)
{
        OWN(text_done) struct text expected = { 0 };
        OWN(mem_free) char *is = NULL;

        for (size_t i = 0; i < T_N; i++)
                for (const struct store_column *c = store_tables[i].columns; c->name; c++)
                        if (c->unique)
                                text_addf(&expected, "%s.%s\n", store_tables[i].name, c->name);
        is = database_text(
                *state,
                "SELECT string_agg(c.relname || '.' || a.attname || E'\\n', '' ORDER BY c.oid, a.attnum)"
                " FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
                " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]"
                " WHERE i.indisunique AND NOT i.indisprimary AND i.indnkeyatts = 1"
                " AND c.relnamespace = 'public'::regnamespace");
        assert_string_equal(is, expected.bytes);
}

static void words_in_comments_are_the_programs(void **state)
{
        static const struct {
                const char *table, *column;
                const char *const *names;
                int n;
        } words[] = {
                { "vlink", "provisioning", provisioning_name, PROV_N },
                { "vlink", "operating", operating_name, OPER_N },
                { "attachment", "plug", plug_state_name, PLUG_N },
                { "operation", "kind", operation_kind_name, OP_KIND_N },
                { "operation", "result", operation_result_name, OP_RESULT_N },
                { "gateway", "brake", brake_name, BRAKE_N },
                { "integer_in_use", "kind", integer_kind_name, INTEGER_KIND_N },
        };

        for (size_t i = 0; i < N_ELEMENTS(words); i++) {
                OWN(text_done) struct text expected = { 0 };
                OWN(mem_free) char *is = NULL;
                char sql[400];

                for (int j = 0; j < words[i].n; j++)
                        text_addf(&expected, "%s%d %s", j ? ", " : "", j, words[i].names[j]);
                snprintf(sql, sizeof sql,
                         "SELECT col_description(attrelid, attnum) FROM pg_attribute"
                         " WHERE attrelid = '%s'::regclass AND attname = '%s'",
                         words[i].table, words[i].column);
                is = database_text(*state, sql);
                assert_string_equal(is, expected.bytes);
                /* and the CHECK admits just these */
                snprintf(
                        sql, sizeof sql,
                        "SELECT count(*) FROM pg_constraint WHERE conrelid = '%s'::regclass AND contype = 'c'"
                        " AND pg_get_constraintdef(oid) LIKE '%%(%s >= 0) AND (%s <= %d)%%'",
                        words[i].table, words[i].column, words[i].column, words[i].n - 1);
                assert_int_equal(database_int(*state, sql), 1);
        }
}

static void each_role_may_do_its_work_and_no_more(void **state)
{
        static const struct {
                const char *role, *table, *privilege;
                int64_t may;
        } rules[] = {
                { "atlas_api", "vlink", "SELECT", 1 },
                { "atlas_api", "event", "SELECT", 1 },
                { "atlas_api", "schema_step", "SELECT", 1 },
                { "atlas_api", "vlink", "INSERT", 0 },
                { "atlas_api", "vlink", "UPDATE", 0 },
                { "atlas_api", "event", "DELETE", 0 },
                { "atlas_conductor", "vlink", "SELECT", 1 },
                { "atlas_conductor", "vlink", "INSERT", 1 },
                { "atlas_conductor", "vlink", "UPDATE", 1 },
                { "atlas_conductor", "work", "DELETE", 1 },
                { "atlas_conductor", "event", "INSERT", 1 },
                { "atlas_conductor", "event", "UPDATE", 0 },
                { "atlas_conductor", "event", "DELETE", 0 },
                { "atlas_conductor", "vlink", "TRUNCATE", 0 },
                { "atlas_conductor", "schema_step", "INSERT", 0 },
                { "atlas_owner", "vlink", "TRUNCATE", 1 },
        };
        char sql[256];

        for (size_t i = 0; i < N_ELEMENTS(rules); i++) {
                snprintf(sql, sizeof sql, "SELECT has_table_privilege('%s', '%s', '%s')::int",
                         rules[i].role, rules[i].table, rules[i].privilege);
                assert_int_equal(database_int(*state, sql), rules[i].may);
        }
        assert_int_equal(
                database_int(
                        *state,
                        "SELECT has_sequence_privilege('atlas_conductor', 'conductor_number', 'USAGE')::int"),
                1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(each_file_is_applied_once, setup_empty, teardown),
                TEST(a_file_that_fails_leaves_nothing_behind),
                TEST(the_snapshot_is_what_the_files_make),
                TEST(columns_are_those_of_the_descriptors),
                TEST(unique_columns_are_those_of_the_descriptors),
                TEST(words_in_comments_are_the_programs),
                TEST(each_role_may_do_its_work_and_no_more),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
