/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/cell.h"
#include "cli/order.h"

enum { PATH_SIZE = 64, NAMES_MAX = 64 };

/* Columns that may be long, and are then broken into lines. */
static const char *const long_columns[] = { "description", "status_reason", "reason", "what",
                                            "value" };

/* The columns to print. */
struct names {
        char path[NAMES_MAX][PATH_SIZE];
        size_t n;
};

static bool has_word(const char *words, const char *word)
{
        size_t n = strlen(word);

        while (words && *words) {
                size_t length = strcspn(words, " ");

                if (length == n && strncmp(words, word, n) == 0)
                        return true;
                words += length;
                words += strspn(words, " ");
        }
        return false;
}

static void names_add(struct names *s, const char *name, size_t n)
{
        if (s->n < NAMES_MAX && n < PATH_SIZE)
                memcpy(s->path[s->n++], name, n);
}

static void names_of_words(struct names *s, const char *words)
{
        while (words && *words) {
                size_t n = strcspn(words, " ");

                names_add(s, words, n);
                words += n;
                words += strspn(words, " ");
        }
}

static void names_of_object(struct names *s, const json_t *object, const char *hidden)
{
        void *at = json_object_iter((json_t *)(uintptr_t)object);

        for (; at; at = json_object_iter_next((json_t *)(uintptr_t)object, at)) {
                const char *key = json_object_iter_key(at);

                if (!has_word(hidden, key))
                        names_add(s, key, strlen(key));
        }
}

static int refuse_column(const char *column, const json_t *object, struct fault *why)
{
        struct names known = { 0 };
        const char *words[NAMES_MAX + 1] = { NULL };
        const char *near;
        OWN(text_done) struct text all = { 0 };

        names_of_object(&known, object, NULL);
        for (size_t i = 0; i < known.n; i++) {
                words[i] = known.path[i];
                text_add(&all, i ? ", " : "");
                text_add(&all, known.path[i]);
        }
        near = text_nearest(column, words);
        fault_set(why, 400, "arguments.invalid", "There is no column %.60s%s%s; there are: %s.",
                  column, near ? ", did you mean " : "", near ? near : "",
                  all.bytes ? all.bytes : "none");
        return OUTPUT_NO_COLUMN;
}

/* Those asked for, if 'object' (NULL: none at hand) has them; else the usual ones. */
static int names_choose(const struct output *o, const json_t *object, bool one, struct names *ret,
                        struct fault *why)
{
        for (size_t i = 0; i < o->n_columns; i++) {
                if (object && !cell_find(object, o->columns[i]))
                        return refuse_column(o->columns[i], object, why);
                names_add(ret, o->columns[i], strlen(o->columns[i]));
        }
        if (o->n_columns == 0 && one)
                names_of_object(ret, object, o->hidden);
        else if (o->n_columns == 0)
                names_of_words(ret, o->usual);
        return OUTPUT_OK;
}

/* ---- json ---- */

static json_t *picked(const json_t *object, const struct names *names)
{
        json_t *ret = json_object();

        for (size_t i = 0; i < names->n && ret; i++) {
                json_t *value = cell_find(object, names->path[i]);

                json_object_set(ret, names->path[i], value ? value : json_null());
        }
        return ret;
}

static int print_json(const struct output *o, const json_t *value)
{
        if (json_dumpf(value, o->to, JSON_INDENT(2)) != 0 || fputs("\n", o->to) < 0)
                return err_raise(-EIO);
        return OUTPUT_OK;
}

static int json_list(const struct output *o, const json_t *list, const struct names *names)
{
        json_auto_t *few = NULL;
        const json_t *object;
        size_t i;

        if (o->n_columns == 0)
                return print_json(o, list);
        few = json_array();
        json_array_foreach (list, i, object) {
                if (json_array_append_new(few, picked(object, names)) != 0)
                        return err_raise(-ENOMEM);
        }
        return few ? print_json(o, few) : err_raise(-ENOMEM);
}

/* ---- value and csv ---- */

static void csv_add(struct text *to, const char *cell)
{
        if (!cell[strcspn(cell, ",\"\r\n")]) {
                text_add(to, cell);
                return;
        }
        text_add(to, "\"");
        for (; *cell; cell++)
                text_add_n(to, *cell == '"' ? "\"\"" : cell, *cell == '"' ? 2 : 1);
        text_add(to, "\"");
}

static void row_add(const struct output *o, struct text *to, const json_t *object,
                    const struct names *names, const char *between)
{
        for (size_t i = 0; i < names->n; i++) {
                OWN(text_done) struct text cell = { 0 };

                cell_add(&cell, cell_find(object, names->path[i]));
                text_add(to, i ? between : "");
                if (o->format == FORMAT_CSV)
                        csv_add(to, cell.bytes ? cell.bytes : "");
                else
                        text_add(to, cell.bytes ? cell.bytes : "");
                to->failed |= cell.failed;
        }
        text_add(to, "\n");
}

static int print_text(const struct output *o, struct text *text)
{
        OWN(mem_free) void *bytes = text_take(text);

        if (!bytes)
                return err_raise(-ENOMEM);
        return fputs(bytes, o->to) < 0 ? err_raise(-EIO) : OUTPUT_OK;
}

/* 'list' row by row, cells with 'between' them. */
static int print_rows(const struct output *o, const json_t *list, const struct names *names,
                      const char *between)
{
        OWN(text_done) struct text text = { 0 };
        const json_t *object;
        size_t i;

        if (o->format == FORMAT_CSV) {
                for (size_t k = 0; k < names->n; k++) {
                        text_add(&text, k ? "," : "");
                        csv_add(&text, names->path[k]);
                }
                text_add(&text, "\n");
        }
        json_array_foreach (list, i, object)
                row_add(o, &text, object, names, between);
        return print_text(o, &text);
}

/* ---- table ---- */

static inline struct libscols_table *table_free(struct libscols_table *t)
{
        scols_unref_table(t);
        return NULL;
}
OWN_DEFINE(struct libscols_table *, table_free)

static struct libscols_table *table_new(const struct output *o)
{
        struct libscols_table *t = scols_new_table();
        int fd = fileno(o->to);

        if (!t)
                return NULL;
        scols_table_set_stream(t, o->to);
        scols_table_set_termforce(t, fd >= 0 && isatty(fd) ? SCOLS_TERMFORCE_AUTO
                                                           : SCOLS_TERMFORCE_NEVER);
        return t;
}

static bool table_column(struct libscols_table *t, const char *name)
{
        int flags = 0;

        for (size_t i = 0; i < sizeof long_columns / sizeof *long_columns; i++)
                if (strcmp(name, long_columns[i]) == 0)
                        flags = SCOLS_FL_WRAP;
        return scols_table_new_column(t, name, 0, flags) != NULL;
}

static bool table_cell(struct libscols_line *line, size_t column, const json_t *value)
{
        OWN(text_done) struct text cell = { 0 };

        cell_add(&cell, value);
        return !cell.failed && scols_line_set_data(line, column, cell.bytes ? cell.bytes : "") == 0;
}

static int table_print(struct libscols_table *t, bool fine)
{
        if (!fine)
                return err_raise(-ENOMEM);
        return scols_print_table(t) < 0 ? err_raise(-EIO) : OUTPUT_OK;
}

static int table_list(const struct output *o, const json_t *list, const struct names *names)
{
        OWN(table_free) struct libscols_table *t = table_new(o);
        bool fine = t != NULL;
        const json_t *object;
        size_t i;

        for (size_t k = 0; fine && k < names->n; k++)
                fine = table_column(t, names->path[k]);
        json_array_foreach (list, i, object) {
                struct libscols_line *line = fine ? scols_table_new_line(t, NULL) : NULL;

                fine = line != NULL;
                for (size_t k = 0; fine && k < names->n; k++)
                        fine = table_cell(line, k, cell_find(object, names->path[k]));
        }
        return table_print(t, fine);
}

static int table_one(const struct output *o, const json_t *object, const struct names *names)
{
        OWN(table_free) struct libscols_table *t = table_new(o);
        bool fine = t && table_column(t, "field") && table_column(t, "value");

        for (size_t k = 0; fine && k < names->n; k++) {
                struct libscols_line *line = scols_table_new_line(t, NULL);

                fine = line && scols_line_set_data(line, 0, names->path[k]) == 0 &&
                       table_cell(line, 1, cell_find(object, names->path[k]));
        }
        return table_print(t, fine);
}

/* ---- what to print how ---- */

/* Whether all that 'sort' names is there. */
static int check_sort(const char *sort, const json_t *object, struct fault *why)
{
        char path[PATH_SIZE];
        bool down;

        while (order_next(&sort, path, sizeof path, &down))
                if (object && !cell_find(object, path))
                        return refuse_column(path, object, why);
        return OUTPUT_OK;
}

int output_list(const struct output *o, const json_t *list, struct fault *why)
{
        struct names names = { 0 };
        json_auto_t *sorted = NULL;

        if (names_choose(o, json_array_get(list, 0), false, &names, why) ||
            check_sort(o->sort, json_array_get(list, 0), why))
                return OUTPUT_NO_COLUMN;
        if (o->sort) {
                sorted = order_list(list, o->sort);
                if (!sorted)
                        return err_raise(-ENOMEM);
                list = sorted;
        }
        switch (o->format) {
        case FORMAT_JSON:
                return json_list(o, list, &names);
        case FORMAT_VALUE:
                return print_rows(o, list, &names, " ");
        case FORMAT_CSV:
                return print_rows(o, list, &names, ",");
        case FORMAT_TABLE:
        case FORMAT_N:
                break;
        }
        return json_array_size(list) ? table_list(o, list, &names) : OUTPUT_OK;
}

int output_one(const struct output *o, const json_t *object, struct fault *why)
{
        struct names names = { 0 };
        json_auto_t *few = NULL;

        if (names_choose(o, object, true, &names, why))
                return OUTPUT_NO_COLUMN;
        if (o->format == FORMAT_TABLE)
                return table_one(o, object, &names);
        if (o->format == FORMAT_JSON && o->n_columns == 0)
                return print_json(o, object);
        few = o->format == FORMAT_JSON ? picked(object, &names) : json_pack("[O]", object);
        if (!few)
                return err_raise(-ENOMEM);
        if (o->format == FORMAT_JSON)
                return print_json(o, few);
        return print_rows(o, few, &names, o->format == FORMAT_CSV ? "," : "\n");
}
