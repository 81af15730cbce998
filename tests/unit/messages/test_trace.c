/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "messages/trace.h"

#define UUID   "5b2c1e0a-5d1f-4f0e-9d6c-0a1b2c3d4e5f"
#define TRACE  "5b2c1e0a5d1f4f0e9d6c0a1b2c3d4e5f"
#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void only_a_traceparent_of_the_standard_is_valid(void **state)
{
        static const char *const bad[] = {
                "",
                "00",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
                "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
                "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01 ",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        };

        (void)state;
        assert_true(traceparent_valid(PARENT));
        assert_false(traceparent_valid(NULL));
        for (size_t i = 0; i < N_ELEMENTS(bad); i++)
                if (traceparent_valid(bad[i]))
                        fail_msg("valid: %s", bad[i]);
}

static void a_span_stays_in_the_trace_of_its_parent_or_request(void **state)
{
        char a[TRACEPARENT], b[TRACEPARENT];

        (void)state;
        traceparent_new(PARENT, "req-" UUID, a);
        assert_true(traceparent_valid(a));
        assert_memory_equal(a, PARENT, 36);
        assert_string_not_equal(a, PARENT);
        traceparent_new("nonsense", "req-" UUID, a);
        traceparent_new(NULL, "req-" UUID, b);
        assert_memory_equal(a, "00-" TRACE "-", 36);
        assert_memory_equal(b, "00-" TRACE "-", 36);
        assert_string_not_equal(a, b);
        traceparent_new(NULL, "req-1", a);
        traceparent_new(NULL, NULL, b);
        assert_true(traceparent_valid(a) && traceparent_valid(b));
        assert_memory_not_equal(a, b, 36);
}

static void a_context_gets_what_it_lacks(void **state)
{
        json_auto_t *full = json_pack("{s:s, s:s, s:s}", "request_id", "req-1", "traceparent",
                                      PARENT, "k", "v");
        json_auto_t *half = json_pack("{s:s, s:s}", "request_id", "req-" UUID, "k", "v");
        json_auto_t *same = trace_context(full), *whole = trace_context(half),
                    *made = trace_context(NULL);

        (void)state;
        assert_ptr_equal(same, full);
        assert_int_equal(json_object_size(half), 2);
        assert_int_equal(json_object_size(whole), 3);
        assert_memory_equal(json_string_value(json_object_get(whole, "traceparent")),
                            "00-" TRACE "-", 36);
        assert_int_equal(json_object_size(made), 2);
        assert_memory_equal(json_string_value(json_object_get(made, "request_id")), "req-", 4);
        assert_true(traceparent_valid(json_string_value(json_object_get(made, "traceparent"))));
}

UNIT_MAIN(UNIT(only_a_traceparent_of_the_standard_is_valid),
          UNIT(a_span_stays_in_the_trace_of_its_parent_or_request),
          UNIT(a_context_gets_what_it_lacks))
