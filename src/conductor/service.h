#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The conductor as a program: threads around the core. Workers gather deliveries into batches, one
 * database connection each; the keeper finds timers that are due, commands that are lost, and
 * conductors that died. */

#include "bus/bus.h"
#include "conductor/conductor.h"

struct conductor_settings {
        struct bus_settings bus;
        char *connection;
        char *host;
        char *metrics_host;
        char *notify_driver, *notify_topics;
        int64_t metrics_port;
        int64_t n_workers, batch_max, prefetch;
        int64_t redeliveries, open_max, step_percent, apply_timeout_s, audit_s, quarantine_s;
        int64_t brake_percent, brake_least;
        struct quota_limits quota;
        int64_t keep_history_days;
        bool debug;
        const struct wan_domain *wans; /* of the sections [wan:DOMAIN]; lent */
        size_t n_wans;
};
extern const struct setting conductor_settings[];
/* All tables of the conductor's file, ended by NULL. */
const struct setting *const *conductor_tables(void);

struct service;
/* Connects, and begins to consume. 'settings' is lent; 'file' has the sections with names. */
int service_new(const struct conductor_settings *settings, const struct config_file *file,
                struct service **ret, struct fault *why);
/* Stops consuming, finishes what was taken, and lets it be sent. A call of a WAN driver that is
 * still at work is left to the end of the process: another conductor goes on with it. */
struct service *service_free(struct service *s);
OWN_DEFINE(struct service *, service_free)
