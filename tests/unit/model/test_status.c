/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "model/status.h"

/* clang-format off */
static const struct {
        int provisioning, operating;
        bool silent;
        const char *status;
} cases[] = {
        { PROV_ERROR,          OPER_ONLINE,    true,  "ERROR" },
        { PROV_ERROR,          OPER_OFFLINE,   false, "ERROR" },
        { PROV_PENDING_CREATE, OPER_OFFLINE,   true,  "BUILD" },
        { PROV_ACTIVE,         OPER_ONLINE,    false, "ACTIVE" },
        { PROV_ACTIVE,         OPER_ONLINE,    true,  "UNKNOWN" },
        { PROV_ACTIVE,         OPER_DEGRADED,  false, "DEGRADED" },
        { PROV_ACTIVE,         OPER_OFFLINE,   false, "DOWN" },
        { PROV_ACTIVE,         OPER_SCHEDULED, false, "DOWN" },
        { PROV_PENDING_UPDATE, OPER_ONLINE,    false, "ACTIVE" },
        { PROV_PENDING_DELETE, OPER_ONLINE,    false, "ACTIVE" },
        { PROV_PENDING_DELETE, OPER_OFFLINE,   true,  "UNKNOWN" },
};
/* clang-format on */

static void one_word_is_derived_from_the_two_statuses(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++)
                assert_string_equal(status_derived(cases[i].provisioning, cases[i].operating,
                                                   cases[i].silent),
                                    cases[i].status);
}

static void a_name_is_found_in_its_table(void **state)
{
        (void)state;
        for (int i = 0; i < PROV_N; i++)
                assert_int_equal(status_index(provisioning_name, PROV_N, provisioning_name[i]), i);
        assert_int_equal(status_index(operating_name, OPER_N, "SCHEDULED"), OPER_SCHEDULED);
        assert_int_equal(status_index(operating_name, OPER_N, "online"), -1);
        assert_int_equal(status_index(operating_name, OPER_N, NULL), -1);
}

UNIT_MAIN(UNIT(one_word_is_derived_from_the_two_statuses), UNIT(a_name_is_found_in_its_table))
