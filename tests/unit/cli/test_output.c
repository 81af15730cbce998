/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <locale.h>

#include "base/own.h"
#include "support/unit.h"

static const char list_text[] =
        "[{\"id\": \"1\", \"name\": \"a, \\\"b\\\"\", \"bandwidth\": {\"a_to_z_kbps\": 20000, \"z_to_a_kbps\": 10000}, \"hid\": 1},"
        " {\"id\": \"22\", \"name\": null, \"bandwidth\": {\"a_to_z_kbps\": 1000, \"z_to_a_kbps\": 1000}, \"hid\": 2}]";

/* What 'o' prints of the list, or of its first. Caller frees. */
static char *printed(struct output o, const char *text, bool one, int expected)
{
        json_auto_t *list = json_loads(text, 0, NULL);
        struct fault why = { 0 };
        char *bytes = NULL;
        size_t n = 0;

        assert_non_null(list);
        o.to = open_memstream(&bytes, &n);
        o.usual = "id name bandwidth";
        o.hidden = "hid";
        assert_int_equal(one ? output_one(&o, json_array_get(list, 0), &why)
                             : output_list(&o, list, &why),
                         expected);
        fclose(o.to);
        if (expected == OUTPUT_NO_COLUMN)
                fprintf(stderr, "%s\n", why.message);
        return bytes;
}

static void lists_are_printed_in_every_format(void **state)
{
        static const char *const picked[] = { "name", "bandwidth.a_to_z_kbps" };
        static const struct {
                struct output o;
                const char *text;
        } rows[] = {
                { { .format = FORMAT_TABLE },
                  "id name   bandwidth\n1  a, \"b\" 20M:10M\n22        1M\n" },
                { { .format = FORMAT_CSV },
                  "id,name,bandwidth\n1,\"a, \"\"b\"\"\",20M:10M\n22,,1M\n" },
                { { .format = FORMAT_VALUE }, "1 a, \"b\" 20M:10M\n22  1M\n" },
                { { .format = FORMAT_VALUE, .columns = picked, .n_columns = 2 },
                  "a, \"b\" 20000\n 1000\n" },
                { { .format = FORMAT_JSON, .columns = picked + 1, .n_columns = 1 },
                  "[\n  {\n    \"bandwidth.a_to_z_kbps\": 20000\n  },\n  {\n    \"bandwidth.a_to_z_kbps\": 1000\n  }\n]\n" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                OWN(mem_free) char *bytes = printed(rows[i].o, list_text, false, OUTPUT_OK);

                assert_string_equal(bytes, rows[i].text);
        }
}

static void json_without_columns_is_the_whole(void **state)
{
        OWN(mem_free)
        char *bytes =
                printed((struct output){ .format = FORMAT_JSON }, list_text, false, OUTPUT_OK);
        json_auto_t *back = json_loads(bytes, 0, NULL);
        json_auto_t *list = json_loads(list_text, 0, NULL);

        (void)state;
        assert_true(json_equal(back, list));
}

static void one_object_is_printed_in_every_format(void **state)
{
        static const char *const picked[] = { "bandwidth", "id" };
        static const struct {
                struct output o;
                const char *text;
        } rows[] = {
                { { .format = FORMAT_TABLE },
                  "field     value\nid        1\nname      a, \"b\"\nbandwidth 20M:10M\n" },
                { { .format = FORMAT_VALUE, .columns = picked, .n_columns = 2 }, "20M:10M\n1\n" },
                { { .format = FORMAT_CSV, .columns = picked, .n_columns = 2 },
                  "bandwidth,id\n20M:10M,1\n" },
                { { .format = FORMAT_JSON, .columns = picked + 1, .n_columns = 1 },
                  "{\n  \"id\": \"1\"\n}\n" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                OWN(mem_free) char *bytes = printed(rows[i].o, list_text, true, OUTPUT_OK);

                assert_string_equal(bytes, rows[i].text);
        }
}

static void nothing_is_printed_as_nothing(void **state)
{
        static const struct {
                enum output_format format;
                const char *text;
        } rows[] = {
                { FORMAT_TABLE, "" },
                { FORMAT_VALUE, "" },
                { FORMAT_JSON, "[]\n" },
                { FORMAT_CSV, "id,name,bandwidth\n" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                OWN(mem_free)
                char *bytes = printed((struct output){ .format = rows[i].format }, "[]", false,
                                      OUTPUT_OK);

                assert_string_equal(bytes, rows[i].text);
        }
}

static void a_column_that_is_not_there_is_refused_with_those_that_are(void **state)
{
        static const char *const wrong[] = { "nmae" };
        const struct output o = { .to = stderr, .columns = wrong, .n_columns = 1 };
        json_auto_t *list = json_loads(list_text, 0, NULL);
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(output_list(&o, list, &why), OUTPUT_NO_COLUMN);
        assert_string_equal(
                why.message,
                "There is no column nmae, did you mean name; there are: id, name, bandwidth, hid.");
}

static void letters_of_all_languages_keep_their_columns(void **state)
{
        OWN(mem_free)
        char *bytes = printed((struct output){ .format = FORMAT_TABLE },
                              "[{\"id\": \"é\", \"name\": \"ü\\u001b[2J\", \"bandwidth\": 1}]",
                              false, OUTPUT_OK);

        (void)state;
        assert_string_equal(bytes,
                            "id name     bandwidth\né  ü\\x1b[2J 1\n"); /* no control of the
                                                                           terminal gets through */
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                UNIT(lists_are_printed_in_every_format),
                UNIT(json_without_columns_is_the_whole),
                UNIT(one_object_is_printed_in_every_format),
                UNIT(nothing_is_printed_as_nothing),
                UNIT(a_column_that_is_not_there_is_refused_with_those_that_are),
                UNIT(letters_of_all_languages_keep_their_columns),
        };

        setlocale(LC_CTYPE, "C.UTF-8");
        return cmocka_run_group_tests(tests, NULL, NULL);
}
