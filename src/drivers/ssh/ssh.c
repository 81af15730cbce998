/* SPDX-License-Identifier: Apache-2.0 */
/* libssh2, non-blocking: its blocking mode knows no deadline. One loop waits for all of it. */
#include "drivers/ssh/ssh.h"

#include <errno.h>
#include <libssh2.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "drivers/ssh/connect.h"
#include "drivers/ssh/host_key.h"

enum { OUTPUT_MAX = 1 << 20, KEEPALIVE_S = 10, CONNECT_MAX_MS = 10000, RETRY_MS = 2000 };

struct ssh_session {
        const struct ssh_target *target;
        LIBSSH2_SESSION *libssh2;
        int fd;
};

/* clang-format off */
static const struct { int method; const char *names; } modern[] = {
        { LIBSSH2_METHOD_KEX, "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,diffie-hellman-group16-sha512" },
        { LIBSSH2_METHOD_CRYPT_CS, "aes256-ctr,aes128-ctr" },
        { LIBSSH2_METHOD_CRYPT_SC, "aes256-ctr,aes128-ctr" },
        { LIBSSH2_METHOD_MAC_CS, "hmac-sha2-256,hmac-sha2-512" },
        { LIBSSH2_METHOD_MAC_SC, "hmac-sha2-256,hmac-sha2-512" },
};
/* clang-format on */

static void start_libssh2(void)
{
        libssh2_init(0);
}

/* Addresses inside a site are not for tenants. */
static const char *name_of(const struct ssh_target *t)
{
        return t->name ? t->name : "host";
}

int ssh_session_new(const struct ssh_target *target, struct ssh_session **ret)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        struct ssh_session *s = calloc(1, sizeof *s);

        if (!s)
                return err_raise(-ENOMEM);
        pthread_once(&once, start_libssh2);
        s->target = target;
        s->fd = -1;
        *ret = s;
        return SSH_OK;
}

/* Shut down first: nothing that libssh2 still wants to say can block then. */
static void hang_up(struct ssh_session *s)
{
        if (s->fd >= 0)
                shutdown(s->fd, SHUT_RDWR);
        if (s->libssh2)
                libssh2_session_free(s->libssh2);
        if (s->fd >= 0)
                close(s->fd);
        s->libssh2 = NULL;
        s->fd = -1;
}

struct ssh_session *ssh_session_free(struct ssh_session *s)
{
        if (s) {
                hang_up(s);
                free(s);
        }
        return NULL;
}

/* Waits until libssh2 can go on. */
static int wait_turn(struct ssh_session *s, int64_t deadline_mono_ms)
{
        int directions = libssh2_session_block_directions(s->libssh2);
        struct pollfd p = { .fd = s->fd, .events = POLLIN };
        int64_t left_ms = deadline_mono_ms - clock_mono_ms();
        int next_s = 0;

        if (left_ms <= 0)
                return SSH_TIMEOUT;
        if (directions & LIBSSH2_SESSION_BLOCK_OUTBOUND)
                p.events |= POLLOUT;
        if (libssh2_userauth_authenticated(s->libssh2) &&
            libssh2_keepalive_send(s->libssh2, &next_s) == 0 && next_s > 0 &&
            left_ms > next_s * 1000LL)
                left_ms = next_s * 1000LL;
        poll(&p, 1, (int)(left_ms < 60000 ? left_ms : 60000));
        return SSH_OK;
}

/* Repeats 'call' until it has an answer; LIBSSH2_ERROR_TIMEOUT at the deadline. */
#define ASK(s, deadline, call)                                                                     \
        __extension__({                                                                            \
                __typeof__(call) answer_;                                                          \
                while ((answer_ = (call)) == LIBSSH2_ERROR_EAGAIN) {                               \
                        if (wait_turn((s), (deadline)) != SSH_OK) {                                \
                                answer_ = LIBSSH2_ERROR_TIMEOUT;                                   \
                                break;                                                             \
                        }                                                                          \
                }                                                                                  \
                answer_;                                                                           \
        })

static int unreachable(const struct ssh_target *t, struct fault *why, const char *reason)
{
        fault_set(why, 503, "gateway.unreachable", "Gateway %s cannot be reached: %s.",
                  name_of(t), reason);
        if (why)
                why->retry_after_ms = RETRY_MS;
        return SSH_UNREACHABLE;
}

static int timed_out(const struct ssh_target *t, struct fault *why, const char *doing)
{
        fault_set(why, 503, "gateway.timeout", "Gateway %s did not answer in time (%s).",
                  name_of(t), doing);
        if (why)
                why->retry_after_ms = RETRY_MS;
        return SSH_TIMEOUT;
}

static const char *last_error(struct ssh_session *s)
{
        char *text = NULL;

        libssh2_session_last_error(s->libssh2, &text, NULL, 0);
        return text && *text ? text : "the connection failed";
}

static int check_host_key(struct ssh_session *s, const struct host_key *pinned, struct fault *why)
{
        size_t n = 0;
        int type;
        const char *shown = libssh2_session_hostkey(s->libssh2, &n, &type);

        if (shown && host_key_equal(pinned, shown, n))
                return SSH_OK;
        fault_set(why, 500, "gateway.host_key_changed",
                  "Gateway %s shows another host key than the one in the agent's "
                  "file. The operator has to look into it.",
                  name_of(s->target));
        return SSH_REFUSED;
}

static int shake_hands(struct ssh_session *s, int64_t deadline_mono_ms, struct fault *why)
{
        struct host_key pinned;
        int r = 0;

        if (!host_key_parse(s->target->host_key, &pinned)) {
                fault_set(why, 500, "gateway.host_key_invalid",
                          "host_key of %s is not an ssh-ed25519 or ecdsa-sha2-nistp256 key.", name_of(s->target));
                return SSH_REFUSED;
        }
        s->libssh2 = libssh2_session_init();
        if (!s->libssh2)
                return err_raise(-ENOMEM);
        libssh2_session_set_blocking(s->libssh2, 0);
        libssh2_keepalive_config(s->libssh2, 1, KEEPALIVE_S);
        for (size_t i = 0; i < sizeof modern / sizeof *modern && r == 0; i++)
                r = libssh2_session_method_pref(s->libssh2, modern[i].method, modern[i].names);
        r = r ? r : libssh2_session_method_pref(s->libssh2, LIBSSH2_METHOD_HOSTKEY, pinned.type);
        r = r ? r : ASK(s, deadline_mono_ms, libssh2_session_handshake(s->libssh2, s->fd));
        if (r == LIBSSH2_ERROR_TIMEOUT)
                return timed_out(s->target, why, "greeting");
        if (r == LIBSSH2_ERROR_KEX_FAILURE || r == LIBSSH2_ERROR_METHOD_NONE) {
                fault_set(why, 500, "gateway.host_key_changed",
                          "Gateway %s offers no %s host key, or no cipher we accept.",
                          name_of(s->target), pinned.type);
                return SSH_REFUSED;
        }
        if (r != 0)
                return unreachable(s->target, why, last_error(s));
        return check_host_key(s, &pinned, why);
}

static int log_in(struct ssh_session *s, int64_t deadline_mono_ms, struct fault *why)
{
        const struct ssh_target *t = s->target;
        unsigned n_user = (unsigned)strlen(t->user);
        int r = ASK(s, deadline_mono_ms, libssh2_userauth_publickey_fromfile_ex(
                                         s->libssh2, t->user, n_user, NULL, t->key_file, ""));

        if (r == 0)
                return SSH_OK;
        if (r == LIBSSH2_ERROR_TIMEOUT)
                return timed_out(t, why, "logging in");
        if (r == LIBSSH2_ERROR_FILE) {
                fault_set(why, 500, "gateway.key_unreadable", "The agent cannot read its key file for the gateway at %s.",
                          t->host);
                return SSH_REFUSED;
        }
        if (r == LIBSSH2_ERROR_AUTHENTICATION_FAILED || r == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED) {
                fault_set(why, 500, "gateway.login_refused", "Gateway %s refuses the agent's key.",
                          name_of(t));
                return SSH_REFUSED;
        }
        return unreachable(t, why, last_error(s));
}

static int log_on(struct ssh_session *s, int64_t deadline_mono_ms, struct fault *why)
{
        int64_t patience_ms = clock_mono_ms() + CONNECT_MAX_MS;
        char reason[256];
        int r;

        if (patience_ms > deadline_mono_ms)
                patience_ms = deadline_mono_ms;
        r = connect_tcp(s->target->host, s->target->port, patience_ms, &s->fd, reason, sizeof reason);
        if (r < 0)
                return err_pass(r);
        if (r != CONNECT_OK)
                return unreachable(s->target, why, reason);
        r = shake_hands(s, patience_ms, why);
        r = r ? r : log_in(s, patience_ms, why);
        if (r != 0)
                hang_up(s);
        return r;
}

/* A kept session whose peer said goodbye while nobody listened. */
static bool is_cut(const struct ssh_session *s)
{
        char byte;
        ssize_t n = recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

        return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static int open_channel(struct ssh_session *s, int64_t deadline_mono_ms, LIBSSH2_CHANNEL **ret)
{
        LIBSSH2_CHANNEL *channel = NULL;
        int r = ASK(s, deadline_mono_ms,
                    (channel = libssh2_channel_open_session(s->libssh2))
                            ? 0
                            : libssh2_session_last_errno(s->libssh2));

        if (r == 0)
                *ret = channel;
        return r;
}

/* A channel on the kept session, or on a new one. Nothing has been sent to run when this fails. */
static int get_channel(struct ssh_session *s, int64_t deadline_mono_ms, LIBSSH2_CHANNEL **ret,
                       struct fault *why)
{
        int64_t patience_ms = clock_mono_ms() + CONNECT_MAX_MS / 2;
        int r;

        if (s->libssh2) {
                if (!is_cut(s) && open_channel(s, patience_ms, ret) == 0)
                        return SSH_OK;
                hang_up(s);
        }
        r = log_on(s, deadline_mono_ms, why);
        if (r != SSH_OK)
                return r;
        r = open_channel(s, deadline_mono_ms, ret);
        if (r == 0)
                return SSH_OK;
        return r == LIBSSH2_ERROR_TIMEOUT ? timed_out(s->target, why, "opening a channel")
                                          : unreachable(s->target, why, last_error(s));
}

/* One command's conversation. */
struct talk {
        LIBSSH2_CHANNEL *channel;
        const char *input;
        size_t n_input, n_sent;
        bool input_ended;
        struct text *out, *err;
        size_t out_max, err_max;
};

/* Takes what has arrived of one stream. 0, a libssh2 error, or LIBSSH2_ERROR_EAGAIN when there is no more now. */
static ssize_t hear(struct talk *t, int stream, struct text *ret)
{
        char chunk[16384];
        ssize_t n;

        while ((n = libssh2_channel_read_ex(t->channel, stream, chunk, sizeof chunk)) > 0) {
                text_add_n(ret, chunk, (size_t)n);
                if (t->out->n > t->out_max || t->err->n > t->err_max)
                        return 0;
        }
        return n;
}

static ssize_t say(struct talk *t)
{
        ssize_t n;

        while (t->n_sent < t->n_input) {
                n = libssh2_channel_write(t->channel, t->input + t->n_sent, t->n_input - t->n_sent);
                if (n < 0)
                        return n;
                t->n_sent += (size_t)n;
        }
        if (!t->input_ended) {
                n = libssh2_channel_send_eof(t->channel);
                if (n < 0)
                        return n;
                t->input_ended = true;
        }
        return 0;
}

/* SSH_OK when the command ended; a libssh2 error is negative. */
static int converse(struct ssh_session *s, struct talk *t, int64_t deadline_mono_ms)
{
        for (;;) {
                ssize_t said = say(t);
                ssize_t out = hear(t, 0, t->out);
                ssize_t err = hear(t, SSH_EXTENDED_DATA_STDERR, t->err);

                if (t->out->n > t->out_max || t->err->n > t->err_max)
                        return SSH_TOO_MUCH;
                if (libssh2_channel_eof(t->channel))
                        return SSH_OK; /* a command may end without reading all its input */
                if (out < 0 && out != LIBSSH2_ERROR_EAGAIN)
                        return (int)out;
                if (err < 0 && err != LIBSSH2_ERROR_EAGAIN)
                        return (int)err;
                if (said < 0 && said != LIBSSH2_ERROR_EAGAIN)
                        return (int)said;
                if (wait_turn(s, deadline_mono_ms) != SSH_OK)
                        return SSH_TIMEOUT;
        }
}

/* After this the session is fit for the next command when SSH_OK. */
static int run_on(struct ssh_session *s, struct talk *t, const char *command,
                  int64_t deadline_mono_ms, int *ret_status, struct fault *why)
{
        int r = ASK(s, deadline_mono_ms, libssh2_channel_exec(t->channel, command));

        r = r ? r : converse(s, t, deadline_mono_ms);
        if (r == SSH_TOO_MUCH) {
                fault_set(why, 500, "gateway.bad_answer", "Gateway %s answered with more than %d bytes.",
                          name_of(s->target), OUTPUT_MAX);
                return r;
        }
        r = r ? r : ASK(s, deadline_mono_ms, libssh2_channel_close(t->channel));
        r = r ? r : ASK(s, deadline_mono_ms, libssh2_channel_wait_closed(t->channel));
        if (r == SSH_TIMEOUT || r == LIBSSH2_ERROR_TIMEOUT)
                return timed_out(s->target, why, "running a command");
        if (r == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED) {
                fault_set(why, 500, "gateway.login_refused", "Gateway %s does not let the agent run its command.",
                          name_of(s->target));
                return SSH_REFUSED;
        }
        if (r != 0)
                return unreachable(s->target, why, "the connection was cut while a command ran");
        *ret_status = libssh2_channel_get_exit_status(t->channel);
        return SSH_OK;
}

int ssh_run(struct ssh_session *s, const char *command, const char *input, size_t n_input,
            int64_t deadline_mono_ms, struct text *out, struct text *err, int *ret_status,
            struct fault *why)
{
        struct talk t = { .input = input, .n_input = n_input, .out = out, .err = err,
                          .out_max = out->n + OUTPUT_MAX, .err_max = err->n + OUTPUT_MAX };
        int64_t began_ms = clock_mono_ms();
        size_t out_from = out->n;
        int status = 0;
        int r = get_channel(s, deadline_mono_ms, &t.channel, why);

        r = r ? r : run_on(s, &t, command, deadline_mono_ms, &status, why);
        /* Freeing a closed channel sends nothing; an open one goes with its session. */
        if (r != SSH_OK || libssh2_channel_free(t.channel) != 0)
                hang_up(s);
        if (r == SSH_OK && (out->failed || err->failed))
                return err_raise(-ENOMEM);
        log_dialogue(&(struct log_dialogue){
                .peer = name_of(s->target),
                .asked = input,
                .n_asked = n_input,
                .answered = out->n > out_from ? out->bytes + out_from : "",
                .n_answered = out->n - out_from,
                .status = r == SSH_OK ? status : -1,
                .took_ms = clock_mono_ms() - began_ms,
        });
        if (r == SSH_OK)
                *ret_status = status;
        return r;
}
