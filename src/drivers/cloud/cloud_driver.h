#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of a cloud driver: the site's own Quantum or Neutron. Makes VIF-IDs, plugs a gateway's access interface
 * into a tenant's network and takes it out again without a trace. Verbs are idempotent and meet their deadline. */

#include <stddef.h>
#include <stdint.h>

#include "base/config.h"
#include "base/fault.h"
#include "drivers/ssh/ssh.h"
#include "model/vif_id.h"
#include "model/want.h"

enum { CLOUD_DONE, CLOUD_FAILED };

/* Where the attachment comes out on the gateway host. */
struct cloud_spot {
        const char *gateway;            /* name */
        const char *interface;          /* from the gateway driver */
        const struct ssh_target *host;  /* NULL: the driver needs none (fake) */
        const char *agent_host;         /* Neutron's name of that host, for binding */
};
struct plug_result {
        char network_id[ID_SIZE];
        char neutron_port_id[ID_SIZE];
};
/* A port that carries a VIF-ID of ours as device_id. */
struct cloud_found {
        bool made; /* by us; otherwise a tenant's own, which names the VIF-ID by itself */
        char vif_id[VIF_ID_SIZE];
        char port_id[ID_SIZE], network_id[ID_SIZE], project_id[PROJECT_SIZE];
};

struct cloud_handle;
struct cloud_driver {
        const char *name;               /* `driver = NAME` in [cloud]; also in VIF-IDs */
        const struct setting *settings;
        int (*open)(const struct config_file *file, struct cloud_handle **ret, struct fault *why);
        void (*close)(struct cloud_handle *c);
        /* Ensures that 'want' is plugged: finds the port by device_id (removing extras), or takes the
         * tenant's, or creates one; checks that network or port belong to want->project_id (fault 403 "cloud.not_yours") and that the network's MTU fits
         * (409 "cloud.mtu"); binds, plugs, waits for ACTIVE. Positive: CLOUD_FAILED with 'why'; what was
         * made half is taken back. */
        int (*plug)(struct cloud_handle *c, const struct plug_want *want,
                    const struct cloud_spot *spot, int64_t deadline_mono_ms,
                    struct plug_result *ret, struct fault *why);
        /* The exact inverse: our port is deleted, a tenant's own port is unbound and given back as it was. Absent already is done. */
        int (*unplug)(struct cloud_handle *c, const struct plug_want *want,
                      const struct cloud_spot *spot, int64_t deadline_mono_ms, struct fault *why);
        /* Ports whose device_id is one of 'vif_ids' (n of them); '*ret' is an array to free(). */
        int (*find)(struct cloud_handle *c, const char *const *vif_ids, size_t n,
                    int64_t deadline_mono_ms, struct cloud_found **ret, size_t *ret_n,
                    struct fault *why);
};
extern const struct cloud_driver *const cloud_drivers[];
const struct cloud_driver *cloud_driver_find(const char *name);
