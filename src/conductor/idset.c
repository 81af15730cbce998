/* SPDX-License-Identifier: Apache-2.0 */
/* A set of texts that keeps the order of adding. */
#include "conductor/turn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

int idset_add(struct idset *s, const char *text)
{
        char *copy;
        int r;

        if (!text || !*text || map_get(&s->known, text))
                return 0;
        if (s->n == s->room) {
                size_t room = s->room ? s->room * 2 : 32;
                char **texts = realloc(s->texts, room * sizeof *texts);

                if (!texts)
                        return err_raise(-ENOMEM);
                s->texts = texts;
                s->room = room;
        }
        copy = strdup(text);
        r = copy ? map_set(&s->known, copy, copy) : -ENOMEM;
        if (r < 0) {
                free(copy);
                return err_raise(r);
        }
        s->texts[s->n++] = copy;
        return 0;
}

void idset_done(struct idset *s)
{
        for (size_t i = 0; i < s->n; i++)
                free(s->texts[i]);
        free(s->texts);
        map_done(&s->known);
        *s = (struct idset){ 0 };
}
