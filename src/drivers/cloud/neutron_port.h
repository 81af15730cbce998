#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A Neutron port as we use it, and the mark we leave in its binding:profile, which only the operator's users may
 * write: that a port is ours, and what a tenant's own port was before. Opens no connection. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/want.h"

#define NEUTRON_DEVICE_OWNER "network:cloud-atlas"

/* Texts are lent by the JSON they were read from; what is missing is "". */
struct neutron_port {
        const char *id, *network_id, *project_id;
        const char *device_id, *device_owner, *mac, *status, *created_at;
        const char *host_id, *vif_type;
        bool admin_state_up;
        int64_t revision;               /* 0: Neutron does not tell */
        const json_t *profile, *mark;   /* NULL: none */
};
/* False when 'j' is no port: its ids or its MAC address are missing or malformed. */
bool neutron_port_read(const json_t *j, struct neutron_port *ret);
/* Whether the port carries the mark of this attachment, and whether we made it (else it is a tenant's). */
bool neutron_port_is_marked(const struct neutron_port *p, const char *attachment_id);
bool neutron_port_is_made(const struct neutron_port *p);
/* Bound to 'host' by a mechanism that works, with all that we write in place. */
bool neutron_port_is_ready(const struct neutron_port *p, const struct plug_want *want,
                           const char *host);

/* Bodies of POST and PUT. New references; NULL without memory. */
json_t *neutron_port_make(const struct plug_want *want, const char *host, bool port_security);
/* Takes a port over, or puts right one that was taken or made before: its mark keeps what it said first. */
json_t *neutron_port_take(const struct neutron_port *p, const struct plug_want *want,
                          const char *host);
/* The inverse: each field that still has our value gets the one from before. */
json_t *neutron_port_give_back(const struct neutron_port *p);
