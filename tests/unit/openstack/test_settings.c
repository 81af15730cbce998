/* SPDX-License-Identifier: Apache-2.0 */
#include "support/unit.h"

#include "openstack/settings.h"

struct holder {
        struct openstack_settings openstack;
};
static const struct setting rows[] = {
        OPENSTACK_SETTINGS("neutron", struct holder, openstack),
        { 0 },
};

static void what_the_auth_type_needs_is_named_when_it_lacks(void **state)
{
        static const struct {
                const char *file, *names; /* NULL: nothing lacks */
        } cases[] = {
                { "", "auth_url" },
                { "auth_url = u\n", "username" },
                { "auth_url = u\nusername = n\n", "password" },
                { "auth_url = u\nusername = n\npassword = p\n", "project_name" },
                { "auth_url = u\nusername = n\npassword = p\nproject_name = s\n", NULL },
                { "auth_url = u\nusername = n\npassword = p\nproject_id = s\n", NULL },
                { "auth_type = none\n", "endpoint_override" },
                { "auth_type = none\nendpoint_override = u\n", NULL },
                { "auth_type = kerberos\n", "kerberos" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                OWN(config_file_free) struct config_file *f = NULL;
                struct holder h = { 0 };
                struct fault why = { 0 };
                char text[256];
                int r;

                snprintf(text, sizeof text, "[neutron]\n%s", cases[i].file);
                assert_int_equal(config_file_parse("t", text, strlen(text), &f, &why), CONFIG_OK);
                assert_int_equal(config_apply(f, rows, NULL, &h, &why), CONFIG_OK);
                r = openstack_settings_check(&h.openstack, "neutron", &why);
                assert_int_equal(r, cases[i].names ? OPENSTACK_SETTINGS_BAD : OPENSTACK_SETTINGS_OK);
                if (cases[i].names)
                        assert_non_null(strstr(why.message, cases[i].names));
                config_done(rows, &h);
        }
}

UNIT_MAIN(UNIT(what_the_auth_type_needs_is_named_when_it_lacks))
