#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Named places where a test can kill, stop or delay a program. Set by the environment:
 *   ATLAS_FAILPOINTS="conductor.after_commit=kill:3;agent.before_apply=delay:200"
 * Actions: kill[:n] (SIGKILL at the n-th pass, default 1), stop[:n] (SIGSTOP), delay:ms (every pass),
 * fail[:n] (failpoint_hit() is true at the n-th pass only; fail:* at each). An unknown name or action ends the program at
 * once with a message. Compiled to nothing without ATLAS_FAILPOINTS_ENABLED (release builds). */

#include <stdbool.h>

#ifdef ATLAS_FAILPOINTS_ENABLED
bool failpoint_hit(const char *name);
unsigned long failpoint_count(const char *name); /* passes so far of a failpoint that is set */
#define FAILPOINT(name) failpoint_hit(name)
#else
#define FAILPOINT(name) (0)
#endif
