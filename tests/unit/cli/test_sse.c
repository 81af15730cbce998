/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "cli/sse.h"

static struct text heard;

static void on_event(void *user, const char *data)
{
        const struct sse *s = user;

        text_addf(&heard, "%s=%s;", s->last_id, data);
}

static void hear(struct sse *s, const char *bytes, size_t piece)
{
        size_t n = strlen(bytes);

        text_reset(&heard);
        text_add(&heard, "");
        for (size_t i = 0; i < n; i += piece)
                sse_feed(s, bytes + i, i + piece < n ? piece : n - i, on_event, s);
}

static void events_come_whole_however_they_are_cut(void **state)
{
        static const struct {
                const char *bytes, *heard, *last_id;
        } rows[] = {
                { "id: 7\ndata: {\"a\": 1}\n\n", "7={\"a\": 1};", "7" },
                { "retry: 1000\nid: 5\n\n", "", "5" },
                { ": alive\n\ndata: x\n\n", "=x;", "" },
                { "id:1\ndata:a\ndata: b\n\nid: 2\r\ndata: c\r\n\r\n", "1=a\nb;2=c;", "2" },
                { "id: 1\rdata: y\r\rid: 2\rdata: z\r\r", "1=y;2=z;", "2" },
                { "id: 3\ndata: half", "", "" },
                { "idea: 3\ndatabase: no\n\n", "", "" },
                { "id: 4\ndata: z\n\nid: 5\ndata", "4=z;", "4" },
                { "id: 1234567890123456789012345\ndata: too long an id\n\n", "=too long an id;",
                  "" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                for (size_t piece = 1; piece < 20; piece += 3) {
                        OWN(sse_done) struct sse s = { 0 };

                        hear(&s, rows[i].bytes, piece);
                        assert_string_equal(heard.bytes, rows[i].heard);
                        assert_string_equal(s.last_id, rows[i].last_id);
                }
        }
        text_done(&heard);
}

static void a_cut_stream_goes_on_after_its_last_whole_event(void **state)
{
        OWN(sse_done) struct sse s = { 0 };

        (void)state;
        hear(&s, "id: 8\ndata: a\n\nid: 9\ndata: lost", 4);
        sse_cut(&s);
        assert_string_equal(s.last_id, "8");
        hear(&s, "data: b\n\n", 4);
        assert_string_equal(heard.bytes, "8=b;");
        text_done(&heard);
}

static void what_is_too_long_is_dropped_and_the_next_is_heard(void **state)
{
        OWN(sse_done) struct sse s = { 0 };
        char *line = malloc(SSE_EVENT_MAX + 100);

        (void)state;
        assert_non_null(line);
        memset(line, 'x', SSE_EVENT_MAX + 99);
        line[SSE_EVENT_MAX + 99] = '\0';
        sse_feed(&s, "id: 1\ndata: ", 12, on_event, &s);
        hear(&s, line, 100000);
        hear(&s, "\n\nid: 2\ndata: b\n\n", 100);
        assert_string_equal(heard.bytes, "2=b;");
        free(line);
        text_done(&heard);
}

UNIT_MAIN(UNIT(events_come_whole_however_they_are_cut),
          UNIT(a_cut_stream_goes_on_after_its_last_whole_event),
          UNIT(what_is_too_long_is_dropped_and_the_next_is_heard))
