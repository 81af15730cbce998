/* SPDX-License-Identifier: Apache-2.0 */
#include "support/fake_openstack.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/unit.h"

#include "base/clock.h"
#include "base/text.h"
#include "http/client.h"

static struct {
        pid_t pid;
        int in, port;
} fake;

void fake_openstack_start(void)
{
        int in[2], out[2];
        char line[16] = "";
        size_t n = 0;
        pid_t pid;

        assert_int_equal(pipe(in), 0);
        assert_int_equal(pipe(out), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                dup2(in[0], 0);
                dup2(out[1], 1);
                close(in[1]);
                close(out[0]);
                execl("/usr/bin/python3", "python3",
                      ATLAS_SOURCE_DIR "/tests/support/fake_openstack.py", NULL);
                _exit(127);
        }
        close(in[0]);
        close(out[1]);
        while (n < sizeof line - 1 && read(out[0], line + n, 1) == 1 && line[n] != '\n')
                n++;
        close(out[0]);
        fake.pid = pid;
        fake.in = in[1];
        fake.port = atoi(line);
        assert_true(fake.port > 0);
}

void fake_openstack_stop(void)
{
        close(fake.in);
        assert_int_equal(waitpid(fake.pid, NULL, 0), fake.pid);
}

int fake_openstack_port(void)
{
        return fake.port;
}

json_t *fake_openstack(const char *method, const char *what, json_t *body)
{
        OWN(http_client_free) struct http_client *c = NULL;
        OWN(http_reply_done) struct http_reply reply = { 0 };
        struct fault why = { 0 };
        char url[256];
        char *text = body ? json_dumps(body, 0) : NULL;
        json_t *answer;

        snprintf(url, sizeof url, "http://127.0.0.1:%d/_fake/%s", fake.port, what);
        assert_int_equal(http_client_new("", false, &c), 0);
        assert_int_equal(http_client_call(c,
                                          &(struct http_call){ .method = method,
                                                               .url = url,
                                                               .body = text,
                                                               .n_body = text ? strlen(text) : 0,
                                                               .deadline_mono_ms =
                                                                       clock_mono_ms() + 10000 },
                                          &reply, &why),
                         HTTP_CLIENT_DONE);
        assert_int_equal(reply.status, 200);
        answer = json_loadb(reply.body.bytes, reply.body.n, 0, NULL);
        assert_non_null(answer);
        free(text);
        json_decref(body);
        return answer;
}

void fake_openstack_rule(const char *method, const char *path, const char *act, int times,
                         json_t *arg)
{
        json_decref(fake_openstack("POST", "rule",
                                   json_pack("{s:s, s:s, s:s, s:i, s:o}", "method", method, "path",
                                             path, "do", act, "times", times, "arg",
                                             arg ? arg : json_null())));
}

int fake_openstack_fired(const char *act)
{
        json_auto_t *state = fake_openstack("GET", "state", NULL);

        return (int)json_integer_value(json_object_get(json_object_get(state, "fired"), act));
}

int fake_openstack_requests(const char *method, const char *path)
{
        json_auto_t *state = fake_openstack("GET", "state", NULL);
        json_t *request;
        size_t i;
        int n = 0;

        json_array_foreach(json_object_get(state, "requests"), i, request)
                n += text_equal(json_string_value(json_array_get(request, 0)), method) &&
                     text_starts(json_string_value(json_array_get(request, 1)), path);
        return n;
}
