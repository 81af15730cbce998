#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A circuit: the way over the WAN between the access sides of a link's two ends, where a WAN driver
 * makes it (an NMS, a controller) and not the gateways. What it shall be, and what was found. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "model/limits.h"
#include "model/vlink.h"

struct circuit_end {
        char port_id[ID_SIZE]; /* the link's end */
        int64_t generation;    /* of its newest desire */
        char site[SITE_SIZE], gateway[GATEWAY_NAME_SIZE];
        char address[ADDRESS_SIZE]; /* the gateway's on the WAN */
        int64_t tag;                /* VLAN at the gateway whose frames the circuit carries */
};
/* With 'present' false only link_id, domain, the ends' port_id and generation matter. */
struct circuit_want {
        char link_id[ID_SIZE], vpn_id[ID_SIZE];
        char domain[DOMAIN_SIZE]; /* the WAN that it is on */
        char project_id[PROJECT_SIZE];
        int64_t generation; /* grows with every desire */
        bool present;
        struct circuit_end ends[SIDE_N];
        int64_t a_to_z_kbps, z_to_a_kbps; /* 0: not limited */
        int64_t mtu;
};
/* Read from the WAN. */
struct circuit_state {
        bool present;                    /* whole, with the parameters below */
        bool partial;                    /* something of it is there */
        bool working;                    /* a call for it is under way there */
        struct circuit_end ends[SIDE_N]; /* gateway and tag */
        int64_t a_to_z_kbps, z_to_a_kbps, mtu;
};
/* True when nothing is left to do. */
bool circuit_is(const struct circuit_state *s, const struct circuit_want *w);

/* As in model/want.h: decoders check every field and name the bad one. */
enum { CIRCUIT_OK, CIRCUIT_INVALID };
int circuit_want_from_json(const json_t *j, struct circuit_want *ret, struct fault *why);
json_t *circuit_want_to_json(const struct circuit_want *w);
