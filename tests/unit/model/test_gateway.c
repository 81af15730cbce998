/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "model/gateway.h"

#define REPORT                                                                                     \
        "{\"name\": \"gw1\", \"type\": \"mpls\", \"domain\": \"wan\", \"address\": "                \
        "\"02:00:00:00:00:01\", \"capacity_to_wan_kbps\": 1000, \"capacity_from_wan_kbps\": 2000, " \
        "\"mtu\": 1500, \"ranges\": {\"tag\": [[1, 3], [10, 10]], \"label\": [[16, 99]]}, "         \
        "\"capabilities\": [\"bandwidth\"], \"fence\": \"device\", \"boot_id\": \"b-1\", "          \
        "\"digest\": \"0000000000000000\", \"epoch\": 4, \"seq\": 9, \"reachable\": true}"

/* The report with one field replaced by 'value' (JSON), or removed when NULL. */
static json_t *report_with(const char *key, const char *value)
{
        json_t *report = json_loads(REPORT, 0, NULL);

        assert_non_null(report);
        if (value)
                json_object_set_new(report, key, json_loads(value, JSON_DECODE_ANY, NULL));
        else
                json_object_del(report, key);
        return report;
}

static void a_report_fills_what_an_agent_knows(void **state)
{
        json_auto_t *report = json_loads(REPORT, 0, NULL);
        struct gateway g = { .epoch = 1, .seq = 2, .reserved_to_wan_kbps = 300, .id = "x" };
        struct fault why;

        (void)state;
        assert_int_equal(gateway_from_report(report, &g, &why), GATEWAY_OK);
        assert_string_equal(g.name, "gw1");
        assert_string_equal(g.address, "02:00:00:00:00:01");
        assert_string_equal(g.ranges, "{\"label\":[[16,99]],\"tag\":[[1,3],[10,10]]}");
        assert_int_equal(g.capacity_from_wan_kbps, 2000);
        assert_true(g.reachable);
        assert_true(gateway_can(&g, "bandwidth"));
        assert_false(gateway_can(&g, "band"));
        assert_string_equal(g.id, "x");
        assert_int_equal(g.reserved_to_wan_kbps, 300);
        assert_int_equal(g.epoch, 4); /* the pair of the device's fence */
        assert_int_equal(g.seq, 9);
}

static void a_bad_value_names_its_field_and_changes_nothing(void **state)
{
        static const char *const bad[][2] = {
                { "name", "\"GW\"" },
                { "type", NULL },
                { "domain", "\"a b\"" },
                { "address", "\"x;reboot\"" },
                { "capacity_to_wan_kbps", "-1" },
                { "mtu", "9" },
                { "fence", "\"maybe\"" },
                { "capabilities", "[\"a\\\"b\"]" },
                { "capabilities", "{}" },
                { "ranges", "{\"label\": [[16, 99]]}" },
                { "ranges", "{\"label\": [[16, 99]], \"tag\": [[1, 4095]]}" },
                { "ranges", "{\"label\": [[16, 99], [50, 120]], \"tag\": []}" },
                { "ranges", "{\"label\": [[0, 9]], \"tag\": []}" },
                { "ranges", "{\"label\": [[9, 8]], \"tag\": []}" },
                { "ranges", "{\"label\": [[9]], \"tag\": []}" },
                { "ranges", "{\"label\": [], \"tag\": [], \"vni\": []}" },
                { "reachable", "1" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
                json_auto_t *report = report_with(bad[i][0], bad[i][1]);
                struct gateway g = { .name = "before" };
                struct fault why = { 0 };

                assert_int_equal(gateway_from_report(report, &g, &why), GATEWAY_INVALID);
                assert_int_equal(strncmp(why.message, bad[i][0], strlen(bad[i][0])), 0);
                assert_string_equal(g.name, "before");
        }
}

static void a_gateway_out_of_reach_keeps_what_was_known_of_the_device(void **state)
{
        json_auto_t *report = report_with("reachable", "false");
        struct gateway g = { .address = "old", .mtu = 1400, .reachable = true, .seq = 2 };
        struct fault why;

        (void)state;
        json_object_del(report, "address");
        json_object_del(report, "ranges");
        json_object_del(report, "boot_id");
        assert_int_equal(gateway_from_report(report, &g, &why), GATEWAY_OK);
        assert_false(g.reachable);
        assert_string_equal(g.address, "old");
        assert_int_equal(g.mtu, 1400);
        assert_int_equal(g.seq, 2);
}

static void integers_are_handed_out_in_ascending_order_within_the_ranges(void **state)
{
        static const int64_t expected[] = { 1, 2, 3, 10, 0 };
        const struct gateway g = { .ranges = "{\"tag\": [[1, 3], [10, 10]], \"label\": [[16, 17]]}" };
        int64_t tag = 0;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(expected); i++) {
                tag = gateway_range_next(&g, INTEGER_TAG, tag);
                assert_int_equal(tag, expected[i]);
        }
        assert_int_equal(gateway_range_next(&g, INTEGER_LABEL, 0), 16);
        assert_int_equal(gateway_range_next(&g, INTEGER_LABEL, 17), 0);
        assert_int_equal(gateway_range_next(&(struct gateway){ 0 }, INTEGER_TAG, 0), 0);
}

static void a_tenant_sees_what_is_left_and_an_operator_sees_more(void **state)
{
        struct gateway g = { .name = "gw1", .capacity_to_wan_kbps = 1000, .capacity_from_wan_kbps = 2000,
                             .reserved_to_wan_kbps = 300, .capabilities = "[\"bandwidth\"]",
                             .ranges = "{\"tag\": [], \"label\": []}", .seq = 7 };
        json_auto_t *tenant = gateway_to_json(&g, (struct gateway_around){ 0 }, false);
        json_auto_t *operator_view = gateway_to_json(&g, (struct gateway_around){ 0 }, true);
        json_t *available = json_object_get(tenant, "available");

        (void)state;
        assert_int_equal(json_integer_value(json_object_get(available, "to_wan_kbps")), 700);
        assert_int_equal(json_integer_value(json_object_get(available, "from_wan_kbps")), 2000);
        assert_null(json_object_get(tenant, "address"));
        assert_null(json_object_get(tenant, "seq"));
        assert_true(json_is_null(json_object_get(operator_view, "address")));
        assert_int_equal(json_integer_value(json_object_get(operator_view, "seq")), 7);
        assert_true(json_is_object(json_object_get(operator_view, "ranges")));
}

static void a_gateway_says_how_it_is_and_why(void **state)
{
        static const struct {
                struct gateway gateway;
                struct gateway_around around;
                const char *status, *reason;
        } rows[] = {
                { { .reachable = true }, { 0 }, "ACTIVE", NULL },
                { { .reachable = true, .reason = "slow" }, { 0 }, "DEGRADED", "slow" },
                { { .reachable = true, .brake = BRAKE_HALTED, .reason = "slow" }, { 0 }, "HALTED", "operator" },
                { { .brake = BRAKE_HALTED, .reason = "quarantined" }, { 0 }, "DOWN", "quarantined" },
                { { .reachable = false }, { 0 }, "DOWN", "do not reach it" },
                { { .reason = "quarantined" }, { .site_silent = true }, "UNKNOWN", "agents" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                json_auto_t *j = gateway_to_json(&rows[i].gateway, rows[i].around, true);
                const char *reason = json_string_value(json_object_get(j, "status_reason"));

                assert_string_equal(json_string_value(json_object_get(j, "status")), rows[i].status);
                assert_int_equal(!reason, !rows[i].reason);
                if (reason)
                        assert_non_null(strstr(reason, rows[i].reason));
                assert_int_equal(json_is_true(json_object_get(j, "halted")), rows[i].gateway.brake == BRAKE_HALTED);
        }
}

UNIT_MAIN(UNIT(a_gateway_says_how_it_is_and_why),
          UNIT(a_report_fills_what_an_agent_knows),
          UNIT(a_bad_value_names_its_field_and_changes_nothing),
          UNIT(a_gateway_out_of_reach_keeps_what_was_known_of_the_device),
          UNIT(integers_are_handed_out_in_ascending_order_within_the_ranges),
          UNIT(a_tenant_sees_what_is_left_and_an_operator_sees_more))
