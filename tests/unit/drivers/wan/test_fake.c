/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "drivers/wan/fake.h"

#define ID(n) "6b1c2a52-3c0f-4f2e-9d55-0000000000" n

static struct circuit_want want(int64_t generation, bool present)
{
        return (struct circuit_want){
                .link_id = ID("01"), .vpn_id = ID("02"), .domain = "core", .project_id = "blue", .generation = generation, .present = present,
                .ends = { { .port_id = ID("0a"), .generation = 1, .site = "east", .gateway = "gw", .tag = 7 },
                          { .port_id = ID("0b"), .generation = 1, .site = "west", .gateway = "gw", .tag = 8 } },
                .a_to_z_kbps = 100, .z_to_a_kbps = 200, .mtu = 1500,
        };
}

static struct wan_handle *new_wan(uint32_t can)
{
        struct wan_handle *h = NULL;

        assert_int_equal(fake_wan_new(can, &h), 0);
        return h;
}

static int apply(struct wan_handle *h, const struct circuit_want *w, struct fault *why)
{
        bool changed;

        *why = (struct fault){ 0 };
        return wan_apply(&wan_fake, h, w, INT64_MAX, &changed, why);
}

static void what_is_done_is_not_called_for_again(void **state)
{
        struct wan_handle *h = new_wan(WAN_CAN_LIMIT | WAN_CAN_CHANGE);
        struct circuit_want w = want(1, true), gone = want(3, false);
        struct fault why;

        (void)state;
        assert_int_equal(apply(h, &w, &why), WAN_DONE);
        w.generation++;
        assert_int_equal(apply(h, &w, &why), WAN_DONE);
        assert_int_equal(fake_wan_calls(h), 1);
        assert_int_equal(fake_wan_count(h), 1);
        for (int i = 0; i < 2; i++)
                assert_int_equal(apply(h, &gone, &why), WAN_DONE);
        assert_int_equal(fake_wan_calls(h), 2);
        assert_int_equal(fake_wan_count(h), 0);
        assert_int_equal(fake_wan_violations(h), 0);
        wan_fake.close(h);
}

static void each_fault_is_told_apart(void **state)
{
        static const struct {
                struct injection injection;
                const char *type;
                bool retry;
        } rows[] = {
                { { .refuse = "No path." }, "wan.refused", false },
                { { .unreachable = true }, "wan.unreachable", true },
                { { .hang = true }, "wan.timeout", true },
                { { .half = true }, "wan.unreachable", true },
                { { .lie = true }, "wan.unconfirmed", true },
        };

        (void)state;
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                struct wan_handle *h = new_wan(WAN_CAN_LIMIT);
                struct circuit_want w = want(1, true);
                struct fault why;

                *fake_wan_injection(h) = rows[i].injection;
                assert_int_equal(apply(h, &w, &why), WAN_FAILED);
                assert_string_equal(why.type, rows[i].type);
                assert_int_equal(why.retry_after_ms > 0, rows[i].retry);
                *fake_wan_injection(h) = (struct injection){ 0 };
                assert_int_equal(apply(h, &w, &why), WAN_DONE);
                wan_fake.close(h);
        }
}

static void half_a_circuit_is_read_as_neither(void **state)
{
        struct wan_handle *h = new_wan(WAN_CAN_LIMIT);
        struct circuit_want w = want(1, true);
        struct circuit_state s = { 0 };
        struct fault why;

        (void)state;
        fake_wan_injection(h)->half = true;
        assert_int_equal(apply(h, &w, &why), WAN_FAILED);
        assert_int_equal(wan_fake.read(h, w.link_id, INT64_MAX, &s, &why), WAN_DONE);
        assert_true(s.partial && !s.present);
        wan_fake.close(h);
}

static void a_wan_that_cannot_change_says_so(void **state)
{
        struct wan_handle *h = new_wan(WAN_CAN_LIMIT);
        struct circuit_want w = want(1, true);
        struct fault why;

        (void)state;
        assert_int_equal(wan_fake.can(h), WAN_CAN_LIMIT);
        assert_int_equal(apply(h, &w, &why), WAN_DONE);
        w.a_to_z_kbps = 300;
        assert_int_equal(apply(h, &w, &why), WAN_FAILED);
        assert_string_equal(why.type, "wan.cannot_change");
        assert_int_equal(why.retry_after_ms, 0);
        wan_fake.close(h);
}

static void what_must_never_be_is_counted(void **state)
{
        struct wan_handle *h = new_wan(WAN_CAN_LIMIT | WAN_CAN_CHANGE);
        struct circuit_want w = want(2, true), older = want(1, true), other = want(1, true);
        struct fault why;

        (void)state;
        assert_int_equal(apply(h, &w, &why), WAN_DONE);
        older.a_to_z_kbps = 50;
        assert_int_equal(apply(h, &older, &why), WAN_DONE);
        assert_int_equal(fake_wan_violations(h), 1);
        TEXT_SET(other.link_id, ID("11"));
        TEXT_SET(other.ends[SIDE_A].port_id, ID("1a"));
        assert_int_equal(apply(h, &other, &why), WAN_DONE); /* of the same VPN */
        assert_int_equal(fake_wan_violations(h), 1);
        TEXT_SET(other.link_id, ID("21"));
        TEXT_SET(other.vpn_id, ID("22"));
        TEXT_SET(other.ends[SIDE_A].port_id, ID("2a"));
        assert_int_equal(apply(h, &other, &why), WAN_DONE);
        assert_int_equal(fake_wan_violations(h), 2);
        wan_fake.close(h);
}

static struct wan_handle *opened(const char *path)
{
        OWN(config_file_free) struct config_file *file = NULL;
        struct wan_handle *h = NULL;
        struct fault why = { 0 };
        char text[200];
        int n = snprintf(text, sizeof text, "[wan:core]\ndriver = fake\nlatency_ms = 600000\nstate_file = %s\n", path);

        assert_int_equal(config_file_parse("a file", text, (size_t)n, &file, &why), CONFIG_OK);
        assert_int_equal(wan_fake.open(file, "core", &h, &why), 0);
        return h;
}

static void a_call_that_another_began_is_joined(void **state)
{
        char path[] = "/tmp/wan-XXXXXX", lock[sizeof path + 8];
        struct circuit_want w = want(1, true);
        struct circuit_state s = { 0 };
        struct fault why = { 0 };

        (void)state;
        close(mkstemp(path));
        unlink(path);
        for (int i = 0; i < 3; i++) {
                struct wan_handle *h = opened(path);

                assert_int_equal(wan_fake.ensure(h, &w, clock_mono_ms() + 300, &why),
                                 WAN_FAILED);
                assert_string_equal(why.type, "wan.timeout");
                assert_int_equal(fake_wan_calls(h), 1);
                assert_int_equal(wan_fake.read(h, w.link_id, clock_mono_ms() + 1000, &s, &why), WAN_DONE);
                assert_true(s.working);
                assert_false(circuit_is(&s, &w));
                wan_fake.close(h);
        }
        {
                struct wan_handle *h = opened(path);

                TEXT_SET(w.link_id, ID("02"));
                assert_int_equal(wan_fake.ensure(h, &w, clock_mono_ms() - 1, &why), WAN_FAILED);
                assert_int_equal(wan_fake.read(h, w.link_id, clock_mono_ms() + 1000, &s, &why), WAN_DONE);
                assert_int_equal(fake_wan_calls(h), 1); /* it was too late to begin */
                wan_fake.close(h);
        }
        snprintf(lock, sizeof lock, "%s.lock", path);
        unlink(path);
        unlink(lock);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_done_is_not_called_for_again),
                cmocka_unit_test(each_fault_is_told_apart),
                cmocka_unit_test(half_a_circuit_is_read_as_neither),
                cmocka_unit_test(a_wan_that_cannot_change_says_so),
                cmocka_unit_test(what_must_never_be_is_counted),
                cmocka_unit_test(a_call_that_another_began_is_joined),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
