#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Watching: events as they are committed, to all who watch and wait in one loop. One question to
 * the database for all of them, asked when a conductor hints that it committed something, and four
 * times a second; never one for each watcher, but for what it missed. */

#include "api-server/resource.h"

struct api_loop;
struct call;

/* GET /v1/events: with "Accept: text/event-stream" a stream, else a list. */
void events_list(struct call *c);

/* The seconds a client would wait ("Prefer: wait=N"), at most EVENTS_WAIT_MAX_S; 0: none. */
enum { EVENTS_WAIT_MAX_S = 60 };
int events_wait_s(const struct call *c);
/* Answers the call when the operation ended, or after its 'wait_s': with the object as it is then,
 * 'done_status' (204: nothing is shown) when it ended well, else 202. */
void events_wait(struct call *c, const struct resource *r, const char *object_id,
                 const char *operation_id, int wait_s, int done_status);

/* Something was committed. From any thread. */
void events_hint(struct api_loop *loop);
/* At the loop's end, when its reader is gone. */
void events_done(struct api_loop *loop);
