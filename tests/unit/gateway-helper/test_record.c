/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "gateway-helper/record.h"

#define P "6b1c2a52-3c0f-4f2e-9d55-000000000001"
#define V "6b1c2a52-3c0f-4f2e-9d55-000000000002"
#define L "6b1c2a52-3c0f-4f2e-9d55-000000000003"

static const struct port_want largest = {
        .id = P, .vpn_id = V, .link_id = L, .generation = INT64_MAX, .present = true,
        .local_label = 1048575, .peer_label = 1048575, .peer_address = "0a:ca:00:00:00:01",
        .tx_kbps = INT32_MAX, .rx_kbps = INT32_MAX, .mtu = 65535,
};

static void records_read_back_as_they_were_written(void **state)
{
        struct record records[3], back;
        const struct attachment_want attachment = { .id = P, .vpn_id = V, .generation = 4 };
        char text[RECORD_TEXT_SIZE];

        (void)state;
        record_of_vpn(V, &records[0]);
        record_of_port(&largest, INT64_MAX, INT64_MAX, &records[1]);
        record_of_attachment(&attachment, 3, 9, &records[2]);
        for (size_t i = 0; i < N_ELEMENTS(records); i++) {
                record_format(&records[i], text);
                assert_true(strlen(text) < RECORD_TEXT_SIZE - 1);
                assert_true(record_parse(text, &back));
                assert_true(record_equal(&records[i], &back));
                assert_int_equal(records[i].epoch, back.epoch);
                assert_int_equal(records[i].seq, back.seq);
        }
}

static void any_other_text_is_no_record(void **state)
{
        static const char *const texts[] = {
                "", "atlas-port", "atlas-vpn/1/", "atlas-vpn/1/" V "/", "atlas-vpn/2/" V, "somebody's uplink",
                "atlas-att/1/" P "/" V "/1/2", "atlas-att/1/" P "/" V "/1/2/3/4", "atlas-att/1/" P "/" V "/-1/2/3",
                "atlas-port/1/" P "/" V "/" L "/1/1/1/16/0A:CA:00:00:00:01/1/1/1500",
                "atlas-port/1/" P "/" V "/" L "/1/1/1/16/01:ca:00:00:00:01/1/1/1500",
                "atlas-port/1/" P "/" V "/" L "/1/1/1/16/0a:ca:00:00:00:01/1/1/70000",
        };
        struct record back;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(texts); i++)
                if (record_parse(texts[i], &back))
                        fail_msg("taken for a record: %s", texts[i]);
}

static void each_role_has_its_names(void **state)
{
        static const struct {
                const char *name;
                enum role role;
                int64_t number;
        } cases[] = {
                { "cap16", ROLE_PORT, 16 },       { "caw1048575", ROLE_WAN, 1048575 },
                { "cat1", ROLE_ATTACHMENT, 1 },   { "cav4094", ROLE_ACCESS, 4094 },
                { "cab0123456789ab", ROLE_BRIDGE, 0 },
                { "cap1048576", ROLE_NONE, 0 },   { "cap016", ROLE_NONE, 0 },
                { "cap", ROLE_NONE, 0 },          { "cap1x", ROLE_NONE, 0 },
                { "cap-1", ROLE_NONE, 0 },        { "cap+1", ROLE_NONE, 0 },
                { "cav4095", ROLE_NONE, 0 },      { "cab0123456789AB", ROLE_NONE, 0 },
                { "wan0", ROLE_NONE, 0 },         { "cable1", ROLE_NONE, 0 },
        };
        char name[INTERFACE_SIZE];
        int64_t number;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                assert_int_equal(role_of(cases[i].name, &number), cases[i].role);
                assert_int_equal(number, cases[i].number);
                role_name(cases[i].role, number, name);
                if (cases[i].number)
                        assert_string_equal(name, cases[i].name);
        }
        bridge_name(V, name);
        assert_int_equal(role_of(name, &number), ROLE_BRIDGE);
}

static void only_one_stations_addresses_are_taken(void **state)
{
        static const char *const bad[] = { "", "0a:ca:00:00:00", "0a:ca:00:00:00:01:02", "0a-ca-00-00-00-01",
                                           "0b:ca:00:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00",
                                           "0a:ca:00:00:00:0g", "0a:ca:00:00:00:1,", "0aca:00:00:00:001" };

        (void)state;
        assert_true(mac_valid("0a:ca:00:00:00:01"));
        for (size_t i = 0; i < N_ELEMENTS(bad); i++)
                if (mac_valid(bad[i]))
                        fail_msg("taken for an address: %s", bad[i]);
}

UNIT_MAIN(UNIT(records_read_back_as_they_were_written), UNIT(any_other_text_is_no_record),
          UNIT(each_role_has_its_names), UNIT(only_one_stations_addresses_are_taken))
