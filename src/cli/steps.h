#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of operations in words for a tenant. Knows the names of workflows and states as
 * operations and events carry them. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* The sentence of the step of 'kind' ("create") from one state to the next; NULL: a step this
 * program does not know. 'plugs': the operation has to do with networks. */
const char *step_sentence(const char *kind, const char *from, const char *to, bool plugs);
/* The kind in an event's type: "create" of "virtual_link.create.step"; "" if it is of no operation.
 */
void step_kind(const char *event_type, char *ret, size_t size);
/* What a step says: its sentence, where it happened and why. 'step' has from, to, site, reason. */
void step_add(struct text *to, const char *kind, const json_t *step, bool plugs);
/* Milliseconds since 1970 of "2026-01-31T23:59:59.123Z" (with or without a fraction); 0: no such
 * time. */
int64_t step_time_ms(const char *text);
