#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* One `apply`: which of its wants may go to the device, and the results in the order asked. Inside
 * the core. */

#include "site-agent/port_work.h"

/* Everything a command is done with. */
struct port_work {
        const struct port_site *site;
        struct gateway_unit *unit;
        const struct port_cloud *cloud;
        const struct port_command *command;
        int64_t now_mono_ms;
};
/* Applies what form and policy allow, answers the others by themselves. With ret->fault set the
 * whole command is refused, and every object answered so. 'ret' is filled; negative only without
 * memory. */
int apply_work(const struct port_work *w, const struct apply_want *head, int64_t deadline_mono_ms,
               struct apply_result *ret);
/* The VIF-ID of an attachment at the unit's gateway: its name towards the site's cloud. */
void apply_work_vif_id(const struct port_work *w, const char *attachment_id, int64_t tag,
                       char ret[VIF_ID_SIZE]);
