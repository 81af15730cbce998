/* SPDX-License-Identifier: Apache-2.0 */
/* One token and one endpoint, shared under a lock; HTTP clients, one per call under way, kept for
 * their connections. */
#include "openstack/session.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "http/client.h"
#include "openstack/keystone.h"
#include "openstack/pause.h"

enum {
        TOKEN_SPARE_MS = 60000, /* a token is renewed this long before its end */
        RETRY_MS = 2000,        /* what a fault suggests when the service did not */
        PAUSE_MIN_MS = 100,
        IDLE_CLIENTS = 8,
        HEADERS_MAX = 16,
};

struct openstack_session {
        const struct openstack_settings *settings;
        const char *service_type;

        pthread_mutex_t token_lock; /* held while a new token is fetched: the others wait for it */
        struct keystone_token token;
        int64_t renew_mono_ms;
        uint64_t token_number; /* of the token in hand; 0: none yet */
        char *endpoint;

        pthread_mutex_t clients_lock;
        struct http_client *idle[IDLE_CLIENTS];
        size_t n_idle;
};

/* What one call uses of the shared state. */
struct pass {
        char *token_header, *url;
        uint64_t token_number;
};

static void pass_done(struct pass *p)
{
        if (p->token_header)
                explicit_bzero(p->token_header, strlen(p->token_header));
        free(p->token_header);
        free(p->url);
        *p = (struct pass){ 0 };
}

static void own_pass_done(struct pass *p)
{
        pass_done(p);
}

int openstack_session_new(const struct openstack_settings *settings, const char *service_type,
                          struct openstack_session **ret)
{
        struct openstack_session *s = calloc(1, sizeof *s);

        if (!s)
                return err_raise(-ENOMEM);
        s->settings = settings;
        s->service_type = service_type;
        pthread_mutex_init(&s->token_lock, NULL);
        pthread_mutex_init(&s->clients_lock, NULL);
        *ret = s;
        return 0;
}

struct openstack_session *openstack_session_free(struct openstack_session *s)
{
        if (!s)
                return NULL;
        while (s->n_idle > 0)
                http_client_free(s->idle[--s->n_idle]);
        keystone_token_done(&s->token);
        free(s->endpoint);
        pthread_mutex_destroy(&s->clients_lock);
        pthread_mutex_destroy(&s->token_lock);
        free(s);
        return NULL;
}

void openstack_reply_done(struct openstack_reply *r)
{
        json_decref(r->body);
        *r = (struct openstack_reply){ 0 };
}

static int client_take(struct openstack_session *s, struct http_client **ret)
{
        struct http_client *c = NULL;

        pthread_mutex_lock(&s->clients_lock);
        if (s->n_idle > 0)
                c = s->idle[--s->n_idle];
        pthread_mutex_unlock(&s->clients_lock);
        if (c) {
                *ret = c;
                return 0;
        }
        return http_client_new(s->settings->cafile, s->settings->insecure, ret);
}

static void client_give(struct openstack_session *s, struct http_client *c)
{
        pthread_mutex_lock(&s->clients_lock);
        if (s->n_idle < IDLE_CLIENTS)
                s->idle[s->n_idle++] = TAKE(c);
        pthread_mutex_unlock(&s->clients_lock);
        http_client_free(c);
}

/* One exchange, without a second try. OPENSTACK_OK means that there is an answer, whatever its
 * status. */
static int exchange(struct openstack_session *s, const struct http_call *call,
                    struct http_reply *ret, struct fault *why)
{
        struct http_client *c = NULL;
        int r = client_take(s, &c);

        if (r)
                return err_pass(r);
        r = http_client_call(c, call, ret, why);
        client_give(s, c);
        if (r < 0)
                return err_pass(r);
        return r == HTTP_CLIENT_DONE ? OPENSTACK_OK : OPENSTACK_UNAVAILABLE;
}

/* The sentence in {"NeutronError": {"message": …}}, {"error": {"message": …}} and their like, or
 * "". */
static const char *sentence(const json_t *body)
{
        const char *key;
        json_t *value;

        json_object_foreach ((json_t *)(uintptr_t)body, key, value) {
                const char *message = json_string_value(json_object_get(value, "message"));

                if (message)
                        return message;
                if (json_is_string(value) && strcmp(key, "NeutronError") == 0)
                        return json_string_value(value);
        }
        return "";
}

static int judge(const char *who, int status, const json_t *body, int64_t retry_after_ms,
                 struct fault *why)
{
        const char *says = sentence(body);

        if (status >= 200 && status < 300)
                return OPENSTACK_OK;
        if (status == 429 || status >= 500) {
                fault_set(why, 503, "openstack.unavailable", "The %s service answers %d%s%s", who,
                          status, says[0] ? ": " : ".", says);
                why->retry_after_ms = retry_after_ms ? retry_after_ms : RETRY_MS;
                return OPENSTACK_UNAVAILABLE;
        }
        fault_set(why, status < 400 ? 502 : status, "openstack.refused",
                  "The %s service answers %d%s%s", who, status, says[0] ? ": " : ".", says);
        switch (status) {
        case 403:
                return OPENSTACK_DENIED;
        case 404:
                return OPENSTACK_NOT_FOUND;
        case 409:
        case 412:
                return OPENSTACK_CONFLICT;
        default:
                return OPENSTACK_REFUSED;
        }
}

static int ask_keystone(struct openstack_session *s, int64_t deadline_mono_ms,
                        struct http_reply *ret, struct fault *why)
{
        static const char *const headers[] = { "Content-Type: application/json",
                                               "Accept: application/json", NULL };
        OWN(mem_free) void *url = keystone_tokens_url(s->settings->auth_url);
        json_auto_t *body = keystone_auth_body(s->settings);
        char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
        struct http_call call = {
                .method = "POST",
                .url = url,
                .headers = headers,
                .body = text,
                .n_body = text ? strlen(text) : 0,
                .deadline_mono_ms = deadline_mono_ms,
        };
        int r;

        if (!url || !text) {
                free(text);
                return err_raise(-ENOMEM);
        }
        r = exchange(s, &call, ret, why);
        explicit_bzero(text, call.n_body);
        free(text);
        return r;
}

/* With the lock held: a new token, and the endpoint from its catalogue. */
static int token_renew(struct openstack_session *s, int64_t deadline_mono_ms, struct fault *why)
{
        OWN(http_reply_done) struct http_reply reply = { 0 };
        OWN(keystone_token_done) struct keystone_token token = { 0 };
        json_auto_t *body = NULL;
        char id[16 << 10] = "";
        const char *url = s->settings->endpoint_override;
        char *endpoint;
        int r = ask_keystone(s, deadline_mono_ms, &reply, why);

        if (r)
                return r < 0 ? err_pass(r) : r;
        body = json_loadb(reply.body.bytes ? reply.body.bytes : "", reply.body.n,
                          JSON_REJECT_DUPLICATES, NULL);
        r = judge("identity", reply.status, body, http_reply_retry_after_ms(&reply), why);
        if (r == OPENSTACK_UNAVAILABLE)
                return r;
        if (r) {
                fault_set(why, 401, "openstack.credentials",
                          "The identity service refuses the credentials it was given: %s",
                          sentence(body));
                return OPENSTACK_REFUSED;
        }
        http_reply_header(&reply, "X-Subject-Token", id, sizeof id);
        r = keystone_token_read(id, body, &token, why);
        explicit_bzero(id, sizeof id);
        if (r)
                return r < 0 ? err_pass(r) : OPENSTACK_REFUSED;
        if (!url[0])
                url = keystone_endpoint(token.catalog, s->service_type,
                                        s->settings->valid_interfaces, s->settings->region_name);
        if (!url) {
                fault_set(why, 500, "openstack.no_endpoint",
                          "The catalogue has no endpoint of type %s, interface %s, region \"%s\".",
                          s->service_type, s->settings->valid_interfaces, s->settings->region_name);
                return OPENSTACK_REFUSED;
        }
        endpoint = strdup(url);
        if (!endpoint)
                return err_raise(-ENOMEM);
        free(s->endpoint);
        s->endpoint = endpoint;
        keystone_token_done(&s->token);
        s->token = token;
        token = (struct keystone_token){ 0 };
        s->token_number++;
        s->renew_mono_ms = clock_mono_ms() + s->token.lifetime_ms - TOKEN_SPARE_MS;
        return OPENSTACK_OK;
}

/* "endpoint" + "path", where the endpoint may already end with the version that the path begins
 * with. */
static char *url_join(const char *endpoint, const char *path)
{
        OWN(text_done) struct text url = { 0 };
        size_t n = strlen(endpoint), version = path[0] == '/' ? 1 + strcspn(path + 1, "/?") : 0;

        while (n > 0 && endpoint[n - 1] == '/')
                n--;
        if (version > 1 && n > version && memcmp(endpoint + n - version, path, version) == 0)
                n -= version;
        text_add_n(&url, endpoint, n);
        text_add(&url, path);
        return text_take(&url);
}

static int pass_fill(const struct openstack_session *s, const char *path, struct pass *ret)
{
        OWN(text_done) struct text header = { 0 };
        bool none = text_equal(s->settings->auth_type, "none");

        if (!none)
                text_addf(&header, "X-Auth-Token: %s", s->token.id);
        else if (s->settings->project_id[0])
                text_addf(&header, "X-Project-Id: %s", s->settings->project_id);
        if (header.n > 0 || header.failed) {
                ret->token_header = text_take(&header);
                if (!ret->token_header)
                        return err_raise(-ENOMEM);
        }
        ret->url = url_join(none ? s->settings->endpoint_override : s->endpoint, path);
        ret->token_number = s->token_number;
        return ret->url ? OPENSTACK_OK : err_raise(-ENOMEM);
}

/* A token that is good to use and is not number 'refused' (0: any). */
static int pass_take(struct openstack_session *s, const struct openstack_call *call,
                     uint64_t refused, struct pass *ret, struct fault *why)
{
        struct timespec until = { .tv_sec = call->deadline_mono_ms / 1000,
                                  .tv_nsec = call->deadline_mono_ms % 1000 * 1000000 };
        int r = OPENSTACK_OK;

        if (text_equal(s->settings->auth_type, "none"))
                return pass_fill(s, call->path, ret);
        if (pthread_mutex_clocklock(&s->token_lock, CLOCK_MONOTONIC, &until) != 0) {
                fault_set(why, 503, "openstack.unavailable",
                          "The identity service did not give a token in time.");
                why->retry_after_ms = RETRY_MS;
                return OPENSTACK_UNAVAILABLE;
        }
        if (s->token_number == 0 || s->token_number == refused ||
            clock_mono_ms() >= s->renew_mono_ms)
                r = token_renew(s, call->deadline_mono_ms, why);
        if (r == OPENSTACK_OK)
                r = pass_fill(s, call->path, ret);
        pthread_mutex_unlock(&s->token_lock);
        return r;
}

static int send_once(struct openstack_session *s, const struct openstack_call *call,
                     const char *body, const struct pass *pass, struct http_reply *ret,
                     struct fault *why)
{
        const char *headers[HEADERS_MAX + 5] = {
                call->on_stream ? "Accept: text/event-stream, application/json"
                                : "Accept: application/json"
        };
        size_t n = 1, n_body = body ? strlen(body) : 0;
        int64_t began_ms = clock_mono_ms();
        char roles[256], peer[512];
        int r;

        if (pass->token_header)
                headers[n++] = pass->token_header;
        if (body)
                headers[n++] = "Content-Type: application/json";
        if (text_equal(s->settings->auth_type, "none") && s->settings->roles[0]) {
                snprintf(roles, sizeof roles, "X-Roles: %s", s->settings->roles);
                headers[n++] = roles;
        }
        for (size_t i = 0; call->headers && call->headers[i] && i < HEADERS_MAX; i++)
                headers[n++] = call->headers[i];
        r = exchange(s,
                     &(struct http_call){ .method = call->method,
                                          .url = pass->url,
                                          .headers = headers,
                                          .body = body,
                                          .n_body = n_body,
                                          .deadline_mono_ms = call->deadline_mono_ms,
                                          .on_stream = call->on_stream,
                                          .user = call->user },
                     ret, why);
        snprintf(peer, sizeof peer, "\"%s %s\"", call->method, pass->url);
        log_dialogue(&(struct log_dialogue){
                .peer = peer,
                .asked = body,
                .n_asked = n_body,
                .answered = ret->body.bytes,
                .n_answered = ret->body.n,
                .status = r == OPENSTACK_OK ? ret->status : -1,
                .took_ms = clock_mono_ms() - began_ms,
        });
        return r;
}

static int reply_read(const char *who, const struct http_reply *from, struct openstack_reply *ret,
                      struct fault *why)
{
        int r;

        ret->status = from->status;
        http_reply_header(from, "X-Openstack-Request-Id", ret->request_id, sizeof ret->request_id);
        http_reply_header(from, "Location", ret->location, sizeof ret->location);
        if (from->body.n > 0)
                ret->body =
                        json_loadb(from->body.bytes, from->body.n, JSON_REJECT_DUPLICATES, NULL);
        r = judge(who, from->status, ret->body, http_reply_retry_after_ms(from), why);
        if (r != OPENSTACK_OK || from->body.n == 0 || ret->body)
                return r;
        fault_set(why, 502, "openstack.bad_answer", "The %s service's answer is not JSON.", who);
        why->retry_after_ms = RETRY_MS;
        return OPENSTACK_UNAVAILABLE;
}

/* Waits as the service asked; false when it did not ask or the deadline is sooner. */
static bool worth_waiting(const struct http_reply *reply, int64_t deadline_mono_ms)
{
        char unused[32];
        int64_t wait_ms = http_reply_retry_after_ms(reply);

        if ((reply->status != 429 && reply->status != 503) ||
            !http_reply_header(reply, "Retry-After", unused, sizeof unused))
                return false;
        return pause_ms(wait_ms < PAUSE_MIN_MS ? PAUSE_MIN_MS : wait_ms, deadline_mono_ms);
}

int openstack_call(struct openstack_session *s, const struct openstack_call *call,
                   struct openstack_reply *ret, struct fault *why)
{
        OWN(mem_free) void *body = NULL;
        struct fault unused;
        uint64_t refused = 0;

        why = why ? why : &unused;
        openstack_reply_done(ret);
        if (call->body) {
                body = json_dumps(call->body, JSON_COMPACT);
                if (!body)
                        return err_raise(-ENOMEM);
        }
        for (;;) {
                OWN(http_reply_done) struct http_reply reply = { 0 };
                OWN(pass_done) struct pass pass = { 0 };
                int r = pass_take(s, call, refused, &pass, why);

                if (r == OPENSTACK_OK)
                        r = send_once(s, call, body, &pass, &reply, why);
                if (r)
                        return r < 0 ? err_pass(r) : r;
                if (reply.status == 401 && refused == 0 && pass.token_number != 0) {
                        refused = pass.token_number;
                        continue;
                }
                if (worth_waiting(&reply, call->deadline_mono_ms))
                        continue;
                return reply_read(s->service_type, &reply, ret, why);
        }
}
