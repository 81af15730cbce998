/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "gateway-helper/gate.h"

static char dir[64];

static int make_dir(void **state)
{
        (void)state;
        strcpy(dir, "/tmp/atlas-gate-XXXXXX");
        return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
        static const char *const names[] = { "lock", "fence", "fence.new", "" };
        char path[128];

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(names); i++) {
                snprintf(path, sizeof path, "%s/%s", dir, names[i]);
                if (remove(path) != 0 && errno != ENOENT)
                        return -1;
        }
        return 0;
}

static void a_fence_reads_back_as_it_was_written(void **state)
{
        const struct fence written = { 3, INT64_MAX };
        struct fence f = { 0 };

        (void)state;
        assert_int_equal(gate_fence_read(dir, &f), GATE_NO_FENCE);
        assert_int_equal(gate_fence_write(dir, &written), 0);
        assert_int_equal(gate_fence_read(dir, &f), GATE_OK);
        assert_int_equal(fence_compare(&written, &f), 0);
}

static void a_fence_that_is_not_whole_is_none(void **state)
{
        static const char *const texts[] = { "", "1", "1 2", "1\n", " 2\n", "1 -2\n", "1 2 3\n", "1 x\n", "1 99999999999999999999\n" };
        struct fence f = { 7, 7 };
        char path[128];

        (void)state;
        snprintf(path, sizeof path, "%s/fence", dir);
        for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
                FILE *file = fopen(path, "w");

                assert_non_null(file);
                fputs(texts[i], file);
                assert_int_equal(fclose(file), 0);
                assert_int_equal(gate_fence_read(dir, &f), GATE_NO_FENCE);
                assert_int_equal(f.seq, 7);
        }
}

static void epochs_count_before_numbers(void **state)
{
        static const struct {
                struct fence a, b;
                int order;
        } cases[] = { { { 1, 9 }, { 2, 1 }, -1 }, { { 2, 1 }, { 1, 9 }, 1 }, { { 1, 1 }, { 1, 2 }, -1 },
                      { { 1, 2 }, { 1, 1 }, 1 },  { { 1, 1 }, { 1, 1 }, 0 } };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++)
                assert_int_equal(fence_compare(&cases[i].a, &cases[i].b), cases[i].order);
}

static void one_enters_and_the_next_waits_until_its_deadline(void **state)
{
        struct fault why = { 0 };
        int first, second = -1, status;
        int64_t began_ms;
        pid_t child;

        (void)state;
        assert_int_equal(gate_enter(dir, clock_mono_ms() + 5000, &first, &why), GATE_OK);
        began_ms = clock_mono_ms();
        assert_int_equal(gate_enter(dir, began_ms + 200, &second, &why), GATE_BUSY);
        assert_string_equal(why.type, "gateway.busy");
        assert_true(why.retry_after_ms > 0);
        assert_true(clock_mono_ms() - began_ms >= 200);
        /* A child keeps the gate closed after we left it. */
        child = fork();
        if (child == 0) {
                usleep(300000);
                _exit(0);
        }
        close(first);
        assert_int_equal(gate_enter(dir, clock_mono_ms() + 50, &second, &why), GATE_BUSY);
        assert_int_equal(gate_enter(dir, clock_mono_ms() + 20000, &second, &why), GATE_OK);
        assert_int_equal(waitpid(child, &status, 0), child);
        close(second);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_fence_reads_back_as_it_was_written, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(a_fence_that_is_not_whole_is_none, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(epochs_count_before_numbers, make_dir, remove_dir),
                cmocka_unit_test_setup_teardown(one_enters_and_the_next_waits_until_its_deadline, make_dir, remove_dir),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
