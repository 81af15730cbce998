/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a configuration file, read as oslo.config reads them. Messages quote names, never
 * values: a value may be a secret. */
#include "base/config_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum { FILE_BYTES_MAX = 4 << 20 };

static const char blanks[] = " \t\v\f";

struct config_file *config_file_free(struct config_file *f)
{
        if (!f)
                return NULL;
        for (size_t i = 0; i < f->n; i++) {
                free(f->entries[i].section);
                free(f->entries[i].name);
                text_done(&f->entries[i].value);
        }
        for (size_t i = 0; i < f->n_sources; i++)
                free(f->sources[i]);
        free(f->entries);
        free(f->sources);
        free(f);
        return NULL;
}

int config_file_add_source(struct config_file *f, const char *source)
{
        char **sources = reallocarray(f->sources, f->n_sources + 1, sizeof *sources);

        if (!sources)
                return err_raise(-ENOMEM);
        f->sources = sources;
        sources[f->n_sources] = strdup(source);
        if (!sources[f->n_sources])
                return err_raise(-ENOMEM);
        f->n_sources++;
        return 0;
}

int config_file_add_entry(struct config_file *f, const char *section, const char *name,
                          const char *value, int line)
{
        struct config_entry *entry;

        if (f->n == f->room) {
                size_t room = f->room ? 2 * f->room : 32;

                entry = reallocarray(f->entries, room, sizeof *entry);
                if (!entry)
                        return err_raise(-ENOMEM);
                f->entries = entry;
                f->room = room;
        }
        entry = &f->entries[f->n++];
        *entry = (struct config_entry){ .source = f->n_sources - 1, .line = line };
        entry->section = strdup(section);
        entry->name = name ? strdup(name) : NULL;
        text_add(&entry->value, value);
        if (!entry->section || (name && !entry->name) || entry->value.failed)
                return err_raise(-ENOMEM);
        return 0;
}

struct reader {
        struct config_file *file;
        const char *source;
        const char *section; /* NULL: none begun */
        int line;
        bool open; /* the newest entry may be continued */
        struct fault *why;
};

static int refuse(const struct reader *r, const char *problem)
{
        fault_set(r->why, 400, "config.syntax", "%s:%d: %s", r->source, r->line, problem);
        return CONFIG_BAD;
}

static char *trim_end(char *from, char *end)
{
        while (end > from && strchr(blanks, end[-1]))
                end--;
        *end = '\0';
        return from;
}

static char *trim(char *text)
{
        text += strspn(text, blanks);
        return trim_end(text, text + strlen(text));
}

static char *unquote(char *value)
{
        size_t n = strlen(value);

        if (n == 0 || value[0] != value[n - 1] || (value[0] != '"' && value[0] != '\''))
                return value;
        value[n - 1] = '\0';
        return n > 1 ? value + 1 : value;
}

static int read_heading(struct reader *r, char *line)
{
        size_t n = strlen(line);

        if (line[n - 1] != ']')
                return refuse(r, "a section's name has to end with \"]\"");
        if (n <= 2)
                return refuse(r, "the section has no name");
        line[n - 1] = '\0';
        r->section = line + 1; /* lives in the text being read */
        return config_file_add_entry(r->file, r->section, NULL, "", r->line);
}

static int read_assignment(struct reader *r, char *line)
{
        size_t n = strcspn(line, "=:");
        char *name = line;

        if (line[n] == '\0')
                return refuse(r, "expected \"option = value\", \"[section]\" or a comment");
        line[n] = '\0';
        trim_end(name, line + n);
        if (*name == '\0')
                return refuse(r, "there is no option before the \"=\"");
        if (!r->section)
                return refuse(r, "an option has to stand in a section, such as [DEFAULT]");
        r->open = true;
        return config_file_add_entry(r->file, r->section, name, unquote(trim(line + n + 1)),
                                     r->line);
}

/* One line without its end and without blanks behind it. */
static int read_line(struct reader *r, char *line)
{
        struct text *value = r->open ? &r->file->entries[r->file->n - 1].value : NULL;

        if (*line == ' ' || *line == '\t') {
                if (!value)
                        return refuse(r, "the line begins with blanks but continues no option");
                text_add(value, "\n");
                text_add(value, trim(line));
                return value->failed ? err_raise(-ENOMEM) : 0;
        }
        r->open = false;
        switch (*line) {
        case '\0':
        case '#':
        case ';':
                return 0;
        case '[':
                return read_heading(r, line);
        default:
                return read_assignment(r, line);
        }
}

/* 'text' is writable, ends with a NUL at 'n', and is cut to pieces. */
static int read_text(struct reader *r, char *text, size_t n)
{
        char *end = text + n;

        for (char *line = text, *next; line < end; line = next) {
                char *stop = line + strcspn(line, "\r\n");
                int k;

                next = *stop == '\r' && stop[1] == '\n' ? stop + 2 : stop + 1;
                r->line++;
                if (stop < end && *stop == '\0')
                        return refuse(r, "there is a NUL byte");
                if (!text_utf8_valid(line, (size_t)(stop - line)))
                        return refuse(r, "this is not UTF-8");
                k = read_line(r, trim_end(line, stop));
                if (k != 0)
                        return k;
        }
        return 0;
}

static int add_text(struct config_file *f, const char *name, const char *text, size_t n,
                    struct fault *why)
{
        struct reader r = { .file = f, .source = name, .why = why };
        OWN(mem_free) void *copy = malloc(n + 1);
        int k;

        if (!copy)
                return err_raise(-ENOMEM);
        if (n > 0)
                memcpy(copy, text, n);
        ((char *)copy)[n] = '\0';
        k = config_file_add_source(f, name);
        return k ? k : read_text(&r, copy, n);
}

int config_file_parse(const char *name, const char *text, size_t n, struct config_file **ret,
                      struct fault *why)
{
        OWN(config_file_free) struct config_file *f = calloc(1, sizeof *f);
        int r;

        if (!f)
                return err_raise(-ENOMEM);
        r = add_text(f, name, text, n, why);
        if (r != 0)
                return r;
        *ret = TAKE(f);
        return 0;
}

int config_file_add(struct config_file *f, const char *path, struct fault *why)
{
        struct text text = { 0 };
        FILE *stream = fopen(path, "re");
        char piece[4096];
        int error = stream ? 0 : errno, r;
        size_t n;

        while (stream && text.n <= FILE_BYTES_MAX &&
               (n = fread(piece, 1, sizeof piece, stream)) > 0)
                text_add_n(&text, piece, n);
        if (stream && ferror(stream))
                error = errno;
        if (stream)
                fclose(stream);
        if (error != 0 || text.n > FILE_BYTES_MAX) {
                fault_set(why, 400, "config.file", "%s: cannot read this file: %s", path,
                          strerror(error ? error : EFBIG));
                r = CONFIG_BAD;
        } else if (text.failed) {
                r = err_raise(-ENOMEM);
        } else {
                r = add_text(f, path, text.bytes, text.n, why);
        }
        text_done(&text);
        return r;
}

int config_file_load(const char *path, struct config_file **ret, struct fault *why)
{
        OWN(config_file_free) struct config_file *f = calloc(1, sizeof *f);
        int r;

        if (!f)
                return err_raise(-ENOMEM);
        r = config_file_add(f, path, why);
        if (r != 0)
                return r;
        *ret = TAKE(f);
        return 0;
}

const char *config_section_name(const struct config_file *f, const char *prefix, size_t i)
{
        size_t n = strlen(prefix);

        for (size_t at = 0; f && at < f->n; at++) {
                const struct config_entry *entry = &f->entries[at];
                bool again = false;

                if (entry->name || strncmp(entry->section, prefix, n) != 0 || !entry->section[n])
                        continue;
                for (size_t before = 0; before < at && !again; before++)
                        again = !f->entries[before].name &&
                                strcmp(f->entries[before].section, entry->section) == 0;
                if (!again && i-- == 0)
                        return entry->section + n;
        }
        return NULL;
}
