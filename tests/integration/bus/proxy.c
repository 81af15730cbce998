/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAIRS = 32 };

struct proxy {
        int listener, wake, port, target;
        _Atomic int mode, n_taken;
        _Atomic bool stop;
        pthread_t thread;
        int fds[PAIRS][2]; /* client, broker; -1: free */
};

static struct sockaddr_in address(int port)
{
        return (struct sockaddr_in){ .sin_family = AF_INET,
                                     .sin_port = htons((uint16_t)port),
                                     .sin_addr = { htonl(INADDR_LOOPBACK) } };
}

static void close_pair(struct proxy *p, int i)
{
        for (int side = 0; side < 2; side++) {
                if (p->fds[i][side] >= 0)
                        close(p->fds[i][side]);
                p->fds[i][side] = -1;
        }
}

static void take(struct proxy *p)
{
        struct sockaddr_in to = address(p->target);
        int client = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC), i = 0;

        while (i < PAIRS && p->fds[i][0] >= 0)
                i++;
        if (client < 0 || i == PAIRS || atomic_load(&p->mode) == PROXY_REFUSES) {
                if (client >= 0)
                        close(client);
                return;
        }
        atomic_fetch_add(&p->n_taken, 1);
        p->fds[i][0] = client;
        p->fds[i][1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(p->fds[i][1], (struct sockaddr *)&to, sizeof to) < 0)
                close_pair(p, i);
}

static void forward(struct proxy *p, int i, int side)
{
        char bytes[65536];
        ssize_t n = recv(p->fds[i][side], bytes, sizeof bytes, MSG_DONTWAIT);

        if (n <= 0 || send(p->fds[i][!side], bytes, (size_t)n, MSG_NOSIGNAL) != n)
                close_pair(p, i);
}

static void *run(void *arg)
{
        struct proxy *p = arg;
        eventfd_t count;

        while (!atomic_load(&p->stop)) {
                bool passes = atomic_load(&p->mode) == PROXY_PASSES;
                struct pollfd fds[2 + 2 * PAIRS] = { { .fd = p->listener, .events = POLLIN },
                                                     { .fd = p->wake, .events = POLLIN } };

                for (int i = 0; i < 2 * PAIRS; i++)
                        fds[2 + i] = (struct pollfd){ .fd = passes ? p->fds[i / 2][i % 2] : -1,
                                                      .events = POLLIN };
                poll(fds, 2 + 2 * PAIRS, -1);
                if (fds[1].revents)
                        eventfd_read(p->wake, &count);
                for (int i = 0; i < PAIRS && atomic_load(&p->mode) == PROXY_REFUSES; i++)
                        close_pair(p, i);
                for (int i = 0; i < 2 * PAIRS; i++)
                        if (fds[2 + i].revents && p->fds[i / 2][i % 2] >= 0)
                                forward(p, i / 2, i % 2);
                if (fds[0].revents)
                        take(p);
        }
        return NULL;
}

struct proxy *proxy_new(int port)
{
        struct sockaddr_in at = address(0);
        socklen_t n = sizeof at;
        struct proxy *p = calloc(1, sizeof *p);

        if (!p)
                return NULL;
        p->target = port;
        memset(p->fds, -1, sizeof p->fds);
        p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (bind(p->listener, (struct sockaddr *)&at, sizeof at) < 0 ||
            listen(p->listener, 64) < 0 ||
            getsockname(p->listener, (struct sockaddr *)&at, &n) < 0 ||
            pthread_create(&p->thread, NULL, run, p) != 0) {
                close(p->listener);
                close(p->wake);
                free(p);
                return NULL;
        }
        p->port = ntohs(at.sin_port);
        return p;
}

struct proxy *proxy_free(struct proxy *p)
{
        if (!p)
                return NULL;
        atomic_store(&p->stop, true);
        eventfd_write(p->wake, 1);
        pthread_join(p->thread, NULL);
        for (int i = 0; i < PAIRS; i++)
                close_pair(p, i);
        close(p->listener);
        close(p->wake);
        free(p);
        return NULL;
}

int proxy_port(const struct proxy *p)
{
        return p->port;
}

void proxy_set(struct proxy *p, enum proxy_mode mode)
{
        atomic_store(&p->mode, (int)mode);
        eventfd_write(p->wake, 1);
}

int proxy_connections(const struct proxy *p)
{
        return atomic_load(&p->n_taken);
}
