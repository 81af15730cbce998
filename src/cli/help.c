/* SPDX-License-Identifier: Apache-2.0 */
/* What --help prints, out of the tables. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/cli.h"

const char *const cli_exit_help[] = {
        [CLI_OK] = "done, or accepted without --wait",
        [CLI_REFUSED] = "the service refused",
        [CLI_USAGE] = "the command line is wrong",
        [CLI_FAILED] = "the operation failed",
        [CLI_UNREACHABLE] = "the service cannot be reached, or cannot answer now",
        [CLI_TIMEOUT] = "not done within --timeout; it goes on",
};
_Static_assert(sizeof cli_exit_help / sizeof *cli_exit_help == CLI_EXIT_N, "explain each");

static void add_option(struct text *to, enum option o)
{
        const struct option_row *row = &option_rows[o];
        char flag[64];

        snprintf(flag, sizeof flag, "%s%s%s", row->flag, row->value ? " " : "",
                 row->value ? row->value : "");
        text_addf(to, "  %c%c%c %-26s %s%s%s%s\n", row->letter ? '-' : ' ',
                  row->letter ? row->letter : ' ', row->letter ? ',' : ' ', flag, row->help,
                  row->variable ? " (else " : "", row->variable ? row->variable : "",
                  row->variable ? ")" : "");
}

static void add_options(struct text *to, const char *title, uint64_t set)
{
        if (set)
                text_addf(to, "\n%s:\n", title);
        for (enum option o = 0; o < OPT_N; o++)
                if (set & UINT64_C(1) << o)
                        add_option(to, o);
}

void command_title(const struct command *c, char *ret, size_t size)
{
        snprintf(ret, size, "%s%s%s%s%s", c->noun, *c->verb ? " " : "", c->verb,
                 *c->words ? " " : "", c->words);
}

const char *cli_exit_words(int at, int *ret_code)
{
        *ret_code = at < CLI_EXIT_N ? at : CLI_INTERRUPTED;
        return at < CLI_EXIT_N    ? cli_exit_help[at]
               : at == CLI_EXIT_N ? "interrupted while waiting; the operation goes on"
                                  : "";
}

static void add_command(struct text *to, const struct command *c)
{
        char words[64];

        command_title(c, words, sizeof words);
        text_addf(to, "  %-28s %s\n", words, c->help);
}

static void add_commands(struct text *to, const char *noun)
{
        for (const struct command *c = commands; c->noun; c++)
                if (!noun || text_equal(c->noun, noun))
                        add_command(to, c);
}

static void add_environment(struct text *to)
{
        text_add(
                to,
                "\nThe service and who you are come from the variables that every OpenStack client reads:\n"
                "OS_CLOUD for a cloud of clouds.yaml; OS_AUTH_URL, OS_USERNAME, OS_PASSWORD, OS_PROJECT_NAME … for Keystone\n"
                "(or OS_TOKEN, or OS_APPLICATION_CREDENTIAL_ID and _SECRET); or, where the service trusts its callers,\n"
                "OS_AUTH_TYPE=none with OS_ENDPOINT and OS_PROJECT_ID. `atlas help --man` writes all of it.\n");
}

static void add_exits(struct text *to)
{
        const char *words;
        int code;

        text_add(to, "\nExit codes:\n");
        for (int i = 0; *(words = cli_exit_words(i, &code)); i++)
                text_addf(to, "  %d  %s\n", code, words);
}

static void add_all(struct text *to, const char *noun)
{
        text_addf(
                to,
                "Usage: atlas %s COMMAND [WORD]... [OPTION]...\n\nLinks with guaranteed bandwidth between OpenStack "
                "clouds.\n\nCommands (`atlas %s COMMAND --help` tells all about one):\n",
                noun ? noun : "NOUN", noun ? noun : "NOUN");
        add_commands(to, noun);
        text_add(
                to,
                "\nNames and ids are both good. PORT may also be LINK/END, where END is a, z or a site.\n");
        add_options(to, "Options of every command", OPTS_COMMON);
        add_environment(to);
        add_exits(to);
}

static void add_one(struct text *to, const struct command *c)
{
        char title[64];

        command_title(c, title, sizeof title);
        text_addf(to, "Usage: atlas %s [OPTION]...\n\n%s: %s.\n", title,
                  *c->verb ? c->verb : c->noun, c->help);
        add_options(to, "Needed", c->needs);
        add_options(to, "Options", c->takes & ~c->needs);
        add_options(to, "Options of every command", OPTS_COMMON);
        add_exits(to);
}

int cli_help(FILE *to, const struct arguments *args)
{
        OWN(text_done) struct text text = { 0 };

        if (args->command)
                add_one(&text, args->command);
        else
                add_all(&text, args->noun);
        if (text.failed)
                return err_raise(-ENOMEM);
        return fputs(text.bytes, to) < 0 ? err_raise(-EIO) : CLI_OK;
}

bool cli_is_local(const struct arguments *args)
{
        return arguments_has(args, OPT_HELP) || arguments_has(args, OPT_VERSION) ||
               args->command->run == help || args->command->run == completion;
}

int help(struct cli *c)
{
        const struct arguments all = { 0 };

        return arguments_has(c->args, OPT_MAN) ? man_page(c->outside->out)
                                               : cli_help(c->outside->out, &all);
}

int cli_usage(struct outside *outside, const struct arguments *args, const struct fault *why)
{
        fprintf(outside->err, "atlas: %s\n  next: `atlas%s%s%s%s --help` tells how\n", why->message,
                args->noun ? " " : "", args->noun ? args->noun : "",
                args->command && *args->command->verb ? " " : "",
                args->command ? args->command->verb : "");
        return CLI_USAGE;
}

int cli_usage_of(struct cli *c, const char *what, const char *problem)
{
        struct fault why = { 0 };

        fault_set(&why, 400, "arguments.invalid", "%.100s: %s.", what, problem);
        return cli_usage(c->outside, c->args, &why);
}

int cli_run(struct outside *outside, const struct arguments *args)
{
        struct cli c = { .outside = outside, .args = args };
        int r;

        if (arguments_has(args, OPT_VERSION))
                return fprintf(outside->out, "atlas %s\n", ATLAS_VERSION) < 0 ? err_raise(-EIO)
                                                                              : CLI_OK;
        if (arguments_has(args, OPT_HELP))
                return cli_help(outside->out, args);
        r = args->command->run(&c);
        json_decref(c.sites);
        json_decref(c.gateways);
        return r < 0 ? err_pass(r) : r;
}
