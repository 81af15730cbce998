/* SPDX-License-Identifier: Apache-2.0 */
/* Signals and exit codes belong to a process, so each case runs daemon_main() in a child. */
#include "support/unit.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/config.h"
#include "base/daemon.h"
#include "base/err.h"

struct child {
        pid_t pid;
        int ready, errors; /* what it wrote to --ready-fd and to standard error */
};

static struct child start(int (*run)(int argc, char **argv))
{
        int ready[2], errors[2];
        struct child ret;

        assert_int_equal(pipe(ready), 0);
        assert_int_equal(pipe(errors), 0);
        ret.pid = fork();
        assert_true(ret.pid >= 0);
        if (ret.pid == 0) {
                char fd[16], *argv[] = { (char[]){ "p" }, (char[]){ "--ready-fd" }, fd,
                                         (char[]){ "--debug" }, NULL };

                snprintf(fd, sizeof fd, "%d", ready[1]);
                dup2(errors[1], STDERR_FILENO);
                _exit(daemon_main("p", run, 4, argv));
        }
        close(ready[1]);
        close(errors[1]);
        ret.ready = ready[0];
        ret.errors = errors[0];
        return ret;
}

static const char *read_all(int fd)
{
        static char ret[4096];
        size_t n = 0;
        ssize_t k;

        while ((k = read(fd, ret + n, sizeof ret - 1 - n)) > 0)
                n += (size_t)k;
        ret[n] = '\0';
        close(fd);
        return ret;
}

static int exit_of(struct child *c)
{
        int status;

        assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static int until_stopped(int argc, char **argv)
{
        if (argc != 2 || strcmp(argv[1], "--debug") != 0)
                return 7;
        daemon_stop_fd();
        daemon_ready();
        return daemon_wait_stop(20000) == 1 && daemon_wait_stop(0) == 1 ? 0 : 8;
}

static void a_signal_asks_to_stop_and_the_answer_stays(void **state)
{
        static const int numbers[] = { SIGTERM, SIGINT };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(numbers); i++) {
                struct child c = start(until_stopped);

                assert_string_equal(read_all(c.ready), "ready\n");
                kill(c.pid, SIGHUP); /* changes nothing */
                kill(c.pid, numbers[i]);
                assert_int_equal(exit_of(&c), 0);
                assert_non_null(strstr(read_all(c.errors), "INFO p event=stop_asked signal="));
        }
}

static int deaf(int argc, char **argv)
{
        (void)argc;
        (void)argv;
        daemon_stop_fd();
        daemon_ready();
        poll(NULL, 0, 20000);
        return 0;
}

static void a_second_signal_ends_the_program_at_once(void **state)
{
        struct child c = start(deaf);
        char line[512];

        (void)state;
        assert_string_equal(read_all(c.ready), "ready\n");
        kill(c.pid, SIGTERM);
        assert_true(read(c.errors, line, sizeof line) > 0); /* the first one was taken */
        kill(c.pid, SIGTERM);
        assert_int_equal(exit_of(&c), 1);
        close(c.errors);
}

static int fails(int argc, char **argv)
{
        (void)argc;
        (void)argv;
        return err_raise(-EIO);
}

static void an_error_is_logged_with_its_trace(void **state)
{
        struct child c = start(fails);

        (void)state;
        assert_int_equal(exit_of(&c), 1);
        assert_non_null(
                strstr(read_all(c.errors), "ERROR p event=failed trace=\"EIO at test_daemon.c:"));
        close(c.ready);
}

static int explained(int argc, char **argv)
{
        (void)argc;
        (void)argv;
        return CONFIG_BAD;
}

static int asked(int argc, char **argv)
{
        (void)argc;
        (void)argv;
        return CONFIG_EXIT;
}

static void a_bad_configuration_is_exit_2_and_a_printed_help_exit_0(void **state)
{
        struct child bad = start(explained), help = start(asked);

        (void)state;
        assert_int_equal(exit_of(&bad), 2);
        assert_int_equal(exit_of(&help), 0);
        assert_string_equal(read_all(bad.errors), "");
        close(help.errors);
        close(bad.ready);
        close(help.ready);
}

static int writes_to_nobody(int argc, char **argv)
{
        int ends[2];

        (void)argc;
        (void)argv;
        if (pipe(ends) < 0)
                return 7;
        close(ends[0]);
        return write(ends[1], "x", 1) < 0 && errno == EPIPE ? 0 : 8;
}

static void a_broken_pipe_is_an_error_not_the_end(void **state)
{
        struct child c = start(writes_to_nobody);

        (void)state;
        assert_int_equal(exit_of(&c), 0);
        close(c.ready);
        close(c.errors);
}

static int tells_systemd(int argc, char **argv)
{
        (void)argc;
        (void)argv;
        daemon_ready();
        return 0;
}

static void systemd_is_told_on_its_socket(void **state)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        socklen_t n = sizeof(sa_family_t); /* the kernel picks an abstract name */
        int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
        struct child c;
        char words[32];

        (void)state;
        assert_int_equal(bind(fd, (struct sockaddr *)&address, n), 0);
        n = sizeof address;
        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &n), 0);
        address.sun_path[n - offsetof(struct sockaddr_un, sun_path)] = '\0';
        address.sun_path[0] = '@';
        setenv("NOTIFY_SOCKET", address.sun_path, 1);
        c = start(tells_systemd);
        unsetenv("NOTIFY_SOCKET");
        assert_int_equal(exit_of(&c), 0);
        assert_int_equal(recv(fd, words, sizeof words, MSG_DONTWAIT), 7);
        assert_memory_equal(words, "READY=1", 7);
        close(fd);
        close(c.ready);
        close(c.errors);
}

UNIT_MAIN(UNIT(a_signal_asks_to_stop_and_the_answer_stays),
          UNIT(a_second_signal_ends_the_program_at_once), UNIT(an_error_is_logged_with_its_trace),
          UNIT(a_bad_configuration_is_exit_2_and_a_printed_help_exit_0),
          UNIT(a_broken_pipe_is_an_error_not_the_end), UNIT(systemd_is_told_on_its_socket))
