/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/trace.h"

#include "support/unit.h"

#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void a_trace_goes_on_with_a_span_of_our_own(void **state)
{
        char trace[TRACE_SIZE];

        (void)state;
        trace_begin(PARENT, trace);
        assert_int_equal(strlen(trace), TRACE_SIZE - 1);
        assert_memory_equal(trace, PARENT, 36);
        assert_memory_not_equal(trace + 36, PARENT + 36, 16);
        assert_string_equal(trace + 52, "-01");
        trace_begin("cc" "-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-of-the-future", trace);
        assert_memory_equal(trace, PARENT, 36);
}

static void what_is_no_trace_begins_a_new_one(void **state)
{
        static const char *const bad[] = {
                "", "00", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
                "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        };
        char trace[TRACE_SIZE], other[TRACE_SIZE];

        (void)state;
        trace_begin(NULL, other);
        for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
                trace_begin(bad[i], trace);
                assert_int_equal(strlen(trace), TRACE_SIZE - 1);
                assert_memory_not_equal(trace, PARENT, 36);
                assert_memory_not_equal(trace, other, 36);
        }
}

UNIT_MAIN(UNIT(a_trace_goes_on_with_a_span_of_our_own), UNIT(what_is_no_trace_begins_a_new_one))
