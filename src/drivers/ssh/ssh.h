#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* One SSH session to one host: Ed25519 key, pinned host key, commands with stdin and two outputs, every wait with
 * a deadline. One thread at a time per session. Connects at the first use, again after a failure. */

#include <stdint.h>

#include "base/fault.h"
#include "base/own.h"
#include "base/text.h"

struct ssh_target {
        char *name;        /* what faults call it, for tenants read them; NULL: "host" */
        char *host;
        int64_t port;
        char *user;
        char *key_file;    /* private key, OpenSSH form, Ed25519 or ECDSA */
        char *host_key;    /* "ssh-ed25519 AAAA…" as in a known_hosts line; nothing else is accepted */
};

/* Answers: what a driver must tell apart. */
enum { SSH_OK, SSH_UNREACHABLE /* fault retryable */, SSH_REFUSED /* key, host key: fault final */, SSH_TIMEOUT, SSH_TOO_MUCH /* output over the limit */ };

struct ssh_session;
int ssh_session_new(const struct ssh_target *target, struct ssh_session **ret); /* target is lent */
struct ssh_session *ssh_session_free(struct ssh_session *s);
OWN_DEFINE(struct ssh_session *, ssh_session_free)

/* Runs 'command' (a constant of ours, never tenant text), writes 'input', collects both outputs (each at most 1 MiB) and the exit
 * status. A session that was cut before the command was sent is connected again once. */
int ssh_run(struct ssh_session *s, const char *command, const char *input, size_t n_input,
            int64_t deadline_mono_ms, struct text *out, struct text *err, int *ret_status,
            struct fault *why);
