/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "drivers/gateway/fake.h"
#include "site-agent/gateway_unit.h"

#define SECTION                                                                                    \
        "[gateway:gw1]\ndriver = fake\ntype = mpls\ndomain = wan\ncapacity_to_wan_kbps = 1000\n"   \
        "capacity_from_wan_kbps = 2000\nlabel_range = 16-99\n"

static int open_unit(const char *text, const char *name, struct gateway_unit *ret, struct fault *why)
{
        OWN(config_file_free) struct config_file *file = NULL;

        assert_int_equal(config_file_parse("test", text, strlen(text), &file, why), CONFIG_OK);
        return gateway_unit_open(file, name, ret, why);
}

static void a_report_is_what_the_conductor_accepts(void **state)
{
        struct gateway_unit u = { 0 };
        struct fault why = { 0 };
        struct gateway g = { 0 };
        json_t *report;

        (void)state;
        assert_int_equal(open_unit(SECTION "mtu = 1400\nobserve_only = true\n", "gw1", &u, &why), CONFIG_OK);
        assert_false(u.seen.looked);
        gateway_unit_look(&u, INT64_MAX);
        assert_true(u.seen.looked);
        report = gateway_seen_to_report(&u.seen);
        assert_int_equal(gateway_from_report(report, &g, &why), GATEWAY_OK);
        assert_string_equal(g.domain, "wan");
        assert_string_equal(g.fence, "device");
        assert_int_equal(g.mtu, 1400);
        assert_int_equal(g.capacity_from_wan_kbps, 2000);
        assert_true(gateway_can(&g, "bandwidth"));
        assert_true(g.reachable);
        assert_true(g.observe_only);
        assert_true(*g.boot_id != '\0');
        json_decref(report);
        gateway_unit_close(&u);
}

static void a_gateway_out_of_reach_is_reported_from_its_section(void **state)
{
        struct gateway_unit u = { 0 };
        struct fault why = { 0 };
        struct gateway g = { 0 };
        json_t *report, *heartbeat;

        (void)state;
        assert_int_equal(open_unit(SECTION, "gw1", &u, &why), CONFIG_OK);
        fake_gateway_injection(u.handle)->unreachable = true;
        gateway_unit_look(&u, INT64_MAX);
        report = gateway_seen_to_report(&u.seen);
        assert_int_equal(gateway_from_report(report, &g, &why), GATEWAY_OK);
        assert_false(g.reachable);
        assert_int_equal(g.capacity_to_wan_kbps, 1000);
        json_decref(report);
        fake_gateway_injection(u.handle)->unreachable = false;
        gateway_unit_look(&u, INT64_MAX);
        heartbeat = gateway_seen_to_heartbeat(&u.seen);
        assert_true(json_is_true(json_object_get(heartbeat, "reachable")));
        assert_string_equal(json_string_value(json_object_get(heartbeat, "digest")),
                            "0000000000000000");
        json_decref(heartbeat);
        gateway_unit_close(&u);
}

static void a_new_boot_is_seen(void **state)
{
        struct gateway_unit u = { 0 };
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(open_unit(SECTION, "gw1", &u, &why), CONFIG_OK);
        gateway_unit_look(&u, INT64_MAX);
        fake_gateway_forget(u.handle, "boot-2");
        gateway_unit_look(&u, INT64_MAX);
        assert_string_equal(u.seen.gateway.boot_id, "boot-2");
        gateway_unit_close(&u);
}

static void a_section_that_is_wrong_is_refused(void **state)
{
        struct gateway_unit u = { 0 };
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(open_unit("[gateway:gw1]\ndriver = cisco\ncapacity_to_wan_kbps = 1\n"
                                   "capacity_from_wan_kbps = 1\n",
                                   "gw1", &u, &why),
                         CONFIG_BAD);
        assert_string_equal(why.message, "[gateway:gw1] driver: there is no driver \"cisco\".");
        assert_int_equal(open_unit("[gateway:gw1]\ndriver = fake\n", "gw1", &u, &why), CONFIG_BAD);
        assert_int_equal(open_unit("[gateway:GW]\ndriver = fake\n", "GW", &u, &why), CONFIG_BAD);
        assert_int_equal(open_unit(SECTION "tag_range = many\n", "gw1", &u, &why), CONFIG_BAD);
}

UNIT_MAIN(UNIT(a_report_is_what_the_conductor_accepts),
          UNIT(a_gateway_out_of_reach_is_reported_from_its_section), UNIT(a_new_boot_is_seen),
          UNIT(a_section_that_is_wrong_is_refused))
