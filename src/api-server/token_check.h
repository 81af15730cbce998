#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Asks Keystone whose tokens are, on threads of its own, so that no loop waits: a check goes to a
 * thread and comes back as a post to its loop. */

#include "base/own.h"
#include "http/server.h"
#include "openstack/identity.h"
#include "openstack/settings.h"

enum token_answer {
        TOKEN_VALID,
        TOKEN_INVALID, /* wrong, expired, revoked */
        TOKEN_UNKNOWN, /* nobody can tell: see 'why' */
};
struct token_check {
        struct http_post post; /* its 'run' gets the answer; in the loop */
        struct http_loop *loop;
        char *token; /* secret; the check's own until it is answered */
        int64_t deadline_mono_ms;
        enum token_answer answer;
        struct identity who;
        struct fault why;
        struct token_check *next;
};

struct token_checker;
/* 'settings' is lent: the service's own user. */
int token_checker_new(const struct openstack_settings *settings, int n_threads,
                      struct token_checker **ret);
/* What still waits is answered TOKEN_UNKNOWN. The loops must still take posts. */
struct token_checker *token_checker_free(struct token_checker *c);
OWN_DEFINE(struct token_checker *, token_checker_free)

/* From any thread. 'check' is lent until its post runs. */
void token_checker_ask(struct token_checker *c, struct token_check *check);
