#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* One child process at a time: an argv (never a shell), bytes for its standard input, both outputs,
 * and a deadline after which it is killed. The gateway's own tools (ip, tc, ovs-vsctl, ovs-ofctl)
 * are all that runs here. */

#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/text.h"

/* PROCESS_FAILED: it ended with another status than 0, or could not be started; PROCESS_TIMEOUT: it
 * was killed at the deadline. Both fill 'why' (type "gateway.device_error" and, to be tried again,
 * "gateway.device_timeout") with the first line the tool wrote to its standard error. */
enum { PROCESS_OK, PROCESS_FAILED, PROCESS_TIMEOUT };

/* Runs argv[0] as found on PATH; 'argv' ends with NULL, 'input' may be NULL. Outputs are added to
 * 'out' and 'err' (either may be NULL) even when it failed; '*ret_status' (may be NULL) is the exit
 * status, 128 + the signal, or -1 when it was not started. */
int process_run(const char *const *argv, const char *input, size_t n_input,
                int64_t deadline_mono_ms, struct text *out, struct text *err, int *ret_status,
                struct fault *why);

/* The first line of what a tool said, without its control characters and the time stamps of Open
 * vSwitch's log lines. */
void process_complaint(const char *err, size_t n, char *ret, size_t size);
