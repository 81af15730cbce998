/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/seen.h"

#include <stdlib.h>
#include <string.h>

bool seen_has(const struct seen *s, const char *id)
{
        return map_get(&s->ids, id) != NULL;
}

void seen_add(struct seen *s, const char *id)
{
        size_t n = strlen(id);
        char *place;

        if (n == 0 || n >= SEEN_ID || seen_has(s, id))
                return;
        if (!s->ring && !(s->ring = calloc(SEEN_IDS, sizeof *s->ring)))
                return;
        place = s->ring[s->at];
        if (*place)
                map_remove(&s->ids, place);
        memcpy(place, id, n + 1);
        if (map_set(&s->ids, place, place) != 0) {
                *place = '\0';
                return;
        }
        s->at = (s->at + 1) % SEEN_IDS;
}

void seen_done(struct seen *s)
{
        map_done(&s->ids);
        free(s->ring);
        *s = (struct seen){ 0 };
}
