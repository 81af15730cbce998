#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A fault as the body of an HTTP error:
 * {"error": {"code", "type", "title", "message", "detail", "details", "request_id"}}. */

#include "base/fault.h"
#include "base/text.h"

void problem_render(const struct fault *f, const char *request_id, struct text *ret);
/* The faults that more than one place needs; each returns its code. */
int problem_unknown(struct fault *ret, const char *noun, const char *id);
int problem_internal(struct fault *ret);
int problem_unavailable(struct fault *ret, const char *what);
