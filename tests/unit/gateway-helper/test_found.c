/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "unit/gateway-helper/gateway.h"

static void a_link_carries_what_label_and_inner_header_leave(void **state)
{
        struct found f = { .wan_mtu = 1600 };

        (void)state;
        assert_int_equal(found_link_mtu(&f), 1578);
        f.wan_mtu = 65535;
        assert_int_equal(found_link_mtu(&f), 9000);
}

static void a_gateway_that_is_not_set_up_says_what_is_missing(void **state)
{
        static const struct {
                const char *links, *table, *said;
        } cases[] = {
                { "nonsense", NULL, "ip" },
                { "[]", NULL, "no WAN port wan0" },
                { "[{\"ifname\":\"wan0\",\"address\":\"\"}]", NULL, "no WAN port wan0" },
                { "[" LINK_WAN "]", "", "ovs-vsctl" },
                { "[" LINK_WAN "]", "{\"data\":[" ROW("wan0", "1") "]}\nstandalone\nwan0\n", "fail_mode" },
                { "[" LINK_WAN "]", "{\"data\":[" ROW("wan0", "1") "]}\n[]\nwan0\n", "fail_mode" },
                { "[" LINK_WAN "]", "{\"data\":[" ROW("wan0", "1") "]}\nsecure\nother\n", "not in" },
                { "[" LINK_WAN "]", "{\"data\":[" ROW("wan0", "-1") "]}\nsecure\nwan0\n", "not in" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                OWN(found_done) struct found f = { 0 };
                struct fault why = { 0 };
                int r = found_links(&f, cases[i].links, "wan0", &why);

                if (cases[i].table) {
                        assert_int_equal(r, FOUND_OK);
                        r = found_switch(&f, cases[i].table, "br-atlas", "wan0", &why);
                }
                assert_int_equal(r, FOUND_BAD);
                assert_string_equal(why.type, "gateway.device_error");
                if (!strstr(why.message, cases[i].said))
                        fail_msg("%s does not say %s", why.message, cases[i].said);
        }
}

static void what_nobody_owns_is_counted(void **state)
{
        static const struct {
                struct paper paper;
                size_t n;
        } cases[] = {
                { { 0 }, 0 },
                { { .links = LINK_BRIDGE(B1, "atlas-vpn/1/" V1) }, 0 },
                { { .links = LINK_BRIDGE(B1, "") }, 1 },
                { { .links = LINK_END("cap100", "1500", "", "true", "") "," LINK_END("caw100", "1500", "", "false", "") }, 1 },
                { { .links = LINK_END("cap100", "1500", "", "true", "the neighbour's") }, 1 },
                { { .links = LINK_END("cat7", "1500", "", "true", "atlas-vpn/1/" V1) }, 1 },
                { { .rows = ROW("caw100", "-1"), .ports = "caw100\n" }, 1 },
                { { .diff = "-priority=1 cookie=0xca71000000000001 actions=drop\n" }, 1 },
                { { .diff = "-priority=0 actions=NORMAL\n" }, 0 },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                OWN(found_done) struct found f = { 0 };
                struct fault why = { 0 };

                assert_int_equal(paper_read(&cases[i].paper, &f, &why), FOUND_OK);
                assert_int_equal(found_n_unknown(&f), cases[i].n);
        }
}

static void flows_are_wanted_for_each_record_that_the_switch_has_a_port_for(void **state)
{
        static const struct paper paper = {
                .links = LINK_END("cap100", "1500", "", "true", "atlas-port/1/" P1 "/" V1 "/" L1 "/1/1/1/200/" PEER "/0/0/1500") ","
                         LINK_END("cap101", "1500", "", "true", "atlas-port/1/" P2 "/" V1 "/" L1 "/1/1/1/201/" PEER "/0/0/1500"),
                .rows = ROW("caw100", "5") "," ROW("caw101", "-1"),
                .ports = "caw100\ncaw101\n",
        };
        OWN(found_done) struct found f = { 0 };
        OWN(text_done) struct text flows = { 0 };
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(paper_read(&paper, &f, &why), FOUND_OK);
        found_flows_wanted(&f, &flows);
        assert_string_equal(flows.bytes,
                "cookie=0xca719322f080e656,priority=100,in_port=5,actions=encap(mpls),set_field:200->mpls_label,"
                "encap(ethernet),set_field:" PEER "->eth_dst,set_field:" WAN "->eth_src,output:1\n"
                "cookie=0xca719322f080e656,priority=100,in_port=1,dl_dst=" WAN ",dl_type=0x8847,mpls_label=100,"
                "actions=decap(),decap(packet_type(ns=0,type=0)),output:5\n");
}

UNIT_MAIN(UNIT(a_link_carries_what_label_and_inner_header_leave),
          UNIT(a_gateway_that_is_not_set_up_says_what_is_missing), UNIT(what_nobody_owns_is_counted),
          UNIT(flows_are_wanted_for_each_record_that_the_switch_has_a_port_for))
