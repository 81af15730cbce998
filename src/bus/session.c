/* SPDX-License-Identifier: Apache-2.0 */
/* What goes over an open session: frames in, frames out, heartbeats. */
#include "bus/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

enum {
        FRAMES_A_TURN = 1024, /* then others have their turn */
        FRAME_HEAD = 7,
        OUT_ROOM_KEPT = 256 * 1024 /* a buffer that grew beyond is given back */
};

void session_end(struct session *s, const char *format, ...)
{
        va_list args;

        if (session_over(s))
                return;
        va_start(args, format);
        vsnprintf(s->reason, sizeof s->reason, format, args);
        va_end(args);
}

bool session_answered(struct session *s, const char *what)
{
        amqp_rpc_reply_t reply = amqp_get_rpc_reply(s->amqp);
        amqp_bytes_t text = amqp_empty_bytes;

        if (reply.reply_type == AMQP_RESPONSE_NORMAL)
                return true;
        if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION) {
                session_end(s, "%s: %s", what, amqp_error_string2(reply.library_error));
                return false;
        }
        if (reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD)
                text = ((amqp_channel_close_t *)reply.reply.decoded)->reply_text;
        else if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD)
                text = ((amqp_connection_close_t *)reply.reply.decoded)->reply_text;
        s->refused = reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD;
        session_end(s, "%s: %.*s", what, (int)text.len, (const char *)text.bytes);
        return false;
}

/* ---- out ---- */

static void put_u16(unsigned char *to, unsigned value)
{
        to[0] = (unsigned char)(value >> 8);
        to[1] = (unsigned char)value;
}

static void put_u32(unsigned char *to, uint32_t value)
{
        put_u16(to, value >> 16);
        put_u16(to + 2, value & 0xffff);
}

static void add_frame(struct session *s, int type, unsigned channel, const void *payload, size_t n)
{
        unsigned char head[FRAME_HEAD] = { (unsigned char)type };
        static const char end = (char)AMQP_FRAME_END;

        put_u16(head + 1, channel);
        put_u32(head + 3, (uint32_t)n);
        text_add_n(&s->out, (const char *)head, sizeof head);
        text_add_n(&s->out, payload, n);
        text_add_n(&s->out, &end, 1);
}

/* Under TLS only the library can write, and may have to wait. */
static void say_by_library(struct session *s, const amqp_frame_t *frame)
{
        int r;

        watch_begin(s->watchdog, s->watch, s->fd, clock_mono_ms() + SESSION_RPC_MS);
        r = amqp_send_frame(s->amqp, frame);
        watch_end(s->watchdog, s->watch);
        if (r != AMQP_STATUS_OK)
                session_end(s, "writing: %s", amqp_error_string2(r));
}

static void say_method(struct session *s, unsigned channel, amqp_method_number_t id, void *method)
{
        amqp_frame_t frame = { .frame_type = AMQP_FRAME_METHOD,
                               .channel = (amqp_channel_t)channel,
                               .payload.method = { id, method } };
        unsigned char payload[1024];
        amqp_bytes_t rest = { sizeof payload - 4, payload + 4 };
        int n;

        if (s->tls) {
                say_by_library(s, &frame);
                return;
        }
        put_u32(payload, id);
        n = amqp_encode_method(id, method, rest);
        if (n < 0)
                session_end(s, "cannot write a method: %s", amqp_error_string2(n));
        else
                add_frame(s, AMQP_FRAME_METHOD, channel, payload, (size_t)n + 4);
}

static void say_header(struct session *s, amqp_basic_properties_t *properties, size_t body_n)
{
        amqp_frame_t frame = { .frame_type = AMQP_FRAME_HEADER,
                               .channel = SESSION_CHANNEL,
                               .payload.properties = { .class_id = AMQP_BASIC_CLASS,
                                                       .body_size = body_n,
                                                       .decoded = properties } };
        unsigned char payload[4096];
        amqp_bytes_t rest = { sizeof payload - 12, payload + 12 };
        int n;

        if (s->tls) {
                say_by_library(s, &frame);
                return;
        }
        put_u16(payload, AMQP_BASIC_CLASS);
        put_u16(payload + 2, 0);
        put_u32(payload + 4, (uint32_t)((uint64_t)body_n >> 32));
        put_u32(payload + 8, (uint32_t)body_n);
        n = amqp_encode_properties(AMQP_BASIC_CLASS, properties, rest);
        if (n < 0)
                session_end(s, "cannot write properties: %s", amqp_error_string2(n));
        else
                add_frame(s, AMQP_FRAME_HEADER, SESSION_CHANNEL, payload, (size_t)n + 12);
}

static void say_body(struct session *s, const char *body, size_t n)
{
        size_t most = (size_t)amqp_get_frame_max(s->amqp) - FRAME_HEAD - 1;

        while (n > 0) {
                size_t some = n < most ? n : most;
                /* The library's type has no const; it only reads. */
                amqp_frame_t frame = { .frame_type = AMQP_FRAME_BODY,
                                       .channel = SESSION_CHANNEL,
                                       .payload.body_fragment = { some, (void *)(uintptr_t)body } };

                if (s->tls)
                        say_by_library(s, &frame);
                else
                        add_frame(s, AMQP_FRAME_BODY, SESSION_CHANNEL, body, some);
                body += some;
                n -= some;
        }
}

void session_publish(struct session *s, const char *exchange, const char *routing_key,
                     amqp_basic_properties_t *properties, const void *body, size_t n)
{
        amqp_basic_publish_t publish = { .exchange = amqp_cstring_bytes(exchange),
                                         .routing_key = amqp_cstring_bytes(routing_key),
                                         .mandatory = 1 };

        say_method(s, SESSION_CHANNEL, AMQP_BASIC_PUBLISH_METHOD, &publish);
        say_header(s, properties, n);
        say_body(s, body, n);
}

void session_ack(struct session *s, uint64_t tag, bool multiple)
{
        amqp_basic_ack_t ack = { .delivery_tag = tag, .multiple = multiple };

        say_method(s, SESSION_CHANNEL, AMQP_BASIC_ACK_METHOD, &ack);
}

void session_requeue(struct session *s, uint64_t tag)
{
        amqp_basic_nack_t nack = { .delivery_tag = tag, .requeue = 1 };

        say_method(s, SESSION_CHANNEL, AMQP_BASIC_NACK_METHOD, &nack);
}

void session_cancel(struct session *s, const char *consumer_tag)
{
        amqp_basic_cancel_t cancel = { .consumer_tag = amqp_cstring_bytes(consumer_tag),
                                       .nowait = 1 };

        say_method(s, SESSION_CHANNEL, AMQP_BASIC_CANCEL_METHOD, &cancel);
}

/* Just before it is used: such an exchange goes with its last queue. */
void session_declare_fanout(struct session *s, const char *exchange)
{
        amqp_exchange_declare_t declare = { .exchange = amqp_cstring_bytes(exchange),
                                            .type = amqp_cstring_bytes("fanout"),
                                            .auto_delete = 1,
                                            .nowait = 1 };

        say_method(s, SESSION_CHANNEL, AMQP_EXCHANGE_DECLARE_METHOD, &declare);
}

void session_delete_queue(struct session *s, const char *queue)
{
        amqp_queue_delete_t delete = { .queue = amqp_cstring_bytes(queue), .nowait = 1 };

        say_method(s, SESSION_CHANNEL, AMQP_QUEUE_DELETE_METHOD, &delete);
}

void session_flush(struct session *s, int64_t now_ms)
{
        if (s->out.failed)
                session_end(s, "no memory to write");
        while (session_unwritten(s) > 0 && !session_over(s)) {
                ssize_t n = send(s->fd, s->out.bytes + s->n_out_sent, session_unwritten(s),
                                 MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n > 0) {
                        s->n_out_sent += (size_t)n;
                        s->said_ms = now_ms;
                } else if (errno == EAGAIN) {
                        return;
                } else if (errno != EINTR) {
                        session_end(s, "writing: %s", strerror(errno));
                }
        }
        s->n_out_sent = 0;
        if (s->out.room > OUT_ROOM_KEPT)
                text_done(&s->out);
        else
                text_reset(&s->out);
}

int64_t session_beat(struct session *s, int64_t now_ms)
{
        int64_t every_ms = s->heartbeat_ms / 2;

        /* The library keeps time by itself under TLS, if it is asked to read often enough. */
        if (s->tls && now_ms - s->said_ms >= every_ms / 2) {
                s->unread = true;
                s->said_ms = now_ms;
        }
        if (s->tls)
                return s->said_ms + every_ms / 2;
        if (now_ms - s->heard_ms > 2 * s->heartbeat_ms)
                session_end(s, "was silent for %lld ms", (long long)(now_ms - s->heard_ms));
        if (now_ms - s->said_ms >= every_ms && session_unwritten(s) == 0) {
                add_frame(s, AMQP_FRAME_HEARTBEAT, 0, "", 0);
                session_flush(s, now_ms);
        }
        return (now_ms - s->said_ms >= every_ms ? now_ms : s->said_ms) + every_ms;
}

/* ---- in ---- */

static void on_connection_method(struct session *s, const amqp_method_t *m)
{
        const amqp_connection_close_t *close = m->decoded;
        amqp_connection_close_ok_t ok = { 0 };

        switch (m->id) {
        case AMQP_CONNECTION_CLOSE_METHOD:
                say_method(s, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
                session_flush(s, s->said_ms);
                session_end(s, "closed the connection: %d %.*s", close->reply_code,
                            (int)close->reply_text.len, (const char *)close->reply_text.bytes);
                break;
        case AMQP_CONNECTION_BLOCKED_METHOD:
        case AMQP_CONNECTION_UNBLOCKED_METHOD:
                if (s->hears->blocked)
                        s->hears->blocked(m->id == AMQP_CONNECTION_BLOCKED_METHOD, s->user);
                break;
        default:
                break;
        }
}

static void on_deliver(struct session *s, const amqp_basic_deliver_t *d)
{
        s->content = CONTENT_DELIVERED;
        s->message = (struct session_message){
                .consumer_tag = d->consumer_tag,
                .exchange = d->exchange,
                .routing_key = d->routing_key,
                .tag = d->delivery_tag,
                .redelivered = d->redelivered,
        };
}

static void on_return(struct session *s, const amqp_basic_return_t *r)
{
        s->content = CONTENT_RETURNED;
        s->message =
                (struct session_message){ .exchange = r->exchange, .routing_key = r->routing_key };
}

static void on_channel_close(struct session *s, const amqp_channel_close_t *close)
{
        amqp_channel_close_ok_t ok = { 0 };

        s->refused = true;
        say_method(s, SESSION_CHANNEL, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
        session_flush(s, s->said_ms);
        session_end(s, "closed the channel: %d %.*s", close->reply_code, (int)close->reply_text.len,
                    (const char *)close->reply_text.bytes);
}

static void on_channel_method(struct session *s, const amqp_method_t *m)
{
        const amqp_basic_ack_t *ack = m->decoded;
        const amqp_basic_nack_t *nack = m->decoded;

        if (s->content != CONTENT_NONE) {
                session_end(s, "sent a method in the middle of a message");
                return;
        }
        switch (m->id) {
        case AMQP_BASIC_DELIVER_METHOD:
                on_deliver(s, m->decoded);
                break;
        case AMQP_BASIC_RETURN_METHOD:
                on_return(s, m->decoded);
                break;
        case AMQP_BASIC_ACK_METHOD:
                if (s->hears->confirmed)
                        s->hears->confirmed(ack->delivery_tag, ack->multiple, true, s->user);
                break;
        case AMQP_BASIC_NACK_METHOD:
                if (s->hears->confirmed)
                        s->hears->confirmed(nack->delivery_tag, nack->multiple, false, s->user);
                break;
        case AMQP_BASIC_CANCEL_METHOD:
                session_end(s, "ended the consumer: its queue was deleted or moved");
                break;
        case AMQP_CHANNEL_CLOSE_METHOD:
                on_channel_close(s, m->decoded);
                break;
        default:
                break;
        }
}

static void content_done(struct session *s)
{
        if (s->content == CONTENT_DELIVERED && s->hears->delivered)
                s->hears->delivered(&s->message, s->user);
        if (s->content == CONTENT_RETURNED && s->hears->returned)
                s->hears->returned(&s->message, s->user);
        s->content = CONTENT_NONE;
        free(s->body);
        s->body = NULL;
}

static void on_header(struct session *s, const amqp_frame_t *frame)
{
        s->message.properties = frame->payload.properties.decoded;
        s->message.body = "";
        s->message.announced = frame->payload.properties.body_size;
        s->message.n = s->message.announced < SESSION_BODY_BYTES ? (size_t)s->message.announced
                                                                 : SESSION_BODY_BYTES;
        s->body_got = 0;
        if (s->message.announced == 0)
                content_done(s);
}

/* A body of one frame is lent as it is; the beginning of a longer one is put together. */
static void on_body(struct session *s, amqp_bytes_t piece)
{
        if (piece.len > s->message.announced - s->body_got) {
                session_end(s, "sent more body than announced");
                return;
        }
        if (s->body_got == 0 && piece.len < s->message.announced) {
                s->body = malloc(s->message.n);
                if (!s->body) {
                        session_end(s, "no memory for a body of %zu bytes", s->message.n);
                        return;
                }
        }
        if (s->body && s->body_got < s->message.n) {
                size_t room = s->message.n - (size_t)s->body_got;

                memcpy(s->body + s->body_got, piece.bytes, piece.len < room ? piece.len : room);
        }
        s->body_got += piece.len;
        if (s->body_got < s->message.announced)
                return;
        s->message.body = s->body ? s->body : piece.bytes;
        content_done(s);
}

/* One header, then bodies until it is whole. */
static void on_content(struct session *s, const amqp_frame_t *frame)
{
        bool has_header = s->message.properties;

        if (frame->frame_type == AMQP_FRAME_HEADER && !has_header)
                on_header(s, frame);
        else if (frame->frame_type == AMQP_FRAME_BODY && has_header)
                on_body(s, frame->payload.body_fragment);
        else
                session_end(s, "sent the frames of a message in disorder");
}

static void on_frame(struct session *s, const amqp_frame_t *frame)
{
        if (frame->frame_type == AMQP_FRAME_METHOD && frame->channel == 0)
                on_connection_method(s, &frame->payload.method);
        else if (frame->frame_type == AMQP_FRAME_METHOD)
                on_channel_method(s, &frame->payload.method);
        else if (s->content != CONTENT_NONE && frame->frame_type != AMQP_FRAME_HEARTBEAT)
                on_content(s, frame);
        if (s->content == CONTENT_NONE)
                amqp_maybe_release_buffers_on_channel(s->amqp, frame->channel);
}

/* Whether the library has more to tell without asking the socket; under TLS only asking tells. */
static bool has_unread(const struct session *s)
{
        return s->tls || amqp_frames_enqueued(s->amqp) || amqp_data_in_buffer(s->amqp);
}

void session_read(struct session *s)
{
        static const struct timeval at_once = { 0 };
        int n_frames = 0;

        do {
                amqp_frame_t frame;
                int r = amqp_simple_wait_frame_noblock(s->amqp, &frame, &at_once);

                s->unread = r == AMQP_STATUS_OK && has_unread(s);
                if (r == AMQP_STATUS_OK)
                        on_frame(s, &frame);
                else if (r != AMQP_STATUS_TIMEOUT)
                        session_end(s, "reading: %s", amqp_error_string2(r));
        } while (s->unread && !session_over(s) && ++n_frames < FRAMES_A_TURN);
}
