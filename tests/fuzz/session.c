/* SPDX-License-Identifier: Apache-2.0 */
/* What comes from a broker after the login: frames, and the deliveries in them. */
#include <amqp_tcp_socket.h>
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bus/delivery.h"
#include "bus/session.h"

enum { MOST = 160 * 1024 }; /* what a socket holds */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static unsigned sum_of(const void *bytes, size_t n)
{
        unsigned sum = 0;

        for (size_t i = 0; i < n; i++)
                sum += ((const unsigned char *)bytes)[i];
        return sum;
}

static void on_delivered(const struct session_message *m, void *user)
{
        struct delivery *d = delivery_new(m, "queue");

        *(unsigned *)user += sum_of(m->body, m->n);
        assert(m->n <= SESSION_BODY_BYTES && m->n <= m->announced);
        assert(d && delivery_decode(d, false) == !d->reason);
        assert(!d->reason == (d->public.request != NULL));
        delivery_free(d);
}

static void on_returned(const struct session_message *m, void *user)
{
        *(unsigned *)user +=
                sum_of(m->body, m->n) + sum_of(m->routing_key.bytes, m->routing_key.len);
}

static void on_confirmed(uint64_t tag, bool multiple, bool taken, void *user)
{
        *(unsigned *)user += (unsigned)tag + multiple + taken;
}

static void on_blocked(bool blocked, void *user)
{
        *(unsigned *)user += blocked;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
        static const struct session_hears hears = { on_delivered, on_returned, on_confirmed,
                                                    on_blocked };
        static char hello[] = "AMQP\0\0\11\1";
        amqp_frame_t frame;
        struct session *s = calloc(1, sizeof *s);
        int ends[2];
        unsigned sum = 0;

        n = n < MOST ? n : MOST;
        assert(s && socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
        setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &(int){ 4 * MOST }, sizeof(int));
        s->fd = ends[0];
        s->hears = &hears;
        s->user = &sum;
        s->amqp = amqp_new_connection();
        assert(s->amqp);
        amqp_tcp_socket_set_sockfd(amqp_tcp_socket_new(s->amqp), s->fd);
        /* The first bytes settle what is spoken; only then a frame's limit can be set. */
        assert(amqp_handle_input(s->amqp, (amqp_bytes_t){ 8, hello }, &frame) == 8);
        amqp_tune_connection(s->amqp, SESSION_CHANNEL, 131072, 0);
        assert(send(ends[1], bytes, n, MSG_NOSIGNAL) == (ssize_t)n);
        shutdown(ends[1], SHUT_WR);
        while (!session_over(s))
                session_read(s);
        session_free(s); /* with its socket */
        close(ends[1]);
        return 0;
}
