/* SPDX-License-Identifier: Apache-2.0 */
/* What the worst of peers may put into a message, through a real RabbitMQ. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "messages/topics.h"

enum { FRAME = 131072 - 8 };

static void put_u32(unsigned char *to, size_t value)
{
        for (int i = 3; i >= 0; i--, value >>= 8)
                to[i] = (unsigned char)value;
}

/* A table with one entry "h" that holds arrays within arrays, or tables within tables, as deep as
 * 'room' allows: each level says the length of all that is in it. */
static size_t deep_table(unsigned char *to, size_t room, bool tables)
{
        size_t level = tables ? 6 : 5; /* kind and length; and in a table an empty key before it */
        size_t depth = (room - 8) / level, at = 4 + 2, n = at + depth * level - tables;

        to[4] = 1;
        to[5] = 'h';
        for (size_t i = 0; i < depth; i++) {
                if (tables && i > 0)
                        to[at++] = 0;
                to[at] = tables ? 'F' : 'A';
                put_u32(to + at + 1, n - at - 5);
                at += 5;
        }
        put_u32(to, n - 4);
        return n;
}

static void add_frame(struct session *s, int type, const unsigned char *payload, size_t n)
{
        unsigned char head[7] = { (unsigned char)type, 0, SESSION_CHANNEL };

        put_u32(head + 3, n);
        text_add_n(&s->out, (const char *)head, sizeof head);
        text_add_n(&s->out, (const char *)payload, n);
        text_add_n(&s->out, "\xce", 1);
}

/* basic.publish to the default exchange with a header of our own making. */
static void publish_deep(struct side *side, const char *queue, const char *body, bool tables)
{
        struct session *s = side->session;
        unsigned char method[300] = { 0, 60, 0, 40, 0, 0, 0 }, *header = calloc(1, FRAME);
        size_t n_queue = strlen(queue), n;

        method[7] = (unsigned char)n_queue;
        memcpy(method + 8, queue, n_queue);
        add_frame(s, AMQP_FRAME_METHOD, method, 8 + n_queue + 1);
        header[1] = 60;
        put_u32(header + 8, strlen(body));
        header[12] = 0x20; /* headers */
        n = 14 + deep_table(header + 14, FRAME - 14, tables);
        add_frame(s, AMQP_FRAME_HEADER, header, n);
        add_frame(s, AMQP_FRAME_BODY, (const unsigned char *)body, strlen(body));
        free(header);
        while (session_unwritten(s) > 0 && !session_over(s))
                session_flush(s, 0);
        assert_string_equal(s->reason, "");
}

static bool took_two(void *arg)
{
        return ((struct server *)arg)->n_taken >= 2;
}

static void headers_as_deep_as_a_frame_do_not_break_a_consumer(void **state)
{
        (void)state;
        for (int tables = 0; tables < 2; tables++) {
                char queue[32];
                struct server s;
                struct side side;

                snprintf(queue, sizeof queue, "t-deep-%d", tables);
                start_server(&s, queue);
                side_open(&side);
                publish_deep(&side, queue, "{\"method\": \"echo\"}", tables);
                side_publish(&side, queue, "{\"method\": \"echo\"}", 18);
                assert_true(wait_until(took_two, &s, 20000));
                assert_echo(s.bus, queue);
                assert_int_equal(s.n_redelivered, 0);
                side_close(&side);
                stop_server(&s);
        }
}

static void of_an_endless_body_only_the_beginning_is_kept(void **state)
{
        enum { HUGE = 24 << 20 };
        char reason[256], *body, *huge = malloc(HUGE);
        struct server s;
        struct side side;

        (void)state;
        sync_topology();
        memset(huge, 'x', HUGE);
        start_server(&s, "t-huge");
        side_open(&side);
        side_publish(&side, "t-huge", huge, HUGE);
        body = side_get(&side, QUEUE_DEAD, reason);
        assert_int_equal(strlen(body), SESSION_BODY_BYTES);
        assert_string_equal(reason, "The message has 25165824 bytes; the first 2097152 are here.");
        assert_echo(s.bus, "t-huge");
        free(body);
        free(huge);
        side_close(&side);
        stop_server(&s);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                UNIT(headers_as_deep_as_a_frame_do_not_break_a_consumer),
                UNIT(of_an_endless_body_only_the_beginning_is_kept),
        };

        log_open("test", LOG_LEVEL_WARN);
        return cmocka_run_group_tests_name("hostile", tests, start_broker, remove_broker);
}
