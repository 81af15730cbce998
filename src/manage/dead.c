/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters: what they are, and their end. Their bytes are of anybody's making: nothing of them
 * reaches the terminal but as text. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "bus/dead.h"
#include "manage/manage.h"

/* What is done with one letter: answers of bus/dead.h. */
typedef int (*dead_act)(struct bus_dead *d, const struct bus_dead_letter *l, struct fault *why);

static void print_text(const char *text, size_t n)
{
        bool text_like = text_utf8_valid(text, n);

        for (const char *c = text; c < text + n; c++) {
                unsigned char u = (unsigned char)*c;

                if ((u >= 0x20 && u < 0x7f) || (text_like && u >= 0x80))
                        putchar(u);
                else
                        printf("\\x%02x", u);
        }
}

static void print_field(const char *name, const char *value)
{
        printf("%-10s ", name);
        print_text(value, strlen(value));
        putchar('\n');
}

static int list_one(struct bus_dead *d, const struct bus_dead_letter *l, struct fault *why)
{
        (void)d, (void)why;
        printf("%-36s %-20s ", l->id, *l->time ? l->time : "-");
        print_text(l->writer, strlen(l->writer));
        fputs("  ", stdout);
        print_text(l->reason, strlen(l->reason));
        putchar('\n');
        return MANAGE_OK;
}

static int show_one(struct bus_dead *d, const struct bus_dead_letter *l, struct fault *why)
{
        json_auto_t *doc = json_loadb(l->body, l->n, 0, NULL);
        const char *inner = json_string_value(json_object_get(doc, "oslo.message"));
        OWN(mem_free) char *pretty = NULL;
        json_auto_t *request = inner ? json_loads(inner, 0, NULL) : NULL;
        char size[32];

        (void)d, (void)why;
        snprintf(size, sizeof size, "%zu bytes", l->n);
        print_field("id", l->id);
        print_field("time", l->time);
        print_field("queue", l->queue);
        print_field("key", l->key);
        print_field("buried as", l->writer);
        print_field("reason", l->reason);
        print_field("size", size);
        pretty = request ? json_dumps(request, JSON_INDENT(2) | JSON_ENSURE_ASCII) : NULL;
        if (pretty)
                puts(pretty);
        else
                print_text(l->body, l->n), putchar('\n');
        return MANAGE_OK;
}

static int replay_one(struct bus_dead *d, const struct bus_dead_letter *l, struct fault *why)
{
        int r = bus_dead_replay(d, why);

        if (r == BUS_DEAD_OK)
                printf("%s was sent again to %s and is no dead letter any more.\n", l->id,
                       l->key[0] ? l->key : l->queue);
        return r;
}

static int drop_one(struct bus_dead *d, const struct bus_dead_letter *l, struct fault *why)
{
        int r = bus_dead_drop(d, why);

        if (r == BUS_DEAD_OK)
                printf("%s is dropped.\n", l->id);
        return r;
}

/* 'act' on the letter called 'id', or on all (NULL). */
static int each(const struct manage *m, const char *id, dead_act act)
{
        OWN(bus_dead_free) struct bus_dead *d = NULL;
        struct bus_dead_letter l = { 0 };
        struct fault why = { 0 };
        bool found = !id;
        int r = bus_dead_open(&m->settings->bus, &d, &why);

        while (r == BUS_DEAD_OK) {
                r = bus_dead_next(d, &l, &why);
                if (r != BUS_DEAD_OK || (id && strcmp(l.id, id) != 0))
                        continue;
                found = true;
                r = act(d, &l, &why);
                if (id)
                        break;
        }
        if (r < 0)
                return err_pass(r);
        if (r == BUS_DEAD_AWAY)
                return manage_refuse(&why);
        if (found)
                return fflush(stdout) == 0 ? MANAGE_OK : err_raise(-errno);
        fault_set(&why, 404, "dead.unknown",
                  "There is no dead letter %.100s; `bus dead list` shows those there are.", id);
        return manage_refuse(&why);
}

static const char *id_of(const struct manage *m)
{
        return strcmp(m->word, "all") == 0 ? NULL : m->word;
}

int dead_list(struct manage *m)
{
        return each(m, NULL, list_one);
}

int dead_show(struct manage *m)
{
        return each(m, id_of(m), show_one);
}

int dead_replay(struct manage *m)
{
        return each(m, id_of(m), replay_one);
}

int dead_drop(struct manage *m)
{
        return each(m, id_of(m), drop_one);
}
