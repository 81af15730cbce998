/* SPDX-License-Identifier: Apache-2.0 */
#include "bare_rpc.h"

#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static void must(amqp_rpc_reply_t reply, const char *what)
{
        if (reply.reply_type == AMQP_RESPONSE_NORMAL)
                return;
        fprintf(stderr, "bare_rpc: %s failed\n", what);
        exit(1);
}

static amqp_connection_state_t dial(int port)
{
        amqp_connection_state_t c = amqp_new_connection();
        amqp_socket_t *socket = amqp_tcp_socket_new(c);

        if (amqp_socket_open(socket, "127.0.0.1", port) != AMQP_STATUS_OK) {
                fprintf(stderr, "bare_rpc: cannot connect\n");
                exit(1);
        }
        must(amqp_login(c, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest"), "login");
        amqp_channel_open(c, 1);
        must(amqp_get_rpc_reply(c), "channel");
        return c;
}

static void hang_up(amqp_connection_state_t c)
{
        amqp_connection_close(c, AMQP_REPLY_SUCCESS);
        amqp_destroy_connection(c);
}

static amqp_connection_state_t dial_to_consume(int port, const char *queue, int durable)
{
        amqp_connection_state_t c = dial(port);

        amqp_queue_declare(c, 1, amqp_cstring_bytes(queue), 0, durable, 0, 0, amqp_empty_table);
        must(amqp_get_rpc_reply(c), "declare");
        if (durable) {
                amqp_queue_bind(c, 1, amqp_cstring_bytes(queue), amqp_cstring_bytes("atlas"),
                                amqp_cstring_bytes(queue), amqp_empty_table);
                must(amqp_get_rpc_reply(c), "bind");
        }
        amqp_basic_qos(c, 1, 0, 1024, 0);
        amqp_basic_consume(c, 1, amqp_cstring_bytes(queue), amqp_cstring_bytes("0"), 0, 0, 0,
                           amqp_empty_table);
        must(amqp_get_rpc_reply(c), "consume");
        return c;
}

static amqp_connection_state_t dial_to_publish(int port)
{
        amqp_connection_state_t c = dial(port);

        amqp_confirm_select(c, 1);
        must(amqp_get_rpc_reply(c), "confirm");
        return c;
}

static void publish(amqp_connection_state_t c, const char *exchange, const char *key,
                    const void *body, size_t n)
{
        amqp_basic_properties_t properties = {
                ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_CONTENT_ENCODING_FLAG |
                          AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
                          AMQP_BASIC_PRIORITY_FLAG,
                .content_type = amqp_cstring_bytes("application/json"),
                .content_encoding = amqp_cstring_bytes("utf-8"),
                .delivery_mode = 1,
        };
        static const struct timeval at_once = { 0 };
        amqp_frame_t frame;

        /* Confirms are read as they come; the window is the number of calls outstanding. */
        while (amqp_simple_wait_frame_noblock(c, &frame, &at_once) == AMQP_STATUS_OK)
                ;
        amqp_maybe_release_buffers(c);
        if (amqp_basic_publish(c, 1, amqp_cstring_bytes(exchange), amqp_cstring_bytes(key), 1, 0,
                               &properties,
                               (amqp_bytes_t){ n, (void *)(uintptr_t)body }) != AMQP_STATUS_OK) {
                fprintf(stderr, "bare_rpc: publish failed\n");
                exit(1);
        }
}

/* Takes one message and acknowledges it. */
static void take(amqp_connection_state_t c)
{
        amqp_envelope_t envelope;

        amqp_maybe_release_buffers(c);
        must(amqp_consume_message(c, &envelope, NULL, 0), "take");
        amqp_basic_ack(c, 1, envelope.delivery_tag, 0);
        amqp_destroy_envelope(&envelope);
}

struct server {
        amqp_connection_state_t in, out;
        const char *reply_queue;
        const void *reply;
        size_t n_reply;
        int n;
};

static void *serve(void *arg)
{
        struct server *s = arg;

        for (int i = 0; i < s->n; i++) {
                take(s->in);
                publish(s->out, "", s->reply_queue, s->reply, s->n_reply);
        }
        return NULL;
}

double bare_rpc(int port, const char *queue, const void *request, size_t n_request,
                const void *reply, size_t n_reply, int outstanding, int n)
{
        struct server s = { .in = dial_to_consume(port, queue, 1),
                            .out = dial_to_publish(port),
                            .reply_queue = "reply_bare",
                            .reply = reply,
                            .n_reply = n_reply,
                            .n = n };
        amqp_connection_state_t in = dial_to_consume(port, s.reply_queue, 0);
        amqp_connection_state_t out = dial_to_publish(port);
        int64_t from_us = clock_mono_us();
        pthread_t thread;
        int sent = 0;

        pthread_create(&thread, NULL, serve, &s);
        while (sent < outstanding && sent < n)
                publish(out, "atlas", queue, request, n_request), sent++;
        for (int i = 0; i < n; i++) {
                take(in);
                if (sent < n)
                        publish(out, "atlas", queue, request, n_request), sent++;
        }
        from_us = clock_mono_us() - from_us;
        pthread_join(thread, NULL);
        hang_up(s.in);
        hang_up(s.out);
        hang_up(in);
        hang_up(out);
        return n * 1e6 / (double)from_us;
}
