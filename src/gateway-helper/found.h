#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* What is on the gateway, put together from what its own tools print. No process is started here:
 * the readers take text (`ip -j -d link`, `tc -j qdisc`, ovs-vsctl, `ovs-ofctl diff-flows`), so
 * that they are tested with any. */

#include "base/fault.h"
#include "base/map.h"
#include "gateway-helper/flow.h"
#include "gateway-helper/record.h"

struct device {
        char name[INTERFACE_SIZE];
        enum role role;
        int64_t number; /* label or tag */
        bool exists;    /* in the kernel; else only Open vSwitch speaks of it */
        bool up;
        bool quiet;    /* makes no IPv6 address of its own */
        bool isolated; /* split horizon: never forwards to another isolated port */
        bool tuned;    /* bridges: no spanning tree, no multicast snooping */
        bool sealed;   /* the host's own stack hears nothing from it; no half-made checksums */
        bool foreign;  /* has an alias that is not a record for its role */
        struct record record;
        char master[INTERFACE_SIZE];
        size_t n_slaves; /* of a bridge: all, also those that are not ours */
        int64_t mtu;
        uint64_t rate;  /* of its tbf in bytes/s; 0: none */
        bool in_ovs;    /* in any bridge of Open vSwitch */
        bool in_bridge; /* in ours */
        int64_t ofport; /* > 0 once Open vSwitch has opened it */
        char ovs_error[128];
};
struct found {
        struct device **devices; /* only names of ours */
        size_t n;
        struct map by_name;
        char wan_address[MAC_SIZE];
        int64_t wan_mtu, wan_ofport;
        struct flow_difference *flows;
        size_t n_flows;
};
void found_done(struct found *f);
static inline void own_found_done(struct found *f)
{
        found_done(f);
}

/* Readers, in this order. FOUND_BAD: the text is not what that tool writes, or the gateway is not
 * set up as it has to be; 'why' says which. */
enum { FOUND_OK, FOUND_BAD };
int found_links(struct found *f, const char *json, const char *wan_port, struct fault *why);
int found_qdiscs(struct found *f, const char *json, struct fault *why);
/* `ovs-vsctl -f json --columns=name,ofport,error list interface -- get bridge BRIDGE fail_mode --
 * list-ports BRIDGE` */
int found_switch(struct found *f, const char *text, const char *bridge, const char *wan_port,
                 struct fault *why);
int found_flows(struct found *f, const char *diff);
/* All flows that the bridge should hold for the records found, as input of diff-flows. */
void found_flows_wanted(const struct found *f, struct text *ret);

const struct device *found_device(const struct found *f,
                                  const char *name); /* never NULL: an empty one */
const struct device *found_partner(const struct found *f,
                                   const struct device *d); /* the veth's other end */
/* Where the flows of the link whose bridge-side end is 'd' go; false while Open vSwitch has no port
 * for it. */
bool found_flow_place(const struct found *f, const struct device *d, struct flow_place *ret);
/* What a link can carry, as a tenant counts it (the IP packet): the WAN port's MTU without the
 * label, and the inner frame's header with one VLAN tag. At most 9000. */
int64_t found_link_mtu(const struct found *f);
/* Things of our naming that belong to no id. */
size_t found_n_unknown(const struct found *f);
