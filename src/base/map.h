#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map from text keys to pointers (open addressing). Keys are lent: they must live as long as
 * the entry, and usually stand inside the value. Not for several threads. */

#include <stddef.h>

struct map {
        struct map_slot *slots;
        size_t n, room; /* entries; slots (a power of two or 0) */
};

void *map_get(const struct map *m, const char *key);      /* NULL: not there */
int map_set(struct map *m, const char *key, void *value); /* replaces; 0 or -ENOMEM */
void *map_remove(struct map *m, const char *key);         /* the value, or NULL */
/* Walks in unspecified order: start with *at = 0; NULL at the end. The map must not change. */
void *map_next(const struct map *m, size_t *at, const char **ret_key);
void map_done(struct map *m); /* frees slots, not values */
