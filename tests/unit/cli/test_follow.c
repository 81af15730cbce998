/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "scripted.h"
#include "support/unit.h"

#define L1 "55555555-5555-4555-8555-555555555555"
#define O1 "88888888-8888-4888-8888-888888888888"
#define P1 "77777777-7777-4777-8777-777777777777"

#define STARTED                                                                                    \
        "{\"virtual_link\": {\"id\": \"" L1 "\", \"operation_id\": \"" O1 "\", \"endpoints\": []}}"
#define STEP(at, from, to)                                                                         \
        "{\"at\": \"2026-01-31T10:00:0" at "Z\", \"from\": \"" from "\", \"to\": \"" to "\"}"
#define OPERATION(status, steps)                                                                   \
        "{\"operation\": {\"id\": \"" O1 "\", \"type\": \"delete\", \"status\": \"" status         \
        "\", \"steps\": [" steps "]}}"
#define DELETE                                                                                     \
        {                                                                                          \
                "DELETE", "/v1/virtual-links/" L1, NULL, 202, STARTED                              \
        }
#define LOOK(status, steps)                                                                        \
        {                                                                                          \
                "GET", "/v1/operations/" O1, NULL, 200, OPERATION(status, steps)                   \
        }

static void each_step_is_told_once_with_its_time(void **state)
{
        static const struct exchange script[] = {
                DELETE,
                LOOK("running", STEP("0.000", "START", "UNPLUG")),
                LOOK("running", STEP("0.000", "START", "UNPLUG")),
                LOOK("done",
                     STEP("0.000", "START", "UNPLUG") "," STEP("0.012", "UNPLUG", "PORTS") "," STEP(
                             "1.500", "PORTS", "DONE")),
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "link delete " L1 " --wait", script), CLI_OK);
        assert_string_equal(s.err, "  0.000 s  accepted\n"
                                   "  0.012 s  both ends are being taken away\n"
                                   "  1.500 s  gone from both ends\n");
        assert_string_equal(s.out, "");
        assert_int_equal(s.n_pauses, 2);
}

static void without_wait_it_says_how_to_look(void **state)
{
        static const struct exchange script[] = { DELETE, { 0 } };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "link delete " L1, script), CLI_OK);
        assert_string_equal(s.err,
                            "Accepted; `atlas operation show " O1 "` tells how far it is.\n");
}

static void a_failure_names_the_site_and_the_reason(void **state)
{
        static const struct exchange script[] = {
                DELETE,
                { "GET", "/v1/operations/" O1, NULL, 200,
                  "{\"operation\": {\"type\": \"delete\", \"status\": \"failed\", \"request_id\": \"req-9\","
                  " \"status_reason\": \"The gateway refused.\", \"steps\": [{\"at\": \"2026-01-31T10:00:00.000Z\","
                  " \"from\": \"PORTS\", \"to\": \"FAILED\", \"site\": \"west\", \"reason\": \"The gateway refused.\"}]}}" },
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "link delete " L1 " --wait", script), CLI_FAILED);
        assert_string_equal(
                s.err,
                "  0.000 s  failed; an end could not be taken away: west: The gateway refused.\n"
                "atlas: The operation failed: The gateway refused.\n"
                "  site: west\n"
                "  operation: " O1 "\n"
                "  request: req-9\n"
                "  next: `atlas operation show " O1 "` tells all it did\n");
}

static void a_service_that_is_away_for_a_while_is_asked_again(void **state)
{
        static const struct exchange script[] = {
                DELETE,
                { "GET", "/v1/operations/" O1, NULL, 0, NULL },
                { "GET", "/v1/operations/" O1, NULL, 503, NULL },
                LOOK("done", STEP("0.000", "PORTS", "DONE")),
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "link delete " L1 " --wait", script), CLI_OK);
        assert_string_equal(s.err, "           the service does not answer; asking again\n"
                                   "  0.000 s  gone from both ends\n");
}

static void waiting_ends_at_its_time(void **state)
{
        static const struct exchange script[] = {
                DELETE,
                LOOK("running", ""),
                LOOK("running", ""),
                LOOK("running", ""),
                LOOK("running", ""),
                LOOK("running", ""),
                LOOK("running", ""),
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "link delete " L1 " --wait --timeout 1", script),
                         CLI_TIMEOUT);
        assert_non_null(strstr(s.err, "Not done within 1 s; the operation goes on."));
        assert_non_null(strstr(s.err, "atlas operation show " O1));
        assert_true(s.now_ms <= 2000);
}

static void an_answer_without_operation_is_followed_by_its_request(void **state)
{
        static const char port[] =
                "{\"virtual_port\": {\"id\": \"" P1 "\", \"virtual_link_id\": \"" L1 "\"}}";
        const struct exchange script[] = {
                { "POST", "/v1/virtual-ports/" P1 "/detach", "{}", 202, port },
                { "GET", "/v1/operations?virtual_link_id=" L1 "&request_id=req-1", NULL, 200,
                  "{\"operations\": [{\"id\": \"" O1 "\"}]}" },
                { "GET", "/v1/operations/" O1, NULL, 200,
                  "{\"operation\": {\"type\": \"detach\", \"status\": \"done\", \"steps\": [" STEP(
                          "0.000", "UNPLUG", "DONE") "]}}" },
                { "GET", "/v1/virtual-ports/" P1, NULL, 200, port },
                { "GET", "/v1/sites", NULL, 200, "{\"sites\": []}" },
                { "GET", "/v1/gateways", NULL, 200, "{\"gateways\": []}" },
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "port detach " P1 " --wait -f value -c id", script),
                         CLI_OK);
        assert_string_equal(s.err, "  0.000 s  network unplugged\n");
        assert_string_equal(s.out, P1 "\n");
}

UNIT_MAIN(UNIT(each_step_is_told_once_with_its_time), UNIT(without_wait_it_says_how_to_look),
          UNIT(a_failure_names_the_site_and_the_reason),
          UNIT(a_service_that_is_away_for_a_while_is_asked_again), UNIT(waiting_ends_at_its_time),
          UNIT(an_answer_without_operation_is_followed_by_its_request))
