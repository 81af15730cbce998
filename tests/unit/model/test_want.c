/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "model/want.h"

#define ID1 "6b1c2a52-3c0f-4f2e-9d55-000000000001"
#define ID2 "6b1c2a52-3c0f-4f2e-9d55-000000000002"

static const struct port_want port = {
        .id = ID1, .link_id = ID2, .vpn_id = ID1, .attachment_id = ID2, .project_id = "blue",
        .generation = 5, .present = true, .site = "east", .peer_site = "west", .local_label = 16,
        .peer_label = 17, .peer_address = "02:00:00:00:00:02", .tx_kbps = 1000, .rx_kbps = 0,
        .mtu = 1450,
};
static const struct port_want gone = { .id = ID2, .link_id = ID1, .vpn_id = ID1, .generation = 6 };
static const struct attachment_want attachment = {
        .id = ID1, .vpn_id = ID2, .project_id = "blue", .generation = 3, .present = true, .tag = 7,
};
static const struct plug_want plug = {
        .id = ID1, .vpn_id = ID2, .project_id = "blue", .generation = 2,
        .vif_id = "ca1:fake:gw:7:" ID1, .tag = 7, .mtu = 1450, .network_id = ID2,
};

static void a_command_reads_back_as_it_was_written(void **state)
{
        struct port_want ports[] = { port, gone };
        struct attachment_want attachments[] = { attachment };
        const struct apply_want w = { "gw1", 1, 9, 30000, ports, 2, attachments, 1 };
        json_auto_t *args = apply_want_to_json(&w);
        OWN(apply_want_done) struct apply_want back = { 0 };
        struct fault why;

        (void)state;
        assert_int_equal(apply_want_from_json(args, &back, &why), WANT_OK);
        assert_string_equal(back.gateway, "gw1");
        assert_int_equal(back.seq, 9);
        assert_int_equal(back.timeout_ms, 30000);
        assert_int_equal(back.n_ports, 2);
        assert_memory_equal(&back.ports[0], &port, sizeof port);
        assert_memory_equal(&back.ports[1], &gone, sizeof gone);
        assert_int_equal(back.n_attachments, 1);
        assert_memory_equal(&back.attachments[0], &attachment, sizeof attachment);
}

static void a_plug_reads_back_as_it_was_written(void **state)
{
        json_auto_t *j = plug_want_to_json(&plug);
        struct plug_want back;
        struct fault why;

        (void)state;
        assert_int_equal(plug_want_from_json(j, &back, &why), WANT_OK);
        assert_memory_equal(&back, &plug, sizeof plug);
        assert_null(json_object_get(j, "port_id"));
}

static void a_bad_value_names_its_field(void **state)
{
        static const char *const bad[][2] = {
                { "id", "\"1\"" },
                { "vpn_id", "null" },
                { "generation", "-1" },
                { "generation", "\"5\"" },
                { "present", "\"yes\"" },
                { "peer_site", "\"../west\"" },
                { "local_label", "0" },
                { "peer_address", "\"a b\"" },
                { "tx_kbps", "2147483648" },
                { "mtu", "1" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
                json_auto_t *j = port_want_to_json(&port);
                struct port_want w = { .mtu = 77 };
                struct fault why = { 0 };

                json_object_set_new(j, bad[i][0], json_loads(bad[i][1], JSON_DECODE_ANY, NULL));
                assert_int_equal(port_want_from_json(j, &w, &why), WANT_INVALID);
                assert_int_equal(strncmp(why.message, bad[i][0], strlen(bad[i][0])), 0);
                assert_int_equal(w.mtu, 77);
        }
}

static void a_bad_item_is_named_by_its_place_in_the_list(void **state)
{
        struct port_want ports[] = { port, port };
        const struct apply_want w = { "gw1", 1, 9, 30000, ports, 2, NULL, 0 };
        json_auto_t *args = apply_want_to_json(&w);
        struct apply_want back;
        struct fault why;

        (void)state;
        json_object_set_new(json_array_get(json_object_get(args, "ports"), 1), "mtu", json_null());
        assert_int_equal(apply_want_from_json(args, &back, &why), WANT_INVALID);
        assert_string_equal(why.message, "ports[1].mtu: is missing.");
        json_object_set_new(args, "ports", json_true());
        assert_int_equal(apply_want_from_json(args, &back, &why), WANT_INVALID);
        assert_string_equal(why.message, "ports: must be a list.");
        json_object_set_new(args, "timeout_ms", json_integer(0));
        assert_int_equal(apply_want_from_json(args, &back, &why), WANT_INVALID);
        assert_int_equal(strncmp(why.message, "timeout_ms: ", 12), 0);
        assert_int_equal(apply_want_from_json(json_object_get(args, "ports"), &back, &why),
                         WANT_INVALID);
}

static void a_vif_id_of_another_attachment_is_refused(void **state)
{
        struct plug_want w = plug;
        json_t *j;
        struct fault why;

        (void)state;
        w.tag = 8;
        j = plug_want_to_json(&w);
        assert_int_equal(plug_want_from_json(j, &w, &why), WANT_INVALID);
        json_decref(j);
        w = plug;
        w.network_id[0] = '\0';
        j = plug_want_to_json(&w);
        assert_int_equal(plug_want_from_json(j, &w, &why), WANT_INVALID);
        assert_string_equal(why.message, "network_id: it or port_id is needed.");
        json_decref(j);
}

static void results_read_back_with_their_faults(void **state)
{
        struct want_result ports[2] = { { .id = ID1, .generation = 5, .present = true },
                                        { .id = ID2, .generation = 6 } };
        struct want_result attachments[1] = {
                { .id = ID1, .generation = 3, .present = true, .vif_id = "ca1:fake:gw:7:" ID1 }
        };
        const struct apply_want w = { .gateway = "gw1", .epoch = 2, .seq = 9 };
        const struct apply_result r = { .ports = ports, .n_ports = 2, .attachments = attachments,
                                        .n_attachments = 1 };
        OWN(apply_result_done) struct apply_result back = { 0 };
        struct fault why;
        json_t *args;

        (void)state;
        fault_set(&ports[1].fault, 503, "gateway.device_error", "No room for %s.", "it");
        fault_details(&ports[1].fault, "{\"table\":%d}", 4);
        ports[1].fault.retry_after_ms = 500;
        args = apply_result_to_json(&w, &r);
        assert_int_equal(json_integer_value(json_object_get(args, "seq")), 9);
        assert_int_equal(apply_result_from_json(args, &back, &why), WANT_OK);
        json_decref(args);
        assert_false(back.expired);
        assert_false(fault_is_set(&back.fault));
        assert_int_equal(back.n_ports, 2);
        assert_memory_equal(&back.ports[0], &ports[0], sizeof ports[0]);
        assert_string_equal(back.ports[1].fault.message, "No room for it.");
        assert_string_equal(back.ports[1].fault.details, "{\"table\":4}");
        assert_int_equal(back.ports[1].fault.retry_after_ms, 500);
        assert_string_equal(back.attachments[0].vif_id, "ca1:fake:gw:7:" ID1);
}

static void the_fault_of_a_whole_command_travels(void **state)
{
        const struct apply_want w = { .gateway = "gw1", .epoch = 2, .seq = 9 };
        struct apply_result r = { .expired = true };
        struct apply_result back = { 0 };
        struct fault why;
        json_t *args;

        (void)state;
        fault_set(&r.fault, 409, "gateway.stale", "Older.");
        args = apply_result_to_json(&w, &r);
        assert_int_equal(apply_result_from_json(args, &back, &why), WANT_OK);
        assert_true(back.expired);
        assert_string_equal(back.fault.type, "gateway.stale");
        json_object_set_new(args, "fault", json_string("boom"));
        assert_int_equal(apply_result_from_json(args, &back, &why), WANT_INVALID);
        json_decref(args);
}

static void what_is_no_fault_leaves_the_fault_alone(void **state)
{
        static const char *const wrong[] = {
                "{}", "[]", "{\"code\": 200, \"type\": \"t\", \"message\": \"m\"}",
                "{\"code\": 400, \"type\": \"t\"}", "{\"code\": 400, \"type\": \"a b\", \"message\": \"m\"}",
        };
        struct fault f = { .code = 1 };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(wrong); i++) {
                json_auto_t *j = json_loads(wrong[i], 0, NULL);

                assert_false(fault_from_json(j, &f));
                assert_int_equal(f.code, 1);
        }
}

UNIT_MAIN(UNIT(a_command_reads_back_as_it_was_written), UNIT(a_plug_reads_back_as_it_was_written),
          UNIT(a_bad_value_names_its_field), UNIT(a_bad_item_is_named_by_its_place_in_the_list),
          UNIT(a_vif_id_of_another_attachment_is_refused),
          UNIT(results_read_back_with_their_faults), UNIT(the_fault_of_a_whole_command_travels),
          UNIT(what_is_no_fault_leaves_the_fault_alone))
