/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/uuid.h"

static void a_new_uuid_is_valid_of_version_7_and_unlike_the_last(void **state)
{
        char a[UUID_TEXT], b[UUID_TEXT];

        (void)state;
        for (int i = 0; i < 1000; i++) {
                uuid_new(a);
                uuid_new(b);
                assert_true(uuid_valid(a));
                assert_true(a[14] == '7' && strchr("89ab", a[19]));
                assert_string_not_equal(a, b);
        }
}

static long long time_of(const char *uuid)
{
        char hex[13];

        memcpy(hex, uuid, 8);
        memcpy(hex + 8, uuid + 9, 4);
        hex[12] = '\0';
        return strtoll(hex, NULL, 16);
}

static void a_uuid_begins_with_its_time(void **state)
{
        int64_t from_ms = clock_wall_ms();
        char a[UUID_TEXT];

        (void)state;
        uuid_new(a);
        assert_true(time_of(a) >= from_ms && time_of(a) <= clock_wall_ms());
}

static void the_hex_form_has_32_random_digits(void **state)
{
        char hex[UUID_HEX], last[UUID_HEX] = "";

        (void)state;
        for (int i = 0; i < 1000; i++) {
                uuid_new_hex(hex);
                assert_int_equal(strspn(hex, "0123456789abcdef"), 32);
                assert_int_equal(strlen(hex), 32);
                assert_true(hex[12] == '4' && strchr("89ab", hex[16]));
                assert_memory_not_equal(hex, last, 12);
                memcpy(last, hex, sizeof last);
        }
}

static void a_forked_child_makes_other_ids(void **state)
{
        char ours[UUID_HEX], theirs[UUID_HEX];
        int ends[2], status;
        pid_t pid;

        (void)state;
        uuid_new_hex(ours);
        assert_int_equal(pipe(ends), 0);
        pid = fork();
        if (pid == 0) {
                uuid_new_hex(theirs);
                _exit(write(ends[1], theirs, sizeof theirs) == sizeof theirs ? 0 : 1);
        }
        uuid_new_hex(ours);
        assert_int_equal(read(ends[0], theirs, sizeof theirs), sizeof theirs);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_string_not_equal(ours, theirs);
        close(ends[0]);
        close(ends[1]);
}

static void only_the_lower_case_form_with_dashes_is_valid(void **state)
{
        static const char *const bad[] = {
                "",
                "0e8f1c3a",
                "0E8F1C3A-1111-4222-8333-444455556666",
                "0e8f1c3a11114222833344445555666",
                "0e8f1c3a-1111-4222-8333-4444555566667",
                "0e8f1c3a-1111-4222-8333-44445555666",
                "0e8f1c3a-1111-4222-8333-44445555666g",
                "0e8f1c3a+1111-4222-8333-444455556666",
                "{e8f1c3a-1111-4222-8333-44445555666}",
        };

        (void)state;
        assert_true(uuid_valid("0e8f1c3a-1111-4222-8333-444455556666"));
        assert_false(uuid_valid(NULL));
        for (size_t i = 0; i < N_ELEMENTS(bad); i++)
                assert_false(uuid_valid(bad[i]));
}

UNIT_MAIN(UNIT(a_new_uuid_is_valid_of_version_7_and_unlike_the_last),
          UNIT(a_uuid_begins_with_its_time), UNIT(the_hex_form_has_32_random_digits),
          UNIT(a_forked_child_makes_other_ids), UNIT(only_the_lower_case_form_with_dashes_is_valid))
