#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The agent of a site: takes its commands from the bus, has them done by lanes, tells the
 * conductor. */

#include <stdbool.h>
#include <stdint.h>

#include "base/config.h"
#include "bus/bus.h"
#include "site-agent/policy.h"

struct agent_settings {
        char *site, *host;
        bool debug;
        char *metrics_host;
        int64_t metrics_port;
        struct bus_settings bus;
        struct policy policy;
        char *cloud_driver;
        int64_t cloud_workers;
};
extern const struct setting agent_settings[];
/* All tables of the agent's file: its own, the gateways', the drivers'. NULL-terminated, lent. */
const struct setting *const *agent_tables(void);

struct agent;
/* Opens everything that 'file' names; touches no device and no broker yet. Positive: CONFIG_BAD
 * with 'why'. 'settings' and 'file' are lent for the agent's life. */
int agent_new(const struct agent_settings *settings, const struct config_file *file,
              struct agent **ret, struct fault *why);
/* Serves until a stop is asked; then finishes the commands in hand and acknowledges them. */
int agent_run(struct agent *a);
struct agent *agent_free(struct agent *a);
OWN_DEFINE(struct agent *, agent_free)
