/* SPDX-License-Identifier: Apache-2.0 */
/* Gives what was read its meaning: which options there are, and the values of a struct. */
#include "base/config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/config_file.h"
#include "base/err.h"

enum { WORDS_MAX = 256 }; /* more options than any program of ours has */

static bool has_names(const struct setting *row)
{
        return row->section[strlen(row->section) - 1] == ':';
}

bool setting_in_section(const struct setting *row, const char *name, const char *section)
{
        size_t n = strlen(row->section);

        if (!has_names(row))
                return strcmp(row->section, section) == 0;
        if (strncmp(row->section, section, n) != 0 || section[n] == '\0')
                return false;
        return !name || strcmp(section + n, name) == 0;
}

/* The nearest section when 'entry' is a heading, else the nearest option of its section. */
static const char *nearest(const struct setting *const *tables, const struct config_entry *entry)
{
        const char *words[WORDS_MAX + 1];
        char prefix[64]; /* of "gatewy:north", "gatewy:" */
        size_t n = 0;

        for (; *tables; tables++)
                for (const struct setting *row = *tables; row->name && n < WORDS_MAX; row++)
                        if (!entry->name)
                                words[n++] = row->section;
                        else if (setting_in_section(row, NULL, entry->section))
                                words[n++] = row->name;
        words[n] = NULL;
        TEXT_SET(prefix, entry->section);
        if (strchr(prefix, ':'))
                strchr(prefix, ':')[1] = '\0';
        return text_nearest(entry->name ? entry->name : prefix, words);
}

/* The section of another row that has this option's name. */
static const char *elsewhere(const struct setting *const *tables, const char *name)
{
        for (; *tables; tables++)
                for (const struct setting *row = *tables; row->name; row++)
                        if (strcmp(row->name, name) == 0)
                                return row->section;
        return NULL;
}

static bool is_known(const struct setting *const *tables, const struct config_entry *entry)
{
        for (; *tables; tables++)
                for (const struct setting *row = *tables; row->name; row++)
                        if (setting_in_section(row, NULL, entry->section) &&
                            (!entry->name || strcmp(row->name, entry->name) == 0))
                                return true;
        return false;
}

static void unknown(const struct config_file *f, const struct setting *const *tables,
                    const struct config_entry *entry, struct fault *why)
{
        const char *near = nearest(tables, entry);
        const char *other = entry->name && !near ? elsewhere(tables, entry->name) : NULL;
        struct text hint = { 0 };

        if (near && entry->name)
                text_addf(&hint, "; did you mean \"%s\"?", near);
        else if (near)
                text_addf(&hint, "; did you mean [%s%s]?", near, strchr(near, ':') ? "NAME" : "");
        else if (other)
                text_addf(&hint, "; it belongs to [%s]", other);
        if (entry->name)
                fault_set(why, 400, "config.unknown_option", "%s:%d: [%s] has no option \"%s\"%s",
                          f->sources[entry->source], entry->line, entry->section, entry->name,
                          hint.bytes ? hint.bytes : "");
        else
                fault_set(why, 400, "config.unknown_section", "%s:%d: there is no section [%s]%s",
                          f->sources[entry->source], entry->line, entry->section,
                          hint.bytes ? hint.bytes : "");
        text_done(&hint);
}

int config_check(const struct config_file *f, const struct setting *const *tables,
                 struct fault *why)
{
        for (size_t i = 0; f && i < f->n; i++)
                if (!is_known(tables, &f->entries[i])) {
                        unknown(f, tables, &f->entries[i], why);
                        return CONFIG_BAD;
                }
        return CONFIG_OK;
}

/* The last entry of 'row': the one that counts, and of a list the one whose source counts. */
static const struct config_entry *entry_of(const struct config_file *f, const struct setting *row,
                                           const char *name)
{
        for (size_t i = f ? f->n : 0; i-- > 0;) {
                const struct config_entry *entry = &f->entries[i];

                if (entry->name && strcmp(entry->name, row->name) == 0 &&
                    setting_in_section(row, name, entry->section))
                        return entry;
        }
        return NULL;
}

static void list_add(struct text *list, const char *items)
{
        static const char blanks[] = " \t\r\n";

        while (*items) {
                size_t n;

                items += strspn(items, ", \t\r\n");
                n = strcspn(items, ",");
                while (n > 0 && strchr(blanks, items[n - 1]))
                        n--;
                if (n > 0 && list->n > 0)
                        text_add(list, ",");
                text_add_n(list, items, n);
                items += n;
                items += strspn(items, blanks);
        }
}

static char *list_of(const struct config_file *f, const struct setting *row,
                     const struct config_entry *last)
{
        struct text list = { 0 };

        if (!last)
                list_add(&list, row->fallback);
        for (size_t i = 0; last && i < f->n; i++) {
                const struct config_entry *entry = &f->entries[i];

                if (entry->source == last->source && entry->name &&
                    strcmp(entry->name, row->name) == 0 &&
                    strcmp(entry->section, last->section) == 0)
                        list_add(&list, entry->value.bytes);
        }
        return text_take(&list);
}

static bool bool_read(const char *value, bool *ret)
{
        static const char *const words[][2] = {
                { "false", "true" },
                { "no", "yes" },
                { "off", "on" },
                { "0", "1" },
        };

        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
                for (int k = 0; k < 2; k++)
                        if (strcasecmp(value, words[i][k]) == 0) {
                                *ret = k;
                                return true;
                        }
        return false;
}

static void *field(const struct setting *row, void *target)
{
        return (char *)target + row->offset;
}

/* Why a value was refused, in words that fit behind "has to be". */
static void wanted(const struct setting *row, char *ret, size_t size)
{
        if (row->kind == SETTING_BOOL)
                text_copy(ret, size, "true or false");
        else
                snprintf(ret, size, "an integer from %" PRId64 " to %" PRId64, row->min, row->max);
}

/* 1: set, 0: not such a value, negative: no memory. */
static int field_set(const struct config_file *f, const struct setting *row,
                     const struct config_entry *entry, void *target)
{
        const char *value = entry ? entry->value.bytes : row->fallback;
        long long number;
        char *text;

        switch (row->kind) {
        case SETTING_INT:
                if (!text_to_int(value, row->min, row->max, &number))
                        return 0;
                *(int64_t *)field(row, target) = number;
                return 1;
        case SETTING_BOOL:
                return bool_read(value, field(row, target));
        case SETTING_LIST:
                text = list_of(f, row, entry);
                break;
        default:
                text = strdup(value);
        }
        *(char **)field(row, target) = text;
        return text ? 1 : err_raise(-ENOMEM);
}

static int row_apply(const struct config_file *f, const struct setting *row, const char *name,
                     void *target, struct fault *why)
{
        const struct config_entry *entry = entry_of(f, row, name);
        const char *suffix = name ? name : "";
        const char *source = f && f->n_sources ? f->sources[0] : "configuration";
        char expected[80];
        int r;

        if (!entry && !row->fallback) {
                fault_set(why, 400, "config.missing", "%s: [%s%s] %s has to be set: %s", source,
                          row->section, suffix, row->name, row->help);
                return CONFIG_BAD;
        }
        r = field_set(f, row, entry, target);
        if (r != 0)
                return r < 0 ? err_pass(r) : CONFIG_OK;
        wanted(row, expected, sizeof expected);
        fault_set(why, 400, "config.value", "%s:%d: [%s%s] %s has to be %s, not \"%s\"",
                  entry ? f->sources[entry->source] : "default", entry ? entry->line : 0,
                  row->section, suffix, row->name, expected,
                  entry ? entry->value.bytes : row->fallback);
        return CONFIG_BAD;
}

static bool is_text(const struct setting *row)
{
        return row->kind == SETTING_TEXT || row->kind == SETTING_SECRET ||
               row->kind == SETTING_LIST;
}

int config_apply(const struct config_file *f, const struct setting *table, const char *name,
                 void *target, struct fault *why)
{
        for (const struct setting *row = table; row->name; row++)
                if (is_text(row))
                        *(char **)field(row, target) = NULL;
        for (const struct setting *row = table; row->name; row++) {
                int r = row_apply(f, row, name, target, why);

                if (r != 0) {
                        config_done(table, target);
                        return r;
                }
        }
        return CONFIG_OK;
}

void config_done(const struct setting *table, void *target)
{
        for (const struct setting *row = table; row->name; row++)
                if (is_text(row)) {
                        char **text = field(row, target);

                        if (*text && row->kind == SETTING_SECRET)
                                explicit_bzero(*text, strlen(*text));
                        free(*text);
                        *text = NULL;
                }
}
