#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* How often a project may ask: a bucket of permissions each, filled at a steady rate; and how many
 * of its changes may be at the conductors at once, so that its queue there is no longer than that
 * for the others. For all loops of a process together. */

#include <stdbool.h>
#include <stdint.h>

#include "base/own.h"

struct rate;
/* 'per_s' permissions a second, at most 'burst' saved up; 'per_s' 0: no limit. 'open_max' 0: any
 * number. */
int rate_new(int64_t per_s, int64_t burst, int64_t open_max, struct rate **ret);
struct rate *rate_free(struct rate *r);
OWN_DEFINE(struct rate *, rate_free)
/* Takes one of the project's permissions: 0, or the milliseconds until there is one again. */
int64_t rate_take(struct rate *r, const char *project_id, int64_t now_ms);
/* One more change of the project's begins; false: it has as many as it may. Each true needs a
 * rate_end(). */
bool rate_begin(struct rate *r, const char *project_id, int64_t now_ms);
void rate_end(struct rate *r, const char *project_id);
