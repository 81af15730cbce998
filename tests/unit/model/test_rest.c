/* SPDX-License-Identifier: Apache-2.0 */
/* The shapes that REST shows: the whole set of keys of each noun, and the values that are derived. */
#include "support/unit.h"

#include "model/operation.h"
#include "model/site.h"
#include "model/vlink.h"
#include "model/vpn.h"

static const char *text(const json_t *object, const char *key)
{
        const json_t *value = json_object_get(object, key);

        assert_non_null(value);
        return json_is_null(value) ? NULL : json_string_value(value);
}

static void assert_keys(const json_t *object, const char *const *keys)
{
        size_t n = 0;

        for (; keys[n]; n++)
                assert_non_null(json_object_get(object, keys[n]));
        assert_int_equal(json_object_size(object), n);
}

static void a_link_shows_both_ends_and_its_status(void **state)
{
        static const char *const keys[] = {
                "id", "name", "description", "project_id", "tenant_id", "vpn_id", "endpoints",
                "bandwidth", "mtu", "status", "provisioning_status", "operating_status",
                "status_reason", "admin_state_up", "operation_id", "ignored_parameters", "wan_domain", "tags",
                "revision_number", "verified_at", "created_at", "updated_at", NULL,
        };
        const struct vlink l = { .id = "l", .project_id = "blue", .a_to_z_kbps = 5, .z_to_a_kbps = 6,
                                 .provisioning = PROV_ACTIVE, .operating = OPER_ONLINE,
                                 .ignored = "[\"bandwidth\"]", .created_ms = 1769903999000 };
        const struct vport ports[SIDE_N] = { { .id = "pa", .site_id = "sa" }, { .id = "pz" } };
        const struct attachment a = { .network_id = "net", .port_id = "mine" };
        const struct attachment *const attachments[SIDE_N] = { &a, NULL };
        json_auto_t *j = vlink_to_json(&l, ports, attachments, false);
        json_auto_t *silent = vlink_to_json(&l, ports, NULL, true);
        json_t *ends = json_object_get(j, "endpoints");

        (void)state;
        assert_keys(j, keys);
        assert_string_equal(text(j, "tenant_id"), "blue");
        assert_string_equal(text(j, "status"), "ACTIVE");
        assert_null(text(j, "operation_id"));
        assert_string_equal(text(j, "created_at"), "2026-01-31T23:59:59Z");
        assert_int_equal(json_array_size(json_object_get(j, "ignored_parameters")), 1);
        assert_int_equal(json_array_size(ends), 2);
        assert_string_equal(text(json_array_get(ends, 0), "virtual_port_id"), "pa");
        assert_string_equal(text(json_array_get(ends, 0), "network_id"), "net");
        assert_string_equal(text(json_array_get(ends, 0), "port_id"), "mine");
        assert_string_equal(text(json_array_get(ends, 1), "virtual_port_id"), "pz");
        assert_null(text(json_array_get(ends, 1), "network_id"));
        assert_string_equal(text(silent, "operating_status"), "UNKNOWN");
        assert_string_equal(text(silent, "status"), "UNKNOWN");
        assert_string_equal(text(silent, "provisioning_status"), "ACTIVE");
}

static void a_port_shows_what_is_plugged_and_the_integers_to_operators_only(void **state)
{
        static const char *const keys[] = {
                "id", "virtual_link_id", "project_id", "tenant_id", "side", "site_id", "gateway_id",
                "vif_id", "network_id", "port_id", "plug_status", "operation_id", "status", "status_reason",
                "verified_at", NULL,
        };
        const struct vport p = { .id = "p", .side = SIDE_Z, .label = 16, .present = true };
        const struct attachment a = { .tag = 7, .plug = PLUG_PLUGGED, .neutron_port_id = "theirs",
                                      .plug_reason = "slow", .vif_id = "v" };
        json_auto_t *tenant = vport_to_json(&p, &a, false);
        json_auto_t *operator_view = vport_to_json(&p, &a, true);
        json_auto_t *bare = vport_to_json(&p, NULL, true);

        (void)state;
        assert_keys(tenant, keys);
        assert_string_equal(text(tenant, "side"), "z");
        assert_string_equal(text(tenant, "port_id"), "theirs");
        assert_string_equal(text(tenant, "plug_status"), "plugged");
        assert_string_equal(text(tenant, "status"), "ACTIVE");
        assert_string_equal(text(tenant, "status_reason"), "slow");
        assert_int_equal(json_integer_value(json_object_get(operator_view, "label")), 16);
        assert_int_equal(json_integer_value(json_object_get(operator_view, "tag")), 7);
        assert_null(text(bare, "vif_id"));
        assert_string_equal(text(bare, "plug_status"), "unplugged");
}

static void a_vpn_lists_its_sites(void **state)
{
        const struct vpn v = { .id = "v", .project_id = "blue", .type = "mpls", .revision_number = 3 };
        json_auto_t *sites = json_pack("[ss]", "s1", "s2");
        json_auto_t *j = vpn_to_json(&v, sites);

        (void)state;
        assert_int_equal(json_array_size(json_object_get(j, "site_ids")), 2);
        assert_int_equal(json_array_size(sites), 2);
        assert_int_equal(json_integer_value(json_object_get(j, "revision_number")), 3);
        assert_string_equal(text(j, "name"), "");
        assert_null(text(j, "updated_at"));
}

static void a_site_is_silent_after_half_a_minute(void **state)
{
        const struct site s = { .id = "s", .name = "east", .last_seen_ms = 1000 };
        json_auto_t *alive = site_to_json(&s, 31000);
        json_auto_t *silent = site_to_json(&s, 31001);

        (void)state;
        assert_true(json_is_true(json_object_get(alive, "alive")));
        assert_true(json_is_false(json_object_get(silent, "alive")));
        assert_true(site_is_silent(&(struct site){ 0 }, 5));
        assert_true(site_name_valid("east-1"));
        assert_false(site_name_valid(""));
        assert_false(site_name_valid("East"));
        assert_false(site_name_valid("a.b"));
        assert_true(site_name_valid("123456789012345678901234567890123456789012345678901234567890123"));
        assert_false(site_name_valid("1234567890123456789012345678901234567890123456789012345678901234"));
}

static void an_operation_has_a_duration_once_it_ended(void **state)
{
        struct operation o = { .id = "o", .kind = OP_DELETE, .result = OP_FAILED, .state = "failed",
                               .reason = "no", .started_ms = 1000 };
        json_auto_t *running = operation_to_json(&o);
        json_auto_t *ended = NULL;

        (void)state;
        o.finished_ms = 1250;
        ended = operation_to_json(&o);
        assert_true(json_is_null(json_object_get(running, "duration_ms")));
        assert_int_equal(json_integer_value(json_object_get(ended, "duration_ms")), 250);
        assert_string_equal(text(ended, "type"), "delete");
        assert_string_equal(text(ended, "status"), "failed");
        assert_null(text(ended, "virtual_link_id"));
}

static void an_event_is_told_to_the_millisecond(void **state)
{
        const struct event e = { .type = "operation.step", .object_type = "virtual_link",
                                 .row = 107, .at_ms = 1769903999042 };
        json_auto_t *j = event_to_json(&e, "1-2-3");

        (void)state;
        assert_string_equal(text(j, "id"), "1-2-3");
        assert_string_equal(text(j, "at"), "2026-01-31T23:59:59.042Z");
        assert_int_equal(json_integer_value(json_object_get(j, "row")), 107);
        assert_null(text(j, "from"));
}

UNIT_MAIN(UNIT(a_link_shows_both_ends_and_its_status),
          UNIT(a_port_shows_what_is_plugged_and_the_integers_to_operators_only),
          UNIT(a_vpn_lists_its_sites), UNIT(a_site_is_silent_after_half_a_minute),
          UNIT(an_operation_has_a_duration_once_it_ended), UNIT(an_event_is_told_to_the_millisecond))
