#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* What audits find at a gateway that no row knows. Inner header of the conductor. */

#include "conductor/turn.h"

/* Compares what is there (id → generation + 1 as a pointer) with the rows of 'g' and with what was found before;
 * 'described' is what the agent tells of what it was asked for. '*ret_open': so many are to be asked about once more. */
int found_take(struct turn *t, struct gateway *g, const struct map *there, const json_t *described,
               size_t *ret_open);
/* It is not there any more, or its row tells the same: what it held beside that is free. */
int found_forget(struct turn *t, struct gateway *g, struct found *f);
/* An access side that nothing uses goes as any other: out of its network, then off its gateway. */
int found_leave(struct turn *t, struct gateway *g, const struct found *f);
/* The VPN's access side at a gateway, if it was found there; its gateway's lock is held. */
struct found *found_access(struct turn *t, const char *vpn_id, const char *gateway_id);
/* What was found becomes a row: the VPN's access side at its gateway. Without a project it is a row
 * that goes. */
int found_to_attachment(struct turn *t, const struct found *f, const char *project_id,
                        const struct gateway *g, struct attachment **ret);
/* One more end uses it: it stays. */
int access_hold(struct turn *t, struct attachment *a);
/* The end has its place at its VPN's access side, if there is one, or one was found. */
int port_hold(struct turn *t, const struct vlink *l, const struct gateway *g, struct vport *p);
