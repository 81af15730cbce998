/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
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

/* Minutes east of UTC: "Z", "+hh:mm", "-hh:mm". */
static bool parse_zone(const char *text, long *ret)
{
        int hours, minutes, n = 0;

        *ret = 0;
        if (strcmp(text, "Z") == 0)
                return true;
        if ((*text != '+' && *text != '-') || strlen(text) != 6 ||
            strspn(text + 1, "0123456789:") != 5 ||
            sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &n) != 2 || n != 5 || hours > 23 ||
            minutes > 59)
                return false;
        *ret = (*text == '-' ? -1 : 1) * (60L * hours + minutes);
        return true;
}

bool clock_parse(const char *text, int64_t *ret_wall_ms)
{
        struct tm tm = { 0 };
        const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
        char again[24];
        long zone;
        int64_t ms;

        if (!rest || rest - text != 19 || !parse_zone(rest, &zone))
                return false;
        ms = (int64_t)timegm(&tm) * 1000;
        clock_format(ms, again, sizeof again);
        /* What is no day of the calendar, or was written otherwise, comes back different. */
        if (ms <= 0 || strncmp(again, text, 19) != 0)
                return false;
        *ret_wall_ms = ms - zone * 60000;
        return true;
}
