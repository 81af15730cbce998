/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "base/text.h"
#include "base/uuid.h"
#include "drivers/cloud/fake.h"

#define A1 "6b1c2a52-3c0f-4f2e-9d55-000000000001"
#define A2 "6b1c2a52-3c0f-4f2e-9d55-000000000002"
#define VPN1 "6b1c2a52-3c0f-4f2e-9d55-00000000000a"
#define VPN2 "6b1c2a52-3c0f-4f2e-9d55-00000000000b"
#define NET "6b1c2a52-3c0f-4f2e-9d55-0000000000ff"
#define PORT "6b1c2a52-3c0f-4f2e-9d55-0000000000ee"

static const struct cloud_driver *const fake = &cloud_fake;
static const struct cloud_spot spot = { .gateway = "gw", .interface = "fake7" };
static const struct plug_want want = { .id = A1, .vpn_id = VPN1, .project_id = "blue",
                                       .vif_id = "ca1:fake:gw:7:" A1, .tag = 7, .mtu = 1500,
                                       .network_id = NET };

static struct cloud_handle *new_cloud(void)
{
        struct cloud_handle *c = NULL;

        assert_int_equal(fake_cloud_new(false, &c), 0);
        return c;
}

static void tell(struct cloud_handle *c, const char *text)
{
        json_auto_t *doc = json_loads(text, 0, NULL);
        struct fault why;

        assert_int_equal(fake_cloud_control(c, doc, &why), CONTROL_OK);
}

static void plugging_twice_gives_the_same_port(void **state)
{
        struct cloud_handle *c = new_cloud();
        struct plug_result one = { 0 }, two = { 0 };
        struct fault why;
        char network[ID_SIZE];

        (void)state;
        assert_int_equal(fake->plug(c, &want, &spot, 0, &one, &why), CLOUD_DONE);
        assert_int_equal(fake->plug(c, &want, &spot, 0, &two, &why), CLOUD_DONE);
        assert_string_equal(one.network_id, NET);
        assert_true(uuid_valid(one.neutron_port_id));
        assert_string_equal(one.neutron_port_id, two.neutron_port_id);
        assert_int_equal(fake_cloud_count(c), 1);
        assert_true(fake_cloud_plugged(c, A1, network));
        assert_string_equal(network, NET);
        assert_int_equal(fake->unplug(c, &want, &spot, 0, &why), CLOUD_DONE);
        assert_int_equal(fake->unplug(c, &want, &spot, 0, &why), CLOUD_DONE);
        assert_int_equal(fake_cloud_count(c), 0);
        fake->close(c);
}

static void only_the_projects_own_networks_and_ports_are_plugged(void **state)
{
        struct cloud_handle *c = new_cloud();
        struct plug_want w = want;
        struct plug_result r = { 0 };
        struct fault why;

        (void)state;
        tell(c, "{\"networks\": {\"" NET "\": \"red\"}}");
        assert_int_equal(fake->plug(c, &w, &spot, 0, &r, &why), CLOUD_FAILED);
        assert_string_equal(why.type, "cloud.not_yours");
        assert_int_equal(why.code, 403);
        assert_int_equal(why.retry_after_ms, 0);
        tell(c, "{\"ports\": {\"" PORT "\": {\"project_id\": \"red\", \"network_id\": \"" NET "\"}}}");
        TEXT_SET(w.port_id, PORT);
        assert_int_equal(fake->plug(c, &w, &spot, 0, &r, &why), CLOUD_FAILED);
        tell(c, "{\"ports\": {\"" PORT "\": {\"project_id\": \"blue\", \"network_id\": \"" NET "\"}}}");
        assert_int_equal(fake->plug(c, &w, &spot, 0, &r, &why), CLOUD_DONE);
        assert_string_equal(r.neutron_port_id, PORT);
        assert_string_equal(r.network_id, NET);
        fake->close(c);
}

static void a_network_wider_than_the_link_is_refused(void **state)
{
        struct cloud_handle *c = new_cloud();
        struct plug_result r = { 0 };
        struct fault why;

        (void)state;
        tell(c, "{\"mtus\": {\"" NET "\": 1501}}");
        assert_int_equal(fake->plug(c, &want, &spot, 0, &r, &why), CLOUD_FAILED);
        assert_string_equal(why.type, "cloud.mtu");
        tell(c, "{\"mtus\": {\"" NET "\": 1500}}");
        assert_int_equal(fake->plug(c, &want, &spot, 0, &r, &why), CLOUD_DONE);
        fake->close(c);
}

static void one_network_in_two_vpns_is_counted(void **state)
{
        struct cloud_handle *c = new_cloud();
        struct plug_want other = want;
        struct plug_result r = { 0 };
        struct fault why;

        (void)state;
        TEXT_SET(other.id, A2);
        assert_int_equal(fake->plug(c, &want, &spot, 0, &r, &why), CLOUD_DONE);
        assert_int_equal(fake->plug(c, &other, &spot, 0, &r, &why), CLOUD_DONE);
        assert_int_equal(fake_cloud_violations(c), 0);
        TEXT_SET(other.vpn_id, VPN2);
        assert_int_equal(fake->plug(c, &other, &spot, 0, &r, &why), CLOUD_DONE);
        assert_int_equal(fake_cloud_violations(c), 1);
        fake->close(c);
}

static void it_can_be_told_to_fail(void **state)
{
        struct cloud_handle *c = new_cloud();
        struct plug_result r = { 0 };
        struct fault why;

        (void)state;
        tell(c, "{\"refuse\": \"Quota exceeded.\"}");
        assert_int_equal(fake->plug(c, &want, &spot, 0, &r, &why), CLOUD_FAILED);
        assert_string_equal(why.message, "Quota exceeded.");
        tell(c, "{\"hang\": true}");
        assert_int_equal(fake->plug(c, &want, &spot, 0, &r, &why), CLOUD_FAILED);
        assert_string_equal(why.type, "cloud.timeout");
        tell(c, "{\"lie\": true}");
        assert_int_equal(fake->plug(c, &want, &spot, 0, &r, &why), CLOUD_DONE);
        assert_int_equal(fake_cloud_count(c), 0);
        tell(c, "{\"half\": true}");
        assert_int_equal(fake->plug(c, &want, &spot, 0, &r, &why), CLOUD_FAILED);
        assert_true(why.retry_after_ms > 0);
        assert_int_equal(fake_cloud_count(c), 1);
        tell(c, "{}");
        assert_int_equal(fake->unplug(c, &want, &spot, 0, &why), CLOUD_DONE);
        fake->close(c);
}

static void a_tenants_own_port_with_a_vif_id_is_found(void **state)
{
        static const char *const vif_ids[] = { "ca1:fake:gw:8:" A2, "ca1:fake:gw:7:" A1 };
        struct cloud_handle *c = new_cloud();
        struct cloud_found *found = NULL;
        struct fault why;
        size_t n = 0;

        (void)state;
        tell(c, "{\"ports\": {\"" PORT "\": {\"project_id\": \"blue\", \"network_id\": \"" NET "\", "
                "\"device_id\": \"ca1:fake:gw:7:" A1 "\"}, \"" A2 "\": {\"device_id\": \"vm\"}}}");
        assert_int_equal(fake->find(c, vif_ids, 2, 0, &found, &n, &why), CLOUD_DONE);
        assert_int_equal(n, 1);
        assert_string_equal(found[0].port_id, PORT);
        assert_string_equal(found[0].project_id, "blue");
        free(found);
        fake->close(c);
}

static void handles_of_one_file_share_one_cloud(void **state)
{
        struct cloud_handle *one = NULL, *two = NULL;
        struct plug_result r = { 0 };
        struct fault why;

        (void)state;
        assert_int_equal(fake->open(NULL, &one, &why), CONFIG_OK);
        assert_int_equal(fake->open(NULL, &two, &why), CONFIG_OK);
        assert_int_equal(fake->plug(one, &want, &spot, INT64_MAX, &r, &why), CLOUD_DONE);
        assert_int_equal(fake_cloud_count(two), 1);
        fake->close(one);
        assert_int_equal(fake_cloud_count(two), 1);
        fake->close(two);
        assert_int_equal(fake->open(NULL, &one, &why), CONFIG_OK);
        assert_int_equal(fake_cloud_count(one), 0);
        fake->close(one);
}

UNIT_MAIN(UNIT(plugging_twice_gives_the_same_port),
          UNIT(only_the_projects_own_networks_and_ports_are_plugged),
          UNIT(a_network_wider_than_the_link_is_refused), UNIT(one_network_in_two_vpns_is_counted),
          UNIT(it_can_be_told_to_fail), UNIT(a_tenants_own_port_with_a_vif_id_is_found),
          UNIT(handles_of_one_file_share_one_cloud))
