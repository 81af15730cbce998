/* SPDX-License-Identifier: Apache-2.0 */
#include "http/parse.h"

#include "support/unit.h"

enum { ROOM = HTTP_INPUT_MAX + 1 };
#define HOST "Host: x\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define POST "POST / HTTP/1.1\r\n" HOST
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

/* Feeds 'n' bytes 'step' at a time, into a buffer that moves each time. */
static int feed(struct http_parse *p, const char *bytes, size_t n, size_t step, char **buffer,
                size_t *used)
{
        const char *why = "";
        char saved = 0;
        int r = HTTP_MORE;

        *buffer = NULL;
        for (size_t have = step < n ? step : n;; have = have + step < n ? have + step : n) {
                char *moved = malloc(n + 1);

                assert_non_null(moved);
                memcpy(moved, *buffer ? *buffer : bytes, n);
                free(*buffer);
                *buffer = moved;
                r = http_parse(p, moved, have, used, &saved, &why);
                if (r != HTTP_MORE || have == n)
                        break;
        }
        if (r > HTTP_DONE)
                assert_true(why[0] != '\0');
        return r;
}

static int status_of(const char *bytes, size_t n)
{
        struct http_parse p = { 0 };
        char *buffer;
        size_t used;
        int r = feed(&p, bytes, n, n, &buffer, &used);

        free(buffer);
        return r;
}

static void what_is_malformed_is_refused_with_its_status(void **state)
{
        static const struct {
                const char *bytes;
                int status;
        } cases[] = {
                /* clang-format off */
                { GET "\r\n", HTTP_DONE },
                { GET, HTTP_MORE },
                { "GET / HTTP/1.0\r\n\r\n", HTTP_DONE },
                { "GET http://h/v1 HTTP/1.1\r\n" HOST "\r\n", HTTP_DONE },
                { "\r\n\r\n", 400 },
                { " / HTTP/1.1\r\n\r\n", 400 },
                { "GET  / HTTP/1.1\r\n" HOST "\r\n", 400 },
                { "GET /\r\n\r\n", 400 },
                { "GET / HTTP/1.1 \r\n" HOST "\r\n", 400 },
                { "GET / HTTP/2.0\r\n" HOST "\r\n", 505 },
                { "GET / http/1.1\r\n" HOST "\r\n", 400 },
                { "GET v1 HTTP/1.1\r\n" HOST "\r\n", 400 },
                { "GET http://h HTTP/1.1\r\n" HOST "\r\n", 400 },
                { "GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400 },
                { "GET /\x80 HTTP/1.1\r\n" HOST "\r\n", 400 },
                { "GET / HTTP/1.1\nHost: x\r\n\r\n", 400 },
                { "GET / HTTP/1.1\r\nHost: x\n\r\n\r\n", 400 },
                { "GET / HTTP/1.1\r\nHost: x\ry\r\n\r\n", 400 },
                { "GET / HTTP/1.1\r\n\r\n", 400 },
                { GET HOST "\r\n", 400 },
                { GET "No colon\r\n\r\n", 400 },
                { GET "Blank : x\r\n\r\n", 400 },
                { GET ": x\r\n\r\n", 400 },
                { GET " folded\r\n\r\n", 400 },
                { GET "A: b\r\n c\r\n\r\n", 400 },
                { GET "A: \x01\r\n\r\n", 400 },
                { GET "A: \x7f\r\n\r\n", 400 },
                { POST "Content-Length: 3\r\n\r\nabc", HTTP_DONE },
                { POST "Content-Length: 3\r\n\r\nab", HTTP_MORE },
                { POST "Content-Length: 114688\r\n\r\n", HTTP_MORE },
                { POST "Content-Length: 114689\r\n\r\n", 413 },
                { POST "Content-Length: 99999999999999999999999999\r\n\r\n", 413 },
                { POST "Content-Length: -1\r\n\r\n", 400 },
                { POST "Content-Length: +1\r\n\r\n", 400 },
                { POST "Content-Length: 0x1\r\n\r\n", 400 },
                { POST "Content-Length: 1, 1\r\n\r\n", 400 },
                { POST "Content-Length:\r\n\r\n", 400 },
                { POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400 },
                { POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
                { POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
                { POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501 },
                { POST "Transfer-Encoding: \x0b" "chunked\r\n\r\n", 400 },
                { "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
                { POST "Expect: tea\r\n\r\n", 417 },
                { CHUNKED "0\r\n\r\n", HTTP_DONE },
                { CHUNKED "0\r\nA: b\r\n\r\n", HTTP_DONE },
                { CHUNKED "1;x=y\r\na\r\n0\r\n\r\n", HTTP_DONE },
                { CHUNKED "1\r\na\r\n0\r\n", HTTP_MORE },
                { CHUNKED "1\r\nab\r\n0\r\n\r\n", 400 },
                { CHUNKED "1\na\r\n", 400 },
                { CHUNKED "\r\n", 400 },
                { CHUNKED "g\r\n", 400 },
                { CHUNKED "-1\r\n", 400 },
                { CHUNKED "1 \r\n", 400 },
                { CHUNKED "1c001\r\n", 413 },
                { CHUNKED "ffffffffffffffffffff\r\n", 413 },
                /* clang-format on */
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                int status = status_of(cases[i].bytes, strlen(cases[i].bytes));

                if (status != cases[i].status)
                        fail_msg("%s: %d instead of %d", cases[i].bytes, status, cases[i].status);
        }
}

static void a_nul_byte_in_the_header_is_refused(void **state)
{
        static const char bytes[] = "GET /\0 HTTP/1.1\r\n" HOST "\r\n";

        (void)state;
        assert_int_equal(status_of(bytes, sizeof bytes - 1), 400);
}

static void too_much_of_anything_is_refused(void **state)
{
        char *bytes = malloc(ROOM);
        size_t n;

        (void)state;
        assert_non_null(bytes);
        memset(bytes, 'a', ROOM);
        memcpy(bytes, "GET /", 5);
        assert_int_equal(status_of(bytes, HTTP_LINE_MAX - 1), HTTP_MORE);
        assert_int_equal(status_of(bytes, HTTP_LINE_MAX), 414);
        memcpy(bytes, GET "X: ", sizeof GET "X: " - 1);
        assert_int_equal(status_of(bytes, HTTP_HEAD_MAX - 1), HTTP_MORE);
        assert_int_equal(status_of(bytes, HTTP_HEAD_MAX), 431);
        n = sizeof GET - 1;
        for (int i = 0; i < HTTP_FIELDS_MAX; i++, n += 6)
                memcpy(bytes + n, "A: b\r\n", 6);
        memcpy(bytes + n, "\r\n", 2);
        assert_int_equal(status_of(bytes, n + 2), 431);
        free(bytes);
}

static void a_message_is_read_the_same_in_any_pieces(void **state)
{
        static const char bytes[] =
                "PUT /v1/vpns/1?a=b HTTP/1.1\r\nHOST: x\r\nX-A:  one two \t\r\nTransfer-Encoding: "
                "Chunked\r\n\r\n3\r\nabc\r\n2;e=f\r\nde\r\n0\r\nT: u\r\n\r\nGET /next";

        (void)state;
        for (size_t step = 1; step < sizeof bytes; step++) {
                struct http_parse p = { 0 };
                char *buffer;
                size_t used = 0;

                assert_int_equal(feed(&p, bytes, sizeof bytes - 1, step, &buffer, &used), HTTP_DONE);
                assert_int_equal(p.message.method, HTTP_PUT);
                assert_string_equal(p.message.path, "/v1/vpns/1");
                assert_string_equal(p.message.query, "a=b");
                assert_string_equal(http_message_field(&p.message, "x-a"), "one two");
                assert_string_equal(http_message_field(&p.message, "host"), "x");
                assert_null(http_message_field(&p.message, "y"));
                assert_string_equal(p.message.body, "abcde");
                assert_int_equal(p.message.n_body, 5);
                assert_true(p.message.keep_alive);
                assert_int_equal(used, sizeof bytes - 1 - strlen("GET /next"));
                free(buffer);
        }
}

static void the_byte_behind_a_message_is_given_back(void **state)
{
        char bytes[] = POST "Content-Length: 2\r\n\r\nabGET";
        struct http_parse p = { 0 };
        const char *why;
        size_t used;
        char saved;

        (void)state;
        assert_int_equal(http_parse(&p, bytes, sizeof bytes - 1, &used, &saved, &why), HTTP_DONE);
        assert_int_equal(saved, 'G');
        assert_string_equal(p.message.body, "ab");
        bytes[used] = saved;
        assert_string_equal(bytes + used, "GET");
}

static void connections_stay_or_close_as_the_version_says(void **state)
{
        static const struct {
                const char *bytes;
                bool keep;
        } cases[] = {
                { GET "\r\n", true },
                { GET "Connection: Close\r\n\r\n", false },
                { "GET / HTTP/1.0\r\n\r\n", false },
                { "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                struct http_parse p = { 0 };
                size_t used;
                char *buffer;

                assert_int_equal(feed(&p, cases[i].bytes, strlen(cases[i].bytes), 7, &buffer, &used),
                                 HTTP_DONE);
                assert_int_equal(p.message.keep_alive, cases[i].keep);
                free(buffer);
        }
}

static void percent_signs_are_decoded_or_refused(void **state)
{
        static const struct {
                const char *from, *to;
        } cases[] = {
                { "abc", "abc" },     { "a%20b", "a b" }, { "%2F%2f", "//" }, { "a+b", "a b" },
                { "%", NULL },        { "%2", NULL },     { "%zz", NULL },    { "%00", NULL },
                { "%c3%a4", "\xc3\xa4" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                char text[32];

                strcpy(text, cases[i].from);
                assert_int_equal(http_percent_decode(text, true), cases[i].to != NULL);
                if (cases[i].to)
                        assert_string_equal(text, cases[i].to);
        }
}

UNIT_MAIN(UNIT(what_is_malformed_is_refused_with_its_status), UNIT(a_nul_byte_in_the_header_is_refused),
          UNIT(too_much_of_anything_is_refused), UNIT(a_message_is_read_the_same_in_any_pieces),
          UNIT(the_byte_behind_a_message_is_given_back),
          UNIT(connections_stay_or_close_as_the_version_says),
          UNIT(percent_signs_are_decoded_or_refused))
