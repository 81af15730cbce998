#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Handlers of what a site's agents say. Inner header of the conductor. */

#include "conductor/turn.h"

/* A gateway's name met for the first time: all of its site are learnt, so that the batch is planned
 * anew once, not once a gateway. */
int names_refine(struct turn *t, const struct input *in);
int applied_plan(struct turn *t, const struct input *in);
int applied_handle(struct turn *t, const struct input *in, struct fault *why);
int plugged_plan(struct turn *t, const struct input *in);
int plugged_refine(struct turn *t, const struct input *in);
int plugged_handle(struct turn *t, const struct input *in, struct fault *why);
int unplugged_handle(struct turn *t, const struct input *in, struct fault *why);
int gateways_plan(struct turn *t, const struct input *in);
int gateways_refine(struct turn *t, const struct input *in);
int discovered_handle(struct turn *t, const struct input *in, struct fault *why);
int heartbeat_handle(struct turn *t, const struct input *in, struct fault *why);
int audited_plan(struct turn *t, const struct input *in);
int audited_handle(struct turn *t, const struct input *in, struct fault *why);

/* The gateway an event is about, by its site (from the routing key) and name; NULL: unknown, a
 * warning was logged. Locked. */
int event_gateway(struct turn *t, const struct input *in, struct gateway **ret);
int event_plan_gateway(struct turn *t, const struct input *in, const char *name);
/* The id of a gateway whose name was met before, or NULL. Lent. */
const char *event_gateway_known(struct turn *t, const struct input *in);
/* Objects that the device was read to hold or not; keeps the gateway's running digest. */
void held_change(struct gateway *g, const char *id, bool was, int64_t was_generation, bool is,
                 int64_t is_generation);
