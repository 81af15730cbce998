#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* INI configuration as oslo.config writes it, driven by one table of settings per program: the
 * table makes the parser, --help and the sample file. Knows no program.
 *
 * Files: sections "[name]", "key = value" or "key: value"; "#" and ";" start a comment only at the
 * start of a line; a line that begins with blanks continues the value before it; values keep ';',
 * '#', '%' and quotes inside them (one pair of quotes around the whole value is dropped). Lines may
 * be long. A repeated key of a TEXT setting: the last one wins; of a LIST: they add
 * up, within one file. Unknown
 * option or section, malformed line or value: an error that names file, line and the nearest known
 * option. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/own.h"

enum setting_kind {
        SETTING_TEXT,   /* char *, never NULL after reading */
        SETTING_SECRET, /* char *, never printed */
        SETTING_INT,    /* int64_t within [min, max] */
        SETTING_BOOL,   /* bool: true/false, yes/no, on/off, 1/0 */
        SETTING_LIST,   /* char *: comma-separated, blanks around commas dropped */
};

/* One row; a table ends with { 0 }. 'section' is "DEFAULT", "database", …; a section that is
 * written once per name ("[gateway:NAME]") has the row's section "gateway:", and a table of its
 * own. */
struct setting {
        const char *section, *name;
        enum setting_kind kind;
        size_t offset;        /* of the field in the program's settings struct */
        const char *fallback; /* text as in a file; NULL: required */
        int64_t min, max;
        const char *help;
};

struct config_file;
int config_file_load(const char *path, struct config_file **ret, struct fault *why);
/* The same from memory, for tests and fuzzing; 'name' stands for the file's name in messages. */
int config_file_parse(const char *name, const char *text, size_t n, struct config_file **ret,
                      struct fault *why);
struct config_file *config_file_free(struct config_file *f);
OWN_DEFINE(struct config_file *, config_file_free)

/* Refuses what no row of 'tables' (NULL-terminated array of tables) knows. Fault.code 400 and a
 * positive answer CONFIG_BAD. */
enum { CONFIG_OK, CONFIG_BAD };
int config_check(const struct config_file *f, const struct setting *const *tables,
                 struct fault *why);
/* Overwrites the fields of 'target' that 'table' has rows for. On any answer but CONFIG_OK it owns
 * nothing afterwards. 'name' is NULL, or the NAME of a "gateway:NAME" section. 'f' may be NULL:
 * fallbacks only. Strings are owned by 'target' and freed by config_done(). */
int config_apply(const struct config_file *f, const struct setting *table, const char *name,
                 void *target, struct fault *why);
void config_done(const struct setting *table, void *target);
/* The i-th NAME of sections "prefix:NAME" in file order, or NULL. Lent. */
const char *config_section_name(const struct config_file *f, const char *prefix, size_t i);

/* What every program's run() calls first. Understands --config-file FILE (may repeat; the later one
 * wins; /etc/cloud-atlas/PROGRAM.conf where there is none and that file exists), --help, --version,
 * --print-sample (writes the sample file), and --SECTION-NAME=VALUE for settings that are not
 * secret (--debug, --database-pool-size=4). Returns CONFIG_OK, CONFIG_EXIT when the answer was
 * already printed (help), or CONFIG_BAD after printing the fault; DAEMON_MAIN turns all three into
 * exit codes. 'tables' is NULL-terminated; the first is applied to 'target', all are checked. The
 * file goes to 'ret_file' (may be NULL) for sections with names. */
enum { CONFIG_EXIT = 64 };
int config_main(const char *program, const char *summary, const struct setting *const *tables,
                void *target, int argc, char **argv, struct config_file **ret_file);
/* How many of 'argv' are the program's name and its options: where a command ("db sync") begins. */
int config_argc(int argc, char **argv);
/* The sample file of 'tables': each option with help, kind, default, commented out. */
struct text;
void config_sample(const char *program, const struct setting *const *tables, struct text *ret);
