#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events, taken apart as their bytes come. */

#include "base/text.h"

enum { SSE_ID_SIZE = 24, SSE_EVENT_MAX = 1 << 20 };

/* Start with { 0 }. */
struct sse {
        struct text line, data;
        char id[SSE_ID_SIZE],
                last_id[SSE_ID_SIZE]; /* of the event that comes; of the last whole one */
        bool after_cr, too_long;
};
/* Calls 'on_event' for each whole event with data, after 'last_id' was set. A line or an event that
 * is too long is dropped. */
void sse_feed(struct sse *s, const char *bytes, size_t n,
              void (*on_event)(void *user, const char *data), void *user);
/* The connection ended: half an event is none. */
void sse_cut(struct sse *s);
void sse_done(struct sse *s);
static inline void own_sse_done(struct sse *s)
{
        sse_done(s);
}
