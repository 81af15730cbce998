#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Jittered exponential backoff: each failure doubles the base up to a limit; the wait is drawn
 * evenly from [base/2, base]. */

#include <stddef.h>
#include <stdint.h>

struct backoff {
        int first_ms, limit_ms;
        int n_failures;
};
/* The wait after one more failure. 'random' is any 32 random bits. */
int backoff_next_ms(struct backoff *b, uint32_t random);
static inline void backoff_reset(struct backoff *b)
{
        b->n_failures = 0;
}
uint32_t random_u32(void);              /* from getrandom(2) */
void random_bytes(void *ret, size_t n); /* the same, at most 256 */
