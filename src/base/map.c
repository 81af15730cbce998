/* SPDX-License-Identifier: Apache-2.0 */
/* Linear probing; an entry that goes is filled by those behind it, so there are no tombstones. */
#include "base/map.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

struct map_slot {
        const char *key; /* NULL: free */
        void *value;
        uint64_t digest;
};

static uint64_t digest_of(const char *key)
{
        uint64_t digest = digest_text(key);

        return digest ^ digest >> 32; /* FNV's low bits alone are its weak ones */
}

/* The slot of 'key', or the free one where it belongs. There is always a free one. */
static struct map_slot *find(struct map_slot *slots, size_t room, const char *key, uint64_t digest)
{
        size_t at = digest & (room - 1);

        while (slots[at].key && (slots[at].digest != digest || strcmp(slots[at].key, key) != 0))
                at = (at + 1) & (room - 1);
        return &slots[at];
}

void *map_get(const struct map *m, const char *key)
{
        struct map_slot *slot;

        if (m->n == 0)
                return NULL;
        slot = find(m->slots, m->room, key, digest_of(key));
        return slot->key ? slot->value : NULL;
}

static int grow(struct map *m)
{
        size_t room = m->room ? 2 * m->room : 16;
        struct map_slot *slots = calloc(room, sizeof *slots);

        if (!slots)
                return -ENOMEM;
        for (size_t i = 0; i < m->room; i++)
                if (m->slots[i].key)
                        *find(slots, room, m->slots[i].key, m->slots[i].digest) = m->slots[i];
        free(m->slots);
        m->slots = slots;
        m->room = room;
        return 0;
}

int map_set(struct map *m, const char *key, void *value)
{
        uint64_t digest = digest_of(key);
        struct map_slot *slot;

        if (4 * (m->n + 1) > 3 * m->room && grow(m) < 0)
                return -ENOMEM;
        slot = find(m->slots, m->room, key, digest);
        if (!slot->key)
                m->n++;
        *slot = (struct map_slot){ .key = key, .value = value, .digest = digest };
        return 0;
}

void *map_remove(struct map *m, const char *key)
{
        struct map_slot *slot;
        size_t hole, at;
        void *value;

        if (m->n == 0)
                return NULL;
        slot = find(m->slots, m->room, key, digest_of(key));
        if (!slot->key)
                return NULL;
        value = slot->value;
        hole = at = (size_t)(slot - m->slots);
        for (;;) {
                size_t home;

                at = (at + 1) & (m->room - 1);
                if (!m->slots[at].key)
                        break;
                home = m->slots[at].digest & (m->room - 1);
                /* May move back to the hole only if its home does not lie behind the hole. */
                if (((at - home) & (m->room - 1)) < ((at - hole) & (m->room - 1)))
                        continue;
                m->slots[hole] = m->slots[at];
                hole = at;
        }
        m->slots[hole] = (struct map_slot){ 0 };
        m->n--;
        return value;
}

void *map_next(const struct map *m, size_t *at, const char **ret_key)
{
        while (*at < m->room) {
                const struct map_slot *slot = &m->slots[(*at)++];

                if (!slot->key)
                        continue;
                if (ret_key)
                        *ret_key = slot->key;
                return slot->value;
        }
        return NULL;
}

void map_done(struct map *m)
{
        free(m->slots);
        *m = (struct map){ 0 };
}
