/* SPDX-License-Identifier: Apache-2.0 */
/* The helper's plugging on a real Open vSwitch, alone in namespaces. */
#include "support/unit.h"

#include <jansson.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "gateway-helper/plug.h"
#include "gateway-helper/process.h"

#define ATT "33333333-3333-4333-8333-333333333333"
#define OTHER "33333333-3333-4333-8333-444444444444"
#define PORT "11111111-1111-4111-8111-111111111111"
#define PORT2 "11111111-1111-4111-8111-222222222222"
#define MAC "fa:16:3e:00:00:07"

/* Runs 'line', words between blanks; its output is lent until the next call. */
static const char *run(const char *line)
{
        static struct text out;
        char words[512];
        const char *argv[40] = { 0 };
        struct fault why = { 0 };
        size_t n = 0;
        int r;

        TEXT_SET(words, line);
        for (char *at = strtok(words, " "); at; at = strtok(NULL, " "))
                argv[n++] = at;
        text_reset(&out);
        r = process_run(argv, NULL, 0, clock_mono_ms() + 20000, &out, NULL, NULL, &why);
        if (r)
                print_error("%s: %s\n", line, why.message);
        assert_int_equal(r, PROCESS_OK);
        while (out.n > 0 && out.bytes[out.n - 1] == '\n')
                out.bytes[--out.n] = '\0';
        return out.bytes ? out.bytes : "";
}

static int group_setup(void **state)
{
        (void)state;
        run("mkdir -p /run/openvswitch /run/db");
        run("ovsdb-tool create /run/db/conf.db /usr/share/openvswitch/vswitch.ovsschema");
        run("ovsdb-server /run/db/conf.db --remote=punix:/run/openvswitch/db.sock --pidfile --detach "
            "--no-chdir --log-file=/run/db/ovsdb.log -vconsole:off");
        run("ovs-vsctl --no-wait -- init");
        run("ovs-vswitchd unix:/run/openvswitch/db.sock --pidfile --detach --no-chdir "
            "--log-file=/run/db/vswitchd.log -vconsole:off");
        run("ovs-vsctl --timeout=20 add-br br-int -- set bridge br-int datapath_type=netdev");
        run("ovs-vsctl --timeout=20 add-br br-other -- set bridge br-other datapath_type=netdev");
        run("ip link add cav7 type veth peer name inner7");
        run("ip link set cav7 up");
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        run("ovs-vsctl --timeout=20 --if-exists del-port cav7 -- --if-exists del-port cav8");
        return 0;
}

static json_t *ask(json_t *request)
{
        json_t *answer = helper_plug(request);

        json_decref(request);
        assert_non_null(answer);
        return answer;
}

static json_t *plug(const char *interface, const char *bridge, const char *iface_id, const char *attachment)
{
        return ask(json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "verb", "plug", "interface", interface,
                             "bridge", bridge, "iface_id", iface_id, "mac", MAC, "attachment", attachment));
}

static json_t *unplug(const char *interface, const char *attachment)
{
        return ask(json_pack("{s:s, s:s, s:s, s:s}", "verb", "unplug", "interface", interface, "bridge",
                             "br-int", "attachment", attachment));
}

static json_t *plugged(void)
{
        json_auto_t *answer = ask(json_pack("{s:s}", "verb", "plugged"));

        assert_true(json_is_array(json_object_get(answer, "plugged")));
        return json_incref(json_object_get(answer, "plugged"));
}

static void is_text(const json_t *object, const char *key, const char *value)
{
        const char *is = json_string_value(json_object_get(object, key));

        assert_non_null(is);
        assert_string_equal(is, value);
}

static void is_fault(const json_t *answer, const char *type)
{
        const json_t *fault = json_object_get(answer, "fault");

        assert_non_null(fault);
        is_text(fault, "type", type);
}

static void an_interface_comes_with_its_ids_on_the_dead_vlan(void **state)
{
        json_auto_t *answer = plug("cav7", "br-int", PORT, ATT), *all = NULL;

        (void)state;
        assert_true(json_is_true(json_object_get(answer, "present")));
        is_text(answer, "iface_id", PORT);
        is_text(answer, "mac", MAC);
        is_text(answer, "attachment", ATT);
        assert_string_equal(run("ovs-vsctl port-to-br cav7"), "br-int");
        assert_string_equal(run("ovs-vsctl get Port cav7 tag vlan_mode trunks"), "4095\ntrunk\n[4095]");
        assert_string_equal(run("ovs-vsctl get Interface cav7 external_ids:attached-mac"), "\"" MAC "\"");
        assert_string_equal(run("ovs-vsctl get Interface cav7 external_ids:iface-status"), "active");
        all = plugged();
        assert_int_equal(json_array_size(all), 1);
        assert_true(json_equal(json_array_get(all, 0), answer));
}

static void plugging_twice_leaves_what_neutron_made_of_it(void **state)
{
        json_auto_t *first = plug("cav7", "br-int", PORT, ATT), *second = NULL;
        char uuid[64];

        (void)state;
        TEXT_SET(uuid, run("ovs-vsctl get Port cav7 _uuid"));
        run("ovs-vsctl set Port cav7 tag=5 -- clear Port cav7 vlan_mode trunks");
        second = plug("cav7", "br-int", PORT, ATT);
        assert_true(json_equal(first, second));
        assert_string_equal(run("ovs-vsctl get Port cav7 tag _uuid") + 2, uuid);
        assert_string_equal(run("ovs-vsctl get Port cav7 tag"), "5");
}

static void another_port_does_not_inherit_the_old_networks_tag(void **state)
{
        json_auto_t *first = plug("cav7", "br-int", PORT, OTHER), *second = NULL;

        (void)state;
        assert_null(json_object_get(first, "fault"));
        run("ovs-vsctl set Port cav7 tag=5 -- clear Port cav7 vlan_mode trunks");
        second = plug("cav7", "br-int", PORT2, ATT);
        is_text(second, "iface_id", PORT2);
        assert_string_equal(run("ovs-vsctl get Port cav7 tag"), "4095");
}

static void unplugging_takes_only_what_is_the_attachments(void **state)
{
        json_auto_t *made = plug("cav7", "br-int", PORT, ATT), *kept = unplug("cav7", OTHER);

        (void)state;
        assert_null(json_object_get(made, "fault"));
        assert_true(json_is_false(json_object_get(kept, "present")));
        assert_string_equal(run("ovs-vsctl port-to-br cav7"), "br-int");
        for (int i = 0; i < 2; i++) { /* twice is the same */
                json_auto_t *gone = unplug("cav7", ATT), *all = plugged();

                assert_true(json_is_false(json_object_get(gone, "present")));
                assert_int_equal(json_array_size(all), 0);
                assert_string_equal(run("ovs-vsctl list-ports br-int"), "");
        }
        run("ip link show cav7");
}

static void an_interface_that_is_not_there_is_refused_and_leaves_no_port(void **state)
{
        json_auto_t *answer = plug("cav8", "br-int", PORT, ATT);

        (void)state;
        is_fault(answer, "gateway.device_error");
        assert_string_equal(run("ovs-vsctl list-ports br-int"), "");
}

static void a_bridge_that_is_not_there_or_another_one_is_a_fault(void **state)
{
        json_auto_t *none = plug("cav7", "br-none", PORT, ATT), *other = NULL;

        (void)state;
        is_fault(none, "gateway.device_error");
        run("ovs-vsctl --timeout=20 add-port br-other cav7");
        other = plug("cav7", "br-int", PORT, ATT);
        is_fault(other, "gateway.device_error");
        assert_string_equal(run("ovs-vsctl port-to-br cav7"), "br-other");
}

static void a_dead_switch_is_a_fault_in_time(void **state)
{
        json_auto_t *answer = NULL;
        int64_t from;

        (void)state;
        run("ovs-appctl -t ovs-vswitchd exit");
        from = clock_mono_ms();
        answer = ask(json_pack("{s:s, s:i, s:s, s:s, s:s, s:s, s:s}", "verb", "plug", "timeout_ms", 2000,
                               "interface", "cav7", "bridge", "br-int", "iface_id", PORT, "mac", MAC,
                               "attachment", ATT));
        assert_non_null(json_object_get(answer, "fault"));
        assert_true(clock_mono_ms() - from < 4000);
        run("ovs-vswitchd unix:/run/openvswitch/db.sock --pidfile --detach --no-chdir "
            "--log-file=/run/db/vswitchd.log -vconsole:off");
}

/* Open vSwitch lives in /run and the process namespace of alone.sh: both end with us. */
int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(an_interface_comes_with_its_ids_on_the_dead_vlan, teardown),
                cmocka_unit_test_teardown(plugging_twice_leaves_what_neutron_made_of_it, teardown),
                cmocka_unit_test_teardown(another_port_does_not_inherit_the_old_networks_tag, teardown),
                cmocka_unit_test_teardown(unplugging_takes_only_what_is_the_attachments, teardown),
                cmocka_unit_test_teardown(an_interface_that_is_not_there_is_refused_and_leaves_no_port, teardown),
                cmocka_unit_test_teardown(a_bridge_that_is_not_there_or_another_one_is_a_fault, teardown),
                cmocka_unit_test_teardown(a_dead_switch_is_a_fault_in_time, teardown),
        };

        if (argc == 1) {
                char here[4096] = "";

                assert_true(readlink("/proc/self/exe", here, sizeof here - 1) > 0);
                execl(ATLAS_SOURCE_DIR "/tests/support/alone.sh", "alone.sh", here, "alone", NULL);
                perror(argv[0]);
                return 1;
        }
        return cmocka_run_group_tests(tests, group_setup, NULL);
}
