/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "store/pg_codec.h"

struct sample {
        char id[37], text[8], option[8];
        int64_t number;
        bool yes;
};
static const struct store_column columns[] = {
        { "id", STORE_UUID, offsetof(struct sample, id), 37, false },
        { "text", STORE_TEXT, offsetof(struct sample, text), 8, false },
        { "option", STORE_NULL_TEXT, offsetof(struct sample, option), 8, false },
        { "number", STORE_INT, offsetof(struct sample, number), 8, false },
        { "yes", STORE_BOOL, offsetof(struct sample, yes), 1, false },
        { 0 },
};
static const struct store_table table = { "sample", sizeof(struct sample), columns, 1, false, false };
enum { ID, TEXT, OPTION, NUMBER, YES };

#define ID_A "00112233-4455-6677-8899-aabbccddeeff"

/* An array: dimensions, has nulls, type, length, lower bound; then each element's length and bytes.
 */
static void check_bytes(const struct text *is, const char *bytes, size_t n)
{
        assert_int_equal(is->n, n);
        assert_memory_equal(is->bytes, bytes, n);
}
#define CHECK(is, bytes) check_bytes((is), (bytes), sizeof(bytes) - 1)

static void each_kind_has_its_bytes(void **state)
{
        const struct sample a = { ID_A, "a,\"}\\", "", -2, true },
                            b = { "", "NULL", "x", 256, false };
        const void *const rows[] = { &a, &b };
        OWN(text_done) struct text out = { 0 };

        (void)state;
        assert_true(pg_put_column(&out, &columns[ID], rows, 2));
        CHECK(&out,
              "\0\0\0\1\0\0\0\1\0\0\x0b\x86\0\0\0\2\0\0\0\1"
              "\0\0\0\x10\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff\xff\xff\xff\xff");
        text_reset(&out);
        assert_true(pg_put_column(&out, &columns[TEXT], rows, 2));
        CHECK(&out, "\0\0\0\1\0\0\0\0\0\0\0\x19\0\0\0\2\0\0\0\1"
                    "\0\0\0\5a,\"}\\"
                    "\0\0\0\4NULL");
        text_reset(&out);
        assert_true(pg_put_column(&out, &columns[OPTION], rows, 2));
        CHECK(&out, "\0\0\0\1\0\0\0\1\0\0\0\x19\0\0\0\2\0\0\0\1"
                    "\xff\xff\xff\xff"
                    "\0\0\0\1x");
        text_reset(&out);
        assert_true(pg_put_column(&out, &columns[NUMBER], rows, 2));
        CHECK(&out, "\0\0\0\1\0\0\0\0\0\0\0\x14\0\0\0\2\0\0\0\1"
                    "\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xfe"
                    "\0\0\0\x08\0\0\0\0\0\0\1\0");
        text_reset(&out);
        assert_true(pg_put_column(&out, &columns[YES], rows, 2));
        CHECK(&out, "\0\0\0\1\0\0\0\0\0\0\0\x10\0\0\0\2\0\0\0\1"
                    "\0\0\0\1\1"
                    "\0\0\0\1\0");
}

static void what_is_no_uuid_or_has_no_end_is_refused(void **state)
{
        static const char *const ids[] = { "x", "00112233445566778899aabbccddeeff",
                                           "00112233-4455-6677-8899-AABBCCDDEEFF",
                                           "00112233-4455-6677-8899-aabbccddeef" };
        OWN(text_done) struct text out = { 0 };
        struct sample s = { 0 };
        const void *row = &s;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(ids); i++) {
                strcpy(s.id, ids[i]);
                assert_false(pg_put_column(&out, &columns[ID], &row, 1));
        }
        memset(s.text, 'x', sizeof s.text);
        assert_false(pg_put_column(&out, &columns[TEXT], &row, 1));
        s.text[7] = '\0';
        assert_true(pg_put_column(&out, &columns[TEXT], &row, 1));
}

static void values_that_cannot_be_are_left_out_and_not_counted(void **state)
{
        static const char *const ids[] = { "", ID_A, "x" }, *const numbers[] = {
                "1", "-1x", "9223372036854775808"
        };
        OWN(text_done) struct text out = { 0 };

        (void)state;
        assert_int_equal(pg_put_values(&out, STORE_UUID, ids, 3), 1);
        assert_int_equal(out.bytes[15], 1); /* the array's length */
        text_reset(&out);
        assert_int_equal(pg_put_values(&out, STORE_INT, numbers, 3), 1);
        assert_int_equal(out.n, 20 + 12);
        text_reset(&out);
        assert_int_equal(pg_put_values(&out, STORE_TEXT, NULL, 0), 0);
        assert_int_equal(out.n, 20);
}

static void a_single_value_has_no_length_before_it(void **state)
{
        OWN(text_done) struct text out = { 0 };

        (void)state;
        assert_true(pg_put_value(&out, STORE_TEXT, "abc"));
        assert_true(pg_put_value(&out, STORE_INT, "1"));
        assert_false(pg_put_value(&out, STORE_INT, "one"));
        CHECK(&out, "abc\0\0\0\0\0\0\0\1");
}

static void a_row_comes_back_as_it_was(void **state)
{
        PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
        PGresAttDesc fields[] = {
                { .name = (char[]){ "id" } },     { .name = (char[]){ "text" } },
                { .name = (char[]){ "option" } }, { .name = (char[]){ "number" } },
                { .name = (char[]){ "yes" } },
        };
        struct sample s = { 0 };

        (void)state;
        assert_true(PQsetResultAttrs(result, 5, fields));
        PQsetvalue(result, 0, ID,
                   (char[]){ "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff" },
                   16);
        PQsetvalue(result, 0, TEXT, (char[]){ "seven77" }, 7);
        PQsetvalue(result, 0, OPTION, NULL, -1);
        PQsetvalue(result, 0, NUMBER, (char[]){ "\xff\xff\xff\xff\xff\xff\xff\xfe" }, 8);
        PQsetvalue(result, 0, YES, (char[]){ "\1" }, 1);
        assert_int_equal(pg_read_row(result, 0, &table, &s), 0);
        assert_string_equal(s.id, ID_A);
        assert_string_equal(s.text, "seven77");
        assert_string_equal(s.option, "");
        assert_int_equal(s.number, -2);
        assert_true(s.yes);
        /* Longer than its field, or of another type: not cut, but refused. */
        PQsetvalue(result, 1, TEXT, (char[]){ "eight888" }, 8);
        assert_int_equal(pg_read_row(result, 1, &table, &s), -EPROTO);
        PQsetvalue(result, 2, NUMBER, (char[]){ "\0\0\0\1" }, 4);
        assert_int_equal(pg_read_row(result, 2, &table, &s), -EPROTO);
        PQclear(result);
}

UNIT_MAIN(UNIT(each_kind_has_its_bytes), UNIT(what_is_no_uuid_or_has_no_end_is_refused),
          UNIT(values_that_cannot_be_are_left_out_and_not_counted),
          UNIT(a_single_value_has_no_length_before_it), UNIT(a_row_comes_back_as_it_was))
