#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway on paper: what its tools would print, line by line, for the readers and the planner. */
#include "base/text.h"
#include "gateway-helper/found.h"

#define P1 "6b1c2a52-3c0f-4f2e-9d55-000000000001"
#define P2 "6b1c2a52-3c0f-4f2e-9d55-000000000002"
#define A1 "6b1c2a52-3c0f-4f2e-9d55-00000000000a"
#define V1 "6b1c2a52-3c0f-4f2e-9d55-0000000000f1"
#define V2 "6b1c2a52-3c0f-4f2e-9d55-0000000000f2"
#define L1 "6b1c2a52-3c0f-4f2e-9d55-0000000000e1"
#define WAN "0a:ca:00:00:00:01"
#define PEER "0a:ca:00:00:00:02"

/* The bridge of V1, by digest_text(). */
#define B1 "cab1722f11cd0fc"

#define LINK_WAN "{\"ifname\":\"wan0\",\"address\":\"" WAN "\",\"mtu\":1600}"
#define LINK_BRIDGE(name, alias)                                                                   \
        "{\"ifname\":\"" name "\",\"mtu\":1500,\"flags\":[\"UP\"],\"inet6_addr_gen_mode\":\"none\",\"ifalias\":\"" alias   \
        "\",\"linkinfo\":{\"info_kind\":\"bridge\",\"info_data\":{\"stp_state\":0,\"mcast_snooping\":0}}}"
#define LINK_END(name, mtu, master, isolated, alias)                                               \
        "{\"ifname\":\"" name "\",\"mtu\":" mtu ",\"flags\":[\"UP\"],\"inet6_addr_gen_mode\":\"none\"," master             \
        "\"linkinfo\":{\"info_kind\":\"veth\",\"info_slave_data\":{\"isolated\":" isolated "}},\"ifalias\":\"" alias "\"}"
#define QDISC(dev, rate) "{\"kind\":\"tbf\",\"root\":true,\"dev\":\"" dev "\",\"options\":{\"rate\":" rate "}}"
#define ROW(name, ofport) "[\"" name "\"," ofport ",[\"set\",[]]]"

struct paper {
        const char *links, *qdiscs; /* inside the list */
        const char *rows;           /* of interfaces, beside wan0's */
        const char *ports;          /* of the bridge, beside wan0, each with its newline */
        const char *diff;
        bool unsealed;
};

static inline int paper_read(const struct paper *p, struct found *ret, struct fault *why)
{
        struct text t[3] = { { 0 } };
        int r;

        text_addf(&t[0], "[" LINK_WAN "%s%s]", p->links ? "," : "", p->links ? p->links : "");
        text_addf(&t[1], "[%s]", p->qdiscs ? p->qdiscs : "");
        text_addf(&t[2], "{\"data\":[" ROW("wan0", "1") "%s%s],\"headings\":[]}\nsecure\nwan0\n%s",
                  p->rows ? "," : "", p->rows ? p->rows : "", p->ports ? p->ports : "");
        r = found_links(ret, t[0].bytes, "wan0", why);
        for (size_t i = 0; i < ret->n; i++)
                ret->devices[i]->sealed = !p->unsealed;
        r = r ? r : found_qdiscs(ret, t[1].bytes, why);
        r = r ? r : found_switch(ret, t[2].bytes, "br-atlas", "wan0", why);
        r = r ? r : found_flows(ret, p->diff);
        for (int i = 0; i < 3; i++)
                text_done(&t[i]);
        return r;
}
