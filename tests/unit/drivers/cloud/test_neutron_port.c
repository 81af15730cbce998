/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/text.h"
#include "drivers/cloud/neutron_port.h"

#define PORT_ID "11111111-1111-4111-8111-111111111111"
#define NET_ID "22222222-2222-4222-8222-222222222222"
#define ATT_ID "33333333-3333-4333-8333-333333333333"
#define VIF_ID "ca1:ovs:gw-a:7:" ATT_ID

static const struct plug_want want = {
        .id = ATT_ID, .project_id = "demo", .vif_id = VIF_ID, .tag = 7, .mtu = 1500, .network_id = NET_ID
};

static json_t *tenants_port(void)
{
        return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:{s:s}}", "id", PORT_ID,
                         "network_id", NET_ID, "project_id", "demo", "device_id", "", "device_owner",
                         "", "mac_address", "fa:16:3e:00:00:01", "status", "DOWN", "binding:host_id",
                         "elsewhere", "binding:vif_type", "unbound", "created_at", "2026",
                         "revision_number", 4, "binding:profile", "theirs", "kept");
}

/* The port after Neutron carried out 'body', which is stolen. */
static void put(json_t *port, json_t *body)
{
        assert_non_null(body);
        assert_int_equal(json_object_update(port, json_object_get(body, "port")), 0);
        json_decref(body);
}

static void a_port_without_ids_or_mac_is_none(void **state)
{
        static const char *const keys[] = { "id", "network_id", "project_id", "mac_address" };
        struct neutron_port p;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(keys); i++) {
                json_auto_t *port = tenants_port();

                assert_true(neutron_port_read(port, &p));
                json_object_set_new(port, keys[i], json_string("02:00;rm -rf /x"));
                assert_int_equal(neutron_port_read(port, &p), i == 2);
                json_object_set_new(port, keys[i], json_integer(7));
                assert_false(neutron_port_read(port, &p));
                json_object_del(port, keys[i]);
                assert_false(neutron_port_read(port, &p));
        }
        assert_false(neutron_port_read(NULL, &p));
}

static void a_made_port_is_the_tenants_with_our_mark_and_nothing_filtered(void **state)
{
        json_auto_t *body = neutron_port_make(&want, "gw-host", true);
        json_t *port = json_object_get(body, "port");
        struct neutron_port p;

        (void)state;
        json_object_set_new(port, "id", json_string(PORT_ID));
        json_object_set_new(port, "mac_address", json_string("fa:16:3e:00:00:01"));
        json_object_set_new(port, "binding:vif_type", json_string("ovs"));
        assert_true(neutron_port_read(port, &p));
        assert_string_equal(p.project_id, "demo");
        assert_string_equal(json_string_value(json_object_get(port, "name")), "atlas:" ATT_ID);
        assert_int_equal(json_array_size(json_object_get(port, "fixed_ips")), 0);
        assert_true(json_is_false(json_object_get(port, "port_security_enabled")));
        assert_true(neutron_port_is_marked(&p, ATT_ID));
        assert_false(neutron_port_is_marked(&p, NET_ID));
        assert_true(neutron_port_is_made(&p));
        assert_true(neutron_port_is_ready(&p, &want, "gw-host"));
        assert_false(neutron_port_is_ready(&p, &want, "other-host"));
}

static void a_binding_that_failed_is_not_ready(void **state)
{
        static const struct {
                const char *vif_type;
                bool ready;
        } cases[] = { { "ovs", true }, { "binding_failed", false }, { "unbound", false }, { "", false } };
        json_auto_t *port = tenants_port();
        struct neutron_port p;

        (void)state;
        assert_true(neutron_port_read(port, &p));
        put(port, neutron_port_take(&p, &want, "gw-host"));
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                json_object_set_new(port, "binding:vif_type", json_string(cases[i].vif_type));
                assert_true(neutron_port_read(port, &p));
                assert_int_equal(neutron_port_is_ready(&p, &want, "gw-host"), cases[i].ready);
        }
}

static void a_taken_port_is_given_back_as_it_was(void **state)
{
        json_auto_t *port = tenants_port(), *before = json_deep_copy(port);
        struct neutron_port p;

        (void)state;
        assert_true(neutron_port_read(port, &p));
        put(port, neutron_port_take(&p, &want, "gw-host"));
        assert_false(json_equal(port, before));
        assert_true(neutron_port_read(port, &p));
        assert_true(neutron_port_is_marked(&p, ATT_ID));
        assert_false(neutron_port_is_made(&p));
        /* Once more, as after a crash, and to another host: what it was first stays known. */
        put(port, neutron_port_take(&p, &want, "new-host"));
        assert_true(neutron_port_read(port, &p));
        assert_string_equal(p.host_id, "new-host");
        put(port, neutron_port_give_back(&p));
        assert_true(json_equal(port, before));
}

static void what_the_tenant_changed_meanwhile_is_left_to_it(void **state)
{
        json_auto_t *port = tenants_port();
        struct neutron_port p;

        (void)state;
        assert_true(neutron_port_read(port, &p));
        put(port, neutron_port_take(&p, &want, "gw-host"));
        json_object_set_new(port, "device_id", json_string("a server"));
        assert_true(neutron_port_read(port, &p));
        put(port, neutron_port_give_back(&p));
        assert_true(neutron_port_read(port, &p));
        assert_string_equal(p.device_id, "a server");
        assert_string_equal(p.device_owner, "");
        assert_string_equal(p.host_id, "elsewhere");
        assert_null(p.mark);
}

static void a_vif_id_that_the_tenant_set_stays_after_giving_back(void **state)
{
        json_auto_t *port = tenants_port();
        struct neutron_port p;

        (void)state;
        json_object_set_new(port, "device_id", json_string(VIF_ID));
        assert_true(neutron_port_read(port, &p));
        put(port, neutron_port_take(&p, &want, "gw-host"));
        assert_true(neutron_port_read(port, &p));
        put(port, neutron_port_give_back(&p));
        assert_true(neutron_port_read(port, &p));
        assert_string_equal(p.device_id, VIF_ID);
}

UNIT_MAIN(UNIT(a_port_without_ids_or_mac_is_none),
          UNIT(a_made_port_is_the_tenants_with_our_mark_and_nothing_filtered),
          UNIT(a_binding_that_failed_is_not_ready), UNIT(a_taken_port_is_given_back_as_it_was),
          UNIT(what_the_tenant_changed_meanwhile_is_left_to_it),
          UNIT(a_vif_id_that_the_tenant_set_stays_after_giving_back))
