/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway-helper/flow.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

#define COOKIE_MARK      0xca71000000000000
#define COOKIE_MARK_MASK 0xffff000000000000

uint64_t flow_cookie(const char *port_id)
{
        return COOKIE_MARK | (digest_text(port_id) & ~COOKIE_MARK_MASK);
}

bool flow_cookie_is_ours(uint64_t cookie)
{
        return (cookie & COOKIE_MARK_MASK) == COOKIE_MARK;
}

void flow_lines(const struct record *r, const struct flow_place *at, const char *verb,
                struct text *ret)
{
        uint64_t cookie = flow_cookie(r->id);

        text_addf(ret,
                  "%scookie=0x%" PRIx64 ",priority=100,in_port=%" PRId64
                  ",actions=encap(mpls),set_field:%" PRId64
                  "->mpls_label,encap(ethernet),set_field:%s->eth_dst,set_field:%s->eth_src,"
                  "output:%" PRId64 "\n",
                  verb, cookie, at->ofport, r->peer_label, r->peer_address, at->wan_address,
                  at->wan_ofport);
        text_addf(ret,
                  "%scookie=0x%" PRIx64 ",priority=100,in_port=%" PRId64
                  ",dl_dst=%s,dl_type=0x8847,mpls_label=%" PRId64
                  ",actions=decap(),decap(packet_type(ns=0,type=0)),output:%" PRId64 "\n",
                  verb, cookie, at->wan_ofport, at->wan_address, at->local_label, at->ofport);
}

/* "-priority=100,in_port=2 cookie=0x… actions=…": the match, then what is not its default, then the
 * actions. */
bool flow_difference_parse(const char *line, struct flow_difference *ret)
{
        struct flow_difference d = { .missing = line[0] == '+' };
        size_t n_match = strcspn(line, " ");
        const char *actions = strstr(line, " actions=");
        const char *cookie = strstr(line, " cookie=0x");

        if ((line[0] != '+' && line[0] != '-') || !actions || n_match < 2 ||
            n_match > sizeof d.match)
                return false;
        memcpy(d.match, line + 1, n_match - 1);
        if (cookie && cookie < actions)
                d.cookie = strtoull(cookie + strlen(" cookie="), NULL, 16);
        /* A flow without match or priority starts with its actions. */
        if (text_starts(d.match, "actions="))
                d.match[0] = '\0';
        *ret = d;
        return true;
}
