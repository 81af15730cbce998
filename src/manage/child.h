#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A command of others, without a shell between: words in, its output back, over by a deadline. */

#include "base/fault.h"
#include "base/text.h"

/* Runs 'command' (words separated by blanks) with 'words' (NULL-terminated) behind, 'input' on its standard input. CHILD_FAILED: it
 * could not be started, did not end in time (and was killed) or with 0; 'why' has the last of what it said. */
enum { CHILD_OK, CHILD_FAILED };
int child_run(const char *command, const char *const *words, const struct text *input, int timeout_ms,
              struct text *ret_output, struct fault *why);
