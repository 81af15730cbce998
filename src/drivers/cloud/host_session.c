/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/cloud/host_session.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/text.h"
#include "model/want.h"

enum { RETRY_MS = 2000 };

struct host {
        struct host *next;
        struct ssh_target target;       /* a copy of our own */
        pthread_mutex_t busy;
        struct ssh_session *session;
};
struct host_sessions {
        pthread_mutex_t lock;
        struct host *first;
};

static struct host *host_free(struct host *h)
{
        if (!h)
                return NULL;
        ssh_session_free(h->session);
        free(h->target.name);
        free(h->target.host);
        free(h->target.user);
        free(h->target.key_file);
        free(h->target.host_key);
        pthread_mutex_destroy(&h->busy);
        free(h);
        return NULL;
}
OWN_DEFINE(struct host *, host_free)

int host_sessions_new(struct host_sessions **ret)
{
        struct host_sessions *h = calloc(1, sizeof *h);

        if (!h)
                return err_raise(-ENOMEM);
        pthread_mutex_init(&h->lock, NULL);
        *ret = h;
        return 0;
}

struct host_sessions *host_sessions_free(struct host_sessions *h)
{
        if (!h)
                return NULL;
        while (h->first) {
                struct host *host = h->first;

                h->first = host->next;
                host_free(host);
        }
        pthread_mutex_destroy(&h->lock);
        free(h);
        return NULL;
}

static bool same(const struct ssh_target *a, const struct ssh_target *b)
{
        return a->port == b->port && text_equal(a->host, b->host) && text_equal(a->user, b->user) &&
               text_equal(a->key_file, b->key_file) && text_equal(a->host_key, b->host_key);
}

static char *copy(const char *text)
{
        return strdup(text ? text : "");
}

static int host_new(const struct ssh_target *target, struct host **ret)
{
        OWN(host_free) struct host *h = calloc(1, sizeof *h);
        int r;

        if (!h)
                return err_raise(-ENOMEM);
        pthread_mutex_init(&h->busy, NULL);
        h->target = (struct ssh_target){
                .name = copy(target->name ? target->name : "host"),
                .host = copy(target->host),
                .port = target->port,
                .user = copy(target->user),
                .key_file = copy(target->key_file),
                .host_key = copy(target->host_key),
        };
        if (!h->target.name || !h->target.host || !h->target.user || !h->target.key_file || !h->target.host_key)
                return err_raise(-ENOMEM);
        r = ssh_session_new(&h->target, &h->session);
        if (r)
                return err_pass(r);
        *ret = TAKE(h);
        return 0;
}

/* Hosts are few and stay for the driver's life. */
static int host_find(struct host_sessions *all, const struct ssh_target *target, struct host **ret)
{
        struct host *h;
        int r = 0;

        pthread_mutex_lock(&all->lock);
        for (h = all->first; h && !same(&h->target, target);)
                h = h->next;
        if (!h) {
                r = host_new(target, &h);
                if (r == 0) {
                        h->next = all->first;
                        all->first = h;
                }
        }
        pthread_mutex_unlock(&all->lock);
        if (r)
                return err_pass(r);
        *ret = h;
        return 0;
}

static int run(struct host *h, const char *command, const char *input, int64_t deadline_mono_ms,
               struct text *out, struct text *err, int *ret_status, struct fault *why)
{
        struct timespec until = { .tv_sec = deadline_mono_ms / 1000,
                                  .tv_nsec = deadline_mono_ms % 1000 * 1000000 };
        int r;

        if (pthread_mutex_clocklock(&h->busy, CLOCK_MONOTONIC, &until) != 0) {
                fault_set(why, 503, "gateway.busy",
                          "The gateway host is still busy with earlier requests.");
                why->retry_after_ms = RETRY_MS;
                return SSH_TIMEOUT;
        }
        r = ssh_run(h->session, command, input, strlen(input), deadline_mono_ms, out, err,
                    ret_status, why);
        pthread_mutex_unlock(&h->busy);
        return r;
}

int host_request(struct host_sessions *all, const struct ssh_target *target, const char *command,
                 const json_t *request, int64_t deadline_mono_ms, json_t **ret, struct fault *why)
{
        OWN(mem_free) void *input = json_dumps(request, JSON_COMPACT);
        OWN(text_done) struct text out = { 0 }, err = { 0 };
        json_auto_t *answer = NULL;
        struct host *h = NULL;
        int status = -1;
        int r = input ? host_find(all, target, &h) : err_raise(-ENOMEM);

        if (r)
                return err_pass(r);
        r = run(h, command, input, deadline_mono_ms, &out, &err, &status, why);
        if (r)
                return r < 0 ? err_pass(r) : HOST_FAILED;
        answer = json_loadb(out.bytes ? out.bytes : "", out.n, JSON_REJECT_DUPLICATES, NULL);
        if (fault_from_json(json_object_get(answer, "fault"), why))
                return HOST_FAILED;
        if (status != 0 || !json_is_object(answer)) {
                fault_set(why, 500, "gateway.bad_answer",
                          "The gateway's helper gave no answer (exit status %d).", status);
                return HOST_FAILED;
        }
        *ret = TAKE(answer);
        return HOST_DONE;
}
