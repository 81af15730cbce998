#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The workflows as tables, and the actions their rows share. Inner header of the conductor. */

#include "conductor/turn.h"
#include "flow/flow.h"

extern const struct flow flow_create, flow_update, flow_delete, flow_attach, flow_detach,
        flow_enable, flow_disable, flow_connect;
const struct flow *flow_of(int64_t operation_kind);
extern const char *const work_event_name[EV_N];
/* A workflow over the conductor's events, from its tables. */
#define WORKFLOW(name_, rows_, states_, start_)                                                    \
        {                                                                                          \
                .name = name_, .rows = rows_, .states = states_,                                   \
                .n_states = sizeof(states_) / sizeof *(states_), .events = work_event_name,        \
                .n_events = EV_N, .start = start_, .timeout = EV_TIMEOUT,                          \
        }

/* steps.c. Each is a row's action: returns 0, an event (enum work_event) to feed at once, or a
 * negative error. 'subject' is struct subject. */
int step_want_ports(
        void *subject); /* both ends and their access sides present, with the link's bandwidth */
int step_drop_ports(void *subject); /* both absent; an access side goes with its VPN's last port */
/* Nobody plugs 'a' for this link any more: what it was to be plugged into is free again. */
int wish_forget(struct subject *s, struct attachment *a);
int step_let_go(struct subject *s, struct vport *p); /* one end leaves its access side */
int step_rest_ports(void *subject); /* both absent, and all that they hold is kept */
int step_leave_ports(
        void *subject);       /* both asked to go, and the link with them at once (rescue.c) */
int step_plug(void *subject); /* what the link names; EV_PLUGS_OK when nothing is left to do */
int step_unplug_last(
        void *subject); /* access sides that lose their last port; EV_PLUGS_OK if none */
int step_ask_ports_again(void *subject); /* once; then EV_GAVE_UP */
int step_ask_plugs_again(void *subject);
int step_ports_settled(void *subject); /* EV_PORTS_OK if both ends are as wanted */
int step_plugs_settled(void *subject);
int step_unplug_failed(void *subject); /* those and what the operation could not plug */
int step_unplug_own(void *subject);    /* the attachment that the operation is about */

/* What one end lets through. */
struct end_limits {
        int64_t tx_kbps, rx_kbps;
};
/* Both ends present with these limits, by side. */
int step_limit_ports(struct subject *s, const struct end_limits *limits);
int step_limit_old(struct subject *s); /* what the tenant has, which no change has moved yet */

/* A link that is switched off and whose ends have both confirmed it. */
int step_settle_off(struct turn *t, struct vlink *l, struct vport *const ports[SIDE_N]);

/* Ends. */
int end_online(void *subject); /* the link works as asked */
int end_active(void *subject); /* the operation is done; the link works as it did */
int end_kept(void *subject);   /* the link stays as it was; the operation failed */
int end_error(void *subject);  /* ERROR, with the reason */
int end_gone(void *subject);   /* nothing left but history */

/* Notes why the operation fails, with the site; the first reason stays. */
void subject_reason(struct subject *s);
/* The same for an operation that has failed: it says why, even where nobody told us. */
void subject_reason_at_least(struct subject *s);
