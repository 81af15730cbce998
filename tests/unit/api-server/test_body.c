/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/body.h"

#include "support/unit.h"

#define UUID "aaaaaaaa-0000-4000-8000-000000000001"

/* clang-format off */
static const struct attribute inner[] = {
        { "site_id",    ATTR_SITE, IN_POST | NEEDED, 0, NULL },
        { "gateway_id", ATTR_ID,   IN_POST,          0, NULL },
        { 0 },
};
static const struct attribute rate[] = {
        { "kbps", ATTR_KBPS, IN_POST | IN_PUT | NEEDED, 0, NULL },
        { 0 },
};
static const struct attribute attributes[] = {
        { "name",  ATTR_TEXT,   IN_POST | IN_PUT,  255, NULL },
        { "type",  ATTR_WORD,   IN_POST | NEEDED,  8,   NULL },
        { "id",    ATTR_ID,     IN_POST,           0,   NULL },
        { "need",  ATTR_ID,     IN_PUT | NEEDED,   0,   NULL },
        { "ends",  ATTR_LIST,   IN_POST,           2,   inner },
        { "rate",  ATTR_OBJECT, IN_POST | IN_PUT,  0,   rate },
        { 0 },
};
/* Without what only PUT takes. */
static const struct attribute plain[] = {
        { "name",  ATTR_TEXT,   IN_POST | IN_PUT,  255, NULL },
        { "type",  ATTR_WORD,   IN_POST | NEEDED,  8,   NULL },
        { "id",    ATTR_ID,     IN_POST,           0,   NULL },
        { "ends",  ATTR_LIST,   IN_POST,           2,   inner },
        { "rate",  ATTR_OBJECT, IN_POST | IN_PUT,  0,   rate },
        { 0 },
};
/* clang-format on */

static int read_text(const char *text, const struct attribute *table, unsigned verb, struct fault *why)
{
        json_auto_t *object = NULL;

        fault_clear(why);
        return body_read(text, strlen(text), "thing", table, verb, &object, why);
}

static void each_bad_value_is_refused_by_its_name(void **state)
{
        static const struct {
                const char *body, *attribute;
        } cases[] = {
                /* clang-format off */
                { "", "" },
                { "nonsense", "" },
                { "[]", "" },
                { "\"text\"", "" },
                { "{}", "thing" },
                { "{\"other\":{}}", "thing" },
                { "{\"thing\":{\"type\":\"t\"},\"other\":1}", "thing" },
                { "{\"thing\":1}", "thing" },
                { "{\"thing\":{\"type\":\"t\"}", "type" },
                { "{\"thing\":{\"type\":\"t\",}}", "type" },
                { "{\"thing\":{\"type\":\"t\"}} x", "type" },
                { "{\"thing\":{\"type\":\"t\",\"type\":\"t\"}}", "type" },
                { "{\"thing\":{\"name\":\"\xc3\x28\",\"type\":\"t\"}}", "name" },
                { "{\"thing\":{\"type\":\"t\",\"name\":\"\xed\xa0\x80\"}}", "name" },
                { "{\"thing\":{\"type\":\"a\\\"b\",\"name\":\"\xff\"}}", "name" },
                { "{\"thing\":{\"type\":\"t\",\"name\":\"\\u0000\"}}", "thing.name" },
                { "{\"thing\":{\"type\":\"t\",\"name\":\"\\ud800\"}}", "name" },
                { "{\"thing\":{\"type\":\"t\",\"colour\":1}}", "thing.colour" },
                { "{\"thing\":{\"type\":\"t\",\"need\":\"" UUID "\"}}", "thing.need" },
                { "{\"thing\":{\"type\":\"t\",\"name\":1}}", "thing.name" },
                { "{\"thing\":{\"type\":\"t\",\"name\":null}}", "thing.name" },
                { "{\"thing\":{\"type\":\"\"}}", "thing.type" },
                { "{\"thing\":{\"type\":\"123456789\"}}", "thing.type" },
                { "{\"thing\":{\"name\":\"n\"}}", "thing.type" },
                { "{\"thing\":{\"type\":\"t\",\"id\":\"x\"}}", "thing.id" },
                { "{\"thing\":{\"type\":\"t\",\"id\":\"AAAAAAAA-0000-4000-8000-000000000001\"}}", "thing.id" },
                { "{\"thing\":{\"type\":\"t\",\"rate\":5}}", "thing.rate" },
                { "{\"thing\":{\"type\":\"t\",\"rate\":{}}}", "thing.rate.kbps" },
                { "{\"thing\":{\"type\":\"t\",\"rate\":{\"kbps\":0}}}", "thing.rate.kbps" },
                { "{\"thing\":{\"type\":\"t\",\"rate\":{\"kbps\":-1}}}", "thing.rate.kbps" },
                { "{\"thing\":{\"type\":\"t\",\"rate\":{\"kbps\":1.0}}}", "thing.rate.kbps" },
                { "{\"thing\":{\"type\":\"t\",\"rate\":{\"kbps\":\"1\"}}}", "thing.rate.kbps" },
                { "{\"thing\":{\"type\":\"t\",\"rate\":{\"kbps\":2147483648}}}", "thing.rate.kbps" },
                { "{\"thing\":{\"type\":\"t\",\"rate\":{\"kbps\":99999999999999999999}}}", "kbps" },
                { "{\"thing\":{\"type\":\"t\",\"ends\":{}}}", "thing.ends" },
                { "{\"thing\":{\"type\":\"t\",\"ends\":[]}}", "thing.ends" },
                { "{\"thing\":{\"type\":\"t\",\"ends\":[{\"site_id\":\"a\"}]}}", "thing.ends" },
                { "{\"thing\":{\"type\":\"t\",\"ends\":[{\"site_id\":\"a\"},1]}}", "thing.ends[1]" },
                { "{\"thing\":{\"type\":\"t\",\"ends\":[{\"site_id\":\"a\"},{}]}}", "thing.ends[1].site_id" },
                { "{\"thing\":{\"type\":\"t\",\"ends\":[{\"site_id\":\"A!\"},{\"site_id\":\"b\"}]}}", "thing.ends[0].site_id" },
                { "{\"thing\":{\"type\":\"t\",\"\\\"quoted\\\"\":1}}", "thing.?quoted?" },
                /* clang-format on */
        };
        struct fault why;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                json_auto_t *details = NULL;
                const char *named;

                if (read_text(cases[i].body, attributes, IN_POST, &why) != BODY_INVALID)
                        fail_msg("accepted: %s", cases[i].body);
                details = json_loads(why.details, 0, NULL);
                named = json_string_value(json_object_get(details, "attribute"));
                if (!named || strcmp(named, cases[i].attribute) != 0)
                        fail_msg("%s: \"%s\" instead of \"%s\" (%s)", cases[i].body, named, cases[i].attribute, why.message);
                assert_int_equal(why.code, 400);
                assert_string_equal(why.type, "request.invalid");
        }
}

static void what_is_right_is_taken(void **state)
{
        static const char *const bodies[] = {
                "{\"thing\":{\"type\":\"12345678\"}}",
                "{\"thing\":{\"type\":\"gr\xc3\xbc\xc3\x9f\x65\x65\x65\x65\"}}",
                "{\"thing\":{\"type\":\"t\",\"id\":null}}",
                "{\"thing\":{\"type\":\"t\",\"name\":\"\"}}",
                "{\"thing\":{\"type\":\"t\",\"rate\":{\"kbps\":2147483647}}}",
                "{\"thing\":{\"type\":\"t\",\"ends\":[{\"site_id\":\"a\"},{\"site_id\":\"" UUID "\"}]}}",
        };
        struct fault why;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(bodies); i++)
                if (read_text(bodies[i], plain, IN_POST, &why) != BODY_OK)
                        fail_msg("%s: %s", bodies[i], why.message);
}

static void names_are_counted_in_characters(void **state)
{
        char body[2000], name[1021] = "";
        struct fault why;

        (void)state;
        for (int i = 0; i < 255; i++)
                memcpy(name + i * 4, "\xf0\x9f\x8c\x8d", 5);
        snprintf(body, sizeof body, "{\"thing\":{\"type\":\"t\",\"name\":\"%s\"}}", name);
        assert_int_equal(read_text(body, plain, IN_POST, &why), BODY_OK);
        snprintf(body, sizeof body, "{\"thing\":{\"type\":\"t\",\"name\":\"%sx\"}}", name);
        assert_int_equal(read_text(body, plain, IN_POST, &why), BODY_INVALID);
        assert_non_null(strstr(why.message, "255 characters"));
}

static void a_put_needs_nothing_and_changes_only_what_may_change(void **state)
{
        struct fault why;

        (void)state;
        assert_int_equal(read_text("{\"thing\":{}}", attributes, IN_PUT, &why), BODY_OK);
        assert_int_equal(read_text("{\"thing\":{\"name\":\"n\",\"rate\":{}}}", attributes, IN_PUT, &why), BODY_OK);
        assert_int_equal(read_text("{\"thing\":{\"type\":\"t\"}}", attributes, IN_PUT, &why), BODY_INVALID);
        assert_non_null(strstr(why.message, "thing.type"));
}

static void null_ids_are_gone_from_what_is_read(void **state)
{
        static const char body[] = "{\"thing\":{\"type\":\"t\",\"id\":null}}";
        json_auto_t *object = NULL;
        struct fault why;

        (void)state;
        assert_int_equal(body_read(body, sizeof body - 1, "thing", plain, IN_POST, &object, &why), BODY_OK);
        assert_int_equal(json_object_size(object), 1);
}

/* Each names where it stands, and says what is wrong with it. */
static void depth_and_numbers_have_limits(void **state)
{
        static const struct {
                const char *body, *attribute, *words;
        } cases[] = {
                /* clang-format off */
                { "{\"thing\":{\"type\":\"t\",\"rate\":[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]}}", "rate", "nested deeper" },
                { "{\"thing\":{\"type\":\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[[[\"}}", "thing.type", "longer" },
                { "{\"thing\":{\"type\":\"t\",\"rate\":[[[[[[[[[[[[[[1]]]]]]]]]]]]]]}}", "thing.rate", "object is needed" },
                { "{\"thing\":{\"type\":\"t\",\"rate\":{\"kbps\":9223372036854775808}}}", "kbps", "larger" },
                { "{\"thing\":{\"type\":\"t\",\"rate\":{\"kbps\":-9223372036854775809}}}", "kbps", "larger" },
                { "{\"thing\":{\"type\":\"t\",\"rate\":{\"kbps\":1e400}}}", "kbps", "larger" },
                { "{\"thing\":{\"type\":\"t\",\"rate\":{\"kbps\":1e3}}}", "thing.rate.kbps", "whole number" },
                { "{\"thing\":{\"type\":\"t\",\"rate\":{\"kbps\":NaN}}}", "kbps", "malformed" },
                { "{\"thing\":{\"type\":\"t\",\"rate\":{\"kbps\":Infinity}}}", "kbps", "malformed" },
                { "{\"thing\":{\"type\":\"t\",\"rate\":{\"kbps\":0x10}}}", "kbps", "malformed" },
                { "{\"thing\":{\"type\":\"t\",\"rate\":{\"kbps\":1,\"kbps\":1}}}", "kbps", "twice" },
                /* clang-format on */
        };
        struct fault why;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                char named[64];

                assert_int_equal(read_text(cases[i].body, plain, IN_POST, &why), BODY_INVALID);
                snprintf(named, sizeof named, "{\"attribute\": \"%s\"}", cases[i].attribute);
                assert_string_equal(why.details, named);
                if (!strstr(why.message, cases[i].words))
                        fail_msg("%s: %s", cases[i].body, why.message);
        }
}

static void a_raw_nul_byte_is_named(void **state)
{
        static const char body[] = "{\"thing\":{\"type\":\"t\",\"name\":\"a\0b\"}}";
        json_auto_t *object = NULL;
        struct fault why;

        (void)state;
        assert_int_equal(body_read(body, sizeof body - 1, "thing", plain, IN_POST, &object, &why), BODY_INVALID);
        assert_string_equal(why.details, "{\"attribute\": \"name\"}");
}

static void endless_names_and_depth_do_no_harm(void **state)
{
        size_t n = 100000;
        char *body = malloc(n + 1);
        json_auto_t *object = NULL;
        struct fault why;

        (void)state;
        assert_non_null(body);
        memset(body, '[', n);
        assert_int_equal(body_read(body, n, "thing", plain, IN_POST, &object, &why), BODY_INVALID);
        memset(body, 0xc3, n);
        for (size_t i = 1; i < n; i += 2)
                body[i] = (char)0xa4;
        memcpy(body, "{\"thing\":{\"", 11);
        body[11] = 'x';
        memcpy(body + n - 6, "\": 1}}", 6);
        body[n - 8] = body[n - 7] = 'x';
        body[n] = '\0';
        assert_int_equal(body_read(body, n, "thing", plain, IN_POST, &object, &why), BODY_INVALID);
        assert_non_null(strstr(why.message, "not known"));
        free(body);
}

UNIT_MAIN(UNIT(each_bad_value_is_refused_by_its_name), UNIT(what_is_right_is_taken),
          UNIT(names_are_counted_in_characters), UNIT(a_put_needs_nothing_and_changes_only_what_may_change),
          UNIT(null_ids_are_gone_from_what_is_read), UNIT(depth_and_numbers_have_limits), UNIT(a_raw_nul_byte_is_named),
          UNIT(endless_names_and_depth_do_no_harm))
