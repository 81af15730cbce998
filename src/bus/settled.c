/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/settled.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"

enum { OUT, DONE, TOLD };

void settled_reset(struct settled *s, int prefetch)
{
        s->first = s->next = s->loose_from = 1;
        s->n_loose = s->n_left = 0;
        s->most_loose = prefetch <= 0 || prefetch > 256 ? 64 : (size_t)prefetch / 4;
}

void settled_free(struct settled *s)
{
        free(s->state);
        s->state = NULL;
        s->room = 0;
}

static unsigned char *at(const struct settled *s, uint64_t tag)
{
        return &s->state[tag % s->room];
}

static int grow(struct settled *s)
{
        struct settled wide = { .room = s->room ? 2 * s->room : 64 };

        wide.state = malloc(wide.room);
        if (!wide.state)
                return err_raise(-ENOMEM);
        for (uint64_t tag = s->first; tag < s->next; tag++)
                *at(&wide, tag) = *at(s, tag);
        free(s->state);
        s->state = wide.state;
        s->room = wide.room;
        return 0;
}

int settled_out(struct settled *s, uint64_t tag)
{
        if (tag - s->first >= s->room) {
                int r = grow(s);

                if (r != 0)
                        return err_pass(r);
        }
        *at(s, tag) = OUT;
        s->next = tag + 1;
        return 0;
}

void settled_done(struct settled *s, uint64_t tag, bool told)
{
        if (tag < s->first || tag >= s->next || *at(s, tag) != OUT)
                return;
        *at(s, tag) = told ? TOLD : DONE;
        s->n_loose += !told;
        if (!told && tag < s->loose_from)
                s->loose_from = tag;
}

/* Moves past all that are settled; the highest of them that is to be acknowledged, or 0. */
static uint64_t advance(struct settled *s)
{
        uint64_t highest = 0;

        for (; s->first < s->next && *at(s, s->first) != OUT; s->first++)
                if (*at(s, s->first) == DONE) {
                        highest = s->first;
                        s->n_loose--;
                }
        return highest;
}

bool settled_take(struct settled *s, uint64_t *ret_tag, bool *ret_multiple)
{
        uint64_t tag = advance(s);

        *ret_multiple = tag != 0;
        if (tag == 0 && s->n_loose > s->most_loose)
                for (tag = s->loose_from > s->first ? s->loose_from : s->first; *at(s, tag) != DONE;
                     tag++)
                        ;
        if (tag == 0) {
                s->n_left = s->n_loose;
                return false;
        }
        if (!*ret_multiple) {
                *at(s, tag) = TOLD;
                s->n_loose--;
                s->loose_from = tag + 1;
        }
        *ret_tag = tag;
        return true;
}
