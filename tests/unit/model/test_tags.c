/* SPDX-License-Identifier: Apache-2.0 */
#include "model/tags.h"

#include "support/unit.h"

static int change(char tags[TAGS_SIZE], const char *json)
{
        json_auto_t *j = json_loads(json, 0, NULL);
        struct fault why;

        assert_non_null(j);
        return tags_change(tags, j, &why);
}

static void tags_are_a_sorted_set(void **state)
{
        char tags[TAGS_SIZE] = "";
        json_auto_t *list = NULL;

        (void)state;
        assert_int_equal(change(tags, "{\"tags\": [\"red\", \"blue\", \"red\"]}"), 0);
        assert_string_equal(tags, "blue,red");
        assert_int_equal(change(tags, "{\"add_tags\": [\"green\", \"red\"], \"remove_tags\": [\"blue\"]}"), 0);
        assert_string_equal(tags, "green,red");
        assert_true(tags_have(tags, "red") && tags_have(tags, "green"));
        assert_false(tags_have(tags, "re") || tags_have(tags, "green,red") || tags_have(tags, ""));
        list = tags_to_json(tags);
        assert_int_equal(json_array_size(list), 2);
        assert_string_equal(json_string_value(json_array_get(list, 0)), "green");
        assert_int_equal(change(tags, "{}"), 0);
        assert_string_equal(tags, "green,red");
        assert_int_equal(change(tags, "{\"tags\": []}"), 0);
        assert_string_equal(tags, "");
}

static void what_is_no_tag_is_refused_and_changes_nothing(void **state)
{
        static const struct {
                const char *json;
                int code;
        } cases[] = {
                { "{\"tags\": \"red\"}", 400 },         { "{\"tags\": [1]}", 400 },
                { "{\"tags\": [\"\"]}", 400 },          { "{\"tags\": [\"a,b\"]}", 400 },
                { "{\"tags\": [\"a/b\"]}", 400 },       { "{\"add_tags\": [\"a\\nb\"]}", 400 },
                { "{\"remove_tags\": [\"blue\"]}", 404 },
        };
        char tags[TAGS_SIZE] = "red";

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                if (change(tags, cases[i].json) != cases[i].code)
                        fail_msg("%s", cases[i].json);
                assert_string_equal(tags, "red");
        }
}

static void an_object_has_room_for_so_many(void **state)
{
        char tags[TAGS_SIZE] = "", json[400], long_tag[TAG_LENGTH_MAX + 2];
        int n = 0;

        (void)state;
        memset(long_tag, 'x', sizeof long_tag);
        long_tag[TAG_LENGTH_MAX + 1] = '\0';
        assert_false(tag_valid(long_tag));
        long_tag[TAG_LENGTH_MAX] = '\0';
        assert_true(tag_valid(long_tag));
        do {
                long_tag[0] = (char)('a' + n);
                snprintf(json, sizeof json, "{\"add_tags\": [\"%s\"]}", long_tag);
        } while (change(tags, json) == 0 && ++n < 20);
        assert_int_equal(change(tags, json), 409);
        assert_int_equal(n, 8);
        assert_int_equal(strlen(tags), 8 * TAG_LENGTH_MAX + 7);
}

UNIT_MAIN(UNIT(tags_are_a_sorted_set), UNIT(what_is_no_tag_is_refused_and_changes_nothing),
          UNIT(an_object_has_room_for_so_many))
