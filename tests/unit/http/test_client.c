/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/clock.h"
#include "http/client.h"

static void headers_are_found_by_name_in_any_case(void **state)
{
        OWN(http_reply_done) struct http_reply r = { 0 };
        char value[16];

        (void)state;
        assert_false(http_reply_header(&r, "Location", value, sizeof value));
        text_add(&r.headers, "Retry-After-Not: 9\nlocation:\t/v1/x\nRetry-After: 7\nEmpty:\n"
                             "Long: 0123456789abcdef\n");
        assert_true(http_reply_header(&r, "Location", value, sizeof value));
        assert_string_equal(value, "/v1/x");
        assert_true(http_reply_header(&r, "empty", value, sizeof value));
        assert_string_equal(value, "");
        assert_false(http_reply_header(&r, "Long", value, sizeof value));
        assert_false(http_reply_header(&r, "Retry", value, sizeof value));
        assert_int_equal(http_reply_retry_after_ms(&r), 7000);
}

static void retry_after_counts_only_in_seconds_up_to_an_hour(void **state)
{
        static const char *const cases[] = { "Retry-After: 3601\n", "Retry-After: -1\n",
                                             "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\n",
                                             "Retry-After: \n", "" };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                OWN(http_reply_done) struct http_reply r = { 0 };

                text_add(&r.headers, cases[i]);
                assert_int_equal(http_reply_retry_after_ms(&r), 0);
        }
}

static void a_call_whose_time_is_up_is_not_sent_and_keeps_the_urls_secrets(void **state)
{
        OWN(http_client_free) struct http_client *c = NULL;
        OWN(http_reply_done) struct http_reply reply = { 0 };
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(http_client_new("", false, &c), 0);
        assert_int_equal(http_client_call(c,
                                          &(struct http_call){ .method = "GET",
                                                               .url = "http://user:secret@host.example:1/"
                                                                      "path?token=secret",
                                                               .deadline_mono_ms = clock_mono_ms() },
                                          &reply, &why),
                         HTTP_CLIENT_TIMEOUT);
        assert_non_null(strstr(why.message, "host.example:1"));
        assert_null(strstr(why.message, "secret"));
        assert_true(why.retry_after_ms > 0);
}

UNIT_MAIN(UNIT(headers_are_found_by_name_in_any_case),
          UNIT(retry_after_counts_only_in_seconds_up_to_an_hour),
          UNIT(a_call_whose_time_is_up_is_not_sent_and_keeps_the_urls_secrets))
