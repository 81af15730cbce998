#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* How often a message was begun without an end. Inner header of the conductor. Functions return
 * STORE_…, or a negative error. */

#include "messages/envelope.h"
#include "model/limits.h"
#include "store/store.h"

/* What a message is counted under: its unique id, or a digest where its sender gave none. */
int redelivery_name(const struct request *q, char ret[KEY_SIZE]);
/* One more begin, committed. '*ret': how many there were, this one included. */
int redelivery_count(struct store *store, const char *name, int64_t now_ms, int64_t *ret);
/* It will not be begun again. */
int redelivery_forget(struct store *store, const char *name);
