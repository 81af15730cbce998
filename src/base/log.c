/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

enum { LINE_MAX_BYTES = 4096, /* also what a pipe takes in one piece */
       SAID_MAX_BYTES = 1800 };

static const char *const level_name[] = {
        [LOG_LEVEL_DEBUG] = "DEBUG",
        [LOG_LEVEL_INFO] = "INFO",
        [LOG_LEVEL_WARN] = "WARN",
        [LOG_LEVEL_ERROR] = "ERROR",
};

static const char *log_program = "atlas";
static enum log_level log_lowest = LOG_LEVEL_INFO;
static _Thread_local const char *log_request_id;

void log_open(const char *program, enum log_level level)
{
        log_program = program;
        log_lowest = level;
}

static size_t print_head(char *line, size_t size, enum log_level level, const char *event)
{
        int64_t now_ms = clock_wall_ms();
        char time[24];
        int n;

        clock_format(now_ms, time, sizeof time);
        n = snprintf(line, size, "%.19s.%03dZ %s %s event=%s", time, (int)(now_ms % 1000),
                     level_name[level], log_program, event);
        return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
        char line[LINE_MAX_BYTES];
        size_t n, room;
        va_list args;
        int added;

        if (level < log_lowest)
                return;
        n = print_head(line, sizeof line - 1, level, event);
        room = sizeof line - 1 - n; /* keeps a byte for the new-line */
        va_start(args, format);
        added = room > 1 ? vsnprintf(line + n + 1, room - 1, format, args) : 0;
        va_end(args);
        if (added > 0) {
                line[n] = ' ';
                n += 1 + ((size_t)added < room - 1 ? (size_t)added : room - 2);
        }
        for (size_t i = 0; i < n; i++)
                if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
                        line[i] = '?';
        line[n++] = '\n';
        /* Nobody is left to tell when standard error is gone. */
        if (write(STDERR_FILENO, line, n) < 0)
                return;
}

void log_request(const char *request_id)
{
        log_request_id = request_id;
}

/* As a quoted value: without the quotes that JSON is full of. */
static void quote(const char *bytes, size_t n, char ret[SAID_MAX_BYTES])
{
        size_t kept = n < SAID_MAX_BYTES - 1 ? n : SAID_MAX_BYTES - 1;

        for (size_t i = 0; i < kept; i++)
                ret[i] = (char)(bytes[i] == '"' ? '\'' : bytes[i] ? bytes[i] : '?');
        ret[kept] = '\0';
}

void log_dialogue(const struct log_dialogue *d)
{
        enum log_level level = log_request_id ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
        char asked[SAID_MAX_BYTES], answered[SAID_MAX_BYTES];

        if (level < log_lowest)
                return;
        quote(d->asked, d->n_asked, asked);
        quote(d->answered, d->n_answered, answered);
        log_event(level, "dialogue", "request=%s peer=%s status=%d ms=%lld asked=\"%s\" answered=\"%s\"",
                  log_request_id ? log_request_id : "-", d->peer, d->status, d->took_ms, asked,
                  answered);
}

int log_allowed(struct log_limit *state, int interval_ms)
{
        long long now = clock_mono_ms();
        long long next = state->next_ms;

        if (now < next)
                return 0;
        return atomic_compare_exchange_strong(&state->next_ms, &next, now + interval_ms);
}
