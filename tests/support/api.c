/* SPDX-License-Identifier: Apache-2.0 */
#include "support/api.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum { START_MS = 20000, ASK_MS = 20000 };

static void die(const char *what)
{
        fprintf(stderr, "tests/support/api.c: %s\n", what);
        exit(1);
}

static int free_port(void)
{
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
        socklen_t n = sizeof at;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || bind(fd, (struct sockaddr *)&at, n) != 0 || getsockname(fd, (struct sockaddr *)&at, &n) != 0)
                die("no free port");
        close(fd);
        return ntohs(at.sin_port);
}

static void write_config(const char *file, int port, const char *transport_url,
                         const char *connection, const char *extra)
{
        FILE *f = fopen(file, "w");

        if (!f)
                die("cannot write the configuration");
        fprintf(f, "[DEFAULT]\nbind_port = %d\nmetrics_port = 0\ntransport_url = %s\n%s\n[database]\nconnection = %s\n", port,
                transport_url, extra, connection);
        fclose(f);
}

void api_start(struct api_process *p, const char *program, const char *transport_url, const char *connection,
               const char *extra)
{
        char file[100], fd_text[16];
        int port = free_port(), ready[2];
        struct pollfd wait;

        *p = (struct api_process){ .dir = "/tmp/atlas-api-XXXXXX" };
        if (!mkdtemp(p->dir) || pipe2(ready, 0) != 0 || http_client_new("", false, &p->client) != 0)
                die("cannot prepare");
        snprintf(file, sizeof file, "%s/api.conf", p->dir);
        snprintf(p->base, sizeof p->base, "http://127.0.0.1:%d", port);
        snprintf(fd_text, sizeof fd_text, "%d", ready[1]);
        write_config(file, port, transport_url, connection, extra);
        p->pid = fork();
        if (p->pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                close(ready[0]);
                execl(program, program, "--ready-fd", fd_text, "--config-file", file, (char *)NULL);
                _exit(127);
        }
        close(ready[1]);
        wait = (struct pollfd){ .fd = ready[0], .events = POLLIN };
        if (p->pid < 0 || poll(&wait, 1, START_MS) != 1 || !(wait.revents & POLLIN))
                die("atlas-api does not start");
        close(ready[0]);
}

int api_stop(struct api_process *p)
{
        char file[100];
        int status = -1;

        kill(p->pid, SIGTERM);
        waitpid(p->pid, &status, 0);
        p->client = http_client_free(p->client);
        snprintf(file, sizeof file, "%s/api.conf", p->dir);
        unlink(file);
        rmdir(p->dir);
        return status;
}

int api_ask(struct api_process *p, const char *method, const char *path, const char *const *headers,
            const char *body, json_t **ret_json, struct text *ret_headers)
{
        OWN(http_reply_done) struct http_reply reply = { 0 };
        char url[4096];
        struct fault why;
        struct http_call call = { .method = method,
                                  .url = url,
                                  .headers = headers,
                                  .body = body,
                                  .n_body = body ? strlen(body) : 0,
                                  .deadline_mono_ms = clock_mono_ms() + ASK_MS };

        snprintf(url, sizeof url, "%s%s", p->base, path);
        if (ret_json)
                *ret_json = NULL;
        if (http_client_call(p->client, &call, &reply, &why) != HTTP_CLIENT_DONE)
                return 0;
        if (ret_json && reply.body.n)
                *ret_json = json_loadb(reply.body.bytes, reply.body.n, 0, NULL);
        if (ret_headers) {
                text_reset(ret_headers);
                text_add_n(ret_headers, reply.headers.bytes, reply.headers.n);
        }
        return reply.status;
}
