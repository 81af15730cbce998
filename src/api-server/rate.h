#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* How often a project may ask: a bucket of permissions each, filled at a steady rate. For all loops
 * of a process together. */

#include <stdint.h>

#include "base/own.h"

struct rate;
/* 'per_s' permissions a second, at most 'burst' saved up; 'per_s' 0: no limit. */
int rate_new(int64_t per_s, int64_t burst, struct rate **ret);
struct rate *rate_free(struct rate *r);
OWN_DEFINE(struct rate *, rate_free)
/* Takes one of the project's permissions: 0, or the milliseconds until there is one again. */
int64_t rate_take(struct rate *r, const char *project_id, int64_t now_ms);
