#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* What was read from files, before any table gives it a meaning. Only for config*.c. */

#include <stdbool.h>

#include "base/config.h"
#include "base/text.h"

struct config_entry {
        char *section;
        char *name;        /* NULL: the heading of the section itself */
        struct text value; /* lines of a continued value are joined with '\n' */
        size_t source;     /* of config_file.sources */
        int line;          /* 0: the command line */
};

struct config_file {
        struct config_entry *entries; /* in the order they were read */
        size_t n, room;
        char **sources; /* names of files, for messages */
        size_t n_sources;
};

/* Reads one more source into 'f'. */
int config_file_add(struct config_file *f, const char *path, struct fault *why);
int config_file_add_source(struct config_file *f, const char *source);
/* Adds an entry of the newest source; 'name' may be NULL. */
int config_file_add_entry(struct config_file *f, const char *section, const char *name,
                          const char *value, int line);

/* True if 'section' is where 'row' is read from: for "gateway:" rows, the section of 'name', or of
 * any name when that is NULL. */
bool setting_in_section(const struct setting *row, const char *name, const char *section);
