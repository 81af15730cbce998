/* SPDX-License-Identifier: Apache-2.0 */
/* Signals are blocked everywhere and taken by a thread of their own, so that no call of ours is
 * ever interrupted. */
#include "base/daemon.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/config.h"
#include "base/err.h"
#include "base/log.h"
#include "base/text.h"

static int stop_fd = -1; /* the answer of start(): a descriptor or a negative error */
static int ready_fd = -1;

static void signals_of_ours(sigset_t *ret)
{
        sigemptyset(ret);
        sigaddset(ret, SIGTERM);
        sigaddset(ret, SIGINT);
        sigaddset(ret, SIGHUP);
}

static void *take_signals(void *arg)
{
        sigset_t set;
        int number, n_stops = 0;

        (void)arg;
        signals_of_ours(&set);
        while (sigwait(&set, &number) == 0) {
                if (number == SIGHUP)
                        continue;
                if (n_stops++ > 0)
                        _exit(1);
                log_info("stop_asked", "signal=%s", sigabbrev_np(number));
                eventfd_write(stop_fd, 1); /* never read, so it stays readable for everybody */
        }
        return NULL;
}

static void start(void)
{
        pthread_t thread;
        sigset_t set;
        int r;

        signal(SIGPIPE, SIG_IGN);
        signals_of_ours(&set);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (stop_fd < 0) {
                stop_fd = -errno;
                return;
        }
        r = pthread_create(&thread, NULL, take_signals, NULL);
        if (r != 0) {
                close(stop_fd);
                stop_fd = -r;
                return;
        }
        pthread_detach(thread);
}

int daemon_stop_fd(void)
{
        static pthread_once_t once = PTHREAD_ONCE_INIT;

        pthread_once(&once, start);
        return stop_fd < 0 ? err_raise(stop_fd) : stop_fd;
}

int daemon_wait_stop(int timeout_ms)
{
        struct pollfd p = { .fd = daemon_stop_fd(), .events = POLLIN };
        int n;

        if (p.fd < 0)
                return err_pass(p.fd);
        n = poll(&p, 1, timeout_ms);
        return n < 0 ? err_raise(-errno) : n;
}

static void tell_systemd(const char *path)
{
        static const char words[] = "READY=1";
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        socklen_t n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
        int fd;

        if (!TEXT_SET(address.sun_path, path))
                return;
        if (*path == '@')
                address.sun_path[0] = '\0'; /* the abstract name space */
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return;
        if (sendto(fd, words, sizeof words - 1, MSG_NOSIGNAL, (struct sockaddr *)&address, n) < 0)
                log_warn("ready_untold", "socket=%s error=%s", path, strerrorname_np(errno));
        close(fd);
}

void daemon_ready(void)
{
        const char *path = getenv("NOTIFY_SOCKET");

        if (path && *path)
                tell_systemd(path);
        if (ready_fd < 0)
                return;
        if (write(ready_fd, "ready\n", 6) < 0)
                log_warn("ready_untold", "fd=%d error=%s", ready_fd, strerrorname_np(errno));
        close(ready_fd);
        ready_fd = -1;
}

/* Takes "--ready-fd N" out of 'argv', so that run() need not know of it; gives what is left of
 * argc. */
static int take_ready_fd(int argc, char **argv)
{
        static const char flag[] = "--ready-fd";
        size_t n = sizeof flag - 1;
        int left = 0;

        for (int i = 0; i < argc; i++) {
                bool found = strncmp(argv[i], flag, n) == 0;
                const char *value = NULL;
                long long fd;

                if (found && argv[i][n] == '=')
                        value = argv[i] + n + 1;
                else if (found && argv[i][n] == '\0' && i + 1 < argc)
                        value = argv[i + 1];
                if (!value || !text_to_int(value, 0, 1 << 20, &fd)) {
                        argv[left++] = argv[i];
                        continue;
                }
                ready_fd = (int)fd;
                i += argv[i][n] == '\0';
        }
        argv[left] = NULL;
        return left;
}

int daemon_main(const char *program, int (*run)(int argc, char **argv), int argc, char **argv)
{
        int r;

        log_open(program, LOG_LEVEL_INFO);
        signal(SIGPIPE, SIG_IGN);
        argc = take_ready_fd(argc, argv);
        r = run(argc, argv);
        if (r < 0)
                log_error("failed", "trace=\"%s\"", err_trace());
        return r < 0 ? 1 : r == 0 || r == CONFIG_EXIT ? 0 : 2;
}
