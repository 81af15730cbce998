#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A service that answers as it is told, in the order it is told, and a clock that only moves when
 * somebody pauses. */

#include "cli/cli.h"

struct exchange {
        const char *method, *path; /* what has to be asked */
        const char *body;          /* JSON that has to be sent; NULL: not looked at */
        int status;                /* 0: no answer */
        const char *answer;        /* JSON; of a stream what it says */
};
struct scripted {
        struct outside outside; /* first */
        const struct exchange *next;
        int64_t now_ms;
        int n_pauses;
        int n_keys;                 /* different Idempotency-Keys that were sent */
        char key[128], header[128]; /* the first of the last call that had any */
        char *out, *err;            /* what was printed, after scripted_run() */
        size_t n_out, n_err;
};
/* Runs `atlas` with the words of 'line' against 'script' (ended by { 0 }), all of which has to be
 * used up. Gives the exit code. */
int scripted_run(struct scripted *s, const char *line, const struct exchange *script);
void scripted_done(struct scripted *s);
static inline void own_scripted_done(struct scripted *s)
{
        scripted_done(s);
}
