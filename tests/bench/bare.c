/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

#include <amqp.h>
#include <amqp_tcp_socket.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static void must(amqp_rpc_reply_t reply, const char *what)
{
        if (reply.reply_type == AMQP_RESPONSE_NORMAL)
                return;
        fprintf(stderr, "bare: %s failed\n", what);
        exit(1);
}

static amqp_connection_state_t dial(int port)
{
        amqp_connection_state_t c = amqp_new_connection();
        amqp_socket_t *socket = amqp_tcp_socket_new(c);

        if (amqp_socket_open(socket, "127.0.0.1", port) != AMQP_STATUS_OK) {
                fprintf(stderr, "bare: cannot connect\n");
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
        amqp_table_entry_t quorum = { amqp_cstring_bytes("x-queue-type"),
                                      { .kind = AMQP_FIELD_KIND_UTF8,
                                        .value.bytes = amqp_cstring_bytes("quorum") } };
        amqp_table_t args = { durable && getenv("ATLAS_BENCH_QUORUM") ? 1 : 0, &quorum };

        amqp_queue_declare(c, 1, amqp_cstring_bytes(queue), 0, durable, 0, 0, args);
        must(amqp_get_rpc_reply(c), "declare");
        /* A quorum queue may not have heard of the last acknowledgements of the run before. */
        amqp_queue_purge(c, 1, amqp_cstring_bytes(queue));
        must(amqp_get_rpc_reply(c), "purge");
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

/* Reads the confirms that came; the highest tag of them. */
static uint64_t confirmed(amqp_connection_state_t c, uint64_t before, const struct timeval *wait)
{
        amqp_frame_t frame;

        while (amqp_simple_wait_frame_noblock(c, &frame, (struct timeval *)(uintptr_t)wait) ==
               AMQP_STATUS_OK) {
                static const struct timeval at_once = { 0 };
                const amqp_basic_ack_t *ack = frame.payload.method.decoded;

                wait = &at_once;
                if (frame.frame_type == AMQP_FRAME_METHOD &&
                    frame.payload.method.id == AMQP_BASIC_ACK_METHOD && ack->delivery_tag > before)
                        before = ack->delivery_tag;
        }
        amqp_maybe_release_buffers(c);
        return before;
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

        if (amqp_basic_publish(c, 1, amqp_cstring_bytes(exchange), amqp_cstring_bytes(key), 1, 0,
                               &properties,
                               (amqp_bytes_t){ n, (void *)(uintptr_t)body }) == AMQP_STATUS_OK)
                return;
        fprintf(stderr, "bare: publish failed\n");
        exit(1);
}

/* Publishes after reading what came of confirms; the window is the number of calls outstanding. */
static void publish_on(amqp_connection_state_t c, const char *exchange, const char *key,
                       const void *body, size_t n)
{
        static const struct timeval at_once = { 0 };

        confirmed(c, 0, &at_once);
        publish(c, exchange, key, body, n);
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

/* ---- calls ---- */

#define REPLY_QUEUE "reply_bare"

struct server {
        const struct bare_load *load;
        amqp_connection_state_t in, out;
};

static void *serve(void *arg)
{
        struct server *s = arg;

        for (int i = 0; i < s->load->n; i++) {
                take(s->in);
                publish_on(s->out, "", REPLY_QUEUE, s->load->reply, s->load->n_reply);
        }
        return NULL;
}

int64_t bare_calls(const struct bare_load *l)
{
        struct server s = { .load = l,
                            .in = dial_to_consume(l->port, l->queue, 1),
                            .out = dial_to_publish(l->port) };
        amqp_connection_state_t in = dial_to_consume(l->port, REPLY_QUEUE, 0);
        amqp_connection_state_t out = dial_to_publish(l->port);
        int64_t from_us = clock_mono_us();
        pthread_t thread;
        int sent = 0;

        pthread_create(&thread, NULL, serve, &s);
        for (int done = 0; done < l->n;) {
                for (; sent < l->n && sent - done < l->outstanding; sent++) {
                        l->took_us[sent] = -clock_mono_us();
                        publish_on(out, "atlas", l->queue, l->request, l->n_request);
                }
                take(in);
                l->took_us[done++] += clock_mono_us(); /* one queue, one server: in order */
        }
        from_us = clock_mono_us() - from_us;
        pthread_join(thread, NULL);
        hang_up(s.in);
        hang_up(s.out);
        hang_up(in);
        hang_up(out);
        return from_us;
}

/* ---- casts ---- */

struct bare_sink {
        amqp_connection_state_t in;
        pthread_t thread;
        int n;
        sem_t *came;
};

static void *sink(void *arg)
{
        struct bare_sink *s = arg;

        for (int i = 0; i < s->n; i++) {
                take(s->in);
                if (s->came)
                        sem_post(s->came);
        }
        return NULL;
}

struct bare_sink *bare_sink_new(int port, const char *queue, int n, sem_t *came)
{
        struct bare_sink *s = calloc(1, sizeof *s);

        if (!s)
                abort();
        *s = (struct bare_sink){ .in = dial_to_consume(port, queue, 1), .n = n, .came = came };
        pthread_create(&s->thread, NULL, sink, s);
        return s;
}

void bare_sink_join(struct bare_sink *s)
{
        pthread_join(s->thread, NULL);
        hang_up(s->in);
        free(s);
}

/* Each took from its publishing to the moment its confirm was read. */
int64_t bare_casts(const struct bare_load *l)
{
        static const struct timeval at_once = { 0 }, a_while = { .tv_sec = 10 };
        struct bare_sink *s = bare_sink_new(l->port, l->queue, l->n, NULL);
        amqp_connection_state_t out = dial_to_publish(l->port);
        int64_t from_us = clock_mono_us();
        uint64_t sent = 0, done = 0;

        while (done < (uint64_t)l->n) {
                bool may_send = sent < (uint64_t)l->n && sent - done < (uint64_t)l->outstanding;
                uint64_t acked = confirmed(out, done, may_send ? &at_once : &a_while);

                while (done < acked)
                        l->took_us[done++] += clock_mono_us();
                if (may_send) {
                        l->took_us[sent++] = -clock_mono_us();
                        publish(out, "atlas", l->queue, l->request, l->n_request);
                }
        }
        bare_sink_join(s);
        from_us = clock_mono_us() - from_us;
        hang_up(out);
        return from_us;
}
