/* SPDX-License-Identifier: Apache-2.0 */
/* Watching an operation from outside: asks for it again and again, less and less often, and tells
 * each step once. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/interrupt.h"
#include "cli/steps.h"

enum { PAUSE_MIN_MS = 50, PAUSE_MAX_MS = 1000, PAUSE_LIVE_MS = 200 };

struct follower {
        struct cli *c;
        char id[ID_SIZE];
        bool plugs;       /* networks are plugged on the way */
        size_t n_told;    /* steps */
        int64_t began_ms; /* time of the first */
        int64_t deadline_ms;
        bool silent;          /* the service did not answer last time, and that was said */
        bool live;            /* on a terminal, whose last line tells how long it takes */
        int64_t live_ms;      /* when that began */
        char site[SITE_SIZE]; /* where something last failed, or "" */
};

static void live_show(struct follower *f)
{
        int64_t ms = f->c->outside->now_ms(f->c->outside) - f->live_ms;

        if (f->live)
                fprintf(f->c->outside->err, "\r%7.1f s  …\033[K", (double)ms / 1000.0);
}

static void live_clear(struct follower *f)
{
        if (f->live)
                fputs("\r\033[K", f->c->outside->err);
}

static void tell_step(struct follower *f, const char *kind, const json_t *step)
{
        const char *site = json_string_value(json_object_get(step, "site"));
        const char *reason = json_string_value(json_object_get(step, "reason"));
        int64_t at_ms = step_time_ms(json_string_value(json_object_get(step, "at")));
        OWN(text_done) struct text words = { 0 };

        if (f->n_told++ == 0)
                f->began_ms = at_ms;
        if (site && reason)
                TEXT_SET(f->site, site);
        step_add(&words, kind, step, f->plugs);
        fprintf(f->c->outside->err, "%7.3f s  %s\n", (double)(at_ms - f->began_ms) / 1000.0,
                words.bytes ? words.bytes : "");
        fflush(f->c->outside->err);
}

static void tell_steps(struct follower *f, const json_t *operation)
{
        const json_t *steps = json_object_get(operation, "steps");
        const char *kind = json_string_value(json_object_get(operation, "type"));

        while (f->n_told < json_array_size(steps))
                tell_step(f, kind ? kind : "", json_array_get(steps, f->n_told));
}

/* How it ended. */
static int judge(struct follower *f, const json_t *operation, const char *status)
{
        const char *reason = json_string_value(json_object_get(operation, "status_reason"));
        const char *request = json_string_value(json_object_get(operation, "request_id"));
        FILE *err = f->c->outside->err;

        if (text_equal(status, "done"))
                return CLI_OK;
        fprintf(err, "atlas: The operation %s%s%s\n",
                text_equal(status, "preempted") ? "was given up" : "failed", reason ? ": " : ".",
                reason ? reason : "");
        if (f->site[0])
                fprintf(err, "  site: %s\n", f->site);
        fprintf(err, "  operation: %s\n", f->id);
        if (request)
                fprintf(err, "  request: %s\n", request);
        fprintf(err, "  next: `atlas operation show %s` tells all it did\n", f->id);
        return CLI_FAILED;
}

/* CLI_OK with '*ret_over' false: it goes on. */
static int look(struct follower *f, bool *ret_over)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        const json_t *operation;
        const char *status;
        char path[128];
        int r;

        snprintf(path, sizeof path, "%s/%s", noun_operation.path, f->id);
        r = service_look(f->c, path, &reply);
        *ret_over = r != CLI_UNREACHABLE;
        if (r == CLI_UNREACHABLE) {
                live_clear(f);
                if (!f->silent)
                        fprintf(f->c->outside->err,
                                "           the service does not answer; asking again\n");
                f->silent = true;
                return CLI_OK;
        }
        if (r)
                return r < 0 ? err_pass(r) : r;
        live_clear(f);
        f->silent = false;
        operation = json_object_get(reply.body, noun_operation.one);
        status = json_string_value(json_object_get(operation, "status"));
        tell_steps(f, operation);
        *ret_over = status && !text_equal(status, "running");
        return *ret_over ? judge(f, operation, status) : CLI_OK;
}

static int follow(struct follower *f)
{
        int64_t pause_ms = PAUSE_MIN_MS;
        char words[256];
        bool over;

        snprintf(
                words, sizeof words,
                "\natlas: The operation goes on.\n  next: `atlas operation show %s` tells how far it is\n",
                f->id);
        interrupt_say(words, CLI_INTERRUPTED);
        for (;;) {
                int r = look(f, &over);
                int64_t most_ms = f->live ? PAUSE_LIVE_MS : PAUSE_MAX_MS;

                if (r || over) {
                        interrupt_clear();
                        return r < 0 ? err_pass(r) : r;
                }
                live_show(f);
                if (!f->c->outside->pause(f->c->outside, pause_ms, f->deadline_ms))
                        break;
                pause_ms = pause_ms * 3 / 2 < most_ms ? pause_ms * 3 / 2 : most_ms;
        }
        interrupt_clear();
        live_clear(f);
        fprintf(f->c->outside->err,
                "atlas: Not done within %d s; the operation goes on.\n  next: `atlas operation show %s` tells how far it is\n",
                f->c->args->timeout_s, f->id);
        return CLI_TIMEOUT;
}

/* The operation that a request began, by what it was about: an answer need not name it, and it may
 * be over already. */
static int operation_of(struct cli *c, const char *link_id, const char *request_id,
                        char ret[ID_SIZE])
{
        OWN(text_done) struct text path = { 0 };
        json_auto_t *list = NULL;
        const char *id;
        int r;

        text_add(&path, noun_operation.path);
        service_query(&path, "virtual_link_id", link_id);
        service_query(&path, "request_id", request_id);
        if (path.failed)
                return err_raise(-ENOMEM);
        r = noun_fetch_list(c, &noun_operation, path.bytes, &list);
        id = json_string_value(json_object_get(json_array_get(list, 0), "id"));
        if (r == CLI_OK)
                text_copy(ret, ID_SIZE, id);
        return r < 0 ? err_pass(r) : r;
}

static bool names_network(const json_t *object)
{
        return json_is_string(json_object_get(object, "network_id")) ||
               json_is_string(json_object_get(object, "port_id"));
}

int follow_answer(struct cli *c, const json_t *object, const char *link_id, const char *request_id)
{
        struct follower f = { .c = c };
        const char *id = json_string_value(json_object_get(object, "operation_id"));
        const json_t *endpoint;
        size_t i;
        int r = CLI_OK;

        json_array_foreach (json_object_get(object, "endpoints"), i, endpoint)
                f.plugs |= names_network(endpoint);
        if (id)
                TEXT_SET(f.id, id);
        else if (arguments_has(c->args, OPT_WAIT))
                r = operation_of(c, link_id, request_id, f.id);
        if (r)
                return r < 0 ? err_pass(r) : r;
        if (!f.id[0])
                return CLI_OK; /* there was nothing to do */
        if (!arguments_has(c->args, OPT_WAIT)) {
                fprintf(c->outside->err,
                        "Accepted; `atlas operation show %s` tells how far it is.\n", f.id);
                return CLI_OK;
        }
        f.live_ms = c->outside->now_ms(c->outside);
        f.live = fileno(c->outside->err) >= 0 && isatty(fileno(c->outside->err));
        f.deadline_ms = f.live_ms + (int64_t)c->args->timeout_s * 1000;
        return follow(&f);
}
