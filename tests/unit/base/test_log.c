/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include <unistd.h>

#include "base/log.h"

/* Runs 'write_lines' with standard error in a pipe and gives what came. */
static const char *written_by(void (*write_lines)(void))
{
        static char ret[8192];
        int old = dup(STDERR_FILENO), ends[2];
        ssize_t n;

        assert_int_equal(pipe(ends), 0);
        dup2(ends[1], STDERR_FILENO);
        close(ends[1]);
        write_lines();
        dup2(old, STDERR_FILENO);
        close(old);
        n = read(ends[0], ret, sizeof ret - 1);
        close(ends[0]);
        assert_true(n >= 0);
        ret[n] = '\0';
        return ret;
}

static void write_one(void)
{
        log_open("atlas-test", LOG_LEVEL_INFO);
        log_warn("bus_lost", "request=%s retry_ms=%d", "req-1", 250);
}

static void a_line_is_time_level_program_event_and_pairs(void **state)
{
        int year, ms, n = 0;

        (void)state;
        sscanf(written_by(write_one),
               "%d-%*d-%*dT%*d:%*d:%*d.%dZ WARN atlas-test event=bus_lost request=req-1 retry_ms=250\n%n",
               &year, &ms, &n);
        assert_true(n > 0 && year >= 2020 && ms >= 0 && ms < 1000);
}

static void write_control(void)
{
        log_error("input", "name=%s", "a\nb\033[1m");
}

static void control_characters_cannot_forge_a_line(void **state)
{
        const char *line;

        (void)state;
        line = written_by(write_control);
        assert_non_null(strstr(line, "name=a?b?[1m\n"));
        assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void write_long(void)
{
        char words[6000];

        memset(words, 'w', sizeof words - 1);
        words[sizeof words - 1] = '\0';
        log_info("long", "words=%s", words);
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
        const char *line;

        (void)state;
        line = written_by(write_long);
        assert_in_range(strlen(line), 4000, 4096);
        assert_true(line[strlen(line) - 1] == '\n');
}

static void write_low(void)
{
        log_open("atlas-test", LOG_LEVEL_WARN);
        log_info("quiet", "%s", "");
        log_warn("loud", "%s", "");
}

static void lines_below_the_level_are_dropped(void **state)
{
        const char *lines;

        (void)state;
        lines = written_by(write_low);
        assert_null(strstr(lines, "quiet"));
        assert_non_null(strstr(lines, "loud"));
}

static void a_limited_line_is_allowed_once_in_its_interval(void **state)
{
        struct log_limit limit = { 0 }, other = { 0 };

        (void)state;
        assert_true(log_allowed(&limit, 3600000));
        assert_false(log_allowed(&limit, 3600000));
        assert_true(log_allowed(&other, 0));
        assert_true(log_allowed(&other, 0));
}

static void write_dialogues(void)
{
        static char asked[6000];
        struct log_dialogue d = { .peer = "gw-a", .asked = "{\"verb\": \"apply\"}", .n_asked = 17,
                                  .answered = "a\nb", .n_answered = 3, .took_ms = 7 };

        log_open("atlas-test", LOG_LEVEL_INFO);
        log_dialogue(&d); /* only looks: not at this level */
        log_request("req-7");
        log_dialogue(&d);
        memset(asked, 'x', sizeof asked);
        d.asked = asked;
        d.n_asked = sizeof asked;
        log_dialogue(&d);
        log_request(NULL);
}

static void a_dialogue_stands_under_its_request_in_one_line(void **state)
{
        const char *lines = written_by(write_dialogues);

        (void)state;
        assert_non_null(strstr(lines, "event=dialogue request=req-7 peer=gw-a status=0 ms=7 asked=\"{'verb': 'apply'}\" "
                                      "answered=\"a?b\"\n"));
        assert_non_null(strstr(lines, "xxx\" answered=\"a?b\"\n"));
        assert_null(strstr(lines, "request=-"));
}

UNIT_MAIN(UNIT(a_line_is_time_level_program_event_and_pairs),
          UNIT(control_characters_cannot_forge_a_line), UNIT(a_long_line_is_cut_and_still_ends),
          UNIT(lines_below_the_level_are_dropped),
          UNIT(a_limited_line_is_allowed_once_in_its_interval),
          UNIT(a_dialogue_stands_under_its_request_in_one_line))
