#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenFlow side of one link: its two flows in the gateway's bridge, and the lines in which
 * `ovs-ofctl diff-flows` says how the switch differs from what it should hold. */

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "gateway-helper/record.h"

/* Our mark (16 bits) and the digest of the port's id (48 bits): whose flow it is. */
uint64_t flow_cookie(const char *port_id);
bool flow_cookie_is_ours(uint64_t cookie);

/* Where a link's frames go in and out of the bridge. */
struct flow_place {
        int64_t ofport, wan_ofport, local_label;
        const char *wan_address;
};
/* Adds the two flows of a link, each line led by 'verb' ("" or "add "). Site → WAN: an Ethernet
 * frame is wrapped in the peer's label and a frame to the peer. WAN → site: only frames to our own
 * address with our label, unwrapped. */
void flow_lines(const struct record *r, const struct flow_place *at, const char *verb,
                struct text *ret);

/* A line of diff-flows. */
struct flow_difference {
        bool missing; /* should be there ("+"); else is there and should not ("-") */
        uint64_t cookie;
        char match[512]; /* with its priority, fit for delete_strict */
};
bool flow_difference_parse(const char *line, struct flow_difference *ret);
