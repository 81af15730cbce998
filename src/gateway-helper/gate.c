/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway-helper/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"

static void on_alarm(int signal)
{
        (void)signal;
}

/* flock() knows no deadline, but a signal ends its wait. It is repeated, for the first may come
 * before the wait. */
static int lock_until(int fd, int64_t deadline_mono_ms)
{
        const struct sigaction wake = { .sa_handler = on_alarm };
        struct itimerval every = { .it_interval.tv_usec = 50000, .it_value.tv_usec = 50000 };
        struct sigaction before;
        int r = flock(fd, LOCK_EX | LOCK_NB);

        if (r == 0 || errno != EWOULDBLOCK)
                return r == 0 ? GATE_OK : err_raise(-errno);
        sigaction(SIGALRM, &wake, &before);
        setitimer(ITIMER_REAL, &every, NULL);
        do {
                r = flock(fd, LOCK_EX) == 0 ? GATE_OK : -errno;
        } while (r == -EINTR && clock_mono_ms() < deadline_mono_ms);
        every = (struct itimerval){ 0 };
        setitimer(ITIMER_REAL, &every, NULL);
        sigaction(SIGALRM, &before, NULL);
        if (r == -EINTR)
                return GATE_BUSY;
        return r < 0 ? err_raise(r) : r;
}

static bool path_of(const char *state_dir, const char *name, char ret[PATH_MAX])
{
        int n = snprintf(ret, PATH_MAX, "%s/%s", state_dir, name);

        return n > 0 && n < PATH_MAX;
}

static int no_state(const char *state_dir, struct fault *why)
{
        fault_set(why, 500, "gateway.device_error",
                  "The gateway's helper cannot keep its state in %s: %s.", state_dir,
                  strerror(errno));
        return err_raise(-errno);
}

int gate_enter(const char *state_dir, int64_t deadline_mono_ms, int *ret_fd, struct fault *why)
{
        char path[PATH_MAX];
        int fd, r;

        if (!path_of(state_dir, "lock", path))
                return err_raise(-ENAMETOOLONG);
        if (mkdir(state_dir, 0700) != 0 && errno != EEXIST)
                return no_state(state_dir, why);
        fd = open(path, O_RDWR | O_CREAT, 0600); /* not close-on-exec: see the header */
        if (fd < 0)
                return no_state(state_dir, why);
        r = lock_until(fd, deadline_mono_ms);
        if (r != GATE_OK) {
                close(fd);
                fault_set(why, 503, "gateway.busy", "Another command still works on the gateway.");
                if (why)
                        why->retry_after_ms = 1000;
                return r;
        }
        *ret_fd = fd;
        return GATE_OK;
}

int gate_fence_read(const char *state_dir, struct fence *ret)
{
        char path[PATH_MAX], text[64] = "", *rest = text;
        const char *epoch, *seq;
        long long e, s;
        ssize_t n;
        int fd;

        if (!path_of(state_dir, "fence", path))
                return err_raise(-ENAMETOOLONG);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? GATE_NO_FENCE : err_raise(-errno);
        n = read(fd, text, sizeof text - 1);
        close(fd);
        /* "<epoch> <seq>\n" */
        if (n < 4 || text[n - 1] != '\n')
                return GATE_NO_FENCE;
        text[n - 1] = '\0';
        epoch = strsep(&rest, " ");
        seq = strsep(&rest, " ");
        if (rest || !seq || !text_to_int(epoch, 0, INT64_MAX, &e) ||
            !text_to_int(seq, 0, INT64_MAX, &s))
                return GATE_NO_FENCE;
        *ret = (struct fence){ e, s };
        return GATE_OK;
}

int gate_fence_write(const char *state_dir, const struct fence *f)
{
        char path[PATH_MAX], fresh[PATH_MAX], text[64];
        int n = snprintf(text, sizeof text, "%" PRId64 " %" PRId64 "\n", f->epoch, f->seq);
        int fd, folder, r = 0;

        if (!path_of(state_dir, "fence", path) || !path_of(state_dir, "fence.new", fresh))
                return err_raise(-ENAMETOOLONG);
        fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
                return err_raise(-errno);
        if (write(fd, text, (size_t)n) != n || fsync(fd) != 0)
                r = err_raise(errno ? -errno : -EIO);
        if (close(fd) != 0 && r == 0)
                r = err_raise(-errno);
        if (r == 0 && rename(fresh, path) != 0)
                r = err_raise(-errno);
        folder = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder >= 0) {
                if (fsync(folder) != 0 && r == 0)
                        r = err_raise(-errno);
                close(folder);
        }
        return r;
}

int fence_compare(const struct fence *a, const struct fence *b)
{
        if (a->epoch != b->epoch)
                return a->epoch < b->epoch ? -1 : 1;
        return (a->seq > b->seq) - (a->seq < b->seq);
}
