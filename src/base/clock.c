/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <time.h>

static int64_t now_us(clockid_t id)
{
        struct timespec t;

        clock_gettime(id, &t);
        return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_mono_ms(void)
{
        return now_us(CLOCK_MONOTONIC) / 1000;
}

int64_t clock_mono_us(void)
{
        return now_us(CLOCK_MONOTONIC);
}

int64_t clock_wall_ms(void)
{
        return now_us(CLOCK_REALTIME) / 1000;
}

void clock_format(int64_t wall_ms, char *ret, size_t size)
{
        time_t seconds = (time_t)(wall_ms / 1000);
        struct tm tm;

        if (size == 0)
                return;
        if (wall_ms == 0 || !gmtime_r(&seconds, &tm) ||
            strftime(ret, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
                ret[0] = '\0';
}
