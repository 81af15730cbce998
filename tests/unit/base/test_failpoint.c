/* SPDX-License-Identifier: Apache-2.0 */
/* The environment is read before main(), so each case runs this program again as a child. */
#include "support/unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"

#ifdef ATLAS_FAILPOINTS_ENABLED
/* What the child does: passes its two failpoints three times and says what it saw by its exit code.
 */
static int child(void)
{
        int hits = 0;

        for (int i = 0; i < 3; i++) {
                FAILPOINT_UNMARK();
                FAILPOINT_MARK(100 + i);
                if (FAILPOINT("unit.first"))
                        hits |= 1 << i;
                if (FAILPOINT("unit.second"))
                        hits |= 8 << i;
        }
        return failpoint_count("unit.first") == 3 ? 0x40 | hits : hits;
}

/* The wait status of a child with this environment. */
static int status_with(const char *failpoints)
{
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                setenv("ATLAS_FAILPOINTS", failpoints, 1);
                setenv("LSAN_OPTIONS", "detect_leaks=0", 1); /* it cannot look at a stopped child */
                close(STDERR_FILENO);
                execl("/proc/self/exe", "test_failpoint", "child", (char *)NULL);
                _exit(99);
        }
        assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
        if (WIFSTOPPED(status)) {
                kill(pid, SIGKILL);
                assert_int_equal(waitpid(pid, NULL, 0), pid);
        }
        return status;
}

static void the_program_is_killed_at_the_pass_that_was_asked_for(void **state)
{
        int status;

        (void)state;
        status = status_with("unit.first=kill");
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        status = status_with("unit.second=kill:3");
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        status = status_with("unit.first=kill:4");
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0x40);
}

static void the_program_is_stopped(void **state)
{
        int status = status_with("unit.first=stop:2");

        (void)state;
        assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
}

static void a_failure_is_reported_at_one_pass_or_at_each(void **state)
{
        (void)state;
        assert_int_equal(WEXITSTATUS(status_with("unit.first=fail")), 0x41);
        assert_int_equal(WEXITSTATUS(status_with("unit.first=fail:3")), 0x44);
        assert_int_equal(WEXITSTATUS(status_with("unit.first=fail:*;unit.second=fail:2")), 0x57);
}

static void a_delay_holds_every_pass(void **state)
{
        int64_t began = clock_mono_ms();

        (void)state;
        assert_int_equal(WEXITSTATUS(status_with("unit.first=delay:40")), 0x40);
        assert_true(clock_mono_ms() - began >= 120);
}

static void under_a_mark_only_its_passes_count(void **state)
{
        (void)state;
        assert_int_equal(WEXITSTATUS(status_with("unit.second@101=fail")), 0x10);
        assert_int_equal(WEXITSTATUS(status_with("unit.second@101=fail:2")), 0);
        assert_int_equal(WEXITSTATUS(status_with("unit.second@100=fail;unit.second@102=fail:*")), 0x28);
        assert_int_equal(WEXITSTATUS(status_with("unit.second@77=fail:*")), 0);
}

static void what_cannot_be_understood_ends_the_program(void **state)
{
        static const char *const bad[] = {
                "unit.first",        "unit.first=",       "unit.first=explode", "unit.first=kill:0",
                "unit.first=kill:x", "unit.first=delay",  "unit.third=kill",    "unit.firs=kill",
                "unit.first=kill:",  "unit.first=stop:*", "unit.first@=kill",   "unit.first@0=kill",
                "unit.first@x=kill", "unit.first@5000=kill",
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(bad); i++)
                assert_int_equal(WEXITSTATUS(status_with(bad[i])), 1);
        assert_int_equal(WEXITSTATUS(status_with("another.program=kill;")), 0);
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                UNIT(the_program_is_killed_at_the_pass_that_was_asked_for),
                UNIT(the_program_is_stopped),
                UNIT(a_failure_is_reported_at_one_pass_or_at_each),
                UNIT(a_delay_holds_every_pass),
                UNIT(under_a_mark_only_its_passes_count),
                UNIT(what_cannot_be_understood_ends_the_program),
        };

        if (argc > 1 && strcmp(argv[1], "child") == 0)
                return child();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
static void without_failpoints_a_pass_is_never_a_hit(void **state)
{
        (void)state;
        assert_false(FAILPOINT("unit.first"));
}
UNIT_MAIN(UNIT(without_failpoints_a_pass_is_never_a_hit))
#endif
