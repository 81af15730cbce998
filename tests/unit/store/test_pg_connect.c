/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pg_connect.h"

#include <string.h>

#include "support/unit.h"

static void a_connection_that_is_refused_is_not_repeated(void **state)
{
        static const char *const broken[] = {
                "host=db password=hunter2 hunter2",
                "postgresql://u:hunter2@[bad",
                "postgresql://u@db/x?hunter2",
                "hunter2",
        };

        (void)state;
        for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
                struct fault why = { 0 };

                assert_false(pg_connection_valid(broken[i], &why));
                assert_string_equal(why.type, "database.connection_invalid");
                assert_null(strstr(why.message, "hunter2"));
        }
}

static void what_libpq_reads_is_valid(void **state)
{
        struct fault why = { 0 };

        (void)state;
        assert_true(pg_connection_valid("postgresql://u:p@db:5432/x", &why));
        assert_true(pg_connection_valid("host=/tmp dbname=x", &why));
}

UNIT_MAIN(UNIT(a_connection_that_is_refused_is_not_repeated), UNIT(what_libpq_reads_is_valid))
