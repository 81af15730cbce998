/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include <jansson.h>

#include "model/json_out.h"

static void what_is_written_is_json(void **state)
{
        OWN(text_done) struct text t = { 0 };

        (void)state;
        out_open(&t, NULL, '{');
        out_text(&t, "a", "one");
        out_open(&t, "b", '[');
        out_int(&t, NULL, 0);
        out_int(&t, NULL, INT64_MIN);
        out_open(&t, NULL, '{');
        out_close(&t, '}');
        out_close(&t, ']');
        out_bool(&t, "c", true);
        out_text_or_null(&t, "d", "");
        out_time_or_null(&t, "e", 0);
        out_time_or_null(&t, "f", 1700000000000);
        out_json(&t, "g", "[1]");
        out_close(&t, '}');
        assert_string_equal(t.bytes, "{\"a\":\"one\",\"b\":[0,-9223372036854775808,{}],\"c\":true,\"d\":null,\"e\":null,"
                                     "\"f\":\"2023-11-14T22:13:20Z\",\"g\":[1]}");
}

/* Each byte that a text may hold, as jansson reads it back. */
static void every_text_comes_back_as_it_was(void **state)
{
        char all[160] = "grün → ";
        size_t n = strlen(all);

        (void)state;
        for (int c = 1; c < 128; c++)
                all[n++] = (char)c;
        OWN(text_done) struct text t = { 0 };
        out_open(&t, NULL, '[');
        out_text(&t, NULL, all);
        out_close(&t, ']');
        json_auto_t *back = json_loadb(t.bytes, t.n, 0, NULL);
        assert_non_null(back);
        assert_string_equal(json_string_value(json_array_get(back, 0)), all);
        /* and as jansson writes it */
        char *theirs = json_dumps(back, JSON_COMPACT);
        assert_string_equal(theirs, t.bytes);
        free(theirs);
}

UNIT_MAIN(UNIT(what_is_written_is_json), UNIT(every_text_comes_back_as_it_was))
