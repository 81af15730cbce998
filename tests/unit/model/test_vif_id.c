/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "model/vif_id.h"

#define ID "6b1c2a52-3c0f-4f2e-9d55-0123456789ab"

static void a_vif_id_reads_back_as_it_was_written(void **state)
{
        const struct vif_id v = { "neutron", "gw-east", 4094, ID };
        char text[VIF_ID_SIZE];
        struct vif_id back;

        (void)state;
        vif_id_format(&v, text);
        assert_string_equal(text, "ca1:neutron:gw-east:4094:" ID);
        assert_true(vif_id_parse(text, &back));
        assert_string_equal(back.driver, "neutron");
        assert_string_equal(back.gateway, "gw-east");
        assert_int_equal(back.tag, 4094);
        assert_string_equal(back.attachment_id, ID);
}

static void the_longest_names_fit(void **state)
{
        struct vif_id v = { .tag = 4094, .attachment_id = ID }, back;
        char text[VIF_ID_SIZE];

        (void)state;
        memset(v.driver, 'd', sizeof v.driver - 1);
        memset(v.gateway, 'g', sizeof v.gateway - 1);
        vif_id_format(&v, text);
        assert_true(vif_id_parse(text, &back));
        assert_string_equal(back.driver, v.driver);
        assert_string_equal(back.gateway, v.gateway);
}

static void what_is_not_ours_is_refused(void **state)
{
        static const char *const wrong[] = {
                "",
                "dhcp-1234",
                "ca2:neutron:gw:7:" ID,
                "ca1:neutron:gw:0:" ID,
                "ca1:neutron:gw:4095:" ID,
                "ca1:neutron:gw:07:" ID,
                "ca1:neutron:gw:+7:" ID,
                "ca1::gw:7:" ID,
                "ca1:neutron:GW:7:" ID,
                "ca1:neutron:gw:7:" ID ":",
                "ca1:neutron:gw:7:" ID "0",
                "ca1:neutron:gw:7",
                "ca1:neutron:gw:7:6B1C2A52-3C0F-4F2E-9D55-0123456789AB",
        };
        struct vif_id v = { .tag = 5 };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(wrong); i++)
                assert_false(vif_id_parse(wrong[i], &v));
        assert_false(vif_id_parse(NULL, &v));
        assert_int_equal(v.tag, 5);
}

UNIT_MAIN(UNIT(a_vif_id_reads_back_as_it_was_written), UNIT(the_longest_names_fit),
          UNIT(what_is_not_ours_is_refused))
