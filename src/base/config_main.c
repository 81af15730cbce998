/* SPDX-License-Identifier: Apache-2.0 */
/* A program's command line, and what its tables print: the help and the sample file. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/config.h"
#include "base/config_file.h"
#include "base/err.h"

enum { HELP_COLUMNS = 79 };

static const char *const kind_name[] = {
        [SETTING_TEXT] = "text",
        [SETTING_SECRET] = "secret",
        [SETTING_INT] = "integer",
        [SETTING_BOOL] = "boolean",
        [SETTING_LIST] = "list, separated by commas",
};

static bool has_names(const struct setting *row)
{
        return row->section[strlen(row->section) - 1] == ':';
}

/* A secret has no flag, for others can read a command line; nor has a section with names. */
static bool has_flag(const struct setting *row)
{
        return row->kind != SETTING_SECRET && !has_names(row);
}

/* "--database-pool-size" of [database] pool_size. */
static void flag_of(const struct setting *row, char *ret, size_t size)
{
        bool plain = strcmp(row->section, "DEFAULT") == 0;

        snprintf(ret, size, "--%s%s%s", plain ? "" : row->section, plain ? "" : "-", row->name);
        for (char *p = ret; *p; p++)
                if (*p == '_')
                        *p = '-';
}

/* 'words' in lines of HELP_COLUMNS that each begin with 'prefix'. */
static void add_wrapped(struct text *to, const char *prefix, const char *words)
{
        size_t column = 0;

        while (*(words += strspn(words, " "))) {
                size_t n = strcspn(words, " ");

                if (column > 0 && column + 1 + n > HELP_COLUMNS) {
                        text_add(to, "\n");
                        column = 0;
                }
                text_add(to, column == 0 ? prefix : " ");
                text_add_n(to, words, n);
                column += (column == 0 ? strlen(prefix) : 1) + n;
                words += n;
        }
        text_add(to, "\n");
}

static void add_kind(struct text *to, const struct setting *row)
{
        text_add(to, kind_name[row->kind]);
        if (row->kind == SETTING_INT)
                text_addf(to, " from %" PRId64 " to %" PRId64, row->min, row->max);
        if (!row->fallback)
                text_add(to, ", required");
}

static void sample_row(const struct setting *row, struct text *to)
{
        bool shown = row->fallback && row->kind != SETTING_SECRET && *row->fallback;

        text_add(to, "\n");
        add_wrapped(to, "# ", row->help);
        text_add(to, "# (");
        add_kind(to, row);
        text_addf(to, ")\n#%s =%s%s\n", row->name, shown ? " " : "", shown ? row->fallback : "");
}

static void help_row(const struct setting *row, struct text *to)
{
        char flag[128];

        text_addf(to, "  %s: ", row->name);
        add_kind(to, row);
        if (row->fallback && *row->fallback && row->kind != SETTING_SECRET)
                text_addf(to, ", else %s", row->fallback);
        text_add(to, "\n");
        if (has_flag(row)) {
                flag_of(row, flag, sizeof flag);
                text_addf(to, "      %s=…\n", flag);
        }
        add_wrapped(to, "      ", row->help);
}

/* The first row of 'section'. */
static const struct setting *first_of(const struct setting *const *tables, const char *section)
{
        for (; *tables; tables++)
                for (const struct setting *row = *tables; row->name; row++)
                        if (strcmp(row->section, section) == 0)
                                return row;
        return NULL;
}

static void add_section(const struct setting *const *tables, const struct setting *first,
                        void (*row_add)(const struct setting *, struct text *), struct text *to)
{
        bool comment = has_names(first) && row_add == sample_row; /* NAME is nobody's name */

        text_addf(to, "\n%s[%s%s]\n", comment ? "#" : "", first->section,
                  has_names(first) ? "NAME" : "");
        for (; *tables; tables++)
                for (const struct setting *row = *tables; row->name; row++)
                        if (strcmp(row->section, first->section) == 0)
                                row_add(row, to);
}

/* Calls 'row_add' for all rows, those of one section together, in the order sections are first
 * named. */
static void each_section(const struct setting *const *tables,
                         void (*row_add)(const struct setting *, struct text *), struct text *to)
{
        for (const struct setting *const *t = tables; *t; t++)
                for (const struct setting *row = *t; row->name; row++)
                        if (row == first_of(tables, row->section))
                                add_section(tables, row, row_add, to);
}

void config_sample(const char *program, const struct setting *const *tables, struct text *ret)
{
        text_addf(
                ret,
                "# Settings of %s with their defaults. Printed by `%s --print-sample`.\n"
                "# The format is oslo.config's: \"#\" and \";\" begin a comment only at the start of\n"
                "# a line; a line that begins with blanks continues the value before it.\n",
                program, program);
        each_section(tables, sample_row, ret);
}

static void help(const char *program, const char *summary, const struct setting *const *tables,
                 struct text *to)
{
        text_addf(to, "Usage: %s [--config-file FILE]... [--SECTION-OPTION=VALUE]...\n\n", program);
        add_wrapped(to, "", summary);
        text_addf(to,
                  "\n"
                  "  --config-file FILE  read settings from FILE; may repeat, the later one wins\n"
                  "                      (else /etc/cloud-atlas/%s.conf, where it exists)\n"
                  "  --print-sample      write a configuration file with all settings\n"
                  "  --version\n"
                  "  --help\n"
                  "\nSettings, by section of the file, with the flag that overrides them:\n",
                  program);
        each_section(tables, help_row, to);
}

static int print(struct text *text)
{
        OWN(mem_free) void *bytes = text_take(text);

        if (!bytes)
                return err_raise(-ENOMEM);
        if (fputs(bytes, stdout) < 0 || fflush(stdout) != 0)
                return err_raise(-EIO);
        return CONFIG_EXIT;
}

/* The row whose flag 'argument' ("--debug=true") is; '*ret_value' is what follows "=". */
static const struct setting *row_of(const struct setting *const *tables, const char *argument,
                                    const char **ret_value)
{
        size_t n = strcspn(argument, "=");
        char flag[128];

        for (; *tables; tables++)
                for (const struct setting *row = *tables; row->name; row++) {
                        flag_of(row, flag, sizeof flag);
                        if (strlen(flag) != n || strncmp(flag, argument, n) != 0)
                                continue;
                        *ret_value = argument[n] ? argument + n + 1 : NULL;
                        return row;
                }
        return NULL;
}

/* A flag that was perhaps meant, or NULL; in 'ret' of 'size' bytes. */
static const char *near_flag(const struct setting *const *tables, const char *argument, char *ret,
                             size_t size)
{
        const char *const words[] = { ret, NULL };
        char given[128];

        snprintf(given, sizeof given, "%.*s", (int)strcspn(argument, "="), argument);
        for (; *tables; tables++)
                for (const struct setting *row = *tables; row->name; row++) {
                        flag_of(row, ret, size);
                        if (has_flag(row) && text_nearest(given, words))
                                return ret;
                }
        return NULL;
}

static int flag_add(struct config_file *f, const struct setting *const *tables,
                    const char *argument, struct fault *why)
{
        const char *value = NULL;
        const struct setting *row = row_of(tables, argument, &value);
        const char *problem = !row                                  ? "no such option; see --help"
                              : !has_flag(row)                      ? "can only be set in a file"
                              : !value && row->kind != SETTING_BOOL ? "needs =VALUE"
                                                                    : NULL;

        if (problem) {
                char flag[128];
                const char *near = row ? NULL : near_flag(tables, argument, flag, sizeof flag);

                fault_set(why, 400, "config.argument", "%.*s: %s%s%s", (int)strcspn(argument, "="),
                          argument, problem, near ? "; did you mean " : "", near ? near : "");
                return CONFIG_BAD;
        }
        return config_file_add_entry(f, row->section, row->name, value ? value : "true", 0);
}

/* The FILE of "--config-file FILE" or "--config-file=FILE"; '*at' moves to its last piece. */
static const char *file_argument(int argc, char **argv, int *at)
{
        static const char flag[] = "--config-file";
        size_t n = sizeof flag - 1;

        if (strncmp(argv[*at], flag, n) != 0)
                return NULL;
        if (argv[*at][n] == '=')
                return argv[*at] + n + 1;
        return argv[*at][n] == '\0' && *at + 1 < argc ? argv[++*at] : NULL;
}

int config_argc(int argc, char **argv)
{
        int at = 1;

        for (; at < argc && argv[at][0] == '-'; at++)
                file_argument(argc, argv, &at);
        return at < argc ? at : argc;
}

static int files_add(struct config_file *f, const char *program, int argc, char **argv,
                     struct fault *why)
{
        char usual[256];
        bool given = false;

        for (int i = 1; i < argc; i++) {
                const char *path = file_argument(argc, argv, &i);
                int r = path ? config_file_add(f, path, why) : 0;

                if (r != 0)
                        return r;
                given |= path != NULL;
        }
        snprintf(usual, sizeof usual, "/etc/cloud-atlas/%s.conf", program);
        return given || access(usual, F_OK) != 0 ? 0 : config_file_add(f, usual, why);
}

static int flags_add(struct config_file *f, const struct setting *const *tables, int argc,
                     char **argv, struct fault *why)
{
        int r = config_file_add_source(f, "command line");

        for (int i = 1; i < argc && r == 0; i++)
                if (!file_argument(argc, argv, &i))
                        r = flag_add(f, tables, argv[i], why);
        return r;
}

/* CONFIG_EXIT if one of 'argv' only wants something printed. */
static int questions(const char *program, const char *summary, const struct setting *const *tables,
                     int argc, char **argv)
{
        __attribute__((cleanup(own_text_done))) struct text text = { 0 };

        for (int i = 1; i < argc && text.n == 0; i++)
                if (file_argument(argc, argv, &i))
                        continue;
                else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
                        help(program, summary, tables, &text);
                else if (strcmp(argv[i], "--version") == 0)
                        text_addf(&text, "%s %s\n", program, ATLAS_VERSION);
                else if (strcmp(argv[i], "--print-sample") == 0)
                        config_sample(program, tables, &text);
        return text.n > 0 || text.failed ? print(&text) : CONFIG_OK;
}

int config_main(const char *program, const char *summary, const struct setting *const *tables,
                void *target, int argc, char **argv, struct config_file **ret_file)
{
        OWN(config_file_free) struct config_file *f = NULL;
        struct fault why = { 0 };
        int r = questions(program, summary, tables, argc, argv);

        if (r != CONFIG_OK)
                return r;
        f = calloc(1, sizeof *f);
        if (!f)
                return err_raise(-ENOMEM);
        r = files_add(f, program, argc, argv, &why);
        r = r ? r : flags_add(f, tables, argc, argv, &why);
        r = r ? r : config_check(f, tables, &why);
        r = r ? r : config_apply(f, tables[0], NULL, target, &why);
        if (r == CONFIG_BAD)
                fprintf(stderr, "%s: %s\n", program, why.message);
        if (r != CONFIG_OK)
                return r < 0 ? err_pass(r) : r;
        if (ret_file)
                *ret_file = TAKE(f);
        return CONFIG_OK;
}
