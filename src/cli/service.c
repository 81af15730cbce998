/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to the service, and what people are told when it refuses or is silent. */
#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"
#include "cli/cell.h"
#include "cli/cli.h"

/* Longer than the service itself waits for an answer from behind it. */
enum {
        LOOK_MS = 20000,
        CHANGE_MS = 75000,
        QUIET_MS = 5000,
        STREAM_MS = 3600000,
        AGAIN_MS = 500,
        TRIES = 4
};

/* What to do next: by the error's type, else by its code. */
static const struct advice {
        const char *type;
        int code;
        const char *words;
} advices[] = {
        /* clang-format off */
        { "link.bandwidth_unavailable", 0, "ask for what is left or less; `atlas gateway list` shows what each gateway has left" },
        { "link.busy", 0, "look at the operation with `atlas operation show`, then try again" },
        { "link.not_active", 0, "`atlas link show` tells its state; a link in ERROR can be deleted, or built again by an operator" },
        { "attachment.busy", 0, "try again in a moment" },
        { "attachment.in_use", 0, "`atlas port detach` it first" },
        { "network.in_use", 0, "detach the network from the other VPN, or use another network" },
        { "vpn.site_not_member", 0, "`atlas vpn add-site` first" },
        { "site.no_gateway_of_type", 0, "`atlas gateway list` shows which types each site has" },
        { "revision_mismatch", 0, "somebody changed it meanwhile; look at it and try again" },
        { "idempotency_key.reused", 0, "run the command again: it takes a new key" },
        { NULL, 400, "correct what is named above" },
        { NULL, 401, "see whether OS_CLOUD or the OS_ variables are right; `openstack token issue` tells whether Keystone takes them" },
        { NULL, 403, "ask for the role that may do it" },
        { NULL, 404, "the `list` command shows what there is" },
        { NULL, 409, "`show` and `list` tell what is in the way" },
        { NULL, 429, "try again later" },
        { NULL, 503, "nothing is wrong with what you asked; try again in a moment" },
        { NULL, 0,   "tell the operator the request id" },
        /* clang-format on */
};

static const char *advice_for(const char *type, int code)
{
        const struct advice *a = advices;

        while (a->type ? !text_equal(a->type, type) : a->code && a->code != code)
                a++;
        return a->words;
}

/* A refusal in the service's words, what it said in detail, and what to do. */
static void tell_refusal(struct cli *c, const struct openstack_reply *reply,
                         const struct fault *why)
{
        const json_t *error = json_object_get(reply->body, "error");
        const char *title = json_string_value(json_object_get(error, "title"));
        const char *message = json_string_value(json_object_get(error, "message"));
        const char *type = json_string_value(json_object_get(error, "type"));
        const char *id = json_string_value(json_object_get(error, "request_id"));
        FILE *err = c->outside->err;
        json_t *value;
        const char *key;

        fprintf(err, "atlas: %s%s%s\n", title ? title : "", title ? ": " : "",
                message ? message : why->message);
        json_object_foreach (json_object_get(error, "details"), key, value) {
                OWN(text_done) struct text cell = { 0 };

                cell_add(&cell, value);
                fprintf(err, "  %s: %s\n", key, cell.bytes ? cell.bytes : "");
        }
        if (id || reply->request_id[0])
                fprintf(err, "  request: %s\n", id ? id : reply->request_id);
        fprintf(err, "  next: %s\n", advice_for(type, reply->status));
}

static void tell_silence(struct cli *c, const char *method, const struct fault *why)
{
        bool reading = strcmp(method, "GET") == 0;

        fprintf(c->outside->err, "atlas: No answer: %s\n  next: %s\n", why->message,
                reading ? "see whether OS_ENDPOINT or OS_AUTH_URL is right and the service runs"
                        : "it may have been done or not: look with `list` or `show` before you try again");
}

/* What people are told of an answer; 'quiet': not of silence, nor of what is not there. */
static int judge(struct cli *c, const char *method, int answer, const struct openstack_reply *reply,
                 const struct fault *why, bool quiet)
{
        bool silent = answer == OPENSTACK_UNAVAILABLE;

        if (answer == OPENSTACK_OK)
                return CLI_OK;
        if (quiet && (silent || reply->status == 404))
                return silent ? CLI_UNREACHABLE : CLI_REFUSED;
        if (reply->status)
                tell_refusal(c, reply, why);
        else if (silent)
                tell_silence(c, method, why);
        else /* before the service: credentials, the catalogue */
                fprintf(c->outside->err,
                        "atlas: %s\n  next: see whether the OS_ variables are right\n",
                        why->message);
        return silent ? CLI_UNREACHABLE : CLI_REFUSED;
}

/* A POST has a key: sent again it is done once, so it is sent until somebody answers. */
static int call_until_answered(struct cli *c, const struct openstack_call *call,
                               struct openstack_reply *ret, struct fault *why)
{
        struct outside *o = c->outside;
        int64_t pause_ms = AGAIN_MS;

        for (int n = 1;; n++, pause_ms *= 2) {
                int r = o->call(o, call, ret, why);

                if (r != OPENSTACK_UNAVAILABLE || !call->headers || n == TRIES ||
                    !o->pause(o, pause_ms, call->deadline_mono_ms))
                        return r;
                if (n == 1)
                        fprintf(o->err, "           no answer; asking again under the same key\n");
        }
}

int service_call(struct cli *c, const char *method, const char *path, const json_t *body,
                 struct openstack_reply *ret)
{
        char key[UUID_TEXT], header[sizeof "Idempotency-Key: " + UUID_TEXT];
        const char *const headers[] = { header, NULL };
        bool reading = strcmp(method, "GET") == 0;
        struct openstack_call call = {
                .method = method,
                .path = path,
                .body = body,
                .headers = strcmp(method, "POST") == 0 ? headers : NULL,
                .deadline_mono_ms =
                        c->outside->now_ms(c->outside) + (reading ? LOOK_MS : CHANGE_MS),
        };
        struct fault why = { 0 };
        int r;

        uuid_new(key);
        snprintf(header, sizeof header, "Idempotency-Key: %s", key);
        r = call_until_answered(c, &call, ret, &why);
        return r < 0 ? err_pass(r) : judge(c, method, r, ret, &why, false);
}

int service_look(struct cli *c, const char *path, struct openstack_reply *ret)
{
        struct openstack_call call = {
                .method = "GET",
                .path = path,
                .deadline_mono_ms = c->outside->now_ms(c->outside) + QUIET_MS,
        };
        struct fault why = { 0 };
        int r = c->outside->call(c->outside, &call, ret, &why);

        return r < 0 ? err_pass(r) : judge(c, "GET", r, ret, &why, true);
}

int service_stream(struct cli *c, const char *path, const char *after,
                   void (*on_stream)(void *user, const char *bytes, size_t n), void *user,
                   struct openstack_reply *ret)
{
        char header[64];
        const char *const headers[] = { header, NULL };
        struct openstack_call call = {
                .method = "GET",
                .path = path,
                .headers = after ? headers : NULL,
                .deadline_mono_ms = c->outside->now_ms(c->outside) + STREAM_MS,
                .on_stream = on_stream,
                .user = user,
        };
        struct fault why = { 0 };
        int r;

        snprintf(header, sizeof header, "Last-Event-ID: %.40s", after ? after : "");
        r = c->outside->call(c->outside, &call, ret, &why);
        if (r == OPENSTACK_UNAVAILABLE)
                return CLI_UNREACHABLE;
        return r < 0 ? err_pass(r) : judge(c, "GET", r, ret, &why, false);
}

void service_escape(struct text *path, const char *value)
{
        for (; *value; value++) {
                unsigned char byte = (unsigned char)*value;
                bool plain = (byte >= '0' && byte <= '9') ||
                             ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') || strchr("-._~", byte);

                text_addf(path, plain ? "%c" : "%%%02X", byte);
        }
}

void service_query(struct text *path, const char *key, const char *value)
{
        bool first = !path->bytes || !strchr(path->bytes, '?');

        text_addf(path, "%s%s=", first ? "?" : "&", key);
        service_escape(path, value);
}
