#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* One line per event on standard error: time, level, program, event=..., key=value pairs. Control
 * characters in values are replaced; a value with spaces is written as key="..." by the caller.
 * Daemons log an error once, where it is handled; libraries return. */

#include <stddef.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* 'program' is lent for ever. Lines below 'level' are dropped. */
void log_open(const char *program, enum log_level level);
void log_event(enum log_level level, const char *event, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#define log_debug(event, ...) log_event(LOG_LEVEL_DEBUG, (event), __VA_ARGS__)
#define log_info(event, ...)  log_event(LOG_LEVEL_INFO, (event), __VA_ARGS__)
#define log_warn(event, ...)  log_event(LOG_LEVEL_WARN, (event), __VA_ARGS__)
#define log_error(event, ...) log_event(LOG_LEVEL_ERROR, (event), __VA_ARGS__)

/* The request that this thread works for, lent until the next call; NULL: none. */
void log_request(const char *request_id);
/* What was said to a device or a cloud, and what it answered; both are cut to what fits a line. At
 * INFO when the thread works for a request, at DEBUG when it only looks. No secret may be in it. */
struct log_dialogue {
        const char *peer, *asked, *answered;
        size_t n_asked, n_answered;
        int status; /* as the peer counts */
        long long took_ms;
};
void log_dialogue(const struct log_dialogue *d);

/* True at most once per 'interval_ms' for this call site's 'state' (zero-initialised static): a
 * line that can repeat is written `if (log_allowed(&state, 1000)) log_warn(...)`. */
struct log_limit {
        _Atomic long long next_ms;
};
int log_allowed(struct log_limit *state, int interval_ms);
