#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* What follows a request through all programs: its request id, and W3C Trace Context's traceparent.
 * Both travel in the context of every message. */

#include <jansson.h>
#include <stdbool.h>

enum { TRACEPARENT = 56 }; /* "00-<32 hex>-<16 hex>-01" with the final NUL */

/* Lower-case version 00 with ids that are not all zero. */
bool traceparent_valid(const char *text);
/* A new span of the trace that 'parent' belongs to; NULL or an invalid one: of the trace that
 * belongs to 'request_id' ("req-<uuid>": the same wherever it is made), else of a new one. */
void traceparent_new(const char *parent, const char *request_id, char ret[TRACEPARENT]);

/* 'context' (or NULL) with "request_id" and "traceparent", made where it has none; the same object
 * if it has both. A reference for the caller; NULL: no memory. */
json_t *trace_context(const json_t *context);
