#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The command line taken apart, as the tables of options and commands say. */

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"
#include "cli/options.h"

struct cli;

/* One row of the table of commands. */
struct command {
        const char *noun, *verb; /* "": the noun is a command by itself */
        const char *words;       /* what has to follow: "VPN SITE", or ""; "END..." may repeat */
        uint64_t needs, takes;   /* options, besides OPTS_COMMON */
        int (*run)(struct cli *c);
        const char *help;
};
extern const struct command commands[]; /* ended by { 0 } */

enum output_format { FORMAT_TABLE, FORMAT_JSON, FORMAT_VALUE, FORMAT_CSV, FORMAT_N };
extern const char *const output_format_name[FORMAT_N];

enum { WORDS_MAX = 8, COLUMNS_MAX = 32 };
struct arguments {
        const struct command *command; /* NULL: none was given, which is fine with --help only */
        const char *noun;              /* the one given, or NULL */
        const char *words[WORDS_MAX];  /* as many as the command has */
        size_t n_words;
        const char *value[OPT_N];      /* NULL: not given; "" for those that have none */
        const char *columns[COLUMNS_MAX];
        size_t n_columns;
        enum output_format format;
        int timeout_s;
};
/* What is kept is lent from 'argv'. ARGUMENTS_BAD: 'why' says what is wrong and what was perhaps
 * meant. */
enum { ARGUMENTS_OK, ARGUMENTS_BAD };
int arguments_read(int argc, char **argv, struct arguments *ret, struct fault *why);
static inline bool arguments_has(const struct arguments *a, enum option o)
{
        return a->value[o] != NULL;
}
