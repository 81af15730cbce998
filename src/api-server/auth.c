/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api-server/api.h"
#include "api-server/problem.h"
#include "api-server/routes.h"
#include "api-server/token_cache.h"
#include "api-server/token_check.h"
#include "base/clock.h"
#include "base/err.h"
#include "openstack/policy.h"

enum {
        CHECK_THREADS = 4,
        CHECK_MS = 5000,    /* what Keystone may take */
        TOKENS_KEPT = 4096, /* of a loop */
        WAITING_MAX = 2048, /* calls of a loop that wait for Keystone */
        CHALLENGE_SIZE = 600,
};

struct auth {
        const struct api_config *config;
        struct policy *policy;
        bool keystone;
        struct token_checker *checker; /* NULL without Keystone, and at the end */
        char challenge[CHALLENGE_SIZE];
        const char **rules; /* of each route */
};
struct auth_loop {
        struct auth *auth;
        struct token_cache tokens;
        size_t n_waiting;
};
/* A token being asked about. */
struct asking {
        struct token_check check;
        struct auth_loop *loop;
        struct token_entry *entry;
};

/* ---- who ---- */

static void refuse_token(struct call *c, const char *reason)
{
        struct fault why;

        fault_set(&why, 401, "auth.required", "%s", reason);
        call_refuse_with(c, &why, c->loop->auth->auth->challenge);
}

/* The rule of the call's route, asked twice: for what is the caller's project's, and for what is
 * another's. */
static void authorise(struct call *c)
{
        const struct auth *a = c->loop->auth->auth;
        const char *rule = a->rules[c->route - routes];
        struct check_subject who = { .project_id = c->who.project_id,
                                     .user_id = c->who.user_id,
                                     .roles = c->who.roles };
        struct fault why;

        c->who.is_admin = policy_allows(a->policy, "context_is_admin", &who, who.project_id);
        c->who.all_projects = policy_allows(a->policy, rule, &who, "");
        if (c->who.all_projects || policy_allows(a->policy, rule, &who, who.project_id)) {
                c->then(c);
                return;
        }
        fault_set(&why, 403, "policy.forbidden",
                  "Rule %s does not let you do this with the roles you have in this project.",
                  rule);
        fault_details(&why, "{\"rule\": \"%s\"}", rule);
        call_refuse(c, &why);
}

static void on_token(struct call *c, bool valid, const struct identity *who)
{
        struct fault why;

        if (!valid) {
                refuse_token(c, "The token is not valid, or not any more; ask Keystone for a new "
                                "one.");
        } else if (!who->project_id[0]) {
                fault_set(&why, 403, "auth.no_project",
                          "The token is for no project; ask Keystone for one scoped to the project "
                          "you act for.");
                call_refuse(c, &why);
        } else {
                caller_from_identity(who, &c->who);
                authorise(c);
        }
}

/* ---- asking Keystone ---- */

static struct call *in_order(struct call *last_first)
{
        struct call *first = NULL;

        while (last_first) {
                struct call *c = last_first;

                last_first = c->next_waiting;
                c->next_waiting = first;
                first = c;
        }
        return first;
}

/* What is kept of a token outlives a Keystone that does not answer. */
static void keep(struct auth_loop *l, struct token_entry *e, const struct token_check *check)
{
        e->asking = false;
        if (check->answer != TOKEN_UNKNOWN) {
                e->kept = true;
                e->valid = check->answer == TOKEN_VALID && clock_wall_ms() < check->who.expires_ms;
                e->who = check->who;
                e->checked_ms = clock_mono_ms();
        } else if (!e->kept) {
                token_cache_forget(&l->tokens, e);
        }
}

static void on_answer(struct http_post *post)
{
        struct asking *asking = (struct asking *)post;
        struct token_check *check = &asking->check;
        struct auth_loop *l = asking->loop;
        struct call *waiting = in_order(TAKE(asking->entry->waiting));
        bool valid = check->answer == TOKEN_VALID && clock_wall_ms() < check->who.expires_ms;

        keep(l, asking->entry, check); /* first: the calls may bring others, and the entry may go */
        while (waiting) {
                struct call *c = waiting;

                waiting = c->next_waiting;
                l->n_waiting--;
                if (c->loop->stopping && check->answer != TOKEN_UNKNOWN) {
                        problem_unavailable(&check->why, "service");
                        call_refuse(c, &check->why);
                } else if (check->answer == TOKEN_UNKNOWN) {
                        call_refuse(c, &check->why);
                } else {
                        on_token(c, valid, &check->who);
                }
        }
        free(asking);
}

static bool ask(struct auth_loop *l, struct http_loop *http, struct token_entry *e,
                const char *token)
{
        struct asking *asking = calloc(1, sizeof *asking);
        char *copy = strdup(token);

        if (!asking || !copy) {
                free(asking);
                free(copy);
                return false;
        }
        *asking = (struct asking){
                .check = { .post.run = on_answer,
                           .loop = http,
                           .token = copy,
                           .deadline_mono_ms = clock_mono_ms() + CHECK_MS },
                .loop = l,
                .entry = e,
        };
        e->asking = true;
        token_checker_ask(l->auth->checker, &asking->check);
        return true;
}

static void await(struct call *c, struct token_entry *e, const char *token)
{
        struct auth_loop *l = c->loop->auth;
        struct fault why;

        if (l->n_waiting >= WAITING_MAX || c->loop->stopping ||
            (!e->asking && !ask(l, c->loop->http, e, token))) {
                if (!e->asking && !e->kept)
                        token_cache_forget(&l->tokens, e);
                problem_unavailable(&why, "identity service");
                call_refuse(c, &why);
                return;
        }
        c->next_waiting = e->waiting;
        e->waiting = c;
        l->n_waiting++;
}

/* Changes may be asked to be checked more strictly than reading is. */
static int64_t keep_ms(const struct call *c)
{
        const struct api_config *config = c->loop->auth->auth->config;
        enum http_method m = c->q->message.method;
        bool reads = m == HTTP_GET || m == HTTP_HEAD;

        return 1000 * (reads || config->token_cache_time_writes > config->token_cache_time
                               ? config->token_cache_time
                               : config->token_cache_time_writes);
}

static void admit_token(struct call *c)
{
        const char *token = http_message_field(&c->q->message, "x-auth-token");
        char key[TOKEN_KEY_SIZE];
        struct token_entry *e;
        struct fault why;

        if (!token || !*token) {
                refuse_token(c,
                             "The header X-Auth-Token is missing; it takes a token of Keystone.");
                return;
        }
        if (!token_key(token, key)) {
                refuse_token(c, "What X-Auth-Token holds cannot be a token.");
                return;
        }
        e = token_cache_get(&c->loop->auth->tokens, key);
        if (!e) {
                problem_unavailable(&why, "identity service");
                call_refuse(c, &why);
        } else if (token_entry_fresh(e, keep_ms(c), clock_mono_ms(), clock_wall_ms())) {
                on_token(c, e->valid, &e->who);
        } else {
                await(c, e, token);
        }
}

void auth_admit(struct call *c, void (*then)(struct call *c))
{
        const struct http_message *m = &c->q->message;
        struct fault why;

        c->then = then;
        caller_requests(m, c->q->id, &c->who);
        if (c->loop->auth->auth->keystone)
                admit_token(c);
        else if (caller_from_headers(m, &c->who, &why) != CALLER_OK)
                call_refuse(c, &why);
        else
                authorise(c);
}

/* ---- beginning and end ---- */

static int rules_of_routes(struct auth *a)
{
        size_t n = 0;

        while (routes[n].pattern)
                n++;
        a->rules = calloc(n + 1, sizeof *a->rules);
        if (!a->rules)
                return err_raise(-ENOMEM);
        for (size_t i = 0; i < n; i++)
                a->rules[i] = policy_rule_of(http_method_name[routes[i].method], routes[i].pattern);
        return 0;
}

static int keystone_new(struct auth *a, struct fault *why)
{
        const struct openstack_settings *s = &a->config->keystone;
        const char *uri =
                a->config->www_authenticate_uri[0] ? a->config->www_authenticate_uri : s->auth_url;

        if (text_equal(s->auth_type, "none")) {
                fault_set(why, 400, "config.invalid",
                          "[keystone_authtoken] auth_type has to be password.");
                return AUTH_BAD;
        }
        if (openstack_settings_check(s, "keystone_authtoken", why) != OPENSTACK_SETTINGS_OK)
                return AUTH_BAD;
        if (strpbrk(uri, "\"\\\r\n") ||
            snprintf(a->challenge, sizeof a->challenge, "WWW-Authenticate: Keystone uri=\"%s\"\r\n",
                     uri) >= (int)sizeof a->challenge) {
                fault_set(why, 400, "config.invalid",
                          "[keystone_authtoken] www_authenticate_uri is no URI.");
                return AUTH_BAD;
        }
        a->keystone = true;
        return token_checker_new(s, CHECK_THREADS, &a->checker);
}

int auth_new(const struct api_config *config, struct auth **ret, struct fault *why)
{
        OWN(auth_free) struct auth *a = calloc(1, sizeof *a);
        int r = a ? AUTH_OK : err_raise(-ENOMEM);

        if (r)
                return r;
        a->config = config;
        r = rules_of_routes(a);
        if (r == 0 && policy_new(config->policy_file, &a->policy, why) != POLICY_OK)
                r = fault_is_set(why) ? AUTH_BAD : err_raise(-ENOMEM);
        if (r == 0 && text_equal(config->auth_strategy, "keystone")) {
                r = keystone_new(a, why);
        } else if (r == 0 && !text_equal(config->auth_strategy, "noauth")) {
                fault_set(why, 400, "config.invalid",
                          "auth_strategy = %.60s is not known; it is "
                          "noauth or keystone.",
                          config->auth_strategy);
                r = AUTH_BAD;
        }
        if (r)
                return r < 0 ? err_pass(r) : r;
        *ret = TAKE(a);
        return AUTH_OK;
}

void auth_stop(struct auth *a)
{
        a->checker = token_checker_free(a->checker);
}

struct auth *auth_free(struct auth *a)
{
        if (!a)
                return NULL;
        auth_stop(a);
        policy_free(a->policy);
        free(a->rules);
        free(a);
        return NULL;
}

int auth_loop_new(struct auth *a, struct auth_loop **ret)
{
        struct auth_loop *l = calloc(1, sizeof *l);

        if (!l)
                return err_raise(-ENOMEM);
        l->auth = a;
        l->tokens.room = TOKENS_KEPT;
        *ret = l;
        return 0;
}

struct auth_loop *auth_loop_free(struct auth_loop *l)
{
        if (l)
                token_cache_done(&l->tokens);
        free(l);
        return NULL;
}
