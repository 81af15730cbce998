#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Named places where a test can kill, stop or delay a program. Set by the environment:
 *   ATLAS_FAILPOINTS="conductor.after_commit=kill:3;agent.before_apply=delay:200"
 * Actions: kill[:n] (SIGKILL at the n-th pass, default 1), stop[:n] (SIGSTOP), delay:ms (every
 * pass), fail[:n] (failpoint_hit() is true at the n-th pass only; fail:* at each). Read once,
 * before main(). An unknown action ends the program at once with a message, and so does an unknown
 * name: one whose first word this program uses ("conductor.") without having that failpoint; names
 * of other programs are left to them. A name may end in a mark, "conductor.before_commit@102=kill":
 * then only passes count that the thread makes under this mark: for a conductor a number of a
 * workflow's row that its batch took, for an agent a generation of a port it was told of. Compiled to nothing without ATLAS_FAILPOINTS_ENABLED (release
 * builds). */

#include <stdbool.h>
#include <stdint.h>

enum { FAILPOINT_MARKS = 1024 };

#ifdef ATLAS_FAILPOINTS_ENABLED
bool failpoint_any(void); /* whether any is set: marks are needed */
void failpoint_mark(int64_t mark);
void failpoint_unmark(void); /* forgets all marks of this thread */
bool failpoint_hit(const char *name);
unsigned long failpoint_count(const char *name); /* passes so far of a failpoint that is set */
/* 'name' is a literal; it is kept in a section of its own, so that misspelt ones are found. */
#define FAILPOINT(name)                                                                            \
        __extension__({                                                                            \
                static const char *const failpoint_here_                                           \
                        __attribute__((section("atlas_failpoints"), used)) = (name);               \
                failpoint_hit(failpoint_here_);                                                    \
        })
#define FAILPOINT_ANY() failpoint_any()
#define FAILPOINT_MARK(mark) failpoint_mark(mark)
#define FAILPOINT_UNMARK() failpoint_unmark()
#else
#define FAILPOINT(name) (0)
#define FAILPOINT_ANY() (0)
#define FAILPOINT_MARK(mark) ((void)(mark))
#define FAILPOINT_UNMARK() ((void)0)
#endif
