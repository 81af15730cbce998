/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "gateway-helper/plan.h"
#include "unit/gateway-helper/gateway.h"

#define RECORD1 "atlas-port/1/" P1 "/" V1 "/" L1 "/1/1/1/200/" PEER "/20000/10000/1500"
#define RECORD_A "atlas-att/1/" A1 "/" V1 "/1/1/1"
#define COOKIE1 "0xca719322f080e656"
#define COOKIE2 "0xca719222f080e4a3"
#define IN_BRIDGE "\"master\":\"" B1 "\","

static const struct port_want port = {
        .id = P1, .link_id = L1, .vpn_id = V1, .attachment_id = A1, .generation = 1, .present = true,
        .local_label = 100, .peer_label = 200, .peer_address = PEER, .tx_kbps = 20000,
        .rx_kbps = 10000, .mtu = 1500,
};
static const struct attachment_want attachment = {
        .id = A1, .vpn_id = V1, .generation = 1, .present = true, .tag = 7,
};
static const struct paper whole = {
        .links = LINK_BRIDGE(B1, "atlas-vpn/1/" V1) "," LINK_END("cap100", "1500", IN_BRIDGE, "true", RECORD1) ","
                 LINK_END("caw100", "1500", "", "false", "") ","
                 LINK_END("cat7", "1578", IN_BRIDGE, "false", RECORD_A) "," LINK_END("cav7", "1578", "", "false", ""),
        .qdiscs = QDISC("cap100", "2500000") "," QDISC("caw100", "1250000"),
        .rows = ROW("caw100", "5") "," ROW("cav7", "2"),
        .ports = "caw100\n",
};

/* One round of planning. */
struct round {
        struct found found;
        struct plan plan;
        struct verdict verdicts[4];
        struct text text;       /* "phase owner words" a line */
};

static void round_done(struct round *r)
{
        found_done(&r->found);
        plan_done(&r->plan);
        text_done(&r->text);
}

static void own_round_done(struct round *r)
{
        round_done(r);
}

static const char *plan_on(const struct paper *paper, const struct port_want *ports, size_t n_ports,
                           const struct attachment_want *attachments, size_t n_attachments,
                           struct round *r)
{
        static const char *const phases[PHASE_N] = {
                "unflow", "unport", "unlink", "link", "seal", "shape", "up", "port", "flow",
        };
        struct apply_want want = { .epoch = 1, .seq = 1, .n_ports = n_ports, .n_attachments = n_attachments };
        struct fault why = { 0 };

        want.ports = (struct port_want *)(uintptr_t)ports;
        want.attachments = (struct attachment_want *)(uintptr_t)attachments;
        assert_int_equal(paper_read(paper, &r->found, &why), FOUND_OK);
        assert_int_equal(plan_make(&want, &r->found, "br-atlas", r->verdicts, &r->plan), 0);
        for (size_t i = 0; i < r->plan.n; i++)
                text_addf(&r->text, "%s %d %s\n", phases[r->plan.steps[i].phase],
                          r->plan.steps[i].owner == OWNER_HOUSE ? -1 : (int)r->plan.steps[i].owner,
                          r->plan.steps[i].text);
        return r->text.bytes ? r->text.bytes : "";
}

static void on_an_empty_gateway_everything_is_made(void **state)
{
        static const struct paper empty = { .unsealed = true };
        __attribute__((cleanup(own_round_done))) struct round r = { 0 };

        (void)state;
        assert_string_equal(plan_on(&empty, &port, 1, &attachment, 1, &r),
                "link 0 link add name " B1 " type bridge stp_state 0 mcast_snooping 0\n"
                "link 0 link set dev " B1 " alias atlas-vpn/1/" V1 "\n"
                "link 0 link set dev " B1 " addrgenmode none\n"
                "seal 0 " B1 "\n"
                "up 0 link set dev " B1 " up\n"
                "link 0 link add name cap100 mtu 1500 type veth peer name caw100 mtu 1500\n"
                "link 0 link set dev cap100 alias " RECORD1 "\n"
                "link 0 link set dev cap100 master " B1 "\n"
                "link 0 link set dev cap100 type bridge_slave isolated on\n"
                "link 0 link set dev cap100 addrgenmode none\n"
                "seal 0 cap100\n"
                "up 0 link set dev cap100 up\n"
                "link 0 link set dev caw100 addrgenmode none\n"
                "seal 0 caw100\n"
                "up 0 link set dev caw100 up\n"
                "shape 0 qdisc replace dev cap100 root tbf rate 20000kbit burst 262144 limit 1012144\n"
                "shape 0 qdisc replace dev caw100 root tbf rate 10000kbit burst 262144 limit 637144\n"
                "port 0 add-port br-atlas caw100 -- set interface caw100 external_ids:atlas-port=" P1 " external_ids:atlas-link=" L1 "\n"
                "link 1 link add name cat7 mtu 1578 type veth peer name cav7 mtu 1578\n"
                "link 1 link set dev cat7 alias " RECORD_A "\n"
                "link 1 link set dev cat7 master " B1 "\n"
                "link 1 link set dev cat7 addrgenmode none\n"
                "seal 1 cat7\n"
                "up 1 link set dev cat7 up\n"
                "link 1 link set dev cav7 addrgenmode none\n"
                "seal 1 cav7\n"
                "up 1 link set dev cav7 up\n");
        assert_false(r.verdicts[0].settled || r.verdicts[1].settled);
}

static void what_is_as_wanted_takes_no_step(void **state)
{
        __attribute__((cleanup(own_round_done))) struct round r = { 0 };
        bool is_whole = false;

        (void)state;
        assert_string_equal(plan_on(&whole, &port, 1, &attachment, 1, &r), "");
        assert_true(r.verdicts[0].settled && r.verdicts[1].settled);
        assert_int_equal(plan_is_whole(&r.found, found_device(&r.found, "cap100"), &is_whole), 0);
        assert_true(is_whole);
        is_whole = false;
        assert_int_equal(plan_is_whole(&r.found, found_device(&r.found, "cat7"), &is_whole), 0);
        assert_true(is_whole);
}

static void each_difference_takes_its_own_step_and_no_other(void **state)
{
        struct port_want w[8];
        static const char *const steps[] = {
                "link 0 link set dev cap100 alias atlas-port/1/" P1 "/" V1 "/" L1 "/2/1/1/200/" PEER "/20000/10000/1500\n",
                "link 0 link set dev cap100 alias atlas-port/1/" P1 "/" V1 "/" L1 "/1/1/1/200/" PEER "/50000/10000/1500\n"
                "shape 0 qdisc change dev cap100 root tbf rate 50000kbit burst 262144 limit 2137144\n",
                "link 0 link set dev cap100 alias atlas-port/1/" P1 "/" V1 "/" L1 "/1/1/1/200/" PEER "/20000/1000000/1500\n"
                "shape 0 qdisc change dev caw100 root tbf rate 1000000kbit burst 1315536 limit 38815536\n",
                "link 0 link set dev cap100 alias atlas-port/1/" P1 "/" V1 "/" L1 "/1/1/1/200/" PEER "/0/10000/1500\n"
                "shape 0 qdisc del dev cap100 root\n",
                "link 0 link set dev cap100 alias atlas-port/1/" P1 "/" V1 "/" L1 "/1/1/1/200/" PEER "/20000/10000/1400\n"
                "link 0 link set dev cap100 mtu 1400\nlink 0 link set dev caw100 mtu 1400\n",
                "link 0 link set dev cap100 alias atlas-port/1/" P1 "/" V1 "/" L1 "/1/1/1/201/" PEER "/20000/10000/1500\n",
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(w); i++)
                w[i] = port;
        w[0].generation = 2;
        w[1].tx_kbps = 50000;
        w[2].rx_kbps = 1000000;
        w[3].tx_kbps = 0;
        w[4].mtu = 1400;
        w[5].peer_label = 201;
        for (size_t i = 0; i < N_ELEMENTS(steps); i++) {
                __attribute__((cleanup(own_round_done))) struct round r = { 0 };

                assert_string_equal(plan_on(&whole, &w[i], 1, &attachment, 1, &r), steps[i]);
                assert_false(r.verdicts[0].settled);
                assert_true(r.verdicts[1].settled);
        }
}

static void flows_that_differ_are_put_right_in_one_bundle(void **state)
{
        struct paper paper = whole;
        __attribute__((cleanup(own_round_done))) struct round r = { 0 };
        bool is_whole = true;

        (void)state;
        paper.diff = "-priority=100,in_port=5 cookie=" COOKIE1 " actions=drop\n"
                     "+priority=100,in_port=5 cookie=" COOKIE1 " actions=output:1\n";
        assert_string_equal(plan_on(&paper, &port, 1, NULL, 0, &r),
                "flow 0 delete_strict priority=100,in_port=5,cookie=" COOKIE1 "/-1\n"
                "flow 0 add cookie=" COOKIE1 ",priority=100,in_port=5,actions=encap(mpls),set_field:200->mpls_label,"
                "encap(ethernet),set_field:" PEER "->eth_dst,set_field:" WAN "->eth_src,output:1\n"
                "flow 0 add cookie=" COOKIE1 ",priority=100,in_port=1,dl_dst=" WAN ",dl_type=0x8847,mpls_label=100,"
                "actions=decap(),decap(packet_type(ns=0,type=0)),output:5\n");
        assert_int_equal(plan_is_whole(&r.found, found_device(&r.found, "cap100"), &is_whole), 0);
        assert_false(is_whole);
}

static void absence_takes_away_traffic_first_and_the_bridge_last(void **state)
{
        struct port_want gone = { .id = P1, .link_id = L1, .vpn_id = V1, .generation = 2 };
        struct attachment_want away = { .id = A1, .vpn_id = V1, .generation = 2 };
        __attribute__((cleanup(own_round_done))) struct round both = { 0 }, one = { 0 };

        (void)state;
        assert_string_equal(plan_on(&whole, &gone, 1, &away, 1, &both),
                "unflow 0 delete cookie=" COOKIE1 "/-1\n"
                "unport 0 --if-exists del-port caw100\n"
                "unlink 0 link del dev cap100\n"
                "unport 1 --if-exists del-port cav7\n"
                "unlink 1 link del dev cat7\n"
                "unlink -1 link del dev " B1 "\n");
        assert_string_equal(plan_on(&whole, &gone, 1, &attachment, 1, &one),
                "unflow 0 delete cookie=" COOKIE1 "/-1\n"
                "unport 0 --if-exists del-port caw100\n"
                "unlink 0 link del dev cap100\n");
        assert_true(one.verdicts[1].settled);
}

static void what_is_absent_already_is_settled(void **state)
{
        static const struct paper empty = { 0 };
        struct port_want gone = { .id = P1, .link_id = L1, .vpn_id = V1, .generation = 2 };
        __attribute__((cleanup(own_round_done))) struct round r = { 0 };

        (void)state;
        assert_string_equal(plan_on(&empty, &gone, 1, NULL, 0, &r), "");
        assert_true(r.verdicts[0].settled);
}

static void what_a_crash_left_is_swept(void **state)
{
        static const struct {
                struct paper paper;
                const char *steps;
        } cases[] = {
                { { .links = LINK_END("cap100", "1500", "", "false", "") "," LINK_END("caw100", "1500", "", "false", "") },
                  "unlink -1 link del dev cap100\n" },
                { { .links = LINK_END("cap100", "1500", "", "false", "") "," LINK_END("caw100", "1500", "", "false", ""),
                    .rows = ROW("caw100", "4"), .ports = "caw100\n" },
                  "unport -1 --if-exists del-port caw100\nunlink -1 link del dev cap100\n" },
                { { .rows = ROW("caw100", "-1"), .ports = "caw100\n" }, "unport -1 --if-exists del-port br-atlas caw100\n" },
                { { .links = LINK_BRIDGE(B1, "") }, "unlink -1 link del dev " B1 "\n" },
                { { .diff = "-priority=100,in_port=9 cookie=" COOKIE2 " actions=drop\n" },
                  "unflow -1 delete cookie=" COOKIE2 "/-1\n" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                __attribute__((cleanup(own_round_done))) struct round r = { 0 };

                assert_string_equal(plan_on(&cases[i].paper, NULL, 0, NULL, 0, &r), cases[i].steps);
        }
}

static void what_is_not_ours_is_left_alone(void **state)
{
        static const struct paper cases[] = {
                { .links = LINK_END("cap100", "1500", "", "false", "the neighbour's") },
                { .links = LINK_BRIDGE(B1, "the neighbour's") },
                { .diff = "-priority=0 actions=NORMAL\n" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                __attribute__((cleanup(own_round_done))) struct round idle = { 0 }, asked = { 0 };

                assert_string_equal(plan_on(&cases[i], NULL, 0, NULL, 0, &idle), "");
                plan_on(&cases[i], &port, 1, NULL, 0, &asked);
                assert_int_equal(asked.verdicts[0].given_up, i < 2);
                if (i < 2)
                        assert_string_equal(asked.verdicts[0].fault.type, "gateway.occupied");
                for (size_t s = 0; i < 2 && s < asked.plan.n; s++)
                        assert_null(strstr(asked.plan.steps[s].text, "del"));
        }
}

static void a_bad_want_is_refused_and_its_neighbour_is_made(void **state)
{
        struct port_want w[2];
        static const struct {
                int64_t local_label, peer_label, mtu;
                const char *peer_address, *type;
        } bad[] = {
                { 15, 200, 1500, PEER, "gateway.invalid" },
                { 1048576, 200, 1500, PEER, "gateway.invalid" },
                { 100, 0, 1500, PEER, "gateway.invalid" },
                { 100, 200, 1579, PEER, "gateway.mtu" },
                { 100, 200, 1500, "10.0.0.1", "gateway.invalid" },
                { 100, 200, 1500, "0a:00:00:00:00:01,actions=NORMAL", "gateway.invalid" },
                { 101, 200, 1500, PEER, "gateway.occupied" }, /* the neighbour's label */
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
                __attribute__((cleanup(own_round_done))) struct round r = { 0 };

                w[0] = port;
                TEXT_SET(w[0].id, P2);
                w[0].local_label = 101;
                w[1] = port;
                w[1].local_label = bad[i].local_label;
                w[1].peer_label = bad[i].peer_label;
                w[1].mtu = bad[i].mtu;
                TEXT_SET(w[1].peer_address, bad[i].peer_address);
                plan_on(&(struct paper){ 0 }, w, 2, NULL, 0, &r);
                assert_true(r.verdicts[1].given_up);
                assert_string_equal(r.verdicts[1].fault.type, bad[i].type);
                assert_false(r.verdicts[0].given_up);
                assert_true(r.plan.n > 0);
                for (size_t s = 0; s < r.plan.n; s++)
                        assert_int_equal(r.plan.steps[s].owner, 0);
        }
}

static void a_label_is_taken_over_only_once_its_old_port_is_gone(void **state)
{
        struct port_want w[2] = { { .id = P1, .link_id = L1, .vpn_id = V1, .generation = 2 }, port };
        __attribute__((cleanup(own_round_done))) struct round wait = { 0 }, taken = { 0 };

        (void)state;
        TEXT_SET(w[1].id, P2);
        assert_string_equal(plan_on(&whole, w, 2, NULL, 0, &wait),
                "unflow 0 delete cookie=" COOKIE1 "/-1\n"
                "unport 0 --if-exists del-port caw100\n"
                "unlink 0 link del dev cap100\n");
        assert_false(wait.verdicts[1].given_up || wait.verdicts[1].settled);
        plan_on(&whole, &w[1], 1, NULL, 0, &taken);
        assert_string_equal(taken.verdicts[0].fault.type, "gateway.occupied");
}

static void a_port_that_moves_to_another_label_or_vpn_is_made_anew(void **state)
{
        static const char took_away[] = "unflow 0 delete cookie=" COOKIE1 "/-1\n"
                                        "unport 0 --if-exists del-port caw100\n"
                                        "unlink 0 link del dev cap100\n";
        struct port_want relabelled = port, elsewhere = port;
        __attribute__((cleanup(own_round_done))) struct round label = { 0 }, vpn = { 0 };

        (void)state;
        relabelled.local_label = 102;
        TEXT_SET(elsewhere.vpn_id, V2);
        assert_non_null(strstr(plan_on(&whole, &relabelled, 1, NULL, 0, &label), took_away));
        assert_non_null(strstr(label.text.bytes, "link add name cap102 "));
        assert_string_equal(plan_on(&whole, &elsewhere, 1, NULL, 0, &vpn), took_away);
}

UNIT_MAIN(UNIT(on_an_empty_gateway_everything_is_made), UNIT(what_is_as_wanted_takes_no_step),
          UNIT(each_difference_takes_its_own_step_and_no_other),
          UNIT(flows_that_differ_are_put_right_in_one_bundle),
          UNIT(absence_takes_away_traffic_first_and_the_bridge_last),
          UNIT(what_is_absent_already_is_settled), UNIT(what_a_crash_left_is_swept),
          UNIT(what_is_not_ours_is_left_alone), UNIT(a_bad_want_is_refused_and_its_neighbour_is_made),
          UNIT(a_label_is_taken_over_only_once_its_old_port_is_gone),
          UNIT(a_port_that_moves_to_another_label_or_vpn_is_made_anew))
