#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A pretended NMS: keeps circuits in memory or in a file that several processes share, goes on with
 * a call whoever waits for it, counts the calls it begins and what must never happen, and can be
 * told to fail. From a [wan:DOMAIN] section, or made from C by tests and the simulation. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/fake/injection.h"
#include "drivers/wan/wan_driver.h"

extern const struct wan_driver wan_fake;

/* In memory only, taking no time. Freed by wan_fake.close(). */
int fake_wan_new(uint32_t can, struct wan_handle **ret);
/* Lent; the next verb obeys it. A handle with a control file reads it over this. */
struct injection *fake_wan_injection(struct wan_handle *h);
/* How often an older desire came after a newer one, or two circuits had one tag at a gateway. */
int64_t fake_wan_violations(const struct wan_handle *h);
int64_t fake_wan_calls(const struct wan_handle *h);            /* that it has begun */
size_t fake_wan_count(const struct wan_handle *h);             /* circuits, whole or not */
void fake_wan_lose(struct wan_handle *h, const char *link_id); /* behind everybody's back */
/* The link of one of them after another: start with NULL; NULL at the end. Lent. */
const char *fake_wan_next(const struct wan_handle *h, const char *link_id);
