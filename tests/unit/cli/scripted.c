/* SPDX-License-Identifier: Apache-2.0 */
#include "scripted.h"

#include "base/text.h"
#include "support/unit.h"

enum { ARGV_MAX = 32 };

static int answer(struct outside *o, const struct openstack_call *call, struct openstack_reply *ret,
                  struct fault *why)
{
        struct scripted *s = (struct scripted *)o;
        const struct exchange *e = s->next++;

        if (!e->method)
                fail_msg("%s %s was not expected", call->method, call->path);
        assert_string_equal(call->method, e->method);
        assert_string_equal(call->path, e->path);
        assert_true(call->deadline_mono_ms > s->now_ms);
        if (e->body) {
                json_auto_t *expected = json_loads(e->body, 0, NULL);

                assert_non_null(expected);
                if (!json_equal(expected, call->body))
                        fail_msg("%s %s sent %s", call->method, call->path,
                                 json_dumps(call->body, 0));
        }
        if (strcmp(call->method, "POST") == 0) {
                assert_memory_equal(call->headers[0], "Idempotency-Key: ", 17);
                s->n_keys += strcmp(s->key, call->headers[0]) != 0;
                snprintf(s->key, sizeof s->key, "%s", call->headers[0]);
        }
        if (call->headers)
                snprintf(s->header, sizeof s->header, "%s", call->headers[0]);
        openstack_reply_done(ret);
        ret->status = e->status;
        if (call->on_stream && e->answer && e->answer[0] != '{') {
                call->on_stream(call->user, e->answer, strlen(e->answer));
        } else {
                ret->body = e->answer ? json_loads(e->answer, 0, NULL) : NULL;
                assert_true(!e->answer || ret->body);
        }
        TEXT_SET(ret->request_id, "req-1");
        fault_set(why, e->status, "openstack.refused", "Nothing can be heard of http://there.");
        return e->status == 0 || e->status >= 500 ? OPENSTACK_UNAVAILABLE
               : e->status >= 400                 ? OPENSTACK_REFUSED
                                                  : OPENSTACK_OK;
}

static int64_t now(struct outside *o)
{
        return ((struct scripted *)o)->now_ms;
}

static bool wait_a_while(struct outside *o, int64_t ms, int64_t deadline_ms)
{
        struct scripted *s = (struct scripted *)o;

        if (s->now_ms + ms >= deadline_ms)
                return false;
        s->now_ms += ms;
        s->n_pauses++;
        return true;
}

int scripted_run(struct scripted *s, const char *line, const struct exchange *script)
{
        static char program[] = "atlas";
        char *argv[ARGV_MAX + 1] = { program }, room[1024], *save = NULL;
        struct arguments args;
        struct fault why = { 0 };
        int argc = 1, r;

        scripted_done(s);
        *s = (struct scripted){ .next = script, .now_ms = 1000 };
        s->outside =
                (struct outside){ answer, now, wait_a_while, open_memstream(&s->out, &s->n_out),
                                  open_memstream(&s->err, &s->n_err) };
        snprintf(room, sizeof room, "%s", line);
        for (char *word = strtok_r(room, " ", &save); word && argc < ARGV_MAX;
             word = strtok_r(NULL, " ", &save))
                argv[argc++] = word;
        if (arguments_read(argc, argv, &args, &why))
                fail_msg("%s: %s", line, why.message);
        r = cli_run(&s->outside, &args);
        fclose(s->outside.out);
        fclose(s->outside.err);
        if (s->next->method)
                fail_msg("%s %s was never asked", s->next->method, s->next->path);
        return r;
}

void scripted_done(struct scripted *s)
{
        free(s->out);
        free(s->err);
        *s = (struct scripted){ 0 };
}
