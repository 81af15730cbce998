#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's core: one command in, one event out. Checks time, form and the site's rules, calls
 * the drivers, and says what they read back. Knows no threads, no bus and no clock: the caller says
 * when the command was received and what the time is. */

#include <jansson.h>
#include <stdint.h>

#include "base/fault.h"
#include "drivers/cloud/cloud_driver.h"
#include "site-agent/gateway_unit.h"
#include "site-agent/policy.h"

struct port_site {
        const char *name;
        struct policy policy;
};
/* The cloud's driver, with a handle that nobody else uses meanwhile. */
struct port_cloud {
        const struct cloud_driver *driver;
        struct cloud_handle *handle;
};
struct port_command {
        const char *method;     /* apply, audit, plug, unplug */
        const json_t *args;     /* lent */
        const char *request_id; /* for the log; may be NULL */
        int64_t received_mono_ms;
        int64_t expiration_ms; /* AMQP expiration, or 0 */
};
struct port_event {
        const char *method; /* ports_applied, audited, plugged, unplugged */
        json_t *args;       /* owned by the receiver */
        struct fault fault; /* of the whole command, for the log and the counters */
        bool expired;
};

enum port_lane {
        LANE_GATEWAY, /* in order, one at a time per gateway */
        LANE_CLOUD,   /* in order, one at a time per attachment */
        LANE_NONE,    /* no command of ours */
};
enum port_lane port_work_lane(const char *method);
/* The gateway that a command names, or "". Lent. */
const char *port_work_gateway(const json_t *args);
/* What orders commands of the cloud lane: the attachment's id, or "". Lent. */
const char *port_work_attachment(const json_t *args);

/* Does the command and gives its event. 'unit' NULL: a gateway that this agent does not have. A
 * command of the cloud lane only reads what never changes in 'unit'. Positive: PORT_WORK_UNREADABLE
 * with 'why', when not even an answer can be addressed. */
enum { PORT_WORK_DONE, PORT_WORK_UNREADABLE };
int port_work_run(const struct port_site *site, struct gateway_unit *unit,
                  const struct port_cloud *cloud, const struct port_command *command,
                  int64_t now_mono_ms, struct port_event *ret, struct fault *why);
