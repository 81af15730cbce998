/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include <unistd.h>

#include "drivers/gateway/fake.h"

#define ID(n) "6b1c2a52-3c0f-4f2e-9d55-0000000000" n
static const struct gateway_driver *const fake = &gateway_fake;

static struct port_want port(int n, int64_t label)
{
        struct port_want w = { .link_id = ID("aa"), .vpn_id = ID("bb"), .attachment_id = ID("cc"),
                               .project_id = "blue", .generation = 1, .present = true,
                               .site = "east", .peer_site = "west", .local_label = label,
                               .peer_label = 9, .peer_address = "x", .tx_kbps = 100,
                               .rx_kbps = 100, .mtu = 1500 };

        snprintf(w.id, sizeof w.id, ID("%02d"), n);
        return w;
}

static struct gateway_handle *new_gateway(void)
{
        const struct fake_gateway_spec spec = { .label_range = "16-99", .tag_range = "1-9",
                                                .boot_id = "boot-1",
                                                .capacity_to_wan_kbps = 1000,
                                                .capacity_from_wan_kbps = 1000 };
        struct gateway_handle *g = NULL;

        assert_int_equal(fake_gateway_new(&spec, &g), 0);
        return g;
}

static struct apply_result apply(struct gateway_handle *g, int64_t seq, struct port_want *ports,
                                 size_t n)
{
        struct attachment_want a = { .id = ID("cc"), .vpn_id = ID("bb"), .project_id = "blue",
                                     .generation = 1, .present = true, .tag = 7 };
        const struct apply_want w = { "gw", 1, seq, 1000, ports, n, &a, 1 };
        struct apply_result r = { 0 };

        assert_int_equal(fake->apply(g, &w, INT64_MAX, &r), 0);
        return r;
}

static void applying_twice_is_the_same_as_once(void **state)
{
        struct gateway_handle *g = new_gateway();
        struct port_want ports[] = { port(1, 16), port(2, 17) };
        uint64_t digests[2];

        (void)state;
        for (int i = 0; i < 2; i++) {
                struct apply_result r = apply(g, 5, ports, 2);
                struct gateway_state s = { 0 };
                struct fault why;

                assert_false(fault_is_set(&r.fault));
                assert_int_equal(r.n_ports, 2);
                assert_true(r.ports[1].present);
                assert_true(r.attachments[0].present);
                apply_result_done(&r);
                assert_int_equal(fake->read(g, 0, &s, &why), GATEWAY_DONE);
                assert_int_equal(s.n_ports, 2);
                assert_int_equal(s.n_attachments, 1);
                assert_int_equal(s.seq, 5);
                assert_string_equal(s.boot_id, "boot-1");
                digests[i] = gateway_state_digest(&s);
                gateway_state_done(&s);
        }
        assert_true(digests[0] == digests[1] && digests[0] != 0);
        assert_int_equal(fake_gateway_violations(g), 0);
        fake->close(g);
}

static void what_is_made_absent_is_gone_and_the_empty_digest_is_zero(void **state)
{
        struct gateway_handle *g = new_gateway();
        struct port_want p = port(1, 16);
        struct attachment_want a = { .id = ID("cc"), .vpn_id = ID("bb"), .generation = 2 };
        struct apply_want w = { "gw", 1, 2, 1000, &p, 1, &a, 1 };
        struct apply_result r = apply(g, 1, &p, 1);
        struct gateway_state s = { 0 };

        (void)state;
        apply_result_done(&r);
        p.present = false;
        assert_int_equal(fake->apply(g, &w, INT64_MAX, &r), 0);
        assert_false(r.ports[0].present);
        assert_false(r.attachments[0].present);
        assert_int_equal(r.attachments[0].generation, 2);
        apply_result_done(&r);
        assert_int_equal(fake->read(g, 0, &s, NULL), GATEWAY_DONE);
        assert_true(gateway_state_digest(&s) == 0);
        gateway_state_done(&s);
        assert_int_equal(fake_gateway_count(g), 0);
        fake->close(g);
}

static void a_lower_pair_is_refused_by_the_device(void **state)
{
        struct gateway_handle *g = new_gateway();
        struct port_want p = port(1, 16);
        struct apply_result r = apply(g, 5, &p, 1);

        (void)state;
        apply_result_done(&r);
        p.tx_kbps = 900;
        r = apply(g, 4, &p, 1);
        assert_string_equal(r.fault.type, "gateway.stale");
        assert_int_equal(r.n_ports, 0);
        assert_int_equal(fake_gateway_port(g, p.id)->tx_kbps, 100);
        apply_result_done(&r);
        fake->close(g);
}

static void one_refused_port_leaves_its_neighbours_alone(void **state)
{
        struct gateway_handle *g = new_gateway();
        struct port_want ports[] = { port(1, 16), port(2, 17), port(3, 18) };
        struct apply_result r;

        (void)state;
        strcpy(fake_gateway_injection(g)->refuse_ids[0], ports[1].id);
        fake_gateway_injection(g)->n_refuse_ids = 1;
        r = apply(g, 1, ports, 3);
        assert_true(r.ports[0].present && r.ports[2].present);
        assert_false(r.ports[1].present);
        assert_string_equal(r.ports[1].fault.type, "gateway.refused");
        assert_false(fault_is_set(&r.ports[2].fault));
        apply_result_done(&r);
        fake->close(g);
}

static void two_ports_never_get_one_label_and_it_is_counted(void **state)
{
        struct gateway_handle *g = new_gateway();
        struct port_want ports[] = { port(1, 16), port(2, 16), port(3, 100) };
        struct apply_result r = apply(g, 1, ports, 3);

        (void)state;
        assert_string_equal(r.ports[1].fault.type, "gateway.label_taken");
        assert_string_equal(r.ports[2].fault.type, "gateway.refused");
        assert_int_equal(fake_gateway_violations(g), 1);
        apply_result_done(&r);
        fake->close(g);
}

static void more_bandwidth_than_there_is_is_counted(void **state)
{
        struct gateway_handle *g = new_gateway();
        struct port_want p = port(1, 16);
        struct apply_result r;

        (void)state;
        p.tx_kbps = 1000;
        r = apply(g, 1, &p, 1);
        assert_int_equal(fake_gateway_violations(g), 0);
        apply_result_done(&r);
        p.tx_kbps = 1001;
        r = apply(g, 2, &p, 1);
        assert_int_equal(fake_gateway_violations(g), 1);
        apply_result_done(&r);
        fake->close(g);
}

static void it_can_be_told_to_fail(void **state)
{
        struct gateway_handle *g = new_gateway();
        struct injection *told = fake_gateway_injection(g);
        struct port_want ports[] = { port(1, 16), port(2, 17), port(3, 18) };
        struct apply_result r;
        struct gateway_state s;
        struct fault why;

        (void)state;
        told->unreachable = true;
        r = apply(g, 1, ports, 3);
        assert_string_equal(r.fault.type, "gateway.unreachable");
        assert_true(r.fault.retry_after_ms > 0);
        apply_result_done(&r);
        assert_int_equal(fake->read(g, 0, &s, &why), GATEWAY_FAILED);

        *told = (struct injection){ .hang = true };
        r = apply(g, 1, ports, 3);
        assert_string_equal(r.fault.type, "gateway.timeout");
        apply_result_done(&r);
        assert_int_equal(fake_gateway_count(g), 0);

        *told = (struct injection){ .lie = true };
        r = apply(g, 1, ports, 3);
        assert_true(r.ports[2].present);
        apply_result_done(&r);
        assert_int_equal(fake_gateway_count(g), 0);

        *told = (struct injection){ .half = true };
        r = apply(g, 1, ports, 3);
        assert_string_equal(r.fault.type, "gateway.unreachable");
        apply_result_done(&r);
        assert_int_equal(fake_gateway_count(g), 2);
        fake->close(g);
}

static void a_device_that_lost_its_memory_is_empty_under_a_new_boot_id(void **state)
{
        struct gateway_handle *g = new_gateway();
        struct port_want p = port(1, 16);
        struct apply_result r = apply(g, 5, &p, 1);
        struct gateway_state s = { 0 };

        (void)state;
        apply_result_done(&r);
        fake_gateway_forget(g, "boot-2");
        assert_int_equal(fake->read(g, 0, &s, NULL), GATEWAY_DONE);
        assert_string_equal(s.boot_id, "boot-2");
        assert_int_equal(s.n_ports, 0);
        assert_int_equal(s.seq, 0);
        gateway_state_done(&s);
        fake->close(g);
}

static struct gateway_handle *open_from(const char *text)
{
        OWN(config_file_free) struct config_file *file = NULL;
        struct gateway_handle *g = NULL;
        struct fault why = { 0 };

        assert_int_equal(config_file_parse("test", text, strlen(text), &file, &why), CONFIG_OK);
        assert_int_equal(fake->open(file, "gw", &g, &why), CONFIG_OK);
        return g;
}

static void handles_with_one_state_file_see_one_device(void **state)
{
        char folder[] = "/tmp/atlas-test-XXXXXX", text[256], path[64], lock[64];
        struct port_want p = port(1, 16);
        struct gateway_handle *one, *two;
        struct gateway_state s = { 0 };
        struct apply_result r;

        (void)state;
        assert_non_null(mkdtemp(folder));
        snprintf(path, sizeof path, "%s/gw", folder);
        snprintf(lock, sizeof lock, "%s/gw.lock", folder);
        snprintf(text, sizeof text, "[gateway:gw]\nstate_file = %s\n", path);
        one = open_from(text);
        two = open_from(text);
        r = apply(one, 3, &p, 1);
        assert_true(r.ports[0].present);
        apply_result_done(&r);
        assert_int_equal(fake->read(two, INT64_MAX, &s, NULL), GATEWAY_DONE);
        assert_int_equal(s.n_ports, 1);
        assert_int_equal(s.seq, 3);
        gateway_state_done(&s);
        r = apply(two, 2, &p, 1);
        assert_string_equal(r.fault.type, "gateway.stale");
        apply_result_done(&r);
        fake->close(one);
        fake->close(two);
        unlink(path);
        unlink(lock);
        assert_int_equal(rmdir(folder), 0);
}

static void it_describes_what_it_was_given(void **state)
{
        struct gateway_handle *g = new_gateway();
        struct gateway d = { 0 };
        struct fault why;
        char interface[32];

        (void)state;
        assert_int_equal(fake->describe(g, 0, &d, &why), GATEWAY_DONE);
        assert_string_equal(d.ranges, "{\"label\":[[16,99]],\"tag\":[[1,9]]}");
        assert_string_equal(d.address, "fake");
        assert_int_equal(d.mtu, 1500);
        fake->access_interface(g, 7, interface);
        assert_string_equal(interface, "fake7");
        assert_ptr_equal(gateway_driver_find("fake"), fake);
        assert_null(gateway_driver_find("nonsense"));
        fake->close(g);
}

UNIT_MAIN(UNIT(applying_twice_is_the_same_as_once),
          UNIT(what_is_made_absent_is_gone_and_the_empty_digest_is_zero),
          UNIT(a_lower_pair_is_refused_by_the_device),
          UNIT(one_refused_port_leaves_its_neighbours_alone),
          UNIT(two_ports_never_get_one_label_and_it_is_counted),
          UNIT(more_bandwidth_than_there_is_is_counted), UNIT(it_can_be_told_to_fail),
          UNIT(a_device_that_lost_its_memory_is_empty_under_a_new_boot_id),
          UNIT(handles_with_one_state_file_see_one_device), UNIT(it_describes_what_it_was_given))
