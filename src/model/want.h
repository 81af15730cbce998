#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* What a gateway shall hold and what it was found to hold: the declarative currency between
 * conductor, agents and drivers. JSON forms: docs/contracts.md. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/own.h"
#include "model/limits.h"

struct port_want {
        char id[ID_SIZE], link_id[ID_SIZE], vpn_id[ID_SIZE], attachment_id[ID_SIZE];
        char project_id[PROJECT_SIZE];
        int64_t generation;
        bool present;
        char site[SITE_SIZE], peer_site[SITE_SIZE];
        int64_t local_label, peer_label;
        char peer_address[ADDRESS_SIZE];
        int64_t tx_kbps, rx_kbps; /* site → WAN, WAN → site; 0: not limited */
        int64_t mtu;
        char peer_object[OBJECT_SIZE]; /* what the other end made; "" unless they exchange */
};
struct attachment_want {
        char id[ID_SIZE], vpn_id[ID_SIZE];
        char project_id[PROJECT_SIZE];
        int64_t generation;
        bool present;
        int64_t tag;
};
struct plug_want {
        char id[ID_SIZE], vpn_id[ID_SIZE]; /* attachment's id */
        char project_id[PROJECT_SIZE];
        int64_t generation;
        char vif_id[VIF_ID_SIZE];
        int64_t tag, mtu;
        char network_id[ID_SIZE], port_id[ID_SIZE], neutron_port_id[ID_SIZE];
};
/* Read back from the device. 'fault' set: not as wanted, and why. */
struct want_result {
        char id[ID_SIZE];
        int64_t generation;
        bool present;
        char vif_id[VIF_ID_SIZE]; /* attachments only */
        char object[OBJECT_SIZE]; /* ports of drivers that exchange: what this end made for the
                                     other */
        struct fault fault;
};

/* What an object at a gateway is, as the gateway itself tells it. */
struct object_detail {
        char id[ID_SIZE];
        char link_id[ID_SIZE]; /* "": it is an attachment */
        char vpn_id[ID_SIZE];
        int64_t generation;
        int64_t number; /* its label or tag */
        int64_t peer_label;
        char peer_address[ADDRESS_SIZE];
        int64_t tx_kbps, rx_kbps, mtu;
        char vif_id[VIF_ID_SIZE];
};

/* A command for one gateway. Arrays are owned. */
struct apply_want {
        char gateway[GATEWAY_NAME_SIZE];
        int64_t epoch, seq, timeout_ms;
        struct port_want *ports;
        size_t n_ports;
        struct attachment_want *attachments;
        size_t n_attachments;
};
struct apply_result {
        bool expired;
        struct fault fault;        /* the whole command failed; results may be missing */
        struct want_result *ports; /* same order as asked when complete */
        size_t n_ports;
        struct want_result *attachments;
        size_t n_attachments;
};
void apply_want_done(struct apply_want *w);
void apply_result_done(struct apply_result *r);
/* For OWN(apply_result_done) struct apply_result r = { 0 }; */
static inline void own_apply_want_done(struct apply_want *w)
{
        apply_want_done(w);
}
static inline void own_apply_result_done(struct apply_result *r)
{
        apply_result_done(r);
}

/* Decoders check every field (form, ranges) and name the bad one: WANT_INVALID. Encoders return a
 * new reference or NULL without memory. */
enum { WANT_OK, WANT_INVALID };
int port_want_from_json(const json_t *j, struct port_want *ret, struct fault *why);
json_t *port_want_to_json(const struct port_want *w);
int attachment_want_from_json(const json_t *j, struct attachment_want *ret, struct fault *why);
json_t *attachment_want_to_json(const struct attachment_want *w);
int plug_want_from_json(const json_t *j, struct plug_want *ret, struct fault *why);
json_t *plug_want_to_json(const struct plug_want *w);
int object_detail_from_json(const json_t *j, struct object_detail *ret, struct fault *why);
json_t *object_detail_to_json(const struct object_detail *d);
/* Only gateway, epoch, seq and timeout_ms: for who answers a bad port want alone and applies its
 * neighbours. */
int apply_want_head_from_json(const json_t *args, struct apply_want *ret, struct fault *why);
int apply_want_from_json(const json_t *args, struct apply_want *ret, struct fault *why);
json_t *apply_want_to_json(const struct apply_want *w);
int apply_result_from_json(const json_t *args, struct apply_result *ret, struct fault *why);
/* The args of `ports_applied`. */
json_t *apply_result_to_json(const struct apply_want *w, const struct apply_result *r);
json_t *fault_to_json(const struct fault *f);
/* False when 'j' is no fault object; then '*ret' is untouched. */
bool fault_from_json(const json_t *j, struct fault *ret);
