/* SPDX-License-Identifier: Apache-2.0 */
#include "openstack/yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/err.h"
#include "base/own.h"
#include "base/text.h"

enum { FILE_MAX = 1 << 20 };

/* One mapping or list that is open: where in it we are. */
struct level {
        bool list;
        bool has_key; /* of a mapping: the key was read, its value comes next */
        long long n;  /* entries of a list so far */
        char *key;
        int line;
};
struct walk {
        const char *name;
        struct level levels[YAML_DEPTH_MAX];
        const char *keys[YAML_DEPTH_MAX];
        size_t depth;
        bool seen; /* a document */
        yaml_on_scalar *on_scalar;
        void *user;
        struct fault *why;
};

static int refuse(struct walk *w, size_t line, const char *problem)
{
        fault_set(w->why, 400, "yaml.invalid", "%.200s:%zu: %s.", w->name, line + 1, problem);
        return YAML_BAD;
}

/* A list's next entry gets its number as key. */
static int number(struct level *l, size_t line)
{
        char text[24];

        snprintf(text, sizeof text, "%lld", l->n++);
        free(l->key);
        l->key = strdup(text);
        l->line = (int)line + 1;
        return l->key ? YAML_OK : err_raise(-ENOMEM);
}

static int open_level(struct walk *w, const yaml_event_t *e, bool list)
{
        size_t line = e->start_mark.line;

        if (w->depth == YAML_DEPTH_MAX)
                return refuse(w, line, "it is nested too deeply");
        if (w->depth > 0) {
                struct level *l = &w->levels[w->depth - 1];

                if (!l->list && !l->has_key)
                        return refuse(w, line, "a key is a text");
                if (l->list && number(l, line) < 0)
                        return -ENOMEM;
        }
        w->levels[w->depth++] = (struct level){ .list = list };
        return YAML_OK;
}

static void close_level(struct walk *w)
{
        w->depth--;
        free(TAKE(w->levels[w->depth].key));
        if (w->depth > 0)
                w->levels[w->depth - 1].has_key = false;
}

static bool is_null(const yaml_event_t *e)
{
        const char *value = (const char *)e->data.scalar.value;

        return e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
               (!*value || text_equal(value, "~") || text_equal(value, "null"));
}

static int on_value(struct walk *w, const yaml_event_t *e)
{
        struct level *l = w->depth ? &w->levels[w->depth - 1] : NULL;
        struct yaml_scalar s = { .keys = w->keys,
                                 .n_keys = w->depth,
                                 .value = (const char *)e->data.scalar.value,
                                 .null = is_null(e) };
        size_t line = e->start_mark.line;

        if (strlen(s.value) != e->data.scalar.length)
                return refuse(w, line, "there is a NUL in it");
        if (!l) /* an empty document, or one that is a single text */
                return s.null ? YAML_OK : refuse(w, line, "it is no mapping");
        if (!l->list && !l->has_key) {
                free(l->key);
                l->key = strdup(s.value);
                l->has_key = true;
                l->line = (int)line + 1;
                return l->key ? YAML_OK : err_raise(-ENOMEM);
        }
        if (l->list && number(l, line) < 0)
                return -ENOMEM;
        l->has_key = false;
        s.line = l->line;
        for (size_t i = 0; i < w->depth; i++)
                w->keys[i] = w->levels[i].key;
        return w->on_scalar(&s, w->user, w->why);
}

static int on_event(struct walk *w, const yaml_event_t *e)
{
        size_t line = e->start_mark.line;

        switch (e->type) {
        case YAML_DOCUMENT_START_EVENT:
                if (w->seen)
                        return refuse(w, line, "a second document begins");
                w->seen = true;
                return YAML_OK;
        case YAML_ALIAS_EVENT:
                return refuse(w, line, "aliases are not understood");
        case YAML_SCALAR_EVENT:
                return e->data.scalar.anchor ? refuse(w, line, "anchors are not understood")
                                             : on_value(w, e);
        case YAML_SEQUENCE_START_EVENT:
                return e->data.sequence_start.anchor ? refuse(w, line, "anchors are not understood")
                                                     : open_level(w, e, true);
        case YAML_MAPPING_START_EVENT:
                return e->data.mapping_start.anchor ? refuse(w, line, "anchors are not understood")
                                                    : open_level(w, e, false);
        case YAML_SEQUENCE_END_EVENT:
        case YAML_MAPPING_END_EVENT:
                close_level(w);
                return YAML_OK;
        default:
                return YAML_OK;
        }
}

int yaml_walk(const char *name, const char *bytes, size_t n, yaml_on_scalar *on_scalar, void *user,
              struct fault *why)
{
        struct walk w = { .name = name, .on_scalar = on_scalar, .user = user, .why = why };
        yaml_parser_t parser;
        bool over = false;
        int r = YAML_OK;

        if (!yaml_parser_initialize(&parser))
                return err_raise(-ENOMEM);
        yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, n);
        while (r == YAML_OK && !over) {
                yaml_event_t e;

                if (!yaml_parser_parse(&parser, &e)) {
                        r = refuse(&w, parser.problem_mark.line,
                                   parser.problem ? parser.problem : "it is not YAML");
                        break;
                }
                over = e.type == YAML_STREAM_END_EVENT;
                r = on_event(&w, &e);
                yaml_event_delete(&e);
        }
        while (w.depth > 0)
                close_level(&w);
        yaml_parser_delete(&parser);
        return r < 0 ? err_pass(r) : r;
}

int yaml_walk_file(const char *path, yaml_on_scalar *on_scalar, void *user, struct fault *why)
{
        OWN(text_done) struct text all = { 0 };
        FILE *f = fopen(path, "re");
        char room[8192];
        size_t n;
        bool bad;

        if (!f) {
                fault_set(why, 400, "yaml.unreadable", "%.300s cannot be read: %s.", path,
                          strerror(errno));
                return YAML_BAD;
        }
        text_add(&all, "");
        while ((n = fread(room, 1, sizeof room, f)) > 0 && all.n <= FILE_MAX)
                text_add_n(&all, room, n);
        bad = ferror(f) || all.n > FILE_MAX;
        fclose(f);
        if (all.failed)
                return err_raise(-ENOMEM);
        if (bad) {
                fault_set(why, 400, "yaml.unreadable",
                          "%.300s cannot be read, or is longer than 1 MiB.", path);
                return YAML_BAD;
        }
        return yaml_walk(path, all.bytes, all.n, on_scalar, user, why);
}
