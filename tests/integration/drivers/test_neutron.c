/* SPDX-License-Identifier: Apache-2.0 */
/* cloud/neutron against a Neutron that misbehaves; the gateway host is this file's on_host(). */
#include "support/unit.h"

#include "base/clock.h"
#include "base/text.h"
#include "drivers/cloud/cloud_driver.h"
#include "support/fake_openstack.h"
#include "support/fake_ssh.h"

#define NET_ID "22222222-2222-4222-8222-222222222222"
#define WIDE_ID "22222222-2222-4222-8222-333333333333"
#define FOREIGN_ID "22222222-2222-4222-8222-444444444444"
#define NOWHERE_ID "22222222-2222-4222-8222-555555555555"
#define ATT_ID "33333333-3333-4333-8333-333333333333"
#define VIF_ID "ca1:ovs:gw-a:7:" ATT_ID

static const struct cloud_driver *driver;
static struct cloud_handle *cloud;
static char host_name[] = "gateway", user[] = "root", key[] = "/dev/null", host_key[] = "ssh-ed25519 x";
static const struct ssh_target target = {
        .host = host_name, .port = 22, .user = user, .key_file = key, .host_key = host_key,
};
static const struct cloud_spot spot = { "gw-a", "cav7", &target, "gw-host" };

/* ---- the gateway host ---- */

static struct {
        char iface_id[ID_SIZE];          /* what is in the bridge, or "" */
        int n_plug, n_unplug;
        bool unreachable, refuse, deaf;  /* deaf: Neutron's agent does not see the interface */
} host;

static void neutron_sees(const char *port_id, bool on)
{
        json_decref(fake_openstack("POST", "wire",
                                   json_pack("{s:s, s:b}", "port_id", port_id, "on", on)));
}

static json_t *on_host(const struct ssh_target *t, const json_t *request, int *ret, struct fault *why)
{
        const char *verb = json_string_value(json_object_get(request, "verb"));
        bool plug = text_equal(verb, "plug");

        assert_int_equal(t->port, 22);
        assert_true(json_integer_value(json_object_get(request, "timeout_ms")) > 0);
        assert_string_equal(json_string_value(json_object_get(request, "interface")), "cav7");
        assert_string_equal(json_string_value(json_object_get(request, "bridge")), "br-int");
        assert_string_equal(json_string_value(json_object_get(request, "attachment")), ATT_ID);
        host.n_plug += plug;
        host.n_unplug += !plug;
        if (host.unreachable) {
                fault_set(why, 503, "gateway.unreachable", "no route");
                why->retry_after_ms = 1000;
                *ret = SSH_UNREACHABLE;
                return NULL;
        }
        if (plug && host.refuse)
                return json_pack("{s:{s:i, s:s, s:s}}", "fault", "code", 500, "type",
                                 "gateway.device_error", "message", "no such interface");
        if (host.iface_id[0])
                neutron_sees(host.iface_id, false);
        TEXT_SET(host.iface_id, plug ? json_string_value(json_object_get(request, "iface_id")) : "");
        if (plug && !host.deaf)
                neutron_sees(host.iface_id, true);
        return json_pack("{s:b}", "present", plug);
}

/* ---- what tests say ---- */

static int plug_within(const struct plug_want *want, int64_t ms, struct plug_result *ret,
                       struct fault *why)
{
        fault_clear(why);
        return driver->plug(cloud, want, &spot, clock_mono_ms() + ms, ret, why);
}

static int unplug(const struct plug_want *want, struct fault *why)
{
        fault_clear(why);
        return driver->unplug(cloud, want, &spot, clock_mono_ms() + 10000, why);
}

static struct plug_want to_network(const char *network)
{
        struct plug_want w = { .id = ATT_ID, .project_id = "demo", .vif_id = VIF_ID, .tag = 7, .mtu = 1500 };

        TEXT_SET(w.network_id, network);
        return w;
}

static struct plug_want to_port(const char *port)
{
        struct plug_want w = to_network("");

        TEXT_SET(w.port_id, port);
        return w;
}

static json_t *ports(void)
{
        json_auto_t *state = fake_openstack("GET", "state", NULL);

        return json_incref(json_object_get(state, "ports"));
}

static size_t n_ports(void)
{
        json_auto_t *all = ports();

        return json_array_size(all);
}

static json_t *port_now(const char *id)
{
        json_auto_t *all = ports();
        json_t *port;
        size_t i;

        json_array_foreach(all, i, port)
                if (text_equal(json_string_value(json_object_get(port, "id")), id))
                        return json_incref(port);
        return NULL;
}

/* Makes a tenant's port as it is in Neutron; 'ret' gets its id. */
static void tenants_port(const char *project, const char *network, const char *device_id,
                         const char *device_owner, char ret[ID_SIZE])
{
        json_auto_t *port = fake_openstack("POST", "port",
                                           json_pack("{s:s, s:s, s:s, s:s}", "project_id", project,
                                                     "network_id", network, "device_id", device_id,
                                                     "device_owner", device_owner));

        text_copy(ret, ID_SIZE, json_string_value(json_object_get(port, "id")));
}

static void same_but_for_revision(const char *id, const json_t *before)
{
        json_auto_t *after = port_now(id);

        assert_non_null(after);
        json_object_set(after, "revision_number", json_object_get(before, "revision_number"));
        assert_true(json_equal(after, before));
}

static int group_setup(void **state)
{
        OWN(config_file_free) struct config_file *f = NULL;
        struct fault why = { 0 };
        char text[512];

        (void)state;
        fake_openstack_start();
        fake_ssh = on_host;
        driver = cloud_driver_find("neutron");
        assert_non_null(driver);
        snprintf(text, sizeof text,
                 "[neutron]\nauth_url = http://127.0.0.1:%d/identity/v3\nusername = atlas\n"
                 "password = secret\nproject_name = service\nregion_name = here\n",
                 fake_openstack_port());
        assert_int_equal(config_file_parse("test", text, strlen(text), &f, &why), CONFIG_OK);
        assert_int_equal(driver->open(f, &cloud, &why), CONFIG_OK);
        return 0;
}

static int group_teardown(void **state)
{
        (void)state;
        driver->close(cloud);
        fake_openstack_stop();
        return 0;
}

static void add_network(const char *id, const char *project, int mtu)
{
        json_decref(fake_openstack("POST", "network",
                                   json_pack("{s:s, s:s, s:i}", "id", id, "project_id", project,
                                             "mtu", mtu)));
}

static int setup(void **state)
{
        (void)state;
        memset(&host, 0, sizeof host);
        json_decref(fake_openstack("POST", "reset", NULL));
        add_network(NET_ID, "demo", 1500);
        add_network(WIDE_ID, "demo", 9000);
        add_network(FOREIGN_ID, "rival", 1500);
        return 0;
}

/* ---- plugging into a network ---- */

static void a_network_gets_one_port_and_loses_it_again(void **state)
{
        struct plug_want want = to_network(NET_ID);
        struct plug_result result = { 0 };
        struct fault why = { 0 };

        (void)state;
        for (int i = 0; i < 2; i++) { /* twice is the same */
                json_auto_t *port = NULL;

                assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_DONE);
                assert_int_equal(n_ports(), 1);
                port = port_now(result.neutron_port_id);
                assert_string_equal(json_string_value(json_object_get(port, "status")), "ACTIVE");
                assert_string_equal(json_string_value(json_object_get(port, "project_id")), "demo");
                assert_true(json_is_false(json_object_get(port, "port_security_enabled")));
                assert_string_equal(result.network_id, NET_ID);
                assert_string_equal(host.iface_id, result.neutron_port_id);
        }
        assert_int_equal(fake_openstack_requests("POST", "/v2.0/ports"), 1);
        TEXT_SET(want.neutron_port_id, result.neutron_port_id);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(unplug(&want, &why), CLOUD_DONE);
                assert_int_equal(n_ports(), 0);
                assert_string_equal(host.iface_id, "");
        }
}

static void without_the_extension_port_security_is_not_spoken_of(void **state)
{
        OWN(config_file_free) struct config_file *f = NULL;
        struct plug_want want = to_network(NET_ID);
        struct cloud_handle *fresh = NULL;
        struct plug_result result = { 0 };
        struct fault why = { 0 };
        char text[512];

        (void)state;
        json_decref(fake_openstack("POST", "set", json_pack("{s:b}", "port_security", 0)));
        snprintf(text, sizeof text,
                 "[neutron]\nauth_url = http://127.0.0.1:%d/identity\nusername = atlas\n"
                 "password = secret\nproject_name = service\nregion_name = here\n",
                 fake_openstack_port());
        assert_int_equal(config_file_parse("test", text, strlen(text), &f, &why), CONFIG_OK);
        assert_int_equal(driver->open(f, &fresh, &why), CONFIG_OK);
        assert_int_equal(driver->plug(fresh, &want, &spot, clock_mono_ms() + 10000, &result, &why),
                         CLOUD_DONE);
        assert_int_equal(fake_openstack_requests("GET", "/v2.0/extensions/port-security"), 1);
        driver->close(fresh);
}

static void a_port_that_was_made_but_not_told_is_found(void **state)
{
        static const char *const acts[] = { "conflict_after", "cut_after" };
        struct plug_result result = { 0 };
        struct fault why = { 0 };

        for (size_t i = 0; i < N_ELEMENTS(acts); i++) {
                struct plug_want want = to_network(NET_ID);

                setup(state);
                fake_openstack_rule("POST", "/v2.0/ports", acts[i], 1, NULL);
                assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_DONE);
                assert_int_equal(fake_openstack_fired(acts[i]), 1);
                assert_int_equal(n_ports(), 1);
                assert_int_equal(fake_openstack_requests("POST", "/v2.0/ports"), 1);
        }
}

static void a_port_of_an_unanswered_post_does_not_stay_behind(void **state)
{
        struct plug_want want = to_network(NET_ID);
        struct plug_result result = { 0 };
        struct fault why = { 0 };

        (void)state;
        fake_openstack_rule("POST", "/v2.0/ports", "cut_after", 1, NULL);
        json_decref(fake_openstack("POST", "rule",
                                   json_pack("{s:s, s:s, s:s, s:i, s:i}", "method", "GET", "path",
                                             "/v2.0/ports", "do", "status", "skip", 1, "arg", 500)));
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_FAILED);
        assert_true(why.retry_after_ms > 0);
        assert_int_equal(fake_openstack_fired("cut_after"), 1);
        assert_int_equal(fake_openstack_fired("status"), 1);
        assert_int_equal(n_ports(), 0);
}

static void a_busy_or_suspicious_neutron_is_asked_again(void **state)
{
        struct plug_want want = to_network(NET_ID);
        struct plug_result result = { 0 };
        struct fault why = { 0 };

        (void)state;
        fake_openstack_rule("POST", "/v2.0/ports", "busy", 1, json_integer(1));
        fake_openstack_rule("GET", "/v2.0/networks", "unauthorized", 1, NULL);
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_DONE);
        assert_int_equal(fake_openstack_fired("busy"), 1);
        assert_int_equal(fake_openstack_fired("unauthorized"), 1);
        assert_int_equal(n_ports(), 1);
}

static void a_binding_that_fails_behind_a_200_is_noticed_and_undone(void **state)
{
        struct plug_want want = to_network(NET_ID);
        struct plug_result result = { 0 };
        struct fault why = { 0 };

        (void)state;
        fake_openstack_rule("POST", "/v2.0/ports", "binding_failed", 1, NULL);
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_FAILED);
        assert_string_equal(why.type, "cloud.binding_failed");
        assert_non_null(strstr(why.message, "gw-host"));
        assert_int_equal(n_ports(), 0);
        assert_int_equal(host.n_plug, 0);
}

static void a_port_that_never_wakes_is_named_and_undone_in_time(void **state)
{
        struct plug_want want = to_network(NET_ID);
        struct plug_result result = { 0 };
        struct fault why = { 0 };
        int64_t from = clock_mono_ms();

        (void)state;
        host.deaf = true;
        assert_int_equal(plug_within(&want, 3000, &result, &why), CLOUD_FAILED);
        assert_true(clock_mono_ms() - from < 3500);
        assert_string_equal(why.type, "cloud.port_not_active");
        assert_true(why.retry_after_ms > 0);
        assert_int_equal(n_ports(), 0);
        assert_string_equal(host.iface_id, "");
}

static void what_was_plugged_before_is_not_torn_down_by_a_later_failure(void **state)
{
        struct plug_want want = to_network(NET_ID);
        struct plug_result result = { 0 };
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_DONE);
        host.unreachable = true;
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_FAILED);
        assert_string_equal(why.type, "gateway.unreachable");
        assert_int_equal(n_ports(), 1);
        assert_string_equal(host.iface_id, result.neutron_port_id);
}

static void a_gateway_that_refuses_leaves_no_port(void **state)
{
        struct plug_want want = to_network(NET_ID);
        struct plug_result result = { 0 };
        struct fault why = { 0 };

        (void)state;
        host.refuse = true;
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_FAILED);
        assert_string_equal(why.type, "gateway.device_error");
        assert_int_equal(n_ports(), 0);
        assert_int_equal(host.n_unplug, 1);
}

static void a_gateway_that_is_away_does_not_keep_the_tenants_network(void **state)
{
        struct plug_want want = to_network(NET_ID);
        struct plug_result result = { 0 };
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_DONE);
        host.unreachable = true;
        assert_int_equal(unplug(&want, &why), CLOUD_FAILED);
        assert_string_equal(why.type, "gateway.unreachable");
        assert_int_equal(n_ports(), 0);
        host.unreachable = false;
        assert_int_equal(unplug(&want, &why), CLOUD_DONE);
        assert_string_equal(host.iface_id, "");
}

static void extras_of_ours_go_and_all_choose_the_same(void **state)
{
        struct plug_want want = to_network(NET_ID);
        struct plug_result result = { 0 };
        struct fault why = { 0 };
        json_auto_t *made = NULL;
        char path[64];

        (void)state;
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_DONE);
        made = port_now(result.neutron_port_id);
        json_object_del(made, "id"); /* as two other agents would have made it at the same time, one earlier */
        json_decref(fake_openstack("POST", "port", json_deep_copy(made)));
        json_object_set_new(made, "created_at", json_string("2001-01-01T00:00:00Z"));
        json_decref(fake_openstack("POST", "port", json_deep_copy(made)));
        assert_int_equal(n_ports(), 3);
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_DONE);
        assert_int_equal(n_ports(), 1);
        assert_string_equal(host.iface_id, result.neutron_port_id);
        /* The tenant took the VIF-ID away from our port: it is known by its id all the same. */
        snprintf(path, sizeof path, "port/%s", result.neutron_port_id);
        json_decref(fake_openstack("POST", path, json_pack("{s:s}", "device_id", "")));
        TEXT_SET(want.neutron_port_id, result.neutron_port_id);
        assert_int_equal(unplug(&want, &why), CLOUD_DONE);
        assert_int_equal(n_ports(), 0);
}

static void a_host_that_changed_is_bound_anew(void **state)
{
        struct plug_want want = to_network(NET_ID);
        struct cloud_spot moved = spot;
        struct plug_result result = { 0 };
        struct fault why = { 0 };
        json_auto_t *port = NULL;

        (void)state;
        json_decref(fake_openstack("POST", "set", json_pack("{s:[s,s]}", "agents", "gw-host", "new-host")));
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_DONE);
        moved.agent_host = "new-host";
        assert_int_equal(driver->plug(cloud, &want, &moved, clock_mono_ms() + 10000, &result, &why),
                         CLOUD_DONE);
        port = port_now(result.neutron_port_id);
        assert_string_equal(json_string_value(json_object_get(port, "binding:host_id")), "new-host");
        assert_int_equal(n_ports(), 1);
}

/* ---- what may not be plugged ---- */

static void a_foreign_and_a_missing_thing_look_the_same(void **state)
{
        struct fault faults[4];
        struct plug_want wants[4];
        struct plug_result result = { 0 };
        char foreign[ID_SIZE], on_foreign[ID_SIZE];

        (void)state;
        tenants_port("rival", FOREIGN_ID, "", "", foreign);
        tenants_port("demo", FOREIGN_ID, "", "", on_foreign);
        wants[0] = to_network(NOWHERE_ID);
        wants[1] = to_network(FOREIGN_ID);
        wants[2] = to_port(NOWHERE_ID);
        wants[3] = to_port(foreign);
        for (size_t i = 0; i < N_ELEMENTS(wants); i++) {
                assert_int_equal(plug_within(&wants[i], 10000, &result, &faults[i]), CLOUD_FAILED);
                assert_int_equal(faults[i].code, 403);
                assert_string_equal(faults[i].type, "cloud.not_yours");
                assert_string_equal(faults[i].message, faults[0].message);
                assert_string_equal(faults[i].details, "");
                assert_int_equal(faults[i].retry_after_ms, 0);
        }
        wants[3] = to_port(on_foreign); /* an own port on a network that was shared is no way in either */
        assert_int_equal(plug_within(&wants[3], 10000, &result, &faults[3]), CLOUD_FAILED);
        assert_string_equal(faults[3].type, "cloud.not_yours");
        assert_int_equal(n_ports(), 2);
        assert_int_equal(host.n_plug, 0);
        assert_int_equal(fake_openstack_requests("POST", "/v2.0/ports"), 0);
}

static void a_network_too_wide_for_the_link_is_refused_with_both_figures(void **state)
{
        struct plug_want want = to_network(WIDE_ID);
        struct plug_result result = { 0 };
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_FAILED);
        assert_int_equal(why.code, 409);
        assert_string_equal(why.type, "cloud.mtu");
        assert_non_null(strstr(why.message, "9000"));
        assert_non_null(strstr(why.message, "1500"));
        assert_int_equal(n_ports(), 0);
}

static void a_port_in_use_is_not_taken(void **state)
{
        char server[ID_SIZE], other_link[ID_SIZE], down[ID_SIZE], path[64];
        struct plug_result result = { 0 };
        struct plug_want want;
        struct fault why = { 0 };

        (void)state;
        tenants_port("demo", NET_ID, "a-server", "compute:nova", server);
        want = to_port(server);
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_FAILED);
        assert_string_equal(why.type, "cloud.port_in_use");

        tenants_port("demo", NET_ID, "", "", other_link);
        snprintf(path, sizeof path, "port/%s", other_link);
        json_decref(fake_openstack("POST", path,
                                   json_pack("{s:{s:{s:s}}}", "binding:profile", "cloud-atlas",
                                             "attachment", NOWHERE_ID)));
        want = to_port(other_link);
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_FAILED);
        assert_string_equal(why.type, "cloud.port_in_use");

        tenants_port("demo", NET_ID, "", "", down);
        snprintf(path, sizeof path, "port/%s", down);
        json_decref(fake_openstack("POST", path, json_pack("{s:b}", "admin_state_up", 0)));
        want = to_port(down);
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_FAILED);
        assert_string_equal(why.type, "cloud.port_down");
        assert_int_equal(host.n_plug, 0);
}

/* ---- the tenant's own port ---- */

static void a_tenants_port_is_taken_and_given_back_as_it_was(void **state)
{
        char id[ID_SIZE];
        struct plug_want want;
        struct plug_result result = { 0 };
        struct fault why = { 0 };
        json_auto_t *before = NULL, *during = NULL;

        (void)state;
        tenants_port("demo", NET_ID, "", "", id);
        before = port_now(id);
        want = to_port(id);
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_DONE);
        assert_string_equal(result.neutron_port_id, id);
        assert_string_equal(result.network_id, NET_ID);
        during = port_now(id);
        assert_string_equal(json_string_value(json_object_get(during, "device_id")), VIF_ID);
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_DONE);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(unplug(&want, &why), CLOUD_DONE);
                same_but_for_revision(id, before);
        }
}

static void a_tenants_port_is_given_back_when_plugging_fails(void **state)
{
        char id[ID_SIZE];
        struct plug_want want;
        struct plug_result result = { 0 };
        struct fault why = { 0 };
        json_auto_t *before = NULL;

        (void)state;
        tenants_port("demo", NET_ID, "", "", id);
        before = port_now(id);
        want = to_port(id);
        fake_openstack_rule("PUT", "/v2.0/ports", "binding_failed", 1, NULL);
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_FAILED);
        assert_string_equal(why.type, "cloud.binding_failed");
        same_but_for_revision(id, before);
        /* The answer to taking it is lost. */
        fake_openstack_rule("PUT", "/v2.0/ports", "cut_after", 1, NULL);
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_FAILED);
        assert_int_equal(fake_openstack_fired("cut_after"), 1);
        same_but_for_revision(id, before);
}

static void a_port_that_carries_the_vif_id_is_used_and_keeps_it(void **state)
{
        char id[ID_SIZE], foreign[ID_SIZE];
        struct plug_want want = to_network(NET_ID);
        struct plug_result result = { 0 };
        struct fault why = { 0 };
        json_auto_t *before = NULL;

        (void)state;
        tenants_port("rival", FOREIGN_ID, VIF_ID, "", foreign); /* knowing a VIF-ID opens nothing */
        tenants_port("demo", NET_ID, VIF_ID, "", id);
        before = port_now(id);
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_DONE);
        assert_string_equal(result.neutron_port_id, id);
        assert_int_equal(n_ports(), 2);
        assert_int_equal(unplug(&want, &why), CLOUD_DONE);
        same_but_for_revision(id, before);
}

static void a_port_that_changes_while_it_is_taken_is_looked_at_again(void **state)
{
        char id[ID_SIZE];
        struct plug_want want;
        struct plug_result result = { 0 };
        struct fault why = { 0 };

        (void)state;
        tenants_port("demo", NET_ID, "", "", id);
        want = to_port(id);
        fake_openstack_rule("PUT", "/v2.0/ports", "changed_before", 1,
                            json_pack("{s:s}", "description", "new"));
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_DONE);
        assert_int_equal(fake_openstack_fired("changed_before"), 1);
        fake_openstack_rule("PUT", "/v2.0/ports", "changed_before", 1,
                            json_pack("{s:s}", "description", "newer"));
        assert_int_equal(unplug(&want, &why), CLOUD_DONE);
        assert_int_equal(fake_openstack_fired("changed_before"), 2);

        fake_openstack_rule("PUT", "/v2.0/ports", "changed_before", 1,
                            json_pack("{s:s, s:s}", "device_id", "a-server", "device_owner", "compute:nova"));
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_FAILED);
        assert_string_equal(why.type, "cloud.port_in_use");
        assert_int_equal(host.n_plug, 1);
}

/* ---- finding ---- */

static void tenants_ports_with_our_vif_ids_are_found_on_every_page(void **state)
{
        enum { N = 90 };
        char names[N][64], first[ID_SIZE], second[ID_SIZE];
        const char *ids[N];
        struct plug_want want = to_network(NET_ID);
        struct plug_result result = { 0 };
        struct cloud_found *found = NULL;
        struct fault why = { 0 };
        size_t n = 0;

        (void)state;
        for (size_t i = 0; i < N; i++) {
                snprintf(names[i], sizeof names[i], "ca1:ovs:gw-a:%zu:x", i);
                ids[i] = names[i];
        }
        ids[1] = VIF_ID;
        json_decref(fake_openstack("POST", "set", json_pack("{s:i}", "page", 1)));
        assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_DONE); /* ours */
        tenants_port("demo", NET_ID, names[3], "", first);
        tenants_port("rival", NET_ID, names[3], "", first);
        tenants_port("rival", FOREIGN_ID, names[89], "", second);
        tenants_port("rival", FOREIGN_ID, "something else", "", first);
        assert_int_equal(driver->find(cloud, ids, N, clock_mono_ms() + 10000, &found, &n, &why),
                         CLOUD_DONE);
        assert_int_equal(n, 4);
        for (size_t i = 0; i < n; i++)
                assert_true(found[i].made == text_equal(found[i].vif_id, VIF_ID));
        for (size_t i = 0; i < n; i++)
                assert_true(found[i].made || text_equal(found[i].vif_id, names[3]) ||
                            (text_equal(found[i].port_id, second) &&
                             text_equal(found[i].project_id, "rival") &&
                             text_equal(found[i].network_id, FOREIGN_ID)));
        free(found);
        found = NULL;
        fake_openstack_rule("GET", "/v2.0/ports", "truncated_json", 1, NULL);
        assert_int_equal(driver->find(cloud, ids, N, clock_mono_ms() + 10000, &found, &n, &why),
                         CLOUD_FAILED);
        assert_null(found);
}

static void faults_say_whether_to_try_again(void **state)
{
        static const struct {
                int status, code;
                bool again;
        } cases[] = {
                { 401, 500, false }, { 403, 403, false }, { 409, 409, false },
                { 429, 503, true },  { 500, 503, true },  { 503, 503, true },
        };
        struct plug_want want = to_network(NET_ID);
        struct plug_result result = { 0 };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                struct fault why = { 0 };

                fake_openstack_rule("GET", "/v2.0/ports", "status", cases[i].status == 401 ? 2 : 1,
                                    json_integer(cases[i].status));
                assert_int_equal(plug_within(&want, 10000, &result, &why), CLOUD_FAILED);
                assert_int_equal(why.code, cases[i].code);
                assert_int_equal(why.retry_after_ms > 0, cases[i].again);
                assert_true(text_starts(why.type, "cloud."));
        }
        assert_int_equal(n_ports(), 0);
}

#define CASE(test) cmocka_unit_test_setup(test, setup)
int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(a_network_gets_one_port_and_loses_it_again),
                CASE(without_the_extension_port_security_is_not_spoken_of),
                CASE(a_port_that_was_made_but_not_told_is_found),
                CASE(a_port_of_an_unanswered_post_does_not_stay_behind),
                CASE(a_busy_or_suspicious_neutron_is_asked_again),
                CASE(a_binding_that_fails_behind_a_200_is_noticed_and_undone),
                CASE(a_port_that_never_wakes_is_named_and_undone_in_time),
                CASE(what_was_plugged_before_is_not_torn_down_by_a_later_failure),
                CASE(a_gateway_that_refuses_leaves_no_port),
                CASE(a_gateway_that_is_away_does_not_keep_the_tenants_network),
                CASE(extras_of_ours_go_and_all_choose_the_same),
                CASE(a_host_that_changed_is_bound_anew),
                CASE(a_foreign_and_a_missing_thing_look_the_same),
                CASE(a_network_too_wide_for_the_link_is_refused_with_both_figures),
                CASE(a_port_in_use_is_not_taken),
                CASE(a_tenants_port_is_taken_and_given_back_as_it_was),
                CASE(a_tenants_port_is_given_back_when_plugging_fails),
                CASE(a_port_that_carries_the_vif_id_is_used_and_keeps_it),
                CASE(a_port_that_changes_while_it_is_taken_is_looked_at_again),
                CASE(tenants_ports_with_our_vif_ids_are_found_on_every_page),
                CASE(faults_say_whether_to_try_again),
        };

        return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
