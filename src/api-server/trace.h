#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* W3C Trace Context: a request's place in a trace that other services began, or a trace's
 * beginning.
 */

enum { TRACE_SIZE = 56, TRACE_ID_LENGTH = 32 };

/* Our own span "00-<trace id>-<span id>-<flags>" below the one that 'parent' (a client's header
 * "traceparent", or NULL) names; a trace of our own when it names none. */
void trace_begin(const char *parent, char ret[TRACE_SIZE]);
