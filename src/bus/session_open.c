/* SPDX-License-Identifier: Apache-2.0 */
/* From a host name to an open channel, and the way back. */
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "bus/session.h"

enum { FRAME_MAX = 131072, TCP_GIVE_UP_MS = 15000 };

static struct timeval timeval_of(int ms)
{
        return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

static int away(struct fault *why, const struct session_how *how, const char *what)
{
        fault_set(why, 503, "bus.unavailable", "The message broker at %s:%d %s.", how->host->host,
                  how->host->port, what);
        why->retry_after_ms = 1000;
        return SESSION_AWAY;
}

static void set_socket(int fd)
{
        int one = 1, give_up_ms = TCP_GIVE_UP_MS;

        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
        setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &give_up_ms, sizeof give_up_ms);
}

/* Waits until the connection stands or fails; 0 or an errno. */
static int connected(int fd, int64_t until_ms)
{
        struct pollfd p = { .fd = fd, .events = POLLOUT };
        int error = 0, r;
        socklen_t n = sizeof error;

        do {
                int64_t left_ms = until_ms - clock_mono_ms();

                r = poll(&p, 1, left_ms > 0 ? (int)left_ms : 0);
        } while (r < 0 && errno == EINTR);
        if (r == 0)
                return ETIMEDOUT;
        if (r < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
                return errno;
        return error;
}

/* A connected, non-blocking socket, or -1 and errno. */
static int dial(const struct session_how *how, const struct addrinfo *to, int64_t until_ms)
{
        int fd = socket(to->ai_family, to->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                        to->ai_protocol);
        int error = 0;

        if (fd < 0)
                return -1;
        set_socket(fd);
        if (connect(fd, to->ai_addr, to->ai_addrlen) < 0)
                error = errno;
        if (error == EINPROGRESS) {
                watch_begin(how->watchdog, how->watch, fd, until_ms); /* or earlier: it is cut */
                error = connected(fd, until_ms);
                watch_end(how->watchdog, how->watch);
        }
        if (error == 0)
                return fd;
        close(fd);
        errno = error;
        return -1;
}

static int open_tcp(struct session *s, const struct session_how *how, struct fault *why)
{
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
        struct addrinfo *all = NULL;
        amqp_socket_t *socket;
        char port[8];
        int64_t until_ms = clock_mono_ms() + SESSION_CONNECT_MS;
        int r;

        snprintf(port, sizeof port, "%d", how->host->port);
        r = getaddrinfo(how->host->host, port, &hints, &all);
        if (r != 0)
                return away(why, how, gai_strerror(r));
        for (const struct addrinfo *at = all; at && s->fd < 0; at = at->ai_next)
                s->fd = dial(how, at, until_ms);
        r = errno;
        freeaddrinfo(all);
        if (s->fd < 0)
                return away(why, how, strerror(r));
        socket = amqp_tcp_socket_new(s->amqp);
        if (!socket) {
                close(s->fd);
                return err_raise(-ENOMEM);
        }
        amqp_tcp_socket_set_sockfd(socket, s->fd);
        return SESSION_OK;
}

static bool is_set(const char *text)
{
        return text && *text;
}

/* What the library makes of the files is said by its answer only. */
static const char *set_files(amqp_socket_t *socket, const struct session_how *how)
{
        if (!is_set(how->settings->ssl_ca_file))
                return "cannot be verified: ssl_ca_file is not set";
        if (amqp_ssl_socket_set_cacert(socket, how->settings->ssl_ca_file) != AMQP_STATUS_OK)
                return "cannot be verified: ssl_ca_file cannot be read";
        if (!is_set(how->settings->ssl_cert_file))
                return NULL;
        if (amqp_ssl_socket_set_key(socket, how->settings->ssl_cert_file,
                                    is_set(how->settings->ssl_key_file)
                                            ? how->settings->ssl_key_file
                                            : how->settings->ssl_cert_file) != AMQP_STATUS_OK)
                return "cannot be told who we are: ssl_cert_file or ssl_key_file cannot be read";
        return NULL;
}

static int open_tls(struct session *s, const struct session_how *how, struct fault *why)
{
        amqp_socket_t *socket = amqp_ssl_socket_new(s->amqp);
        struct timeval limit = timeval_of(SESSION_CONNECT_MS);
        const char *wrong;
        int r;

        if (!socket)
                return err_raise(-ENOMEM);
        amqp_ssl_socket_set_verify_peer(socket, 1);
        amqp_ssl_socket_set_verify_hostname(socket, 1);
        amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
        wrong = set_files(socket, how);
        if (wrong)
                return away(why, how, wrong);
        r = amqp_socket_open_noblock(socket, how->host->host, how->host->port, &limit);
        if (r != AMQP_STATUS_OK)
                return away(why, how, amqp_error_string2(r));
        s->fd = amqp_get_sockfd(s->amqp);
        set_socket(s->fd);
        return SESSION_OK;
}

static bool is_external(const struct session_how *how)
{
        return text_equal(how->settings->rabbit_login_method, "EXTERNAL");
}

static int log_in(struct session *s, const struct session_how *how)
{
        /* clang-format off */
        amqp_table_entry_t capabilities[] = {
                { amqp_cstring_bytes("authentication_failure_close"), { .kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1 } },
                { amqp_cstring_bytes("consumer_cancel_notify"), { .kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1 } },
                { amqp_cstring_bytes("connection.blocked"), { .kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1 } },
                { amqp_cstring_bytes("publisher_confirms"), { .kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1 } },
                { amqp_cstring_bytes("basic.nack"), { .kind = AMQP_FIELD_KIND_BOOLEAN, .value.boolean = 1 } },
        };
        amqp_table_entry_t properties[] = {
                { amqp_cstring_bytes("product"), { .kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes("Cloud Atlas") } },
                { amqp_cstring_bytes("connection_name"), { .kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes(how->name) } },
                { amqp_cstring_bytes("capabilities"),
                  { .kind = AMQP_FIELD_KIND_TABLE, .value.table = { sizeof capabilities / sizeof *capabilities, capabilities } } },
        };
        /* clang-format on */
        const amqp_table_t table = { sizeof properties / sizeof *properties, properties };
        struct timeval login = timeval_of(SESSION_CONNECT_MS), rpc = timeval_of(SESSION_RPC_MS);
        amqp_rpc_reply_t reply;

        amqp_set_handshake_timeout(s->amqp, &login);
        amqp_set_rpc_timeout(s->amqp, &rpc);
        if (is_external(how))
                reply = amqp_login_with_properties(s->amqp, how->vhost, SESSION_CHANNEL, FRAME_MAX,
                                                   (int)how->settings->heartbeat_timeout_s, &table,
                                                   AMQP_SASL_METHOD_EXTERNAL, how->host->user);
        else
                reply = amqp_login_with_properties(s->amqp, how->vhost, SESSION_CHANNEL, FRAME_MAX,
                                                   (int)how->settings->heartbeat_timeout_s, &table,
                                                   AMQP_SASL_METHOD_PLAIN, how->host->user,
                                                   how->host->password);
        if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
                const amqp_connection_close_t *close = reply.reply.decoded;

                if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
                    reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD)
                        session_end(s, "refused the login: %.*s", (int)close->reply_text.len,
                                    (const char *)close->reply_text.bytes);
                else
                        session_end(s, "did not answer the login: %s",
                                    amqp_error_string2(reply.library_error));
                return SESSION_AWAY;
        }
        amqp_channel_open(s->amqp, SESSION_CHANNEL);
        return session_answered(s, "channel.open") ? SESSION_OK : SESSION_AWAY;
}

/* From here on heartbeats over TCP are ours: the library's could come in the middle of our frames.
 */
static void take_over_writing(struct session *s)
{
        int64_t now_ms = clock_mono_ms();

        s->heartbeat_ms = (int64_t)amqp_get_heartbeat(s->amqp) * 1000;
        s->heard_ms = s->said_ms = now_ms;
        s->unread = true;
        if (!s->tls)
                amqp_tune_connection(s->amqp, SESSION_CHANNEL, amqp_get_frame_max(s->amqp), 0);
}

int session_open(const struct session_how *how, const struct session_hears *hears, void *user,
                 struct session **ret, struct fault *why)
{
        OWN(session_free) struct session *s = calloc(1, sizeof *s);
        int r;

        if (!s)
                return err_raise(-ENOMEM);
        s->fd = -1;
        s->hears = hears;
        s->user = user;
        s->tls = how->settings->ssl;
        s->user_id = is_external(how) && !how->host->named ? NULL : how->host->user;
        s->watchdog = how->watchdog;
        s->watch = how->watch;
        s->amqp = amqp_new_connection();
        if (!s->amqp)
                return err_raise(-ENOMEM);
        r = how->settings->ssl ? open_tls(s, how, why) : open_tcp(s, how, why);
        if (r != SESSION_OK)
                return r;
        watch_begin(s->watchdog, s->watch, s->fd,
                    clock_mono_ms() + SESSION_CONNECT_MS + SESSION_RPC_MS);
        r = log_in(s, how);
        watch_end(s->watchdog, s->watch);
        if (r != SESSION_OK)
                return away(why, how, s->reason);
        take_over_writing(s);
        *ret = TAKE(s);
        return SESSION_OK;
}

/* The broker should not log a lost connection when we leave in order. */
static void say_goodbye(struct session *s)
{
        struct timeval limit = timeval_of(500);

        amqp_set_rpc_timeout(s->amqp, &limit);
        watch_begin(s->watchdog, s->watch, s->fd, clock_mono_ms() + 1000);
        amqp_connection_close(s->amqp, AMQP_REPLY_SUCCESS);
        watch_end(s->watchdog, s->watch);
}

struct session *session_free(struct session *s)
{
        if (!s)
                return NULL;
        if (s->heartbeat_ms > 0 && !session_over(s) && session_unwritten(s) == 0)
                say_goodbye(s);
        if (s->amqp)
                amqp_destroy_connection(s->amqp);
        text_done(&s->out);
        free(s->body);
        free(s);
        return NULL;
}
