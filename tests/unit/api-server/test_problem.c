/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/problem.h"

#include <jansson.h>

#include "support/unit.h"

static json_t *render(const struct fault *f)
{
        OWN(text_done) struct text body = { 0 };
        json_t *j;

        problem_render(f, "req-1", &body);
        j = json_loadb(body.bytes, body.n, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(j);
        assert_int_equal(json_object_size(j), 1);
        assert_int_equal(json_object_size(json_object_get(j, "error")), 7);
        return j;
}

static const char *text_of(const json_t *j, const char *key)
{
        return json_string_value(json_object_get(json_object_get(j, "error"), key));
}

static void an_error_says_code_type_title_message_details_and_request(void **state)
{
        struct fault f;
        json_auto_t *j = NULL;

        (void)state;
        fault_set(&f, 409, "link.busy", "Wait for \"%s\".", "it");
        fault_details(&f, "{\"operation_id\": \"x\"}");
        j = render(&f);
        assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "error"), "code")), 409);
        assert_string_equal(text_of(j, "type"), "link.busy");
        assert_string_equal(text_of(j, "title"), "Conflict");
        assert_string_equal(text_of(j, "message"), "Wait for \"it\".");
        assert_string_equal(text_of(j, "detail"), "");
        assert_string_equal(text_of(j, "request_id"), "req-1");
        assert_string_equal(json_string_value(json_object_get(
                                    json_object_get(json_object_get(j, "error"), "details"), "operation_id")),
                            "x");
}

static void broken_details_and_texts_do_not_break_the_answer(void **state)
{
        struct fault f;
        json_auto_t *details = NULL, *message = NULL;

        (void)state;
        fault_set(&f, 599, "x", "m");
        TEXT_SET(f.details, "{\"cut");
        details = render(&f);
        assert_true(json_is_object(json_object_get(json_object_get(details, "error"), "details")));
        memcpy(f.message, "a\xc3", 3);
        message = render(&f);
        assert_string_equal(text_of(message, "message"), "a?");
}

UNIT_MAIN(UNIT(an_error_says_code_type_title_message_details_and_request),
          UNIT(broken_details_and_texts_do_not_break_the_answer))
