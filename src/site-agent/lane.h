#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A worker thread with its queue: one per gateway, and some for the site's cloud. Does one task
 * at a time, in the order they were put. */

#include "site-agent/port_work.h"
#include "site-agent/task.h"

struct lane_spec {
        struct outbox *outbox; /* lent for the lane's life, as the rest */
        const struct port_site *site;
        const struct config_file *file;
        const struct cloud_driver *cloud;
        const char *gateway; /* NULL: a lane of the cloud */
};
/* Opens drivers from the file; lane_start() starts its thread. Positive: CONFIG_BAD with 'why'. */
int lane_new(const struct lane_spec *spec, struct lane **ret, struct fault *why);
int lane_start(struct lane *l);
/* Asks the thread to finish the task in hand and to give the others back to the broker; and waits
 * for it. */
void lane_ask_stop(struct lane *l);
void lane_join(struct lane *l);
struct lane *lane_free(struct lane *l);
OWN_DEFINE(struct lane *, lane_free)

void lane_put(struct lane *l, struct task *t);
/* NULL for a lane of the cloud. Only what never changes may be read. */
struct gateway_unit *lane_unit(struct lane *l);
/* A copy of what was last seen of the gateway. */
void lane_seen(struct lane *l, struct gateway_seen *ret);
