/* SPDX-License-Identifier: Apache-2.0 */
/* cloud/neutron on the lab (devstack/stack.sh): real Keystone, Neutron, its agent, SSH and Open vSwitch of site-a. */
#include "support/unit.h"

#include <jansson.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/uuid.h"
#include "drivers/cloud/cloud_driver.h"
#include "gateway-helper/process.h"
#include "openstack/session.h"

enum { TAG = 4077, PATIENCE_MS = 60000 };
#define INTERFACE "cav4077"

struct holder {
        struct openstack_settings openstack;
};
static const struct setting rows[] = {
        OPENSTACK_SETTINGS("tenant", struct holder, openstack),
        { 0 },
};

static char env[16384]; /* the lab's file of NAME='value' lines */
static const struct cloud_driver *driver;
static struct cloud_handle *cloud;
static struct holder alice_settings, mallory_settings;
static struct openstack_session *alice, *mallory;
static struct ssh_target target;
static struct cloud_spot spot = { .gateway = "gw-a", .interface = INTERFACE, .host = &target };
static char att[ID_SIZE], vif_id[VIF_ID_SIZE], net[ID_SIZE], foreign_net[ID_SIZE];

/* ---- the lab ---- */

static char *lab(const char *name) /* caller frees */
{
        char start[96];
        const char *at, *end;

        snprintf(start, sizeof start, "\n%s='", name);
        at = strstr(env, start);
        if (!at)
                fail_msg("the lab's env has no %s: is it up (devstack/stack.sh)?", name);
        at += strlen(start);
        end = strchr(at, '\'');
        assert_non_null(end);
        return strndup(at, (size_t)(end - at));
}

static const char *in_gateway(const char *line)
{
        static struct text out;
        OWN(mem_free) char *netns = lab("SITE_A_GW_NETNS"), *socket = lab("SITE_A_GW_OVSDB");
        char words[512], db[256];
        const char *argv[40] = { "ip", "netns", "exec", netns };
        struct fault why = { 0 };
        size_t n = 4;

        TEXT_SET(words, line);
        snprintf(db, sizeof db, "--db=%s", socket);
        for (char *at = strtok(words, " "); at; at = strtok(NULL, " ")) {
                argv[n++] = at;
                if (text_equal(at, "ovs-vsctl"))
                        argv[n++] = db;
        }
        text_reset(&out);
        if (process_run(argv, NULL, 0, clock_mono_ms() + 20000, &out, NULL, NULL, &why) != PROCESS_OK)
                fail_msg("%s: %s", line, why.message);
        while (out.n > 0 && out.bytes[out.n - 1] == '\n')
                out.bytes[--out.n] = '\0';
        return out.bytes ? out.bytes : "";
}

static struct config_file *config(const char *section, const char *user, const char *password,
                                  const char *project, const char *more)
{
        OWN(mem_free) char *auth_url = lab("KEYSTONE_URL"), *region = lab("SITE_A_REGION"),
                           *secret = lab(password);
        struct config_file *f = NULL;
        struct fault why = { 0 };
        char text[1024];

        snprintf(text, sizeof text,
                 "[%s]\nauth_url = %s\nusername = %s\npassword = %s\nproject_name = %s\nregion_name = %s\n%s",
                 section, auth_url, user, secret, project, region, more);
        assert_int_equal(config_file_parse("test", text, strlen(text), &f, &why), CONFIG_OK);
        return f;
}

static void tenant(const char *user, const char *password, const char *project, struct holder *settings,
                   struct openstack_session **ret)
{
        OWN(config_file_free) struct config_file *f = config("tenant", user, password, project, "");
        struct fault why = { 0 };

        assert_int_equal(config_apply(f, rows, NULL, settings, &why), CONFIG_OK);
        assert_int_equal(openstack_session_new(&settings->openstack, "network", ret), 0);
}

static json_t *ask(struct openstack_session *s, const char *method, const char *path, json_t *body)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        struct fault why = { 0 };
        int r = openstack_call(s,
                               &(struct openstack_call){ .method = method, .path = path, .body = body,
                                                         .deadline_mono_ms = clock_mono_ms() + PATIENCE_MS },
                               &reply, &why);

        json_decref(body);
        if (r)
                fail_msg("%s %s: %s", method, path, why.message);
        return json_incref(reply.body);
}

static void thing(struct openstack_session *s, const char *kind, json_t *fields, char ret[ID_SIZE])
{
        char path[64];
        json_auto_t *answer = NULL;

        snprintf(path, sizeof path, "/v2.0/%ss", kind);
        answer = ask(s, "POST", path, json_pack("{s:o}", kind, fields));
        text_copy(ret, ID_SIZE, json_string_value(json_object_get(json_object_get(answer, kind), "id")));
        assert_true(uuid_valid(ret));
}

static void remove_thing(struct openstack_session *s, const char *kind, const char *id)
{
        char path[96];

        snprintf(path, sizeof path, "/v2.0/%ss/%s", kind, id);
        json_decref(ask(s, "DELETE", path, NULL));
}

static json_t *ports(void)
{
        char path[96];
        json_auto_t *answer = NULL;

        snprintf(path, sizeof path, "/v2.0/ports?network_id=%s", net);
        answer = ask(alice, "GET", path, NULL);
        return json_incref(json_object_get(answer, "ports"));
}

static int group_setup(void **state)
{
        OWN(mem_free) char *port = NULL;
        OWN(config_file_free) struct config_file *f = NULL;
        struct vif_id v = { .driver = "ovs", .gateway = "gw-a", .tag = TAG };
        struct fault why = { 0 };
        const char *folder = getenv("ATLAS_LAB");
        char helper[512];
        char path[256];
        FILE *file;

        (void)state;
        snprintf(path, sizeof path, "%s/env", folder ? folder : "/var/tmp/cloud-atlas-lab");
        file = fopen(path, "r");
        if (!file)
                fail_msg("%s is not there: start the lab (devstack/stack.sh)", path);
        env[0] = '\n';
        assert_true(fread(env + 1, 1, sizeof env - 2, file) > 0);
        fclose(file);
        port = lab("SITE_A_GW_PORT");
        target = (struct ssh_target){
                .host = lab("SITE_A_GW_HOST"),
                .port = atoi(port),
                .user = lab("SITE_A_GW_USER"),
                .key_file = lab("SITE_A_GW_KEY"),
                .host_key = lab("SITE_A_GW_HOSTKEY"),
        };
        spot.agent_host = lab("SITE_A_GW_NAME");
        driver = cloud_driver_find("neutron");
        assert_non_null(driver);
        snprintf(helper, sizeof helper, "helper = %s/bin/atlas-gateway-helper\n", lab("LAB"));
        f = config("neutron", "atlas-agent-site-a", "KEYSTONE_PASSWORD_ATLAS_AGENT_SITE_A", "service",
                   helper);
        assert_int_equal(driver->open(f, &cloud, &why), CONFIG_OK);
        tenant("alice", "KEYSTONE_PASSWORD_ALICE", "atlas-demo", &alice_settings, &alice);
        tenant("mallory", "KEYSTONE_PASSWORD_MALLORY", "rival", &mallory_settings, &mallory);
        thing(alice, "network", json_pack("{s:s}", "name", "test-neutron-lab"), net);
        thing(mallory, "network", json_pack("{s:s}", "name", "test-neutron-lab"), foreign_net);
        uuid_new(att);
        TEXT_SET(v.attachment_id, att);
        vif_id_format(&v, vif_id);
        in_gateway("ip link add " INTERFACE " type veth peer name cai4077");
        in_gateway("ip link set " INTERFACE " up");
        in_gateway("ip link set cai4077 up");
        return 0;
}

static int group_teardown(void **state)
{
        json_auto_t *left = alice ? ports() : NULL;
        json_t *p;
        size_t i;

        (void)state;
        if (!foreign_net[0])
                return 0; /* the setup failed and said why */
        in_gateway("ovs-vsctl --timeout=20 --if-exists del-port " INTERFACE);
        in_gateway("ip link del " INTERFACE);
        json_array_foreach(left, i, p)
                remove_thing(alice, "port", json_string_value(json_object_get(p, "id")));
        remove_thing(alice, "network", net);
        remove_thing(mallory, "network", foreign_net);
        openstack_session_free(alice);
        openstack_session_free(mallory);
        config_done(rows, &alice_settings);
        config_done(rows, &mallory_settings);
        driver->close(cloud);
        free(target.host);
        free(target.user);
        free(target.key_file);
        free(target.host_key);
        free((char *)(uintptr_t)spot.agent_host);
        return 0;
}

static struct plug_want wanted(void)
{
        OWN(mem_free) char *project = lab("PROJECT_ID_ALICE");
        struct plug_want w = { .tag = TAG, .mtu = 1500 };

        TEXT_SET(w.id, att);
        TEXT_SET(w.vif_id, vif_id);
        TEXT_SET(w.project_id, project);
        return w;
}

static void must(int r, const struct fault *why)
{
        if (r)
                fail_msg("%s: %s", why->type, why->message);
}

/* ---- the tests ---- */

static void a_network_is_plugged_until_neutron_says_active(void **state)
{
        struct plug_want want = wanted();
        struct plug_result result = { 0 };
        struct fault why = { 0 };
        json_auto_t *during = NULL, *after = NULL;
        int64_t from = clock_mono_ms();

        (void)state;
        TEXT_SET(want.network_id, net);
        must(driver->plug(cloud, &want, &spot, clock_mono_ms() + PATIENCE_MS, &result, &why), &why);
        print_message("plugged in %lld ms\n", (long long)(clock_mono_ms() - from));
        from = clock_mono_ms();
        must(driver->plug(cloud, &want, &spot, clock_mono_ms() + PATIENCE_MS, &result, &why), &why);
        print_message("again in %lld ms\n", (long long)(clock_mono_ms() - from));
        during = ports();
        assert_int_equal(json_array_size(during), 1);
        assert_string_equal(json_string_value(json_object_get(json_array_get(during, 0), "status")), "ACTIVE");
        assert_string_not_equal(in_gateway("ovs-vsctl get Port " INTERFACE " tag"), "4095");
        assert_string_equal(in_gateway("ovs-vsctl get Port " INTERFACE " vlan_mode trunks"), "[]\n[]");
        TEXT_SET(want.neutron_port_id, result.neutron_port_id);
        from = clock_mono_ms();
        must(driver->unplug(cloud, &want, &spot, clock_mono_ms() + PATIENCE_MS, &why), &why);
        print_message("unplugged in %lld ms\n", (long long)(clock_mono_ms() - from));
        must(driver->unplug(cloud, &want, &spot, clock_mono_ms() + PATIENCE_MS, &why), &why);
        after = ports();
        assert_int_equal(json_array_size(after), 0);
        assert_string_equal(in_gateway("ovs-vsctl --if-exists list Interface " INTERFACE), "");
}

static void the_tenants_own_port_is_found_taken_and_given_back(void **state)
{
        const char *ids[] = { "ca1:ovs:gw-a:9:nobody", vif_id };
        struct plug_want want = wanted();
        struct plug_result result = { 0 };
        struct cloud_found *found = NULL;
        struct fault why = { 0 };
        size_t n = 0;
        json_auto_t *during = NULL, *after = NULL;
        json_t *p;

        (void)state;
        thing(alice, "port", json_pack("{s:s, s:s}", "network_id", net, "device_id", vif_id), want.port_id);
        must(driver->find(cloud, ids, 2, clock_mono_ms() + PATIENCE_MS, &found, &n, &why), &why);
        assert_int_equal(n, 1);
        assert_string_equal(found[0].port_id, want.port_id);
        assert_string_equal(found[0].vif_id, vif_id);
        assert_string_equal(found[0].project_id, want.project_id);
        free(found);
        must(driver->plug(cloud, &want, &spot, clock_mono_ms() + PATIENCE_MS, &result, &why), &why);
        assert_string_equal(result.neutron_port_id, want.port_id);
        during = ports();
        p = json_array_get(during, 0);
        assert_string_equal(json_string_value(json_object_get(p, "status")), "ACTIVE");
        assert_string_equal(json_string_value(json_object_get(p, "device_owner")), "network:cloud-atlas");
        assert_null(json_object_get(p, "binding:profile")); /* the mark is not the tenant's to see */
        must(driver->unplug(cloud, &want, &spot, clock_mono_ms() + PATIENCE_MS, &why), &why);
        after = ports();
        p = json_array_get(after, 0);
        assert_int_equal(json_array_size(after), 1);
        assert_string_equal(json_string_value(json_object_get(p, "device_owner")), "");
        assert_string_equal(json_string_value(json_object_get(p, "device_id")), vif_id);
        remove_thing(alice, "port", want.port_id);
}

static void what_is_not_the_projects_or_too_wide_is_refused(void **state)
{
        struct plug_want want = wanted();
        struct plug_result result = { 0 };
        struct fault why = { 0 };

        (void)state;
        TEXT_SET(want.network_id, foreign_net);
        assert_int_equal(driver->plug(cloud, &want, &spot, clock_mono_ms() + PATIENCE_MS, &result, &why),
                         CLOUD_FAILED);
        assert_string_equal(why.type, "cloud.not_yours");
        TEXT_SET(want.network_id, att);
        assert_int_equal(driver->plug(cloud, &want, &spot, clock_mono_ms() + PATIENCE_MS, &result, &why),
                         CLOUD_FAILED);
        assert_string_equal(why.type, "cloud.not_yours");
        TEXT_SET(want.network_id, net);
        want.mtu = 900;
        assert_int_equal(driver->plug(cloud, &want, &spot, clock_mono_ms() + PATIENCE_MS, &result, &why),
                         CLOUD_FAILED);
        assert_string_equal(why.type, "cloud.mtu");
}

static void a_host_without_an_agent_is_a_binding_that_failed(void **state)
{
        struct plug_want want = wanted();
        struct cloud_spot nowhere = spot;
        struct plug_result result = { 0 };
        struct fault why = { 0 };
        json_auto_t *after = NULL;

        (void)state;
        nowhere.agent_host = "no-such-host";
        TEXT_SET(want.network_id, net);
        assert_int_equal(driver->plug(cloud, &want, &nowhere, clock_mono_ms() + PATIENCE_MS, &result, &why),
                         CLOUD_FAILED);
        assert_string_equal(why.type, "cloud.binding_failed");
        after = ports();
        assert_int_equal(json_array_size(after), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_network_is_plugged_until_neutron_says_active),
                cmocka_unit_test(the_tenants_own_port_is_found_taken_and_given_back),
                cmocka_unit_test(what_is_not_the_projects_or_too_wide_is_refused),
                cmocka_unit_test(a_host_without_an_agent_is_a_binding_that_failed),
        };

        return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
