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
        *ret = (struct caller){ 0 };
        caller_requests(&m, "req-1", ret);
        return caller_from_headers(&m, ret, why);
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

static void a_role_brings_those_below_it(void **state)
{
        static const struct {
                const char *sent, *roles;
        } cases[] = {
                { NULL, "member,reader" },
                { "", "" },
                { ",,", "" },
                { "reader", "reader" },
                { "member", "member,reader" },
                { "admin", "admin,member,reader" },
                { " x , Admin,", "x,Admin,member,reader" },
                { "admin ,reader", "admin,reader,member" },
                { "administrator, xadmin", "administrator,xadmin" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                struct caller c;
                struct fault why;

                assert_int_equal(read_fields("p", cases[i].sent, NULL, &c, &why), CALLER_OK);
                assert_string_equal(c.roles, cases[i].roles);
                assert_false(c.is_admin);
                assert_false(c.all_projects);
        }
}

static void an_identity_is_taken_as_it_is(void **state)
{
        struct identity i = { .project_id = "p", .user_id = "u", .roles = "admin" };
        struct caller c = { .request_id = "req-1" };

        (void)state;
        caller_from_identity(&i, &c);
        assert_string_equal(c.project_id, "p");
        assert_string_equal(c.user_id, "u");
        assert_string_equal(c.roles, "admin"); /* Keystone names what a role implies */
        assert_string_equal(c.request_id, "req-1");
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
        assert_int_equal(json_array_size(json_object_get(with, "roles")), 3);
        assert_int_equal(read_fields("p", NULL, "req-x", &c, &why), CALLER_OK);
        assert_string_equal(c.global_request_id, "");
        without = caller_context(&c);
        assert_null(json_object_get(without, "global_request_id"));
}

UNIT_MAIN(UNIT(who_names_no_project_is_nobody), UNIT(a_header_that_is_no_text_is_refused),
          UNIT(a_role_brings_those_below_it), UNIT(an_identity_is_taken_as_it_is), UNIT(a_request_id_of_the_client_is_kept_when_it_is_one))
