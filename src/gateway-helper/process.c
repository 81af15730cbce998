/* SPDX-License-Identifier: Apache-2.0 */
/* Input and outputs are memory files: the child never waits for us, and we wait for one thing only,
 * its end. */
#include "gateway-helper/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

extern char **environ;

struct child {
        int in, out, err;
        pid_t pid;
};

static void child_done(struct child *c)
{
        const int fds[] = { c->in, c->out, c->err };

        for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
                if (fds[i] >= 0)
                        close(fds[i]);
}

static int write_all(int fd, const char *bytes, size_t n)
{
        for (size_t done = 0; done < n;) {
                ssize_t wrote = write(fd, bytes + done, n - done);

                if (wrote < 0 && errno != EINTR)
                        return err_raise(-errno);
                done += wrote > 0 ? (size_t)wrote : 0;
        }
        return lseek(fd, 0, SEEK_SET) < 0 ? err_raise(-errno) : 0;
}

static int child_open(struct child *c, const char *input, size_t n_input)
{
        c->in = memfd_create("in", MFD_CLOEXEC);
        c->out = memfd_create("out", MFD_CLOEXEC);
        c->err = memfd_create("err", MFD_CLOEXEC);
        if (c->in < 0 || c->out < 0 || c->err < 0)
                return err_raise(-errno);
        return input ? write_all(c->in, input, n_input) : 0;
}

static int child_start(struct child *c, const char *const *argv)
{
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        sigset_t none;
        int r;

        sigemptyset(&none);
        if (posix_spawn_file_actions_init(&files) != 0)
                return -ENOMEM;
        if (posix_spawnattr_init(&attributes) != 0) {
                posix_spawn_file_actions_destroy(&files);
                return -ENOMEM;
        }
        r = posix_spawn_file_actions_adddup2(&files, c->in, STDIN_FILENO);
        r = r ? r : posix_spawn_file_actions_adddup2(&files, c->out, STDOUT_FILENO);
        r = r ? r : posix_spawn_file_actions_adddup2(&files, c->err, STDERR_FILENO);
        r = r ? r : posix_spawnattr_setsigmask(&attributes, &none);
        r = r ? r : posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
        r = r ? r
              : posix_spawnp(&c->pid, argv[0], &files, &attributes, (char *const *)(uintptr_t)argv,
                             environ);
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
        return -r;
}

/* True when the child ended by itself before the deadline; it is reaped in any case. */
static bool child_wait(struct child *c, int64_t deadline_mono_ms, int *ret_status)
{
        int fd = pidfd_open(c->pid, 0);
        struct pollfd ended = { .fd = fd, .events = POLLIN };
        int64_t left_ms;
        int n = 0, status;

        while (fd >= 0 && n <= 0 && (left_ms = deadline_mono_ms - clock_mono_ms()) > 0) {
                n = poll(&ended, 1, left_ms < INT32_MAX ? (int)left_ms : INT32_MAX);
                if (n < 0 && errno != EINTR)
                        break;
        }
        if (n <= 0)
                kill(c->pid, SIGKILL);
        if (fd >= 0)
                close(fd);
        while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
                ;
        *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return n > 0;
}

static void gather(int fd, struct text *ret)
{
        char chunk[16384];
        off_t at = 0;
        ssize_t n;

        while (ret && (n = pread(fd, chunk, sizeof chunk, at)) > 0) {
                text_add_n(ret, chunk, (size_t)n);
                at += n;
        }
}

void process_complaint(const char *err, size_t n, char *ret, size_t size)
{
        const char *end, *bar;
        size_t at = 0;

        ret[0] = '\0';
        if (n == 0)
                return;
        end = memchr(err, '\n', n);
        end = end ? end : err + n;
        /* "2026-01-31T23:59:59Z|00001|ofp_port|WARN|text" */
        for (int i = 0, stamped = end - err > 21 && err[20] == '|'; i < 4 && stamped; i++)
                if ((bar = memchr(err, '|', (size_t)(end - err))))
                        err = bar + 1;
        for (; err < end && at + 1 < size; err++)
                ret[at++] = (unsigned char)*err < 0x20 || *err == 0x7f ? ' ' : *err;
        ret[at] = '\0';
}

int process_run(const char *const *argv, const char *input, size_t n_input,
                int64_t deadline_mono_ms, struct text *out, struct text *err, int *ret_status,
                struct fault *why)
{
        struct child c = { .in = -1, .out = -1, .err = -1 };
        OWN(text_done) struct text said = { 0 };
        char complaint[256];
        int status = -1;
        bool ended;
        int r = child_open(&c, input, n_input);

        if (ret_status)
                *ret_status = -1;
        if (r != 0) {
                child_done(&c);
                return err_pass(r);
        }
        r = child_start(&c, argv);
        if (r != 0) {
                child_done(&c);
                fault_set(why, 500, "gateway.device_error",
                          "%s cannot be started on the gateway: %s.", argv[0], strerror(-r));
                return PROCESS_FAILED;
        }
        ended = child_wait(&c, deadline_mono_ms, &status);
        gather(c.out, out);
        gather(c.err, &said);
        child_done(&c);
        if (err && said.n)
                text_add_n(err, said.bytes, said.n);
        if (ret_status)
                *ret_status = status;
        if (!ended) {
                fault_set(why, 503, "gateway.device_timeout",
                          "%s did not end in time on the gateway.", argv[0]);
                if (why)
                        why->retry_after_ms = 1000;
                return PROCESS_TIMEOUT;
        }
        if (status != 0) {
                process_complaint(said.bytes, said.n, complaint, sizeof complaint);
                fault_set(why, 500, "gateway.device_error", "%s: %s", argv[0],
                          *complaint ? complaint : "failed without a word");
                return PROCESS_FAILED;
        }
        return PROCESS_OK;
}
