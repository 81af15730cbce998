/* SPDX-License-Identifier: Apache-2.0 */
/* The ovs driver against real gateway hosts: Open vSwitch, sshd, the helper, and virtual machines on both sides. */
#include "support/unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "drivers/gateway/ovs.h"
#include "support/alone.h"

enum { N_HOSTS = 3, WITHIN_MS = 60000, SNAPSHOT = 16384 };
#define HOST_SH ATLAS_SOURCE_DIR "/tests/support/gateway_host.sh"

static struct host {
        char dir[64];
        struct gateway_handle *gateway;
        char empty[SNAPSHOT];          /* what is there before any test */
} hosts[N_HOSTS];
static char home[32];
static int64_t seq = 1;

/* ---- hosts and their gateways ---- */

static struct gateway_handle *open_gateway(int host, const char *helper, const char *key_file,
                                           int host_key_of, int port)
{
        struct config_file *file = NULL;
        struct gateway_handle *ret = NULL;
        struct fault why = { 0 };
        char text[4096], host_key[1024];

        assert_int_equal(shell(host_key, sizeof host_key, "cut -d' ' -f1,2 %s/host_key.pub", hosts[host_key_of].dir), 0);
        snprintf(text, sizeof text,
                 "[gateway:gw]\nhost = 10.254.%d.2\nport = %d\nkey_file = %s\nhost_key = %s\n"
                 "helper = %s\nstate_dir = %.63s/state\n",
                 host + 1, port, key_file, host_key, helper, hosts[host].dir);
        if (config_file_parse("test", text, strlen(text), &file, &why) != 0 ||
            gateway_ovs.open(file, "gw", &ret, &why) != 0)
                fail_msg("%s", why.message);
        config_file_free(file);
        return ret;
}

static struct gateway_handle *open_with(int host, const char *helper)
{
        char key_file[128];

        snprintf(key_file, sizeof key_file, "%.63s/client_key", hosts[host].dir);
        return open_gateway(host, helper, key_file, host, 22);
}

static void in_host(int host, const char *command)
{
        if (shell(NULL, 0, HOST_SH " exec %s gw%d %s", hosts[host].dir, host + 1, command) != 0)
                fail_msg("failed: %s", command);
}

/* All that a link could leave behind: interfaces, shapers, ports and flows. */
static void snapshot(int host, char ret[SNAPSHOT])
{
        int r = shell(ret, SNAPSHOT,
                      HOST_SH " exec %s gw%d sh -c '"
                              "ip -o link | cut -d: -f1,2 | grep -v \" tap\" | sort; tc qdisc show | grep -v \" tap\" | sort; "
                              "ovs-vsctl -f csv --no-headings --columns=name list interface | grep -v tap | sort; "
                              "ovs-ofctl -O OpenFlow13 dump-flows --no-stats br-atlas'",
                      hosts[host].dir, host + 1);

        assert_int_equal(r, 0);
}

static int start(void **state)
{
        OWN(text_done) struct text command = { 0 };

        (void)state;
        strcpy(home, "/tmp/atlas-ovs-XXXXXX");
        if (!mkdtemp(home))
                return -1;
        for (int i = 0; i < N_HOSTS; i++) {
                snprintf(hosts[i].dir, sizeof hosts[i].dir, "%s/gw%d", home, i + 1);
                text_addf(&command, HOST_SH " up %s gw%d %d & p%d=$!; ", hosts[i].dir, i + 1, i + 1, i);
        }
        if (shell(NULL, 0, "%s wait $p0 && wait $p1 && wait $p2", command.bytes) != 0)
                return -1;
        for (int i = 0; i < N_HOSTS; i++) {
                if (shell(NULL, 0, "ln -s " ATLAS_BINARY_DIR "/bin/atlas-gateway-helper %s/bin/", hosts[i].dir) != 0)
                        return -1;
                hosts[i].gateway = open_with(i, "atlas-gateway-helper");
                snapshot(i, hosts[i].empty);
        }
        return 0;
}

static int stop(void **state)
{
        (void)state;
        for (int i = 0; i < N_HOSTS; i++)
                gateway_ovs.close(hosts[i].gateway);
        return shell(NULL, 0, "rm -rf %s", home);
}

/* ---- wanting ---- */

static void id_of(char kind, int number, char ret[ID_SIZE])
{
        snprintf(ret, ID_SIZE, "6b1c2a52-3c0f-4f2e-9d55-%02x%010x", kind, (unsigned)number);
}

/* The end at 'host' of the link from it to 'peer' in 'vpn'; links are numbered by what they join. */
static struct port_want port_of(int host, int peer, int vpn)
{
        struct port_want w = { .present = true, .generation = 1, .project_id = "p", .site = "a", .peer_site = "b",
                               .local_label = 1000 + 100 * vpn + 10 * host + peer,
                               .peer_label = 1000 + 100 * vpn + 10 * peer + host, .mtu = 1500,
                               .tx_kbps = 20000, .rx_kbps = 20000 };

        id_of(1, vpn * 100 + host * 10 + peer, w.id);
        id_of(2, vpn * 100 + (host < peer ? host * 10 + peer : peer * 10 + host), w.link_id);
        id_of(3, vpn, w.vpn_id);
        id_of(4, vpn * 10 + host, w.attachment_id);
        snprintf(w.peer_address, sizeof w.peer_address, "0a:ca:00:00:00:%02x", peer + 1);
        return w;
}

static struct attachment_want attachment_of(int host, int vpn)
{
        struct attachment_want w = { .present = true, .generation = 1, .project_id = "p", .tag = vpn };

        id_of(4, vpn * 10 + host, w.id);
        id_of(3, vpn, w.vpn_id);
        return w;
}

static void apply_by(struct gateway_handle *g, int64_t number, struct port_want *ports, size_t n_ports,
                     struct attachment_want *attachments, size_t n_attachments, struct apply_result *ret)
{
        const struct apply_want want = { "gw", 1, number, WITHIN_MS, ports, n_ports, attachments, n_attachments };

        assert_int_equal(gateway_ovs.apply(g, &want, clock_mono_ms() + WITHIN_MS, ret), 0);
}

static void apply_well(int host, struct port_want *ports, size_t n_ports,
                       struct attachment_want *attachments, size_t n_attachments)
{
        OWN(apply_result_done) struct apply_result r = { 0 };

        apply_by(hosts[host].gateway, ++seq, ports, n_ports, attachments, n_attachments, &r);
        if (fault_is_set(&r.fault))
                fail_msg("%s", r.fault.message);
        assert_int_equal(r.n_ports, n_ports);
        assert_int_equal(r.n_attachments, n_attachments);
        for (size_t i = 0; i < n_ports + n_attachments; i++) {
                const struct want_result *one = i < n_ports ? &r.ports[i] : &r.attachments[i - n_ports];
                bool wanted = i < n_ports ? ports[i].present : attachments[i - n_ports].present;

                if (fault_is_set(&one->fault))
                        fail_msg("%s: %s", one->id, one->fault.message);
                assert_int_equal(one->present, wanted);
                assert_int_equal(one->generation, i < n_ports ? ports[i].generation : attachments[i - n_ports].generation);
        }
}

static void link_up(int a, int b, int vpn)
{
        struct port_want ports[2] = { port_of(a, b, vpn), port_of(b, a, vpn) };
        struct attachment_want attachments[2] = { attachment_of(a, vpn), attachment_of(b, vpn) };

        apply_well(a, &ports[0], 1, &attachments[0], 1);
        apply_well(b, &ports[1], 1, &attachments[1], 1);
}

static void read_well(int host, struct gateway_state *ret)
{
        struct fault why = { 0 };

        if (gateway_ovs.read(hosts[host].gateway, clock_mono_ms() + WITHIN_MS, ret, &why) != 0)
                fail_msg("%s", why.message);
}

/* Makes absent whatever is there, and looks that nothing is left. */
static int leave_nothing(void **state)
{
        (void)state;
        for (int host = 0; host < N_HOSTS; host++) {
                struct gateway_state s = { 0 };
                struct port_want ports[100] = { 0 };
                struct attachment_want attachments[100] = { 0 };
                char after[SNAPSHOT];

                read_well(host, &s);
                for (size_t i = 0; i < s.n_ports; i++) {
                        ports[i].generation = 99;
                        TEXT_SET(ports[i].id, s.ports[i].id);
                        id_of(2, 0, ports[i].link_id);
                        id_of(3, 0, ports[i].vpn_id);
                }
                for (size_t i = 0; i < s.n_attachments; i++) {
                        attachments[i].generation = 99;
                        TEXT_SET(attachments[i].id, s.attachments[i].id);
                        id_of(3, 0, attachments[i].vpn_id);
                }
                if (s.n_ports + s.n_attachments + s.n_unknown > 0) {
                        apply_well(host, ports, s.n_ports, attachments, s.n_attachments);
                        gateway_state_done(&s);
                        read_well(host, &s);
                }
                assert_int_equal(s.n_ports + s.n_attachments + s.n_unknown, 0);
                assert_true(gateway_state_digest(&s) == 0);
                gateway_state_done(&s);
                snapshot(host, after);
                assert_string_equal(after, hosts[host].empty);
        }
        return 0;
}

/* ---- virtual machines ---- */

/* A machine of 'vpn' at 'host', 192.168.7.LAST, on a network of its own there, with the attachment plugged into it by VLAN. */
static void vm_up(int host, int vpn, int last)
{
        const struct host *h = &hosts[host];
        int r = shell(NULL, 0,
                      "set -e; " HOST_SH " vm %s gw%d vm%d 192.168.7.%d/24 tap%d; "
                      HOST_SH " exec %s gw%d ovs-vsctl --timeout=20 set port tap%d tag=%d "
                      "-- --may-exist add-port br-int cav%d tag=%d",
                      h->dir, host + 1, last, last, last, h->dir, host + 1, last, vpn, vpn, vpn);

        assert_int_equal(r, 0);
}

static void vm_down(int last)
{
        for (int i = 0; i < N_HOSTS; i++)
                shell(NULL, 0, HOST_SH " exec %s gw%d ovs-vsctl --timeout=20 --if-exists del-port br-int tap%d; "
                      "ip -n gw%d link del tap%d 2>/dev/null",
                      hosts[i].dir, i + 1, last, i + 1, last);
        assert_int_equal(shell(NULL, 0, "ip netns del vm%d", last), 0);
}

static bool pings(int from, const char *to, const char *how)
{
        return shell(NULL, 0, "ip netns exec vm%d ping -q -c 2 -i 0.2 -W 2 %s %s 2>&1", from, how, to) == 0;
}

/* ---- tests ---- */

static void a_link_carries_full_frames_between_the_sites(void **state)
{
        (void)state;
        link_up(0, 1, 7);
        vm_up(0, 7, 1);
        vm_up(1, 7, 2);
        assert_true(pings(1, "192.168.7.2", ""));
        assert_true(pings(1, "192.168.7.2", "-M do -s 1472"));
        assert_true(pings(2, "192.168.7.1", "-M do -s 1472"));
        vm_down(1);
        vm_down(2);
}

static void what_describe_tells_is_the_hosts_own(void **state)
{
        struct gateway g = { 0 };
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(gateway_ovs.describe(hosts[1].gateway, clock_mono_ms() + WITHIN_MS, &g, &why), 0);
        assert_string_equal(g.address, "0a:ca:00:00:00:02");
        assert_int_equal(g.mtu, 1578);
        assert_string_equal(g.fence, "device");
        assert_true(gateway_can(&g, "bandwidth"));
        assert_int_equal(gateway_range_next(&g, INTEGER_LABEL, 0), 16);
        assert_true(*g.boot_id);
}

static void applying_twice_changes_nothing(void **state)
{
        char once[SNAPSHOT], twice[SNAPSHOT];

        (void)state;
        link_up(0, 1, 7);
        snapshot(0, once);
        assert_string_not_equal(once, hosts[0].empty);
        link_up(0, 1, 7);
        snapshot(0, twice);
        assert_string_equal(once, twice);
}

/* Megabits that arrive in a second and a half of TCP. */
static double throughput(int from, const char *to)
{
        char text[64];

        assert_int_equal(shell(text, sizeof text,
                               "ip netns exec vm%d iperf3 -J -t 2 -O 0.5 -c %s | jq .end.sum_received.bits_per_second",
                               from, to), 0);
        return strtod(text, NULL) / 1e6;
}

static void bandwidth_is_changed_in_place_under_traffic(void **state)
{
        struct port_want ports[2] = { port_of(0, 1, 7), port_of(1, 0, 7) };
        char before[SNAPSHOT], after[SNAPSHOT], lost[256];
        double slow, fast;

        (void)state;
        link_up(0, 1, 7);
        vm_up(0, 7, 1);
        vm_up(1, 7, 2);
        assert_true(pings(1, "192.168.7.2", ""));
        in_host(0, "sh -c 'ip -o link | cut -d: -f1,2; ovs-vsctl -f csv --columns=name,ofport list interface; tc qdisc show | cut -d\" \" -f1-5' >/tmp/atlas-before");
        assert_int_equal(shell(NULL, 0, "ip netns exec vm2 iperf3 -s -D"), 0);
        assert_int_equal(shell(NULL, 0, "ip netns exec vm1 sh -c 'ping -q -i 0.005 -c 400 -W 2 192.168.7.2 >/tmp/atlas-ping 2>&1 & echo $! >/tmp/atlas-ping.pid'"), 0);
        for (int change = 0; change < 3; change++)
                for (int host = 0; host < 2; host++) {
                        ports[host].tx_kbps = ports[host].rx_kbps = change == 1 ? 5000 : 40000;
                        ports[host].generation++;
                        apply_well(host, &ports[host], 1, NULL, 0);
                }
        shell(NULL, 0, "timeout 30 tail --pid=$(cat /tmp/atlas-ping.pid) -f /dev/null");
        assert_int_equal(shell(lost, sizeof lost, "grep ' 0%% packet loss' /tmp/atlas-ping"), 0);
        in_host(0, "sh -c 'ip -o link | cut -d: -f1,2; ovs-vsctl -f csv --columns=name,ofport list interface; tc qdisc show | cut -d\" \" -f1-5' >/tmp/atlas-after");
        assert_int_equal(shell(before, sizeof before, "cat /tmp/atlas-before"), 0);
        assert_int_equal(shell(after, sizeof after, "cat /tmp/atlas-after"), 0);
        assert_string_equal(before, after);
        fast = throughput(1, "192.168.7.2");
        for (int host = 0; host < 2; host++) {
                ports[host].tx_kbps = ports[host].rx_kbps = 4000;
                ports[host].generation++;
                apply_well(host, &ports[host], 1, NULL, 0);
        }
        slow = throughput(1, "192.168.7.2");
        print_message("throughput: %.1f Mbit/s of 40, %.1f of 4\n", fast, slow);
        assert_true(slow > 0.5 && fast > 2 * slow);
        vm_down(1);
        vm_down(2);
}

static void an_older_command_is_refused_and_does_nothing(void **state)
{
        struct port_want w = port_of(0, 1, 7);
        OWN(apply_result_done) struct apply_result old = { 0 };
        struct gateway_state s = { 0 };
        int64_t older = ++seq;
        char before[SNAPSHOT], after[SNAPSHOT];

        (void)state;
        apply_well(0, &w, 1, NULL, 0);
        snapshot(0, before);
        w.present = false;
        apply_by(hosts[0].gateway, older, &w, 1, NULL, 0, &old);
        assert_string_equal(old.fault.type, "gateway.stale");
        assert_int_equal(old.n_ports, 0);
        snapshot(0, after);
        assert_string_equal(before, after);
        read_well(0, &s);
        assert_int_equal(s.seq, seq);
        assert_int_equal(s.epoch, 1);
        gateway_state_done(&s);
}

static void a_lost_fence_is_rebuilt_from_what_is_there(void **state)
{
        static const char *const losses[] = { "rm %s/state/fence", "echo rubbish >%s/state/fence", ": >%s/state/fence" };
        struct port_want w = port_of(0, 1, 7);

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(losses); i++) {
                struct gateway_state s = { 0 };
                OWN(apply_result_done) struct apply_result old = { 0 };
                char command[128];

                w.generation++;
                apply_well(0, &w, 1, NULL, 0);
                snprintf(command, sizeof command, "%.*s%s%s", (int)(strstr(losses[i], "%s") - losses[i]), losses[i],
                         hosts[0].dir, strstr(losses[i], "%s") + 2);
                assert_int_equal(shell(NULL, 0, "%s", command), 0);
                read_well(0, &s);
                assert_int_equal(s.epoch, 1);
                assert_int_equal(s.seq, seq);
                assert_int_equal(s.n_ports, 1);
                gateway_state_done(&s);
                apply_by(hosts[0].gateway, seq - 1, &w, 1, NULL, 0, &old);
                assert_string_equal(old.fault.type, "gateway.stale");
        }
}

static void one_bad_port_does_its_neighbours_no_harm(void **state)
{
        struct port_want w[4] = { port_of(0, 1, 7), port_of(0, 2, 7), port_of(0, 1, 8), port_of(0, 2, 8) };
        OWN(apply_result_done) struct apply_result r = { 0 };

        (void)state;
        TEXT_SET(w[1].peer_address, "10.1.2.3");
        /* Somebody has taken the name of the fourth one's interface, and Open vSwitch a port for the third's. */
        in_host(0, "ip link add cap1802 type veth peer name theirs");
        in_host(0, "ip link set cap1802 alias theirs");
        in_host(0, "ovs-vsctl --timeout=20 add-port br-int caw1801 -- set interface caw1801 type=internal");
        apply_by(hosts[0].gateway, ++seq, w, 4, NULL, 0, &r);
        assert_false(fault_is_set(&r.fault));
        assert_int_equal(r.n_ports, 4);
        assert_false(fault_is_set(&r.ports[0].fault));
        assert_true(r.ports[0].present);
        assert_string_equal(r.ports[1].fault.type, "gateway.invalid");
        assert_string_equal(r.ports[2].fault.type, "gateway.device_error");
        assert_string_equal(r.ports[3].fault.type, "gateway.occupied");
        assert_false(r.ports[3].present);
        in_host(0, "ip link del cap1802");
        in_host(0, "ovs-vsctl --timeout=20 del-port br-int caw1801");
}

static void a_helper_killed_half_way_is_no_harm(void **state)
{
        static const char *const places[] = { "helper.after_link", "helper.after_port", "helper.after_round",
                                              "helper.after_round=kill:2", "helper.after_unport" };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(places); i++) {
                struct port_want w = port_of(0, 1, 7), gone = w;
                struct attachment_want a = attachment_of(0, 7), away = a;
                char helper[256];
                struct gateway_handle *dying;
                OWN(apply_result_done) struct apply_result made = { 0 };
                OWN(apply_result_done) struct apply_result removed = { 0 };

                snprintf(helper, sizeof helper, "env ATLAS_FAILPOINTS=%s%s atlas-gateway-helper", places[i],
                         strchr(places[i], '=') ? "" : "=kill");
                dying = open_with(0, helper);
                gone.present = away.present = false;
                apply_by(dying, ++seq, &w, 1, &a, 1, &made);
                assert_string_equal(made.fault.type, "gateway.bad_answer");
                apply_well(0, &w, 1, &a, 1); /* the same command again: converges */
                apply_by(dying, ++seq, &gone, 1, &away, 1, &removed);
                if (!strstr(places[i], "kill:2"))
                        assert_string_equal(removed.fault.type, "gateway.bad_answer");
                gateway_ovs.close(dying);
                apply_well(0, &gone, 1, &away, 1);
                leave_nothing(NULL);
        }
}

static void vpns_do_not_hear_each_other_nor_the_host(void **state)
{
        (void)state;
        link_up(0, 1, 7);
        link_up(0, 1, 8);
        vm_up(0, 7, 1);
        vm_up(1, 7, 2);
        vm_up(0, 8, 3);
        vm_up(1, 8, 4);
        assert_true(pings(1, "192.168.7.2", ""));
        assert_true(pings(3, "192.168.7.4", ""));
        assert_false(pings(3, "192.168.7.2", ""));
        assert_false(pings(3, "192.168.7.1", ""));
        /* The other gateway host's own address, asked for in the tenant's network. */
        assert_int_equal(shell(NULL, 0, "ip -n vm2 route add 10.254.0.0/16 dev eth0"), 0);
        assert_false(pings(2, "10.254.1.2", ""));
        assert_int_equal(shell(NULL, 0, "ip -n vm2 neigh show 10.254.1.2 | grep -q lladdr"), 1);
        for (int last = 1; last <= 4; last++)
                vm_down(last);
}

/* Three sites, every pair linked: a broadcast must reach each machine once, and never travel in circles. */
static void a_full_mesh_has_no_loop(void **state)
{
        char text[64];

        (void)state;
        for (int host = 0; host < 3; host++) {
                struct port_want ports[2] = { port_of(host, (host + 1) % 3, 7), port_of(host, (host + 2) % 3, 7) };
                struct attachment_want a = attachment_of(host, 7);

                apply_well(host, ports, 2, &a, 1);
                vm_up(host, 7, host + 1);
        }
        assert_true(pings(1, "192.168.7.2", ""));
        assert_true(pings(2, "192.168.7.3", ""));
        assert_true(pings(3, "192.168.7.1", ""));
        /* One request of a broadcast ping, from each machine one answer at most; a loop would bring thousands. */
        for (int last = 1; last <= 3; last++)
                shell(NULL, 0, "ip netns exec vm%d sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0", last);
        assert_int_equal(shell(text, sizeof text,
                               "ip netns exec vm1 ping -b -c 3 -i 0.3 -W 2 192.168.7.255 2>&1 | grep -c 'bytes from'"), 0);
        assert_in_range(strtol(text, NULL, 10), 3, 9);
        for (int last = 1; last <= 3; last++)
                vm_down(last);
}

static void a_restarted_switch_is_noticed_and_put_right(void **state)
{
        struct port_want w = port_of(0, 1, 7);
        struct gateway_state before = { 0 }, after = { 0 };

        (void)state;
        apply_well(0, &w, 1, NULL, 0);
        read_well(0, &before);
        in_host(0, "sh -c 'pid=$(cat /run/openvswitch/ovs-vswitchd.pid); kill $pid; tail --pid=$pid -f /dev/null; "
                   "ovs-vswitchd unix:/run/openvswitch/db.sock --pidfile --detach --no-chdir -vconsole:off -vfile:off >/dev/null 2>&1'");
        read_well(0, &after);
        assert_string_not_equal(before.boot_id, after.boot_id);
        assert_int_equal(after.n_ports, 1);
        assert_int_equal(after.ports[0].generation, 0);
        gateway_state_done(&before);
        gateway_state_done(&after);
        apply_well(0, &w, 1, NULL, 0);
        read_well(0, &after);
        assert_int_equal(after.ports[0].generation, 1);
        gateway_state_done(&after);
}

static void damage_is_seen_and_put_right(void **state)
{
        static const char *const damages[] = {
                "ip link set cap1701 down",
                "ip link set cap1701 mtu 1400",
                "ip link set cap1701 nomaster",
                "ip link set cap1701 type bridge_slave isolated off",
                "ip link del cap1701",
                "tc qdisc del dev caw1701 root",
                "tc qdisc change dev cap1701 root tbf rate 1mbit burst 256k limit 300k",
                "ovs-vsctl --timeout=20 del-port caw1701",
                "ovs-ofctl -O OpenFlow13 del-flows br-atlas",
                "ovs-ofctl -O OpenFlow13 mod-flows br-atlas in_port=caw1701,actions=drop",
                "sysctl -qw net.ipv4.conf.caw1701.rp_filter=0",
                "ethtool -K caw1701 tx on",
                "sh -c 'ip link set $(ip -o link | grep -o -m1 cab[0-9a-f]* | head -1) down'",
        };
        struct port_want w = port_of(0, 1, 7);

        (void)state;
        w.local_label = 1701;
        apply_well(0, &w, 1, NULL, 0);
        for (size_t i = 0; i < N_ELEMENTS(damages); i++) {
                struct gateway_state s = { 0 };
                uint64_t digest;

                read_well(0, &s);
                digest = gateway_state_digest(&s);
                gateway_state_done(&s);
                in_host(0, damages[i]);
                read_well(0, &s);
                if (gateway_state_digest(&s) == digest)
                        fail_msg("not noticed: %s", damages[i]);
                gateway_state_done(&s);
                apply_well(0, &w, 1, NULL, 0);
                read_well(0, &s);
                assert_true(gateway_state_digest(&s) == digest);
                gateway_state_done(&s);
        }
}

static void sixty_four_ports_go_in_one_command(void **state)
{
        struct port_want w[64];
        int64_t began_ms, one_ms;

        (void)state;
        for (int i = 0; i < 64; i++) {
                w[i] = port_of(0, 1, i);
                w[i].local_label = 5000 + i;
        }
        began_ms = clock_mono_ms();
        apply_well(0, w, 1, NULL, 0);
        one_ms = clock_mono_ms() - began_ms;
        began_ms = clock_mono_ms();
        apply_well(0, w, 64, NULL, 0);
        print_message("one port: %lld ms; 63 more: %lld ms", (long long)one_ms, (long long)(clock_mono_ms() - began_ms));
        began_ms = clock_mono_ms();
        for (int i = 0; i < 64; i++) {
                w[i].tx_kbps = 30000;
                w[i].generation++;
        }
        apply_well(0, w, 64, NULL, 0);
        print_message("; 64 changed: %lld ms\n", (long long)(clock_mono_ms() - began_ms));
}

static void what_ssh_refuses_is_told_apart(void **state)
{
        char key[128];
        static const struct {
                const char *helper;
                int key_of, host_key_of, port;
                const char *type;
                bool again;
        } cases[] = {
                { "atlas-gateway-helper", 0, 1, 22, "gateway.host_key_changed", false },
                { "atlas-gateway-helper", 1, 0, 22, "gateway.login_refused", false },
                { "atlas-gateway-helper", 9, 0, 22, "gateway.key_unreadable", false },
                { "atlas-gateway-helper", 0, 0, 23, "gateway.unreachable", true },
                { "no-such-helper", 0, 0, 22, "gateway.bad_answer", false },
                { "echo nonsense", 0, 0, 22, "gateway.bad_answer", false },
                { "yes", 0, 0, 22, "gateway.bad_answer", false },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                struct gateway_state s = { 0 };
                struct fault why = { 0 };
                struct gateway_handle *g;

                snprintf(key, sizeof key, "%s/gw%d/client_key", home, cases[i].key_of + 1);
                g = open_gateway(0, cases[i].helper, key, cases[i].host_key_of, cases[i].port);
                assert_int_equal(gateway_ovs.read(g, clock_mono_ms() + WITHIN_MS, &s, &why), GATEWAY_FAILED);
                assert_string_equal(why.type, cases[i].type);
                assert_int_equal(why.retry_after_ms > 0, cases[i].again);
                gateway_ovs.close(g);
        }
}

static void a_helper_that_hangs_ends_at_the_deadline(void **state)
{
        struct gateway_handle *g = open_with(0, "sleep 60");
        int64_t began_ms = clock_mono_ms();
        struct gateway_state s = { 0 };
        struct fault why = { 0 };

        (void)state;
        assert_int_equal(gateway_ovs.read(g, began_ms + 1500, &s, &why), GATEWAY_FAILED);
        assert_string_equal(why.type, "gateway.timeout");
        assert_true(why.retry_after_ms > 0);
        assert_true(clock_mono_ms() - began_ms < 20000);
        gateway_ovs.close(g);
}

static void a_busy_gateway_says_so(void **state)
{
        struct gateway_state s = { 0 };
        struct fault why = { 0 };

        (void)state;
        read_well(0, &s);
        gateway_state_done(&s);
        /* A holder of the lock tells its process id once it has it. */
        assert_int_equal(shell(NULL, 0,
                               "mkfifo %s/held; flock %s/state/lock sh -c 'echo $$ >%s/held; exec sleep 60' >/dev/null & "
                               "read pid <%s/held; echo $pid >%s/holder",
                               home, hosts[0].dir, home, home, home), 0);
        assert_int_equal(gateway_ovs.read(hosts[0].gateway, clock_mono_ms() + 6000, &s, &why), GATEWAY_FAILED);
        assert_string_equal(why.type, "gateway.busy");
        assert_true(why.retry_after_ms > 0);
        assert_int_equal(shell(NULL, 0, "kill $(cat %s/holder)", home), 0);
}

static void a_cut_session_is_made_anew(void **state)
{
        struct gateway_state s = { 0 };

        (void)state;
        read_well(0, &s);
        gateway_state_done(&s);
        /* Ends the server's side of our session; its listener stays. */
        in_host(0, "sh -c 'kill $(ss -Htnp state established sport = :22 | grep -o \"pid=[0-9]*\" | cut -d= -f2 | sort -u)'");
        read_well(0, &s);
        gateway_state_done(&s);
}

#define CLEAN(test) cmocka_unit_test_teardown(test, leave_nothing)

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                CLEAN(what_describe_tells_is_the_hosts_own),
                CLEAN(a_link_carries_full_frames_between_the_sites),
                CLEAN(applying_twice_changes_nothing),
                CLEAN(bandwidth_is_changed_in_place_under_traffic),
                CLEAN(an_older_command_is_refused_and_does_nothing),
                CLEAN(a_lost_fence_is_rebuilt_from_what_is_there),
                CLEAN(one_bad_port_does_its_neighbours_no_harm),
                CLEAN(a_helper_killed_half_way_is_no_harm),
                CLEAN(vpns_do_not_hear_each_other_nor_the_host),
                CLEAN(a_full_mesh_has_no_loop),
                CLEAN(a_restarted_switch_is_noticed_and_put_right),
                CLEAN(damage_is_seen_and_put_right),
                CLEAN(sixty_four_ports_go_in_one_command),
                CLEAN(what_ssh_refuses_is_told_apart),
                CLEAN(a_helper_that_hangs_ends_at_the_deadline),
                CLEAN(a_busy_gateway_says_so),
                CLEAN(a_cut_session_is_made_anew),
        };

        alone(argv);
        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, start, stop);
}
