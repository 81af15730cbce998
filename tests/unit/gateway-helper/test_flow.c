/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "gateway-helper/flow.h"

static void differences_are_told_apart(void **state)
{
        static const struct {
                const char *line;
                bool missing;
                uint64_t cookie;
                const char *match;
        } cases[] = {
                { "+priority=100,in_port=2 cookie=0xca71000000000001 actions=drop", true,
                  0xca71000000000001, "priority=100,in_port=2" },
                { "-priority=100,mpls,in_port=1,mpls_label=100 cookie=0x5 actions=output:2", false, 5,
                  "priority=100,mpls,in_port=1,mpls_label=100" },
                { "-priority=0 actions=NORMAL", false, 0, "priority=0" },
                { "-in_port=9 actions=set_field:1->reg0,note:cookie=0x7", false, 0, "in_port=9" },
        };
        static const char *const others[] = { "", "+", "- actions=drop", "OFPST_FLOW reply", "+in_port=2 no more" };
        struct flow_difference d;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                assert_true(flow_difference_parse(cases[i].line, &d));
                assert_int_equal(d.missing, cases[i].missing);
                assert_true(d.cookie == cases[i].cookie);
                assert_string_equal(d.match, cases[i].match);
        }
        for (size_t i = 0; i < N_ELEMENTS(others); i++)
                assert_false(flow_difference_parse(others[i], &d));
}

static void cookies_carry_our_mark_and_tell_ports_apart(void **state)
{
        uint64_t one = flow_cookie("6b1c2a52-3c0f-4f2e-9d55-000000000001");
        uint64_t two = flow_cookie("6b1c2a52-3c0f-4f2e-9d55-000000000002");

        (void)state;
        assert_true(flow_cookie_is_ours(one) && flow_cookie_is_ours(two));
        assert_true(one != two);
        assert_false(flow_cookie_is_ours(0));
}

UNIT_MAIN(UNIT(differences_are_told_apart), UNIT(cookies_carry_our_mark_and_tell_ports_apart))
