#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* One connection to the broker with one channel, used by one thread. rabbitmq-c logs in and decodes
 * frames; over plain TCP writing is ours, from a buffer that never blocks (the library's publish
 * may wait for ever, and makes three system calls of each message). Under TLS the library writes.
 */

#include <amqp.h>
#include <amqp_framing.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/own.h"
#include "base/text.h"
#include "bus/broker_url.h"
#include "bus/bus.h"
#include "bus/watchdog.h"

enum {
        SESSION_CHANNEL = 1,
        SESSION_CONNECT_MS = 3000, /* for TCP, then again for the login */
        SESSION_RPC_MS = 5000,     /* for a declaration */
        SESSION_BODY_BYTES = 2 << 20,
        SESSION_OUT_BYTES = 1 << 20, /* unwritten bytes after which no more should be added */
};

/* A message that came: delivered, or returned because no queue took it. All is lent. */
struct session_message {
        amqp_bytes_t consumer_tag, exchange, routing_key;
        uint64_t tag;
        bool redelivered;
        const amqp_basic_properties_t *properties;
        const void *body;
        size_t n;           /* of the body; at most SESSION_BODY_BYTES are kept */
        uint64_t announced; /* bytes that it has */
};
/* What a session tells its user, from within session_read(). */
struct session_hears {
        void (*delivered)(const struct session_message *m, void *user);
        void (*returned)(const struct session_message *m, void *user);
        void (*confirmed)(uint64_t tag, bool multiple, bool taken, void *user);
        void (*blocked)(bool blocked, void *user);
};

struct session {
        amqp_connection_state_t amqp;
        const struct session_hears *hears;
        void *user;
        int fd;
        const char
                *user_id; /* who the broker knows we are, lent; NULL: only the certificate says */
        bool tls;
        bool unread;      /* the library may still hold frames: do not wait for the socket */
        bool refused;     /* the broker closed the channel because of what we asked */
        char reason[256]; /* why the session is over; "" while it lives */

        struct text out;
        size_t n_out_sent;
        int64_t heartbeat_ms, heard_ms, said_ms;

        enum { CONTENT_NONE, CONTENT_DELIVERED, CONTENT_RETURNED } content;
        struct session_message message;
        char *body; /* of several frames */
        uint64_t body_got;

        struct watchdog *watchdog;
        struct watch *watch;
};

struct session_how {
        const struct broker_host *host;
        const char *vhost;
        const char *name;                    /* of the connection, for the broker's operator */
        const struct bus_settings *settings; /* of which it takes heartbeat, TLS and login */
        struct watchdog *watchdog;
        struct watch *watch; /* covers every wait; watch_cut() ends it */
};
/* Connects, logs in and opens the channel. SESSION_AWAY: the fault says why. */
enum { SESSION_OK, SESSION_AWAY };
int session_open(const struct session_how *how, const struct session_hears *hears, void *user,
                 struct session **ret, struct fault *why);
/* Closes; politely if everything was written. */
struct session *session_free(struct session *s);
OWN_DEFINE(struct session *, session_free)

/* Reads and tells what came; to be called when the socket is readable, and while 'unread'. */
void session_read(struct session *s);
/* Writes what it can without waiting. */
void session_flush(struct session *s, int64_t now_ms);
/* Sends heartbeats and notices their absence. The time when it wants to be called again. */
int64_t session_beat(struct session *s, int64_t now_ms);
static inline bool session_over(const struct session *s)
{
        return s->reason[0] != '\0';
}
static inline size_t session_unwritten(const struct session *s)
{
        return s->out.n - s->n_out_sent;
}

/* Adds to what is to be written. */
void session_publish(struct session *s, const char *exchange, const char *routing_key,
                     amqp_basic_properties_t *properties, const void *body, size_t n);
void session_ack(struct session *s, uint64_t tag, bool multiple);
void session_requeue(struct session *s, uint64_t tag);
void session_cancel(struct session *s, const char *consumer_tag);
void session_declare_fanout(struct session *s, const char *exchange);
void session_delete_queue(struct session *s, const char *queue);

/* Ends the session for 'reason'; the first one counts. */
void session_end(struct session *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Explains the answer of a library call; true if it was a good one. Else the session is over. */
bool session_answered(struct session *s, const char *what);
