/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/ssh/connect.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

/* glibc resolves in a thread of its own, so that a dead name server cannot hold us. What it works on must
 * outlive our patience: hence one block, which is left to it when it cannot be called off. */
struct lookup {
        struct gaicb request;
        struct addrinfo hints;
        char host[256], port[8];
};

static int resolve(const char *host, int64_t port, int64_t deadline_mono_ms, struct addrinfo **ret,
                   char *reason, size_t size)
{
        struct lookup *l = calloc(1, sizeof *l);
        int64_t left_ms = deadline_mono_ms - clock_mono_ms();
        const struct timespec wait = { left_ms / 1000, left_ms % 1000 * 1000000 };
        struct gaicb *list[1];
        int r;

        if (!l)
                return err_raise(-ENOMEM);
        TEXT_SET(l->host, host);
        snprintf(l->port, sizeof l->port, "%u", (unsigned)port & 0xffff);
        l->hints = (struct addrinfo){ .ai_socktype = SOCK_STREAM };
        l->request = (struct gaicb){ .ar_name = l->host, .ar_service = l->port, .ar_request = &l->hints };
        list[0] = &l->request;
        r = left_ms > 0 ? getaddrinfo_a(GAI_NOWAIT, list, 1, NULL) : EAI_AGAIN;
        while (r == 0 && (r = gai_error(&l->request)) == EAI_INPROGRESS) {
                r = gai_suspend((const struct gaicb *const *)list, 1, &wait);
                if (r == EAI_AGAIN || r == EAI_INTR)
                        break;
                r = 0;
        }
        if (r == 0) {
                *ret = l->request.ar_result;
                free(l);
                return CONNECT_OK;
        }
        snprintf(reason, size, "its name %s cannot be resolved: %s", host, gai_strerror(r));
        if (gai_cancel(&l->request) != EAI_NOTCANCELED)
                free(l);
        return CONNECT_FAILED;
}

static void watch_over(int fd)
{
        static const struct {
                int level, name, value;
        } options[] = {
                { IPPROTO_TCP, TCP_NODELAY, 1 },     { SOL_SOCKET, SO_KEEPALIVE, 1 },
                { IPPROTO_TCP, TCP_KEEPIDLE, 10 },   { IPPROTO_TCP, TCP_KEEPINTVL, 3 },
                { IPPROTO_TCP, TCP_KEEPCNT, 3 },     { IPPROTO_TCP, TCP_USER_TIMEOUT, 20000 },
        };

        for (size_t i = 0; i < sizeof options / sizeof *options; i++)
                setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

/* 0, or the errno that ended the try. */
static int try_address(const struct addrinfo *a, int64_t deadline_mono_ms, int *ret_fd)
{
        int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
        int64_t left_ms = deadline_mono_ms - clock_mono_ms();
        struct pollfd writable = { .fd = fd, .events = POLLOUT };
        socklen_t n = sizeof(int);
        int error = 0;

        if (fd < 0)
                return errno;
        if (connect(fd, a->ai_addr, a->ai_addrlen) != 0)
                error = errno;
        if (error == EINPROGRESS) {
                error = ETIMEDOUT;
                if (left_ms > 0 && poll(&writable, 1, (int)(left_ms < 60000 ? left_ms : 60000)) == 1)
                        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n);
        }
        if (error != 0) {
                close(fd);
                return error;
        }
        watch_over(fd);
        *ret_fd = fd;
        return 0;
}

int connect_tcp(const char *host, int64_t port, int64_t deadline_mono_ms, int *ret_fd,
                char *reason, size_t size)
{
        struct addrinfo *addresses = NULL;
        int error = EADDRNOTAVAIL;
        int r = resolve(host, port, deadline_mono_ms, &addresses, reason, size);

        if (r != 0)
                return r;
        for (struct addrinfo *a = addresses; a && error != 0; a = a->ai_next)
                error = try_address(a, deadline_mono_ms, ret_fd);
        freeaddrinfo(addresses);
        if (error == 0)
                return CONNECT_OK;
        snprintf(reason, size, "%s", strerror(error));
        return CONNECT_FAILED;
}
