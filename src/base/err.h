#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The negative third of our answers: a -errno that nobody here expected, with the places it passed.
 * 0 is success; a positive number is an answer listed in the header of the call that gives it. */

/* Starts a trace for 'r' (negative) in this thread, returns 'r'. */
#define err_raise(r) err_raise_at((r), __FILE__, __LINE__, __func__)
/* Adds a line to the trace and hands 'r' up unchanged. */
#define err_pass(r) err_pass_at((r), __FILE__, __LINE__, __func__)

int err_raise_at(int r, const char *file, int line, const char *function);
int err_pass_at(int r, const char *file, int line, const char *function);

/* This thread's last trace as one line: "EIO at pg.c:31 pg_flush < batch.c:88 batch_run". Lent
 * until the thread's next err_raise(). */
const char *err_trace(void);
