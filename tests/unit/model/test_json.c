/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "model/json.h"

/* clang-format off */
static const struct {
        const char *field, *message; /* NULL: accepted */
} texts[] = {
        { "\"abc\"", NULL },
        { "\"\"", NULL },
        { "\"abcdefgh\"", "f: is too long." },
        { "7", "f: must be a string." },
        { "null", "f: is missing." },
        { "\"a\\u0000b\"", "f: must not hold U+0000." },
}, names[] = {
        { "\"east-1\"", NULL },
        { "\"East\"", "f: must be made of a-z, 0-9 and '-'." },
        { "\"\"", "f: must be made of a-z, 0-9 and '-'." },
        { "\"a\\nb\"", "f: must be made of a-z, 0-9 and '-'." },
}, words[] = {
        { "\"02:0a::1\"", "f: is too long." },
        { "\"10.0.0\"", NULL },
        { "\"a;b\"", "f: must be made of letters, digits and any of . _ : / -." },
}, numbers[] = {
        { "1", NULL },
        { "9", NULL },
        { "0", "f: must be from 1 to 9, not 0." },
        { "10", "f: must be from 1 to 9, not 10." },
        { "1.0", "f: must be an integer." },
        { "\"1\"", "f: must be an integer." },
        { "true", "f: must be an integer." },
}, ids[] = {
        { "\"6b1c2a52-3c0f-4f2e-9d55-0123456789ab\"", NULL },
        { "\"6B1C2A52-3C0F-4F2E-9D55-0123456789AB\"", "f: must be a UUID in lower case." },
        { "\"\"", "f: must be a UUID in lower case." },
};
/* clang-format on */

static json_t *object_with(const char *field)
{
        char text[128];
        json_t *ret;

        snprintf(text, sizeof text, "{\"f\": %s}", field);
        ret = json_loads(text, JSON_ALLOW_NUL, NULL);
        assert_non_null(ret);
        return ret;
}

static void check(bool accepted, const char *message, const struct fault *why)
{
        assert_int_equal(accepted, message == NULL);
        if (!message)
                return;
        assert_int_equal(why->code, 400);
        assert_string_equal(why->type, "message.invalid");
        assert_string_equal(why->message, message);
}

static void texts_are_refused_by_name(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
                json_auto_t *o = object_with(texts[i].field);
                struct fault why;
                char ret[8] = "before";
                bool ok = json_read_text(o, "f", JSON_REQUIRED, ret, sizeof ret, &why);

                check(ok, texts[i].message, &why);
                if (!ok)
                        assert_string_equal(ret, "before");
        }
}

static void names_and_words_keep_to_their_letters(void **state)
{
        struct fault why;
        char ret[8];

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(names); i++) {
                json_auto_t *o = object_with(names[i].field);

                check(json_read_name(o, "f", JSON_REQUIRED, ret, sizeof ret, &why),
                      names[i].message, &why);
        }
        for (size_t i = 0; i < N_ELEMENTS(words); i++) {
                json_auto_t *o = object_with(words[i].field);

                check(json_read_word(o, "f", JSON_REQUIRED, ret, sizeof ret, &why),
                      words[i].message, &why);
        }
}

static void integers_keep_to_their_range(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(numbers); i++) {
                json_auto_t *o = object_with(numbers[i].field);
                struct fault why;
                int64_t ret = -5;
                bool ok = json_read_int(o, "f", JSON_REQUIRED, 1, 9, &ret, &why);

                check(ok, numbers[i].message, &why);
                assert_int_equal(ret == -5, !ok);
        }
}

static void ids_are_uuids(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(ids); i++) {
                json_auto_t *o = object_with(ids[i].field);
                struct fault why;
                char ret[37];

                check(json_read_id(o, "f", JSON_REQUIRED, ret, &why), ids[i].message, &why);
        }
}

static void an_optional_field_may_be_missing_or_null(void **state)
{
        json_auto_t *o = object_with("null");
        struct fault why;
        bool flag = true;
        int64_t n = 3;

        (void)state;
        assert_true(json_read_bool(o, "f", JSON_OPTIONAL, &flag, &why));
        assert_true(json_read_int(o, "other", JSON_OPTIONAL, 0, 1, &n, &why));
        assert_true(flag);
        assert_int_equal(n, 3);
        assert_false(json_read_bool(o, "f", JSON_REQUIRED, &flag, &why));
        assert_string_equal(why.message, "f: is missing.");
}

static void nothing_is_written_as_null(void **state)
{
        json_auto_t *o = json_object();

        (void)state;
        assert_int_equal(json_set_text(o, "text", ""), 0);
        assert_int_equal(json_set_text(o, "word", "x"), 0);
        assert_int_equal(json_set_time(o, "never", 0), 0);
        assert_int_equal(json_set_time(o, "then", 1769903999000), 0);
        assert_true(json_is_null(json_object_get(o, "text")));
        assert_string_equal(json_string_value(json_object_get(o, "word")), "x");
        assert_true(json_is_null(json_object_get(o, "never")));
        assert_string_equal(json_string_value(json_object_get(o, "then")), "2026-01-31T23:59:59Z");
}

UNIT_MAIN(UNIT(texts_are_refused_by_name), UNIT(names_and_words_keep_to_their_letters),
          UNIT(integers_keep_to_their_range), UNIT(ids_are_uuids),
          UNIT(an_optional_field_may_be_missing_or_null), UNIT(nothing_is_written_as_null))
