/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/token_check.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"
#include "openstack/session.h"

enum { THREADS_MAX = 16, RETRY_MS = 2000 };

static struct metric answers[] = {
        [TOKEN_VALID] = METRIC(METRIC_COUNTER, "atlas_api_token_checks_total", "answer=\"valid\"",
                               "Tokens that Keystone was asked about"),
        [TOKEN_INVALID] = METRIC(METRIC_COUNTER, "atlas_api_token_checks_total",
                                 "answer=\"invalid\"", "Tokens that Keystone was asked about"),
        [TOKEN_UNKNOWN] = METRIC(METRIC_COUNTER, "atlas_api_token_checks_total", "answer=\"none\"",
                                 "Tokens that Keystone was asked about"),
};

struct token_checker {
        struct openstack_settings settings;
        struct openstack_session *session;
        pthread_t threads[THREADS_MAX];
        int n_threads;

        pthread_mutex_t lock;
        pthread_cond_t some;
        struct token_check *first, **last; /* waiting */
        bool ending;
};

static void answer(struct token_check *check, enum token_answer a)
{
        check->answer = a;
        metric_add(&answers[a], 1);
        explicit_bzero(check->token, strlen(check->token));
        free(TAKE(check->token));
        http_loop_post(check->loop, &check->post);
}

/* Nobody can tell: the caller is to come again, and is told no more than that. */
static void answer_unknown(struct token_check *check, const struct fault *reason)
{
        static struct log_limit limit;

        if (reason && log_allowed(&limit, 1000))
                log_warn("keystone.unavailable", "reason=\"%s\"", reason->message);
        fault_set(&check->why, 503, "auth.unavailable",
                  "The identity service cannot be asked at the moment whether your token is valid; "
                  "nothing was done, try again.");
        check->why.retry_after_ms =
                reason && reason->retry_after_ms > 0 ? reason->retry_after_ms : RETRY_MS;
        answer(check, TOKEN_UNKNOWN);
}

static int ask(struct token_checker *c, struct token_check *check, struct fault *why)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        OWN(text_done) struct text header = { 0 };
        const char *headers[] = { NULL, NULL };
        int r;

        text_addf(&header, "X-Subject-Token: %s", check->token);
        if (header.failed)
                return err_raise(-ENOMEM);
        headers[0] = header.bytes;
        r = openstack_call(c->session,
                           &(struct openstack_call){
                                   .method = "GET",
                                   .path = "/v3/auth/tokens?nocatalog",
                                   .headers = headers,
                                   .deadline_mono_ms = check->deadline_mono_ms,
                           },
                           &reply, why);
        explicit_bzero(header.bytes, header.n);
        if (r == OPENSTACK_OK && identity_read(reply.body, &check->who, why) != IDENTITY_OK)
                r = OPENSTACK_UNAVAILABLE;
        if (r == OPENSTACK_REFUSED && reply.status == 400) /* that cannot be a token */
                r = OPENSTACK_NOT_FOUND;
        return r < 0 ? err_pass(r) : r;
}

static void carry_out(struct token_checker *c, struct token_check *check)
{
        struct fault why = { 0 };
        int r = ask(c, check, &why);

        if (r == OPENSTACK_OK) {
                answer(check, TOKEN_VALID);
        } else if (r == OPENSTACK_NOT_FOUND) {
                answer(check, TOKEN_INVALID);
        } else {
                if (r < 0)
                        fault_set(&why, 500, "internal", "%s", err_trace());
                answer_unknown(check, &why);
        }
}

/* The next check, or NULL at the end. */
static struct token_check *take(struct token_checker *c)
{
        struct token_check *check;

        pthread_mutex_lock(&c->lock);
        while (!c->first && !c->ending)
                pthread_cond_wait(&c->some, &c->lock);
        check = c->ending ? NULL : c->first;
        if (check) {
                c->first = check->next;
                c->last = c->first ? c->last : &c->first;
        }
        pthread_mutex_unlock(&c->lock);
        return check;
}

static void *work(void *user)
{
        struct token_checker *c = user;
        struct token_check *check;

        while ((check = take(c)))
                carry_out(c, check);
        return NULL;
}

void token_checker_ask(struct token_checker *c, struct token_check *check)
{
        check->next = NULL;
        pthread_mutex_lock(&c->lock);
        *c->last = check;
        c->last = &check->next;
        pthread_cond_signal(&c->some);
        pthread_mutex_unlock(&c->lock);
}

int token_checker_new(const struct openstack_settings *settings, int n_threads,
                      struct token_checker **ret)
{
        OWN(token_checker_free) struct token_checker *c = calloc(1, sizeof *c);
        int r;

        if (!c)
                return err_raise(-ENOMEM);
        pthread_mutex_init(&c->lock, NULL);
        pthread_cond_init(&c->some, NULL);
        c->last = &c->first;
        c->settings = *settings;
        /* Tokens are asked about where they are given out, unless somewhere else is named. */
        if (!c->settings.endpoint_override[0])
                c->settings.endpoint_override = c->settings.auth_url;
        r = openstack_session_new(&c->settings, "identity", &c->session);
        while (r == 0 && c->n_threads < n_threads && c->n_threads < THREADS_MAX) {
                r = pthread_create(&c->threads[c->n_threads], NULL, work, c);
                if (r != 0)
                        return err_raise(-r);
                c->n_threads++;
        }
        if (r != 0)
                return err_pass(r);
        *ret = TAKE(c);
        return 0;
}

struct token_checker *token_checker_free(struct token_checker *c)
{
        if (!c)
                return NULL;
        pthread_mutex_lock(&c->lock);
        c->ending = true;
        pthread_cond_broadcast(&c->some);
        pthread_mutex_unlock(&c->lock);
        for (int i = 0; i < c->n_threads; i++)
                pthread_join(c->threads[i], NULL);
        while (c->first) {
                struct token_check *check = c->first;

                c->first = check->next;
                answer_unknown(check, NULL);
        }
        openstack_session_free(c->session);
        pthread_cond_destroy(&c->some);
        pthread_mutex_destroy(&c->lock);
        free(c);
        return NULL;
}
