#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Ctrl-C while something goes on elsewhere: says how to look at it, and leaves it alone. */

/* From now on SIGINT and SIGTERM write 'say' to standard error and end the program with 'status'.
 */
void interrupt_say(const char *say, int status);
/* Back to what the system does. */
void interrupt_clear(void);
