/* SPDX-License-Identifier: Apache-2.0 */
#include "base/backoff.h"

#include <sys/random.h>

int backoff_next_ms(struct backoff *b, uint32_t random)
{
        int64_t base = b->first_ms;

        for (int i = 0; i < b->n_failures && base < b->limit_ms; i++)
                base *= 2;
        if (base >= b->limit_ms)
                base = b->limit_ms;
        else
                b->n_failures++;
        return (int)(base / 2 + random % (uint32_t)(base - base / 2 + 1));
}

uint32_t random_u32(void)
{
        uint32_t ret;

        /* Ends early only when a signal comes before the kernel has seeded its pool. */
        while (getrandom(&ret, sizeof ret, 0) != sizeof ret)
                ;
        return ret;
}
