/* SPDX-License-Identifier: Apache-2.0 */
#include "base/backoff.h"

#include <assert.h>
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

void random_bytes(void *ret, size_t n)
{
        assert(n <= 256); /* what comes whole */
        /* Comes short only when a signal comes before the kernel has seeded its pool. */
        while (getrandom(ret, n, 0) != (ssize_t)n)
                ;
}

uint32_t random_u32(void)
{
        uint32_t ret;

        random_bytes(&ret, sizeof ret);
        return ret;
}
