#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A fault: why something was refused or failed, in words for the tenant, with a stable type for
 * programs. Travels in RPC failures, in events of agents, in HTTP errors, and in status_reason. */

#include <stdbool.h>
#include <stdint.h>

/* 'code' is the HTTP status that a tenant would see: 400 bad input, 403 policy, 404 unknown,
 * 409 conflict or capacity, 503 try again, 500 ours. */
struct fault {
        int code;               /* 0: no fault */
        char type[64];          /* stable dotted word: "link.bandwidth_unavailable" */
        char message[512];      /* a sentence: what, where, and what to do next */
        char details[256];      /* a JSON object in text, or "" */
        int64_t retry_after_ms; /* 0: trying again will not help by itself */
};

/* Fills 'ret' and returns its code, so that a handler can `return fault_set(...)`. The message is
 * cut at a UTF-8 boundary when too long. 'ret' may be NULL. */
int fault_set(struct fault *ret, int code, const char *type, const char *format, ...)
        __attribute__((format(printf, 4, 5)));
/* Adds details as JSON object text, made by printf; cut details are dropped whole. */
void fault_details(struct fault *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void fault_clear(struct fault *f);
static inline bool fault_is_set(const struct fault *f)
{
        return f->code != 0;
}
