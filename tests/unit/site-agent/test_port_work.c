/* SPDX-License-Identifier: Apache-2.0 */
/* The core on fake drivers: what a command does, and what its event says. */
#include "support/unit.h"

#include "base/text.h"
#include "drivers/cloud/fake.h"
#include "drivers/gateway/fake.h"
#include "site-agent/port_work.h"


#define ID(n) "6b1c2a52-3c0f-4f2e-9d55-0000000000" n
#define NET ID("ff")
enum { NOW = 100000 };

/* Texts of settings are not const: config frees them. */
static char no_text[] = "", blue[] = "blue", green[] = "green", blue_map[] = "blue:b1ue";

struct world {
        struct port_site site;
        struct gateway_unit unit;
        struct port_cloud cloud;
};

static int set_up(void **state)
{
        struct world *w = calloc(1, sizeof *w);
        const struct fake_gateway_spec spec = { .boot_id = "boot-1" };

        w->site.name = "east";
        TEXT_SET(w->unit.name, "gw1");
        w->unit.settings.agent_host = no_text;
        w->unit.driver = &gateway_fake;
        w->unit.quarantine_after = QUARANTINE_AFTER;
        w->cloud.driver = &cloud_fake;
        assert_int_equal(fake_gateway_new(&spec, &w->unit.handle), 0);
        assert_int_equal(fake_cloud_new(false, &w->cloud.handle), 0);
        *state = w;
        return 0;
}

static int tear_down(void **state)
{
        struct world *w = *state;

        gateway_fake.close(w->unit.handle);
        cloud_fake.close(w->cloud.handle);
        free(w);
        return 0;
}

static struct port_want port(int n)
{
        struct port_want p = { .link_id = ID("aa"), .vpn_id = ID("bb"), .attachment_id = ID("cc"),
                               .project_id = "blue", .generation = 4, .present = true,
                               .site = "east", .peer_site = "west", .local_label = 100 + n,
                               .peer_label = 9, .peer_address = "x", .tx_kbps = 100,
                               .rx_kbps = 100, .mtu = 1500 };

        snprintf(p.id, sizeof p.id, ID("%02d"), n);
        return p;
}

static json_t *apply_args(int64_t seq, const struct port_want *ports, size_t n)
{
        struct attachment_want a = { .id = ID("cc"), .vpn_id = ID("bb"), .project_id = "blue",
                                     .generation = 2, .present = true, .tag = 7 };
        struct port_want copy[64];
        struct apply_want w = { "gw1", 1, seq, 30000, copy, n, &a, 1 };

        memcpy(copy, ports, n * sizeof *ports);
        return apply_want_to_json(&w);
}

/* Runs a command received at NOW when its turn comes at 'now'; takes 'args'. */
static struct port_event run_at(struct world *w, const char *method, json_t *args, int64_t now)
{
        const struct port_command c = { .method = method, .args = args, .request_id = "req-1",
                                        .received_mono_ms = NOW, .expiration_ms = 10000 };
        struct port_event e = { 0 };
        struct fault why = { 0 };
        struct gateway_unit *unit = strcmp(port_work_gateway(args), "gw1") == 0 ? &w->unit : NULL;

        assert_int_equal(port_work_run(&w->site, unit, &w->cloud, &c, now, &e, &why),
                         PORT_WORK_DONE);
        json_decref(args);
        return e;
}

/* The same, read back as the conductor reads it. */
static struct apply_result apply(struct world *w, json_t *args, int64_t now)
{
        struct port_event e = run_at(w, "apply", args, now);
        struct apply_result r = { 0 };
        struct fault why = { 0 };

        assert_string_equal(e.method, "ports_applied");
        assert_string_equal(json_string_value(json_object_get(e.args, "gateway")), "gw1");
        assert_int_equal(apply_result_from_json(e.args, &r, &why), WANT_OK);
        json_decref(e.args);
        return r;
}

static void what_was_wanted_is_applied_and_the_attachment_is_named(void **state)
{
        struct world *w = *state;
        struct port_want ports[] = { port(1), port(2) };
        struct apply_result r = apply(w, apply_args(3, ports, 2), NOW);

        assert_false(r.expired || fault_is_set(&r.fault));
        assert_int_equal(r.n_ports, 2);
        assert_true(r.ports[0].present && r.ports[1].present);
        assert_int_equal(r.ports[0].generation, 4);
        assert_string_equal(r.attachments[0].vif_id, "ca1:fake:gw1:7:" ID("cc"));
        assert_int_equal(fake_gateway_port(w->unit.handle, ports[0].id)->local_label, 101);
        apply_result_done(&r);
}

static void one_refused_of_64_leaves_63(void **state)
{
        struct world *w = *state;
        struct port_want ports[64];
        struct apply_result r;

        for (int i = 0; i < 64; i++)
                ports[i] = port(i);
        strcpy(fake_gateway_injection(w->unit.handle)->refuse_ids[0], ports[40].id);
        fake_gateway_injection(w->unit.handle)->n_refuse_ids = 1;
        r = apply(w, apply_args(1, ports, 64), NOW);
        assert_int_equal(r.n_ports, 64);
        for (int i = 0; i < 64; i++) {
                assert_string_equal(r.ports[i].id, ports[i].id);
                assert_int_equal(r.ports[i].present, i != 40);
                assert_int_equal(fault_is_set(&r.ports[i].fault), i == 40);
        }
        apply_result_done(&r);
}

static void one_malformed_of_64_leaves_63(void **state)
{
        struct world *w = *state;
        struct port_want ports[64];
        struct apply_result r;
        json_t *args;

        for (int i = 0; i < 64; i++)
                ports[i] = port(i);
        args = apply_args(1, ports, 64);
        json_object_set_new(json_array_get(json_object_get(args, "ports"), 7), "mtu",
                            json_string("wide"));
        json_object_set_new(json_array_get(json_object_get(args, "ports"), 8), "id", json_null());
        r = apply(w, args, NOW);
        assert_int_equal(r.n_ports, 63); /* who has no id cannot be answered */
        assert_string_equal(r.ports[7].fault.message, "mtu: must be an integer.");
        assert_string_equal(r.ports[8].id, ports[9].id);
        assert_true(r.ports[62].present);
        assert_int_equal(fake_gateway_count(w->unit.handle), 62 + 1);
        apply_result_done(&r);
}

static void a_port_against_the_sites_rules_is_not_applied_but_its_neighbour_is(void **state)
{
        struct world *w = *state;
        struct port_want ports[] = { port(1), port(2), port(3) };
        struct apply_result r;

        w->site.policy = (struct policy){ .max_kbps = 1000 };
        ports[0].tx_kbps = 1001;
        strcpy(ports[2].site, "north");
        r = apply(w, apply_args(1, ports, 3), NOW);
        assert_string_equal(r.ports[0].fault.type, "site.policy");
        assert_int_equal(r.ports[0].fault.code, 403);
        assert_false(r.ports[0].present);
        assert_null(fake_gateway_port(w->unit.handle, ports[0].id));
        assert_true(r.ports[1].present);
        assert_string_equal(r.ports[2].fault.message, "site: is not east.");
        apply_result_done(&r);
}

static void a_refused_change_says_what_is_still_there(void **state)
{
        struct world *w = *state;
        struct port_want p = port(1);
        struct apply_result r = apply(w, apply_args(1, &p, 1), NOW);

        apply_result_done(&r);
        w->site.policy = (struct policy){ .projects = green };
        r = apply(w, apply_args(2, &p, 1), NOW);
        assert_string_equal(r.ports[0].fault.type, "site.policy");
        assert_true(r.ports[0].present);
        assert_string_equal(r.attachments[0].fault.type, "site.policy");
        assert_true(r.attachments[0].present);
        apply_result_done(&r);
        p.present = false; /* taking away is never against the rules */
        r = apply(w, apply_args(3, &p, 1), NOW);
        assert_false(fault_is_set(&r.ports[0].fault) || r.ports[0].present);
        apply_result_done(&r);
}

static void a_stale_command_changes_nothing(void **state)
{
        struct world *w = *state;
        struct port_want p = port(1);
        struct apply_result r = apply(w, apply_args(5, &p, 1), NOW);

        apply_result_done(&r);
        p.present = false;
        r = apply(w, apply_args(4, &p, 1), NOW);
        assert_string_equal(r.fault.type, "gateway.stale");
        assert_int_equal(r.n_ports, 1);
        assert_string_equal(r.ports[0].fault.type, "gateway.stale");
        assert_non_null(fake_gateway_port(w->unit.handle, p.id));
        apply_result_done(&r);
}

static void a_command_whose_time_is_up_is_answered_and_not_done(void **state)
{
        struct world *w = *state;
        struct port_want p = port(1);
        struct apply_result r = apply(w, apply_args(5, &p, 1), NOW + 9999);

        assert_false(r.expired);
        apply_result_done(&r);
        p.present = false;
        r = apply(w, apply_args(6, &p, 1), NOW + 10000);
        assert_true(r.expired);
        assert_false(fault_is_set(&r.fault));
        assert_non_null(fake_gateway_port(w->unit.handle, p.id));
        apply_result_done(&r);
}

static void a_session_that_breaks_half_way_is_repaired_by_the_same_command(void **state)
{
        struct world *w = *state;
        struct port_want ports[] = { port(1), port(2), port(3) };
        struct apply_result r;

        fake_gateway_injection(w->unit.handle)->half = true;
        r = apply(w, apply_args(1, ports, 3), NOW);
        assert_string_equal(r.fault.type, "gateway.unreachable");
        assert_true(r.fault.retry_after_ms > 0);
        assert_int_equal(r.n_ports, 3);
        assert_string_equal(r.ports[2].fault.type, "gateway.unreachable");
        apply_result_done(&r);
        assert_int_equal(fake_gateway_count(w->unit.handle), 2);
        fake_gateway_injection(w->unit.handle)->half = false;
        r = apply(w, apply_args(2, ports, 3), NOW);
        assert_int_equal(r.n_ports, 3);
        assert_int_equal(fake_gateway_count(w->unit.handle), 4);
        assert_int_equal(fake_gateway_violations(w->unit.handle), 0);
        apply_result_done(&r);
}

static void a_gateway_that_keeps_silent_is_quarantined_until_it_is_seen_again(void **state)
{
        struct world *w = *state;
        struct port_want p = port(1);
        struct apply_result r;

        fake_gateway_injection(w->unit.handle)->hang = true;
        for (int i = 0; i < QUARANTINE_AFTER; i++) {
                r = apply(w, apply_args(1, &p, 1), NOW);
                assert_string_equal(r.fault.type, "gateway.timeout");
                apply_result_done(&r);
        }
        fake_gateway_injection(w->unit.handle)->hang = false;
        r = apply(w, apply_args(1, &p, 1), NOW);
        assert_string_equal(r.fault.type, "gateway.quarantined");
        assert_true(r.fault.retry_after_ms > 0);
        apply_result_done(&r);
        gateway_unit_look(&w->unit, 0);
        r = apply(w, apply_args(1, &p, 1), NOW);
        assert_true(r.ports[0].present);
        apply_result_done(&r);
}

static void gateways_that_are_observed_or_unknown_are_not_changed(void **state)
{
        struct world *w = *state;
        struct port_want p = port(1);
        struct apply_result r;
        json_t *args = apply_args(1, &p, 1);
        struct port_event e;

        w->unit.settings.observe_only = true;
        r = apply(w, json_incref(args), NOW);
        assert_string_equal(r.ports[0].fault.type, "gateway.observe_only");
        assert_false(r.ports[0].present);
        apply_result_done(&r);
        assert_int_equal(fake_gateway_count(w->unit.handle), 0);
        json_object_set_new(args, "gateway", json_string("gw9"));
        e = run_at(w, "apply", args, NOW);
        assert_string_equal(e.fault.message, "Site east has no gateway gw9.");
        json_decref(e.args);
}

static void an_observed_gateway_confirms_what_is_as_wanted(void **state)
{
        struct world *w = *state;
        struct port_want p = port(1);
        struct apply_result r = apply(w, apply_args(1, &p, 1), NOW);

        apply_result_done(&r);
        w->unit.settings.observe_only = true;
        r = apply(w, apply_args(2, &p, 1), NOW);
        assert_true(r.ports[0].present && !fault_is_set(&r.ports[0].fault));
        apply_result_done(&r);
        p.present = false;
        r = apply(w, apply_args(3, &p, 1), NOW);
        assert_string_equal(r.ports[0].fault.type, "gateway.observe_only");
        assert_true(r.ports[0].present);
        apply_result_done(&r);
        p = port(2);
        p.present = false; /* it never was there */
        r = apply(w, apply_args(4, &p, 1), NOW);
        assert_false(r.ports[0].present || fault_is_set(&r.ports[0].fault));
        apply_result_done(&r);
}

static void an_audit_tells_what_is_there_and_which_ports_tenants_made(void **state)
{
        struct world *w = *state;
        struct port_want p = port(1);
        struct apply_result r = apply(w, apply_args(5, &p, 1), NOW);
        json_auto_t *world = json_pack("{s{s{ss ss ss}}}", "ports", ID("ee"), "project_id", "b1ue",
                                       "network_id", NET, "device_id", "ca1:fake:gw1:7:" ID("cc"));
        json_t *args = json_pack("{ss si si si s[ss] s[ss]}", "gateway", "gw1", "epoch", 1, "seq", 6,
                                 "timeout_ms", 30000, "vif_ids", "ca1:fake:gw1:7:" ID("cc"),
                                 "nonsense", "plugged", "ca1:fake:gw1:7:" ID("cc"),
                                 "ca1:fake:gw1:8:" ID("dd"));
        struct port_event e;
        json_t *found;

        apply_result_done(&r);
        w->site.policy = (struct policy){ .project_map = blue_map };
        assert_int_equal(fake_cloud_control(w->cloud.handle, world, NULL), 0);
        e = run_at(w, "audit", args, NOW);
        assert_string_equal(e.method, "audited");
        assert_int_equal(json_integer_value(json_object_get(e.args, "seq")), 6);
        assert_string_equal(json_string_value(json_object_get(e.args, "boot_id")), "boot-1");
        assert_int_equal(json_array_size(json_object_get(e.args, "ports")), 1);
        assert_int_equal(json_array_size(json_object_get(e.args, "attachments")), 1);
        assert_string_equal(json_string_value(json_object_get(e.args, "digest")),
                            w->unit.seen.digest);
        assert_null(json_object_get(e.args, "fault"));
        found = json_array_get(json_object_get(e.args, "found_ports"), 0);
        assert_string_equal(json_string_value(json_object_get(found, "project_id")), "blue");
        assert_string_equal(json_string_value(json_object_get(found, "network_id")), NET);
        assert_int_equal(json_array_size(json_object_get(e.args, "gone")), 1);
        assert_string_equal(json_string_value(json_array_get(json_object_get(e.args, "gone"), 0)),
                            "ca1:fake:gw1:8:" ID("dd"));
        json_decref(e.args);
}

static void after_an_audit_the_device_refuses_older_commands(void **state)
{
        struct world *w = *state;
        struct port_want p = port(1);
        json_t *audit = json_pack("{ss si si si}", "gateway", "gw1", "epoch", 1, "seq", 6,
                                  "timeout_ms", 30000);
        struct port_event e = run_at(w, "audit", json_incref(audit), NOW);
        struct apply_result r;

        json_decref(e.args);
        assert_int_equal(w->unit.seen.gateway.seq, 6); /* heartbeats carry the audit's pair */
        r = apply(w, apply_args(5, &p, 1), NOW);
        assert_string_equal(r.fault.type, "gateway.stale");
        apply_result_done(&r);
        r = apply(w, apply_args(7, &p, 1), NOW);
        assert_true(r.ports[0].present);
        apply_result_done(&r);
        e = run_at(w, "audit", audit, NOW);
        assert_string_equal(e.fault.type, "gateway.stale");
        json_decref(e.args);
}

static void an_audit_of_an_observed_gateway_leaves_its_fence_alone(void **state)
{
        struct world *w = *state;
        struct port_event e;

        w->unit.settings.observe_only = true;
        e = run_at(w, "audit", json_pack("{ss si si si}", "gateway", "gw1", "epoch", 1, "seq", 6,
                                         "timeout_ms", 30000), NOW);
        assert_false(fault_is_set(&e.fault));
        assert_int_equal(w->unit.seen.gateway.seq, 0);
        json_decref(e.args);
}

static void an_audit_of_a_silent_gateway_is_a_fault(void **state)
{
        struct world *w = *state;
        json_t *args = json_pack("{ss si si si}", "gateway", "gw1", "epoch", 1, "seq", 6,
                                 "timeout_ms", 30000);
        struct port_event e;
        struct fault told;

        fake_gateway_injection(w->unit.handle)->unreachable = true;
        e = run_at(w, "audit", args, NOW);
        assert_true(fault_from_json(json_object_get(e.args, "fault"), &told));
        assert_string_equal(told.type, "gateway.unreachable");
        assert_int_equal(json_array_size(json_object_get(e.args, "ports")), 0);
        json_decref(e.args);
}

static json_t *plug_args(const char *project)
{
        struct plug_want p = { .id = ID("cc"), .vpn_id = ID("bb"), .generation = 3, .tag = 7,
                               .vif_id = "ca1:fake:gw1:7:" ID("cc"), .mtu = 1500,
                               .network_id = NET };

        TEXT_SET(p.project_id, project);
        return json_pack("{ss si so}", "gateway", "gw1", "timeout_ms", 30000, "attachment",
                         plug_want_to_json(&p));
}

static void plugging_and_unplugging_leave_nothing(void **state)
{
        struct world *w = *state;
        struct port_event e = run_at(w, "plug", plug_args("blue"), NOW);

        assert_string_equal(e.method, "plugged");
        assert_string_equal(json_string_value(json_object_get(e.args, "attachment_id")), ID("cc"));
        assert_int_equal(json_integer_value(json_object_get(e.args, "generation")), 3);
        assert_string_equal(json_string_value(json_object_get(e.args, "network_id")), NET);
        assert_true(json_is_string(json_object_get(e.args, "neutron_port_id")));
        json_decref(e.args);
        assert_int_equal(fake_cloud_count(w->cloud.handle), 1);
        e = run_at(w, "unplug", plug_args("blue"), NOW);
        assert_string_equal(e.method, "unplugged");
        assert_null(json_object_get(e.args, "fault"));
        json_decref(e.args);
        assert_int_equal(fake_cloud_count(w->cloud.handle), 0);
}

static void a_plug_is_refused_by_the_cloud_the_site_or_the_clock(void **state)
{
        struct world *w = *state;
        json_auto_t *world = json_pack("{s{ss}}", "networks", NET, "b1ue");
        struct port_event e;

        assert_int_equal(fake_cloud_control(w->cloud.handle, world, NULL), 0);
        e = run_at(w, "plug", plug_args("blue"), NOW);
        assert_string_equal(e.fault.type, "cloud.not_yours");
        assert_true(json_is_null(json_object_get(e.args, "network_id")));
        json_decref(e.args);
        w->site.policy = (struct policy){ .project_map = blue_map, .projects = blue };
        e = run_at(w, "plug", plug_args("blue"), NOW);
        assert_false(fault_is_set(&e.fault));
        json_decref(e.args);
        e = run_at(w, "plug", plug_args("red"), NOW);
        assert_string_equal(e.fault.type, "site.policy");
        json_decref(e.args);
        e = run_at(w, "unplug", plug_args("blue"), NOW + 10000);
        assert_true(e.expired);
        assert_string_equal(e.fault.type, "command.expired");
        json_decref(e.args);
        assert_int_equal(fake_cloud_count(w->cloud.handle), 1);
}

static void what_cannot_be_addressed_is_unreadable(void **state)
{
        static const char *const wrong[][2] = {
                { "apply", "{\"gateway\": \"gw1\"}" },
                { "audit", "{}" },
                { "plug", "{\"gateway\": \"gw1\", \"timeout_ms\": 5, \"attachment\": {}}" },
                { "reboot", "{}" },
        };
        struct world *w = *state;

        for (size_t i = 0; i < N_ELEMENTS(wrong); i++) {
                json_auto_t *args = json_loads(wrong[i][1], 0, NULL);
                const struct port_command c = { .method = wrong[i][0], .args = args };
                struct port_event e;
                struct fault why = { 0 };

                assert_int_equal(port_work_run(&w->site, &w->unit, &w->cloud, &c, 0, &e, &why),
                                 PORT_WORK_UNREADABLE);
                assert_int_equal(why.code, 400);
        }
        assert_int_equal(port_work_lane("apply"), LANE_GATEWAY);
        assert_int_equal(port_work_lane("plug"), LANE_CLOUD);
        assert_int_equal(port_work_lane("reboot"), LANE_NONE);
}

#define WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
UNIT_MAIN(WORLD(what_was_wanted_is_applied_and_the_attachment_is_named),
          WORLD(one_refused_of_64_leaves_63), WORLD(one_malformed_of_64_leaves_63),
          WORLD(a_port_against_the_sites_rules_is_not_applied_but_its_neighbour_is),
          WORLD(a_refused_change_says_what_is_still_there), WORLD(a_stale_command_changes_nothing),
          WORLD(a_command_whose_time_is_up_is_answered_and_not_done),
          WORLD(a_session_that_breaks_half_way_is_repaired_by_the_same_command),
          WORLD(a_gateway_that_keeps_silent_is_quarantined_until_it_is_seen_again),
          WORLD(gateways_that_are_observed_or_unknown_are_not_changed),
          WORLD(an_observed_gateway_confirms_what_is_as_wanted),
          WORLD(an_audit_tells_what_is_there_and_which_ports_tenants_made),
          WORLD(after_an_audit_the_device_refuses_older_commands),
          WORLD(an_audit_of_an_observed_gateway_leaves_its_fence_alone),
          WORLD(an_audit_of_a_silent_gateway_is_a_fault),
          WORLD(plugging_and_unplugging_leave_nothing),
          WORLD(a_plug_is_refused_by_the_cloud_the_site_or_the_clock),
          WORLD(what_cannot_be_addressed_is_unreadable))
