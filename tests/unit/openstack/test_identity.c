/* SPDX-License-Identifier: Apache-2.0 */
#include "openstack/identity.h"

#include "support/unit.h"

static int read_text(const char *text, struct identity *ret)
{
        json_auto_t *body = json_loads(text, 0, NULL);
        struct fault why = { 0 };
        int r = identity_read(body, ret, &why);

        assert_int_equal(r == IDENTITY_OK, !fault_is_set(&why));
        return r;
}

#define TOKEN(more) "{\"token\": {\"expires_at\": \"2026-01-31T23:59:59.000000Z\", \"user\": {\"id\": \"u\"}" more "}}"

static void a_token_names_user_project_roles_and_end(void **state)
{
        struct identity i;

        (void)state;
        assert_int_equal(read_text(TOKEN(", \"project\": {\"id\": \"p\"}, \"roles\": [{\"name\": \"member\"}, "
                                         "{\"name\": \"reader\"}]"), &i), IDENTITY_OK);
        assert_string_equal(i.project_id, "p");
        assert_string_equal(i.user_id, "u");
        assert_string_equal(i.roles, "member,reader");
        assert_int_equal(i.expires_ms, 1769903999000);
        assert_int_equal(read_text(TOKEN(""), &i), IDENTITY_OK);
        assert_string_equal(i.project_id, "");
        assert_string_equal(i.roles, "");
}

static void a_role_whose_name_could_be_read_as_another_is_left_out(void **state)
{
        struct identity i;

        (void)state;
        assert_int_equal(read_text(TOKEN(", \"roles\": [{\"name\": \"x,admin\"}, {\"name\": \" admin\"}, "
                                         "{\"name\": \"admin \"}, {\"name\": \"admin\\n\"}, {\"name\": \"\"}, "
                                         "{\"name\": 7}, {\"id\": \"admin\"}, {\"name\": \"last\"}]"), &i), IDENTITY_OK);
        assert_string_equal(i.roles, "last");
}

static void more_roles_than_fit_are_fewer_rights(void **state)
{
        json_auto_t *body = json_loads(TOKEN(""), 0, NULL);
        json_t *roles = json_array();
        struct identity i;
        struct fault why;
        char name[300];

        (void)state;
        memset(name, 'r', 290);
        name[290] = '\0';
        for (int n = 0; n < 10; n++)
                json_array_append_new(roles, json_pack("{ss}", "name", name));
        json_array_append_new(roles, json_pack("{ss}", "name", "short"));
        json_object_set_new(json_object_get(body, "token"), "roles", roles);
        assert_int_equal(identity_read(body, &i, &why), IDENTITY_OK);
        assert_string_equal(strrchr(i.roles, ','), ",short");
}

static void what_is_no_token_is_no_identity(void **state)
{
        static const char *const bad[] = {
                "{}", "[]", "{\"token\": []}", "{\"token\": {}}",
                "{\"token\": {\"expires_at\": \"soon\", \"user\": {\"id\": \"u\"}}}",
                "{\"token\": {\"expires_at\": \"2026-01-31T23:59:59Z\"}}",
                TOKEN(", \"project\": {}"), TOKEN(", \"project\": {\"id\": \"\"}"), TOKEN(", \"project\": 7"),
        };
        struct identity i;

        (void)state;
        for (size_t n = 0; n < N_ELEMENTS(bad); n++)
                assert_int_equal(read_text(bad[n], &i), IDENTITY_BAD_ANSWER);
}

UNIT_MAIN(UNIT(a_token_names_user_project_roles_and_end), UNIT(a_role_whose_name_could_be_read_as_another_is_left_out),
          UNIT(more_roles_than_fit_are_fewer_rights), UNIT(what_is_no_token_is_no_identity))
