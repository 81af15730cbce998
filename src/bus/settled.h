#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a channel's deliveries may be acknowledged, and how few acknowledgements say so: one
 * with 'multiple' for all below the oldest that is still out, single ones when many wait behind it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct settled {
        unsigned char *state; /* by tag, in a ring of 'room' */
        size_t room;
        uint64_t first, next; /* tags in the ring: [first, next) */
        uint64_t loose_from;  /* no loose one is below */
        size_t n_loose;       /* done, and neither acknowledged nor below the oldest that is out */
        size_t n_left;        /* of those when acknowledgements were last taken */
        size_t most_loose;    /* of those before they are acknowledged one by one */
};

/* Of a new channel; 'prefetch' is what the broker may have out. */
void settled_reset(struct settled *s, int prefetch);
void settled_free(struct settled *s);
/* Tag 'next' came. 0 or -ENOMEM. */
int settled_out(struct settled *s, uint64_t tag);
/* To be acknowledged; or 'told': it was given back already. */
void settled_done(struct settled *s, uint64_t tag, bool told);
/* Something was done since the last acknowledgements; so much that they should not wait. */
static inline bool settled_waits(const struct settled *s)
{
        return s->n_loose != s->n_left;
}
static inline bool settled_many(const struct settled *s)
{
        return s->n_loose > s->most_loose;
}
/* The acknowledgements that are due: call until false. */
bool settled_take(struct settled *s, uint64_t *ret_tag, bool *ret_multiple);
