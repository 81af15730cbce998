/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { TIMEOUT_S = 300, TIMEOUT_MAX_S = 86400, SUGGESTIONS_MAX = 64 };

const char *const output_format_name[] = {
        [FORMAT_TABLE] = "table",
        [FORMAT_JSON] = "json",
        [FORMAT_VALUE] = "value",
        [FORMAT_CSV] = "csv",
};
_Static_assert(sizeof output_format_name / sizeof *output_format_name == FORMAT_N, "name each");

static int refuse(struct fault *why, const char *word, const char *problem, const char *near)
{
        fault_set(why, 400, "arguments.invalid", "%.100s: %s%s%s%s", word, problem,
                  near ? "; did you mean " : "", near ? near : "", near ? "?" : ".");
        return ARGUMENTS_BAD;
}

/* ---- options ---- */

/* The option that 'word' is ("--name", "--name=x", "-c", "-cid"); its value, if the same word has
 * one. OPT_N: none. */
static enum option option_of(const char *word, const char **ret_value)
{
        size_t n = strcspn(word, "=");

        *ret_value = NULL;
        for (enum option o = 0; o < OPT_N; o++) {
                const struct option_row *row = &option_rows[o];

                if (word[1] == '-' && strlen(row->flag) == n && strncmp(row->flag, word, n) == 0) {
                        *ret_value = word[n] ? word + n + 1 : NULL;
                        return o;
                }
                if (row->letter && word[1] == row->letter) {
                        *ret_value = word[2] ? word + 2 : NULL;
                        return o;
                }
        }
        return OPT_N;
}

static int refuse_option(struct fault *why, const char *word)
{
        const char *flags[OPT_N + 1] = { NULL };
        char given[64];

        for (enum option o = 0; o < OPT_N; o++)
                flags[o] = option_rows[o].flag;
        snprintf(given, sizeof given, "%.*s", (int)strcspn(word, "="), word);
        return refuse(why, given, "no such option", text_nearest(given, flags));
}

static int column_add(struct arguments *a, const char *value, struct fault *why)
{
        if (a->n_columns == COLUMNS_MAX)
                return refuse(why, "--column", "is given too often", NULL);
        a->columns[a->n_columns++] = value;
        return ARGUMENTS_OK;
}

static int option_take(struct arguments *a, int argc, char **argv, int *at, struct fault *why)
{
        const char *value;
        enum option o = option_of(argv[*at], &value);
        const struct option_row *row = &option_rows[o];

        if (o == OPT_N)
                return refuse_option(why, argv[*at]);
        if (!row->value && value)
                return refuse(why, row->flag, "takes no value", NULL);
        if (row->value && !value) {
                if (*at + 1 >= argc)
                        return refuse(why, row->flag, "needs a value", NULL);
                value = argv[++*at];
        }
        if (o == OPT_COLUMN)
                return column_add(a, value, why);
        if (a->value[o] && row->value)
                return refuse(why, row->flag, "is given twice", NULL);
        a->value[o] = value ? value : "";
        return ARGUMENTS_OK;
}

/* ---- the command ---- */

static const char *near_noun(const char *word)
{
        const char *words[SUGGESTIONS_MAX + 1] = { NULL };
        size_t n = 0;

        for (const struct command *c = commands; c->noun && n < SUGGESTIONS_MAX; c++)
                words[n++] = c->noun;
        return text_nearest(word, words);
}

static const char *near_verb(const char *noun, const char *word)
{
        const char *words[SUGGESTIONS_MAX + 1] = { NULL };
        size_t n = 0;

        for (const struct command *c = commands; c->noun && n < SUGGESTIONS_MAX; c++)
                if (text_equal(c->noun, noun))
                        words[n++] = c->verb;
        return text_nearest(word, words);
}

static int command_find(struct arguments *a, const char *const *words, size_t n, struct fault *why)
{
        if (n == 0)
                return arguments_has(a, OPT_HELP) || arguments_has(a, OPT_VERSION)
                               ? ARGUMENTS_OK
                               : refuse(why, "atlas",
                                        "a command is missing, such as `atlas link list`", NULL);
        for (const struct command *c = commands; c->noun; c++) {
                if (!text_equal(c->noun, words[0]))
                        continue;
                a->noun = c->noun;
                if (!*c->verb) {
                        a->command = c;
                        return ARGUMENTS_OK;
                }
                if (n > 1 && text_equal(c->verb, words[1])) {
                        a->command = c;
                        return ARGUMENTS_OK;
                }
        }
        if (!a->noun)
                return refuse(why, words[0], "no such command", near_noun(words[0]));
        if (n > 1)
                return refuse(why, words[1], "no such command", near_verb(a->noun, words[1]));
        return arguments_has(a, OPT_HELP)
                       ? ARGUMENTS_OK
                       : refuse(why, a->noun, "what to do with it is missing", NULL);
}

/* The words after the verb, one for each that the command names. */
static int words_take(struct arguments *a, const char *const *words, size_t n, struct fault *why)
{
        const char *name = a->command->words;
        char missing[32];

        for (size_t i = 0; *name; i++) {
                size_t length = strcspn(name, " ");
                bool repeats = length > 3 && memcmp(name + length - 3, "...", 3) == 0;

                if (i >= n) {
                        snprintf(missing, sizeof missing, "%.*s", (int)length, name);
                        return refuse(why, missing, "is missing", NULL);
                }
                if (!*words[i])
                        return refuse(why, "\"\"", "is no name and no id", NULL);
                a->words[a->n_words++] = words[i];
                if (repeats && i + 1 < n && i + 1 < WORDS_MAX)
                        continue;
                name += length;
                name += strspn(name, " ");
                if (!*name && i + 1 < n)
                        return refuse(why, words[i + 1], "is one word too many", NULL);
        }
        if (!a->command->words[0] && n > 0)
                return refuse(why, words[0], "is one word too many", NULL);
        return ARGUMENTS_OK;
}

static int options_check(const struct arguments *a, struct fault *why)
{
        uint64_t known = OPTS_COMMON | a->command->needs | a->command->takes;
        char command[64];

        snprintf(command, sizeof command, "not an option of `atlas %s%s%s`", a->command->noun,
                 *a->command->verb ? " " : "", a->command->verb);
        for (enum option o = 0; o < OPT_N; o++) {
                uint64_t bit = UINT64_C(1) << o;

                if (a->value[o] && !(known & bit))
                        return refuse(why, option_rows[o].flag, command, NULL);
                if (!a->value[o] && a->command->needs & bit)
                        return refuse(why, option_rows[o].flag, "is missing", NULL);
        }
        return ARGUMENTS_OK;
}

static int values_check(struct arguments *a, struct fault *why)
{
        const char *format = a->value[OPT_FORMAT], *timeout = a->value[OPT_TIMEOUT],
                   *limit = a->value[OPT_LIMIT];
        long long n;

        if (format) {
                while (a->format < FORMAT_N && !text_equal(format, output_format_name[a->format]))
                        a->format++;
                if (a->format == FORMAT_N)
                        return refuse(why, format,
                                      "no such format; there are table, json, value and csv", NULL);
        }
        if (timeout) {
                if (!text_to_int(timeout, 1, TIMEOUT_MAX_S, &n))
                        return refuse(why, "--timeout", "must be seconds from 1 to 86400", NULL);
                if (!a->value[OPT_WAIT])
                        return refuse(why, "--timeout", "goes with --wait", NULL);
                a->timeout_s = (int)n;
        }
        if (limit && !text_to_int(limit, 1, 1000000, &n))
                return refuse(why, "--limit", "must be a number from 1 to 1000000", NULL);
        return ARGUMENTS_OK;
}

int arguments_read(int argc, char **argv, struct arguments *ret, struct fault *why)
{
        struct arguments a = { .timeout_s = TIMEOUT_S };
        const char *words[WORDS_MAX + 3];
        size_t n = 0;
        bool only_words = false;
        int r = ARGUMENTS_OK;

        for (int i = 1; i < argc && r == ARGUMENTS_OK; i++) {
                if (!only_words && strcmp(argv[i], "--") == 0)
                        only_words = true;
                else if (!only_words && argv[i][0] == '-' && argv[i][1])
                        r = option_take(&a, argc, argv, &i, why);
                else if (n == sizeof words / sizeof *words)
                        r = refuse(why, argv[i], "is one word too many", NULL);
                else
                        words[n++] = argv[i];
        }
        r = r ? r : command_find(&a, words, n, why);
        if (r == ARGUMENTS_OK && a.command && !arguments_has(&a, OPT_HELP) &&
            !arguments_has(&a, OPT_VERSION)) {
                size_t skip = *a.command->verb ? 2 : 1;

                r = words_take(&a, words + skip, n - skip, why);
                r = r ? r : options_check(&a, why);
                r = r ? r : values_check(&a, why);
        }
        *ret = a;
        return r;
}
