#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's gate: one helper at a time, and no command older than one that was seen. The
 * highest (epoch, seq) is kept in a file, which is replaced whole; when it is lost, what the
 * records say is taken. */

#include <stdint.h>

#include "base/fault.h"

struct fence {
        int64_t epoch, seq;
};
enum { GATE_OK, GATE_BUSY, GATE_STALE, GATE_NO_FENCE };

/* Takes the lock in 'state_dir' (made when absent). The descriptor is passed on to children on
 * purpose: a tool that outlives a killed helper keeps the gate closed until it is done. GATE_BUSY
 * at the deadline. */
int gate_enter(const char *state_dir, int64_t deadline_mono_ms, int *ret_fd, struct fault *why);
/* GATE_NO_FENCE: there is none, or it cannot be read as one. */
int gate_fence_read(const char *state_dir, struct fence *ret);
/* On disk when it returns. */
int gate_fence_write(const char *state_dir, const struct fence *f);
int fence_compare(const struct fence *a, const struct fence *b); /* < 0: a is older */
