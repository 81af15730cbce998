#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The driver hosts: for each section [wan:DOMAIN] some threads that take the domain's commands off
 * its queue and have its WAN driver carry them out, one call at a time for a link among all
 * conductors. Inner header of the conductor. */

#include "conductor/worker.h"

extern const struct setting wan_settings[]; /* keys that every [wan:DOMAIN] section has */

struct wan_hosts;
/* Reads the sections and opens their drivers. Positive: CONFIG_BAD with 'why'. */
int wan_hosts_new(const struct config_file *file, struct wan_hosts **ret, struct fault *why);
/* Lent. */
const struct wan_domain *wan_hosts_domains(const struct wan_hosts *h, size_t *ret_n);

struct wan_hosts_spec {
        struct bus *bus;
        const char *connection; /* of the database; lent */
        /* What became of a call, on a host's thread: takes the job, which settles the command when
         * its batch is committed. */
        void (*on_answer)(struct job *j, const char *link_id, void *user);
        void *user;
};
int wan_hosts_start(struct wan_hosts *h, const struct wan_hosts_spec *spec);
/* Takes nothing more and waits for calls that are at work; false: some still are, and 'h' must live
 * on. 'h' may be NULL. */
bool wan_hosts_stop(struct wan_hosts *h, int within_ms);
struct wan_hosts *wan_hosts_free(struct wan_hosts *h);
OWN_DEFINE(struct wan_hosts *, wan_hosts_free)
