/* SPDX-License-Identifier: Apache-2.0 */
/* What happened last, and the first thing that must not be. */
#include <stdarg.h>
#include <stdio.h>

#include "sim/sim.h"

uint64_t random_next(struct random *r)
{
        uint64_t z = r->state += 0x9e3779b97f4a7c15; /* splitmix64 */

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
}

void sim_new_id(struct sim *s, char ret[ID_SIZE])
{
        uint64_t high = random_next(&s->ids), low = random_next(&s->ids);

        snprintf(ret, ID_SIZE, "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(high >> 32),
                 (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xfff), (unsigned)(low >> 48 & 0xfff),
                 (unsigned long long)(low & 0xffffffffffff));
}

void sim_trace(struct sim *s, const char *format, ...)
{
        char *line = s->trace[s->n_trace++ % TRACE_LINES];
        int n = snprintf(line, sizeof s->trace[0], "%8.3f ", (double)(s->now_ms % 100000000) / 1000);
        va_list args;

        va_start(args, format);
        vsnprintf(line + n, sizeof s->trace[0] - (size_t)n, format, args);
        va_end(args);
        if (s->verbose)
                printf("%s\n", line);
}

void sim_broken(struct sim *s, const char *format, ...)
{
        va_list args;

        if (s->broken[0])
                return;
        va_start(args, format);
        vsnprintf(s->broken, sizeof s->broken, format, args);
        va_end(args);
        sim_trace(s, "BROKEN %.200s", s->broken);
}

void sim_trace_print(const struct sim *s)
{
        size_t first = s->n_trace > TRACE_LINES ? s->n_trace - TRACE_LINES : 0;

        for (size_t i = first; i < s->n_trace; i++)
                printf("  %s\n", s->trace[i % TRACE_LINES]);
}
