/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"

#include "cli/cli.h"
#include "support/unit.h"

enum { ARGV_MAX = 32 };

/* Splits 'line' at blanks; the words live in 'room'. */
static int read_line(const char *line, char room[256], struct arguments *ret, struct fault *why)
{
        static char program[] = "atlas";
        char *argv[ARGV_MAX + 1] = { program };
        int argc = 1;
        char *save = NULL;

        snprintf(room, 256, "%s", line);
        for (char *word = strtok_r(room, " ", &save); word && argc < ARGV_MAX;
             word = strtok_r(NULL, " ", &save))
                argv[argc++] = word;
        return arguments_read(argc, argv, ret, why);
}

static void words_and_options_stand_in_any_order(void **state)
{
        static const char *const lines[] = {
                "link create x --vpn v --a-site e --z-site w --bandwidth 20M -f json -c id -cname --wait --timeout 9",
                "--format=json --wait link --vpn=v create --timeout=9 --column id x --column=name --a-site e --z-site=w --bandwidth 20M",
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(lines); i++) {
                struct arguments a;
                struct fault why = { 0 };
                char room[256];

                assert_int_equal(read_line(lines[i], room, &a, &why), ARGUMENTS_OK);
                assert_ptr_equal(a.command->run, vlink_create);
                assert_string_equal(a.words[0], "x");
                assert_string_equal(a.value[OPT_VPN], "v");
                assert_int_equal(a.format, FORMAT_JSON);
                assert_int_equal(a.n_columns, 2);
                assert_string_equal(a.columns[0], "id");
                assert_string_equal(a.columns[1], "name");
                assert_true(arguments_has(&a, OPT_WAIT));
                assert_int_equal(a.timeout_s, 9);
        }
}

static void after_two_dashes_there_are_only_words(void **state)
{
        struct arguments a;
        struct fault why = { 0 };
        char room[256];

        (void)state;
        assert_int_equal(read_line("vpn create --type ovs -- --odd", room, &a, &why), ARGUMENTS_OK);
        assert_string_equal(a.words[0], "--odd");
        assert_int_equal(a.timeout_s, 300);
}

static void each_mistake_is_named(void **state)
{
        static const struct {
                const char *line, *message;
        } rows[] = {
                { "", "atlas: a command is missing, such as `atlas link list`." },
                { "lnk list", "lnk: no such command; did you mean link?" },
                { "link", "link: what to do with it is missing." },
                { "vpn add-sit v s", "add-sit: no such command; did you mean add-site?" },
                { "link show", "LINK: is missing." },
                { "vpn add-site v", "SITE: is missing." },
                { "link list x", "x: is one word too many." },
                { "link show x y", "y: is one word too many." },
                { "link list --nmae x", "--nmae: no such option; did you mean --name?" },
                { "link list --bandwidth 1M", "--bandwidth: not an option of `atlas link list`." },
                { "link list -x", "-x: no such option." },
                { "vpn create x", "--type: is missing." },
                { "vpn create x --type", "--type: needs a value." },
                { "vpn create x --type a --type b", "--type: is given twice." },
                { "link delete x --wait=yes", "--wait: takes no value." },
                { "link delete x --timeout 5", "--timeout: goes with --wait." },
                { "link delete x --wait --timeout soon",
                  "--timeout: must be seconds from 1 to 86400." },
                { "link list -f yaml",
                  "yaml: no such format; there are table, json, value and csv." },
                { "link list --limit 0", "--limit: must be a number from 1 to 1000000." },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                struct arguments a;
                struct fault why = { 0 };
                char room[256];

                assert_int_equal(read_line(rows[i].line, room, &a, &why), ARGUMENTS_BAD);
                assert_string_equal(why.message, rows[i].message);
        }
}

static void help_needs_nothing_else(void **state)
{
        static const char *const lines[] = { "--help", "-h", "link --help", "link create --help",
                                             "--version" };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(lines); i++) {
                struct arguments a;
                struct fault why = { 0 };
                char room[256];

                assert_int_equal(read_line(lines[i], room, &a, &why), ARGUMENTS_OK);
        }
}

/* Each command names a noun that can be listed, and no option both as needed and as allowed. */
static void the_last_word_may_repeat_where_the_command_says_so(void **state)
{
        static const struct {
                const char *line;
                size_t n; /* 0: refused */
        } cases[] = {
                { "connect a --bandwidth 1M", 0 },
                { "connect a b --bandwidth 1M", 2 },
                { "connect a b c d e f g h --bandwidth 1M", 8 },
                { "connect a b c d e f g h i --bandwidth 1M", 0 },
                { "vpn add-site a b", 2 },
                { "vpn add-site a b c", 0 },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                struct arguments a;
                struct fault why = { 0 };
                char room[256];

                assert_int_equal(read_line(cases[i].line, room, &a, &why), cases[i].n ? ARGUMENTS_OK : ARGUMENTS_BAD);
                if (cases[i].n)
                        assert_int_equal(a.n_words, cases[i].n);
        }
}

static void the_table_of_commands_is_sound(void **state)
{
        size_t n = 0;

        (void)state;
        for (const struct command *c = commands; c->noun; c++, n++) {
                assert_true(!*c->verb || noun_of(c->noun));
                assert_non_null(c->run);
                assert_non_null(c->help);
                assert_int_equal(c->needs & c->takes, 0);
                assert_int_equal((c->needs | c->takes) & OPTS_COMMON, 0);
                assert_true(!(c->takes & OPTS(TIMEOUT)) || c->takes & OPTS(WAIT));
                for (const struct command *other = commands; other < c; other++)
                        assert_false(strcmp(c->noun, other->noun) == 0 &&
                                     strcmp(c->verb, other->verb) == 0);
        }
        assert_true(n > 20);
}

UNIT_MAIN(UNIT(words_and_options_stand_in_any_order), UNIT(after_two_dashes_there_are_only_words),
          UNIT(each_mistake_is_named), UNIT(help_needs_nothing_else),
          UNIT(the_last_word_may_repeat_where_the_command_says_so), UNIT(the_table_of_commands_is_sound))
