#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* What a driver host does with one command, without threads and bus: the command only names a link,
 * what its circuit shall be stands in the database. Whoever works on a circuit holds its lock
 * (store_lock), from before he looks until the answer is given. */

#include <jansson.h>

#include "model/circuit.h"
#include "store/store.h"

enum { WAN_LOOK_WANTED, WAN_LOOK_NOTHING, WAN_LOOK_AWAY /* the database is */ };
/* 'request_id': of whom it is for. */
int wan_look(struct store *store, const char *link_id, struct circuit_want *ret,
             char request_id[REQUEST_ID_SIZE]);
/* The arguments of `circuit_set`: what became of 'want'; 'why' not set: it is so, and 'changed' says
 * whether it was not. NULL without memory. */
json_t *wan_answer(const struct circuit_want *want, bool changed, const struct fault *why);
