#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The last few thousand ids of messages that were carried out, so that one that comes again is not
 * carried out again. */

#include <stdbool.h>
#include <stddef.h>

#include "base/map.h"

enum { SEEN_ID = 37, SEEN_IDS = 4096 };

struct seen {
        struct map ids;
        char (*ring)[SEEN_ID]; /* keys of 'ids', the oldest at 'at' */
        size_t at;
};

bool seen_has(const struct seen *s, const char *id);
/* Ids that are empty or longer than a UUID's text are not remembered, nor anything without memory.
 */
void seen_add(struct seen *s, const char *id);
void seen_done(struct seen *s);
