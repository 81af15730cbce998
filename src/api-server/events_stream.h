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
/* Calls 'then' when the operation ended, or after 'wait_s', or when the loop ends: 'done' when it
 * ended well. */
void events_wait(struct call *c, const char *operation_id, int wait_s,
                 void (*then)(struct call *c, bool done));

/* Something was committed. From any thread. */
void events_hint(struct api_loop *loop);
/* At the loop's end, when its reader is gone. */
void events_done(struct api_loop *loop);
