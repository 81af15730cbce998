/* SPDX-License-Identifier: Apache-2.0 */
/* The client and the session against a peer that misbehaves. */
#include "support/unit.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/text.h"
#include "http/client.h"
#include "openstack/session.h"
#include "support/fake_openstack.h"

struct holder {
        struct openstack_settings openstack;
};
static const struct setting rows[] = {
        OPENSTACK_SETTINGS("s", struct holder, openstack),
        { 0 },
};
static struct holder holder;
static struct openstack_session *session;

static void open_session(const char *more)
{
        OWN(config_file_free) struct config_file *f = NULL;
        struct fault why = { 0 };
        char text[512];

        snprintf(text, sizeof text,
                 "[s]\nauth_url = http://127.0.0.1:%d/identity\nusername = atlas\npassword = secret\n"
                 "project_name = service\nregion_name = here\n%s",
                 fake_openstack_port(), more);
        openstack_session_free(session);
        config_done(rows, &holder);
        assert_int_equal(config_file_parse("test", text, strlen(text), &f, &why), CONFIG_OK);
        assert_int_equal(config_apply(f, rows, NULL, &holder, &why), CONFIG_OK);
        assert_int_equal(openstack_session_new(&holder.openstack, "network", &session), 0);
}

static int group_setup(void **state)
{
        (void)state;
        fake_openstack_start();
        return 0;
}

static int group_teardown(void **state)
{
        (void)state;
        session = openstack_session_free(session);
        config_done(rows, &holder);
        fake_openstack_stop();
        return 0;
}

static int setup(void **state)
{
        (void)state;
        json_decref(fake_openstack("POST", "reset", NULL));
        open_session("");
        return 0;
}

static int list_ports(int64_t within_ms, struct fault *why)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        int r;

        fault_clear(why);
        r = openstack_call(session,
                           &(struct openstack_call){ .method = "GET",
                                                     .path = "/v2.0/ports?device_id=x",
                                                     .deadline_mono_ms = clock_mono_ms() + within_ms },
                           &reply, why);
        if (r == OPENSTACK_OK)
                assert_true(json_is_array(json_object_get(reply.body, "ports")));
        return r;
}

static void one_token_serves_many_calls(void **state)
{
        struct fault why;

        (void)state;
        for (int i = 0; i < 3; i++)
                assert_int_equal(list_ports(5000, &why), OPENSTACK_OK);
        assert_int_equal(fake_openstack_requests("POST", "/identity/v3/auth/tokens"), 1);
        assert_int_equal(fake_openstack_requests("GET", "/v2.0/ports"), 3);
}

static void a_401_is_answered_with_one_new_token(void **state)
{
        struct fault why;

        (void)state;
        assert_int_equal(list_ports(5000, &why), OPENSTACK_OK);
        json_decref(fake_openstack("POST", "forget_tokens", NULL));
        assert_int_equal(list_ports(5000, &why), OPENSTACK_OK);
        assert_int_equal(fake_openstack_requests("POST", "/identity"), 2);
        fake_openstack_rule("GET", "/v2.0/ports", "unauthorized", 5, NULL);
        assert_int_equal(list_ports(5000, &why), OPENSTACK_REFUSED);
        assert_int_equal(why.code, 401);
        assert_int_equal(fake_openstack_fired("unauthorized"), 2);
        assert_int_equal(fake_openstack_requests("POST", "/identity"), 3);
}

static void a_token_near_its_end_is_renewed_before_use(void **state)
{
        struct fault why;

        (void)state;
        json_decref(fake_openstack("POST", "set", json_pack("{s:i}", "lifetime", 61)));
        assert_int_equal(list_ports(5000, &why), OPENSTACK_OK);
        assert_int_equal(list_ports(5000, &why), OPENSTACK_OK);
        assert_int_equal(fake_openstack_requests("POST", "/identity"), 1);
        json_decref(fake_openstack("POST", "set", json_pack("{s:i}", "lifetime", 59)));
        open_session("");
        assert_int_equal(list_ports(5000, &why), OPENSTACK_OK);
        assert_int_equal(list_ports(5000, &why), OPENSTACK_OK);
        assert_int_equal(fake_openstack_requests("POST", "/identity"), 3);
}

static void wrong_credentials_are_final_and_not_shown(void **state)
{
        struct fault why;

        (void)state;
        open_session("password = hunter2\n");
        assert_int_equal(list_ports(5000, &why), OPENSTACK_REFUSED);
        assert_string_equal(why.type, "openstack.credentials");
        assert_int_equal(why.retry_after_ms, 0);
        assert_null(strstr(why.message, "hunter2"));
        assert_int_equal(fake_openstack_requests("GET", "/v2.0"), 0);
}

static void a_region_that_the_catalogue_lacks_is_named(void **state)
{
        struct fault why;

        (void)state;
        open_session("region_name = Atlantis\n");
        assert_int_equal(list_ports(5000, &why), OPENSTACK_REFUSED);
        assert_non_null(strstr(why.message, "Atlantis"));
}

static void retry_after_is_waited_for_within_the_deadline(void **state)
{
        struct fault why;
        int64_t from = clock_mono_ms();

        (void)state;
        fake_openstack_rule("GET", "/v2.0/ports", "busy", 2, json_integer(1));
        assert_int_equal(list_ports(10000, &why), OPENSTACK_OK);
        assert_true(clock_mono_ms() - from >= 2000);
        fake_openstack_rule("GET", "/v2.0/ports", "busy", 1, json_integer(60));
        from = clock_mono_ms();
        assert_int_equal(list_ports(3000, &why), OPENSTACK_UNAVAILABLE);
        assert_true(clock_mono_ms() - from < 2000);
        assert_int_equal(why.retry_after_ms, 60000);
        assert_int_equal(fake_openstack_fired("busy"), 3);
}

static void every_broken_answer_is_unavailable_and_may_be_tried_again(void **state)
{
        static const char *const acts[] = { "hang", "truncated_json", "duplicate_json", "cut" };
        struct fault why;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(acts); i++) {
                int64_t from = clock_mono_ms();

                fake_openstack_rule("GET", "/v2.0/ports", acts[i], 1, json_integer(3));
                assert_int_equal(list_ports(1000, &why), OPENSTACK_UNAVAILABLE);
                assert_true(clock_mono_ms() - from < 2500);
                assert_true(why.retry_after_ms > 0);
                assert_int_equal(fake_openstack_fired(acts[i]), 1);
        }
        fake_openstack_rule("GET", "/v2.0/ports", "too_much", 1, NULL);
        assert_int_equal(list_ports(5000, &why), OPENSTACK_UNAVAILABLE);
        assert_string_equal(why.type, "http.too_much");
        assert_int_equal(list_ports(5000, &why), OPENSTACK_OK);
}

static void statuses_become_answers_with_the_services_sentence(void **state)
{
        static const struct {
                int status, answer;
                bool again;
        } cases[] = {
                { 400, OPENSTACK_REFUSED, false },  { 403, OPENSTACK_DENIED, false },
                { 404, OPENSTACK_NOT_FOUND, false }, { 409, OPENSTACK_CONFLICT, false },
                { 412, OPENSTACK_CONFLICT, false }, { 429, OPENSTACK_UNAVAILABLE, true },
                { 500, OPENSTACK_UNAVAILABLE, true }, { 504, OPENSTACK_UNAVAILABLE, true },
        };
        struct fault why;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                fake_openstack_rule("GET", "/v2.0/ports", "status", 1, json_integer(cases[i].status));
                assert_int_equal(list_ports(5000, &why), cases[i].answer);
                assert_int_equal(why.retry_after_ms > 0, cases[i].again);
                assert_non_null(strstr(why.message, "a fake says no"));
        }
}

static void a_redirect_takes_no_token_along(void **state)
{
        struct fault why;

        (void)state;
        fake_openstack_rule("GET", "/v2.0/ports", "redirect", 1, NULL);
        assert_int_equal(list_ports(5000, &why), OPENSTACK_REFUSED);
        assert_int_equal(fake_openstack_fired("redirect"), 1);
}

static void nobody_at_the_other_end_is_unreachable_at_once(void **state)
{
        struct fault why;
        int64_t from = clock_mono_ms();

        (void)state;
        open_session("auth_url = http://127.0.0.1:1/v3\n");
        assert_int_equal(list_ports(5000, &why), OPENSTACK_UNAVAILABLE);
        assert_true(clock_mono_ms() - from < 2000);
        assert_string_equal(why.type, "http.unreachable");
}

static void *lister(void *unused)
{
        struct fault why;

        (void)unused;
        for (int i = 0; i < 10; i++)
                if (list_ports(20000, &why) != OPENSTACK_OK)
                        return &holder;
        return NULL;
}

static void threads_share_one_token(void **state)
{
        pthread_t threads[6];
        void *bad;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(threads); i++)
                assert_int_equal(pthread_create(&threads[i], NULL, lister, NULL), 0);
        for (size_t i = 0; i < N_ELEMENTS(threads); i++) {
                assert_int_equal(pthread_join(threads[i], &bad), 0);
                assert_null(bad);
        }
        assert_int_equal(fake_openstack_requests("POST", "/identity"), 1);
        assert_int_equal(fake_openstack_requests("GET", "/v2.0/ports"), 60);
}

#define CASE(test) cmocka_unit_test_setup(test, setup)
int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(one_token_serves_many_calls),
                CASE(a_401_is_answered_with_one_new_token),
                CASE(a_token_near_its_end_is_renewed_before_use),
                CASE(wrong_credentials_are_final_and_not_shown),
                CASE(a_region_that_the_catalogue_lacks_is_named),
                CASE(retry_after_is_waited_for_within_the_deadline),
                CASE(every_broken_answer_is_unavailable_and_may_be_tried_again),
                CASE(statuses_become_answers_with_the_services_sentence),
                CASE(a_redirect_takes_no_token_along),
                CASE(nobody_at_the_other_end_is_unreachable_at_once),
                CASE(threads_share_one_token),
        };

        return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
