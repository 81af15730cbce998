/* SPDX-License-Identifier: Apache-2.0 */
#include "manage/manage.h"

#include "base/own.h"
#include "base/text.h"
#include "support/unit.h"

enum { ARGV_MAX = 8 };

static int run_line(const char *line)
{
        const struct manage_settings settings = { 0 };
        char *argv[ARGV_MAX + 1] = { NULL }, room[128], *save = NULL;
        int argc = 0;

        snprintf(room, sizeof room, "%s", line);
        for (char *word = strtok_r(room, " ", &save); word && argc < ARGV_MAX; word = strtok_r(NULL, " ", &save))
                argv[argc++] = word;
        return manage_run(&settings, argc, argv);
}

/* None of these may come as far as the database, of which the settings know nothing. */
static void what_is_wrong_on_the_line_is_refused(void **state)
{
        static const char *const lines[] = {
                "", "db", "db snyc", "snyc db", "db sync now", "site add", "site add a b", "site list --description x",
                "site add a --description", "bus sync --passwords x", "site add Paris", "site add caf\xc3\xa9",
                "site add aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "site add a --description=\xff",
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(lines); i++)
                assert_int_equal(run_line(lines[i]), MANAGE_REFUSED);
}

static void help_names_all_commands(void **state)
{
        OWN(text_done) struct text help = { 0 };
        size_t n = 0;

        (void)state;
        manage_help(&help);
        for (const struct manage_command *c = manage_commands; c->noun; c++, n++) {
                char words[64];

                snprintf(words, sizeof words, "  %s %s ", c->noun, c->verb);
                assert_non_null(strstr(help.bytes, words));
        }
        assert_true(n >= 5);
}

UNIT_MAIN(UNIT(what_is_wrong_on_the_line_is_refused), UNIT(help_names_all_commands))
