/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "messages/quick_json.h"

static json_t *by_jansson(const char *text)
{
        return json_loads(text, JSON_REJECT_DUPLICATES, NULL);
}

static void it_reads_what_jansson_reads(void **state)
{
        static const char *const texts[] = {
                "{}",
                " {\"a\" :\t1 ,\r\n\"b\":[ ] } ",
                "{\"\": \"\", \"a\": \"b c\", \"c\": \"~ !{}[]:,\"}",
                "{\"a\": [1, -1, 0, -0, 999999999999999999, -999999999999999999]}",
                "{\"a\": true, \"b\": false, \"c\": null, \"d\": {\"e\": [{}, [], [[1]]]}}",
                "{\"a\": {\"a\": {\"a\": 1}}}",
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
                json_auto_t *quick = quick_json_load(texts[i], strlen(texts[i]));
                json_auto_t *slow = by_jansson(texts[i]);

                assert_non_null(slow);
                if (!quick || !json_equal(quick, slow))
                        fail_msg("%s", texts[i]);
        }
}

static void what_is_wrong_or_unusual_is_left_to_jansson(void **state)
{
        static const char *const texts[] = {
                "",
                "{",
                "}",
                "[1]",
                "1",
                "{\"a\"}",
                "{\"a\":}",
                "{\"a\": 1,}",
                "{\"a\": 1 \"b\": 2}",
                "{\"a\": 1} x",
                "{\"a\": 1}}",
                "{a: 1}",
                "{\"a\": [1,]}",
                "{\"a\": [1}",
                "{\"a\": tru}",
                "{\"a\": nul",
                "{\"a\": \"b",
                "{\"a\": 01}",
                "{\"a\": -}",
                "{\"a\": +1}",
                "{\"a\": 1.5}",
                "{\"a\": 1e3}",
                "{\"a\": 9999999999999999999}",
                "{\"a\": 1, \"a\": 2}",
                "{\"a\": \"\\n\"}",
                "{\"a\": \"\n\"}",
                "{\"a\": \"\xc3\xa9\"}",
                "{\"a\": \"\xff\"}",
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(texts); i++)
                if (quick_json_load(texts[i], strlen(texts[i])))
                        fail_msg("%s", texts[i]);
}

static void what_is_nested_too_deep_is_left_to_jansson(void **state)
{
        char text[2 * 33 + 8] = "{\"a\":";

        (void)state;
        memset(text + 5, '[', 32);
        memset(text + 37, ']', 32);
        text[69] = '}';
        assert_null(quick_json_load(text, 70));
        text[36] = text[37] = ' ';
        json_auto_t *quick = quick_json_load(text, 70);
        assert_non_null(quick);
}

UNIT_MAIN(UNIT(it_reads_what_jansson_reads), UNIT(what_is_wrong_or_unusual_is_left_to_jansson),
          UNIT(what_is_nested_too_deep_is_left_to_jansson))
