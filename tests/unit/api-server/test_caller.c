/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/caller.h"

#include "support/unit.h"

static int read_fields(const char *project, const char *roles, const char *global, struct caller *ret,
                       struct fault *why)
{
        struct http_message m = { 0 };

        if (project)
                m.fields[m.n_fields++] = (struct http_field){ "x-project-id", project };
        if (roles)
                m.fields[m.n_fields++] = (struct http_field){ "x-roles", roles };
        if (global)
                m.fields[m.n_fields++] = (struct http_field){ "x-openstack-request-id", global };
        return caller_from_message(&m, "req-1", ret, why);
}

static void who_names_no_project_is_nobody(void **state)
{
        struct caller c;
        struct fault why;

        (void)state;
        assert_int_equal(read_fields(NULL, "admin", NULL, &c, &why), CALLER_REFUSED);
        assert_int_equal(why.code, 401);
        assert_non_null(strstr(why.message, "X-Project-Id"));
        assert_int_equal(read_fields("", NULL, NULL, &c, &why), CALLER_REFUSED);
        assert_int_equal(why.code, 401);
}

static void a_header_that_is_no_text_is_refused(void **state)
{
        char long_name[300];
        struct caller c;
        struct fault why;

        (void)state;
        memset(long_name, 'p', sizeof long_name);
        long_name[256] = '\0';
        assert_int_equal(read_fields(long_name, NULL, NULL, &c, &why), CALLER_REFUSED);
        assert_int_equal(why.code, 400);
        long_name[255] = '\0';
        assert_int_equal(read_fields(long_name, NULL, NULL, &c, &why), CALLER_OK);
        assert_int_equal(read_fields("\xff", NULL, NULL, &c, &why), CALLER_REFUSED);
        assert_int_equal(read_fields("p", "\xff", NULL, &c, &why), CALLER_REFUSED);
}

static void only_the_role_admin_is_an_operator(void **state)
{
        static const struct {
                const char *roles;
                bool admin;
        } cases[] = {
                { NULL, false },          { "", false },       { "member", false },  { "admin", true },
                { "member, admin", true }, { "admin ,x", true }, { "administrator", false },
                { "xadmin", false },      { "Admin", false },  { ",,", false },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                struct caller c;
                struct fault why;

                assert_int_equal(read_fields("p", cases[i].roles, NULL, &c, &why), CALLER_OK);
                assert_int_equal(c.is_admin, cases[i].admin);
        }
}

static void a_request_id_of_the_client_is_kept_when_it_is_one(void **state)
{
        static const char good[] = "req-aaaaaaaa-0000-4000-8000-000000000001";
        struct caller c;
        struct fault why;
        json_auto_t *with = NULL, *without = NULL;

        (void)state;
        assert_int_equal(read_fields("p", " member , admin,", good, &c, &why), CALLER_OK);
        assert_string_equal(c.global_request_id, good);
        with = caller_context(&c);
        assert_string_equal(json_string_value(json_object_get(with, "request_id")), "req-1");
        assert_string_equal(json_string_value(json_object_get(with, "global_request_id")), good);
        assert_int_equal(json_array_size(json_object_get(with, "roles")), 2);
        assert_int_equal(read_fields("p", NULL, "req-x", &c, &why), CALLER_OK);
        assert_string_equal(c.global_request_id, "");
        without = caller_context(&c);
        assert_null(json_object_get(without, "global_request_id"));
}

UNIT_MAIN(UNIT(who_names_no_project_is_nobody), UNIT(a_header_that_is_no_text_is_refused),
          UNIT(only_the_role_admin_is_an_operator), UNIT(a_request_id_of_the_client_is_kept_when_it_is_one))
