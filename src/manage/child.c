/* SPDX-License-Identifier: Apache-2.0 */
/* Its input and output are files in memory, so that nobody has to pump pipes. */
#include "manage/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/own.h"

enum { WORDS_MAX = 32, OUTPUT_MAX = 8 << 20, LAST_WORDS = 300 };

/* Descriptors by the child's number of them; closed together. */
struct streams {
        int fd[3];
};

static void own_streams_close(struct streams *s)
{
        for (int i = 0; i < 3; i++)
                if (s->fd[i] >= 0)
                        close(s->fd[i]);
}

static int streams_open(struct streams *s, const struct text *input)
{
        for (int i = 0; i < 3; i++) {
                s->fd[i] = memfd_create("atlas-manage", MFD_CLOEXEC);
                if (s->fd[i] < 0)
                        return err_raise(-errno);
        }
        if (input && input->n > 0 && write(s->fd[0], input->bytes, input->n) != (ssize_t)input->n)
                return err_raise(-EIO);
        return lseek(s->fd[0], 0, SEEK_SET) < 0 ? err_raise(-errno) : 0;
}

static int stream_read(int fd, struct text *to)
{
        char piece[4096];
        ssize_t n = 0;

        for (off_t at = 0; at < OUTPUT_MAX && (n = pread(fd, piece, sizeof piece, at)) > 0; at += n)
                text_add_n(to, piece, (size_t)n);
        text_add(to, "");
        return n < 0 || to->failed ? err_raise(-EIO) : 0;
}

/* The words of 'room' (which is cut into pieces), then 'words'. */
static bool join(char *room, const char *const *words, char **argv)
{
        size_t n = 0;
        char *save = NULL;

        for (char *w = strtok_r(room, " \t\n", &save); w && n < WORDS_MAX; w = strtok_r(NULL, " \t\n", &save))
                argv[n++] = w;
        if (n == 0)
                return false;
        for (; *words && n < WORDS_MAX; words++)
                argv[n++] = (char *)(uintptr_t)*words;
        argv[n] = NULL;
        return n < WORDS_MAX;
}

static int start(char **argv, const struct streams *s, pid_t *ret)
{
        posix_spawn_file_actions_t actions;
        int r = posix_spawn_file_actions_init(&actions);

        if (r)
                return r;
        for (int i = 0; i < 3 && r == 0; i++)
                r = posix_spawn_file_actions_adddup2(&actions, s->fd[i], i);
        r = r ? r : posix_spawnp(ret, argv[0], &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        return r;
}

/* Its status; -1 when it had to be killed. */
static int await(pid_t pid, int timeout_ms)
{
        int pidfd = pidfd_open(pid, 0), status = 0;
        struct pollfd p = { .fd = pidfd, .events = POLLIN };
        bool late = pidfd < 0 || poll(&p, 1, timeout_ms) != 1;

        if (late)
                kill(pid, SIGKILL);
        if (pidfd >= 0)
                close(pidfd);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        return late ? -1 : status;
}

/* The end of what it said, on one line. */
static void last_words(const struct streams *s, char ret[LAST_WORDS + 1])
{
        OWN(text_done) struct text said = { 0 };
        size_t from;

        ret[0] = '\0';
        if (stream_read(s->fd[2], &said) < 0 || (said.n == 0 && stream_read(s->fd[1], &said) < 0))
                return;
        while (said.n > 0 && said.bytes[said.n - 1] == '\n')
                said.bytes[--said.n] = '\0';
        from = said.n > LAST_WORDS ? said.n - LAST_WORDS : 0;
        snprintf(ret, LAST_WORDS + 1, "%s", said.bytes + from);
        for (char *c = ret; *c; c++)
                if ((unsigned char)*c < 0x20)
                        *c = ' ';
}

int child_run(const char *command, const char *const *words, const struct text *input, int timeout_ms,
              struct text *ret_output, struct fault *why)
{
        __attribute__((cleanup(own_streams_close))) struct streams s = { { -1, -1, -1 } };
        OWN(mem_free) char *room = strdup(command);
        char *argv[WORDS_MAX + 1], said[LAST_WORDS + 1];
        pid_t pid = 0;
        int r = room ? streams_open(&s, input) : err_raise(-ENOMEM), status;

        if (r)
                return err_pass(r);
        if (!join(room, words, argv)) {
                fault_set(why, 400, "child.command", "\"%.100s\" is no command.", command);
                return CHILD_FAILED;
        }
        r = start(argv, &s, &pid);
        if (r) {
                fault_set(why, 500, "child.unstartable", "%s cannot be started: %s.", argv[0], strerrordesc_np(r));
                return CHILD_FAILED;
        }
        status = await(pid, timeout_ms);
        if (status == 0)
                return ret_output ? stream_read(s.fd[1], ret_output) : CHILD_OK;
        last_words(&s, said);
        fault_set(why, 500, "child.failed", "%s %s %s: %s", argv[0], words[0] ? words[0] : "",
                  status == -1 ? "did not end in time" : "failed", said);
        return CHILD_FAILED;
}
