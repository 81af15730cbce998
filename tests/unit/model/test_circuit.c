/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "model/circuit.h"

#define ID(n) "6b1c2a52-3c0f-4f2e-9d55-0000000000" n

static const struct circuit_want whole = {
        .link_id = ID("01"), .vpn_id = ID("02"), .domain = "core", .project_id = "blue", .generation = 5, .present = true,
        .ends = { { .port_id = ID("0a"), .generation = 2, .site = "east", .gateway = "gw-1", .address = "192.0.2.1", .tag = 7 },
                  { .port_id = ID("0b"), .generation = 3, .site = "west", .gateway = "gw-2", .tag = 8 } },
        .a_to_z_kbps = 100, .z_to_a_kbps = 200, .mtu = 1500,
};

static void a_circuit_reads_back_as_it_was_written(void **state)
{
        json_auto_t *j = circuit_want_to_json(&whole);
        struct circuit_want back = { 0 };
        struct fault why = { 0 };

        (void)state;
        assert_non_null(j);
        assert_int_equal(circuit_want_from_json(j, &back, &why), CIRCUIT_OK);
        assert_memory_equal(&back, &whole, sizeof back);
}

static void one_that_shall_go_needs_only_its_ids(void **state)
{
        struct circuit_want gone = { .link_id = ID("01"), .domain = "core", .generation = 6,
                                     .ends = { { .port_id = ID("0a"), .generation = 3 }, { .port_id = ID("0b"), .generation = 3 } } };
        json_auto_t *j = circuit_want_to_json(&gone);
        struct circuit_want back = { 0 };
        struct fault why = { 0 };

        (void)state;
        assert_null(json_object_get(j, "mtu"));
        assert_int_equal(circuit_want_from_json(j, &back, &why), CIRCUIT_OK);
        assert_memory_equal(&back, &gone, sizeof back);
}

static void a_bad_field_is_named(void **state)
{
        static const struct {
                const char *key;
                json_int_t value;
        } bad[] = { { "generation", -1 }, { "a_to_z_kbps", -1 }, { "mtu", 70000 } };

        (void)state;
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
                json_auto_t *j = circuit_want_to_json(&whole);
                struct circuit_want back;
                struct fault why = { 0 };

                json_object_set_new(j, bad[i].key, json_integer(bad[i].value));
                assert_int_equal(circuit_want_from_json(j, &back, &why), CIRCUIT_INVALID);
                assert_non_null(strstr(why.message, bad[i].key));
        }
}

static void what_is_half_there_or_under_way_is_neither_there_nor_gone(void **state)
{
        struct circuit_state s = { .present = true, .a_to_z_kbps = 100, .z_to_a_kbps = 200, .mtu = 1500 };
        struct circuit_want gone = whole;

        (void)state;
        memcpy(s.ends, whole.ends, sizeof s.ends);
        gone.present = false;
        assert_true(circuit_is(&s, &whole));
        assert_false(circuit_is(&s, &gone));
        s.working = true;
        assert_false(circuit_is(&s, &whole));
        s = (struct circuit_state){ .partial = true };
        assert_false(circuit_is(&s, &gone));
        s.partial = false;
        assert_true(circuit_is(&s, &gone));
}

static void any_other_parameter_is_another_circuit(void **state)
{
        struct circuit_state s = { .present = true, .a_to_z_kbps = 100, .z_to_a_kbps = 200, .mtu = 1500 };

        (void)state;
        memcpy(s.ends, whole.ends, sizeof s.ends);
        s.z_to_a_kbps++;
        assert_false(circuit_is(&s, &whole));
        s.z_to_a_kbps--;
        s.ends[SIDE_Z].tag++;
        assert_false(circuit_is(&s, &whole));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_circuit_reads_back_as_it_was_written),
                cmocka_unit_test(one_that_shall_go_needs_only_its_ids),
                cmocka_unit_test(a_bad_field_is_named),
                cmocka_unit_test(what_is_half_there_or_under_way_is_neither_there_nor_gone),
                cmocka_unit_test(any_other_parameter_is_another_circuit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
