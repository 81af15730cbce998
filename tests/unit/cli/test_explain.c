/* SPDX-License-Identifier: Apache-2.0 */
/* `atlas explain`, and `atlas watch` as far as it can be told without waiting. */
#include "base/own.h"
#include "scripted.h"
#include "support/unit.h"

#define E1 "22222222-2222-4222-8222-222222222222"
#define W1 "33333333-3333-4333-8333-333333333333"
#define G1 "44444444-4444-4444-8444-444444444444"
#define G2 "44444444-4444-4444-8444-444444444445"
#define L1 "55555555-5555-4555-8555-555555555555"
#define O1 "88888888-8888-4888-8888-888888888888"

#define SITES(west)                                                                                \
        "{\"sites\": [{\"id\": \"" E1 "\", \"name\": \"east\", \"alive\": true}, {\"id\": \"" W1   \
        "\", \"name\": \"west\", \"alive\": " west ", \"last_seen_at\": \"T0\"}]}"
#define GATEWAYS(west)                                                                             \
        "{\"gateways\": [{\"id\": \"" G1                                                           \
        "\", \"name\": \"gw-e\", \"reachable\": true}, {\"id\": \"" G2                             \
        "\", \"name\": \"gw-w\", \"reachable\": " west "}]}"
#define LINK(status, reason, operation) LINK_VIA("null", status, reason, operation)
#define LINK_VIA(wan, status, reason, operation)                                                   \
        "{\"virtual_link\": {\"id\": \"" L1 "\", \"name\": \"x\", \"status\": \"" status           \
        "\", \"status_reason\": " reason ", \"operation_id\": " operation                          \
        ", \"admin_state_up\": true, \"wan_domain\": " wan ", \"verified_at\": null, \"endpoints\": [{\"site_id\": \"" E1   \
        "\"}, {\"site_id\": \"" W1                                                                 \
        "\"}], \"bandwidth\": {\"a_to_z_kbps\": 20000, \"z_to_a_kbps\": 20000}}}"
#define OPERATION(status, reason)                                                                  \
        "{\"operation\": {\"id\": \"" O1 "\", \"type\": \"create\", \"status\": \"" status         \
        "\", \"status_reason\": " reason ", \"request_id\": \"req-7\", \"started_at\": \"T1\","    \
        " \"finished_at\": \"T3\", \"steps\": [{\"at\": \"T2\", \"from\": \"START\", \"to\": \"PORTS\"}]}}"
#define PORTS(west)                                                                                \
        "{\"virtual_ports\": [{\"site_id\": \"" E1 "\", \"gateway_id\": \"" G1                     \
        "\", \"status\": \"ACTIVE\", \"plug_status\": \"unplugged\"}, {\"site_id\": \"" W1         \
        "\", \"gateway_id\": \"" G2 "\", \"status\": \"" west                                      \
        "\", \"plug_status\": \"unplugged\"}]}"
#define BUILDING                                                                                   \
        "Link x (" L1 ") joins east and west with 20M.\nIt is being made.\n"                       \
        "Operation " O1 " (create) is at work since T1.\n"                                         \
        "Its last step, at T2: accepted; both ends are being configured.\n"

static void what_a_link_waits_for_is_told(void **state)
{
        static const struct {
                const char *sites, *gateways, *waits, *link;
        } rows[] = {
                { SITES("true"), GATEWAYS("true"),
                  "the WAN core: it has not confirmed the circuit yet\n",
                  LINK_VIA("\"core\"", "BUILD", "null", "\"" O1 "\"") },
                { SITES("true"), GATEWAYS("true"),
                  "gateway gw-w at site west: it has not confirmed its end yet\n", LINK("BUILD", "null", "\"" O1 "\"") },
                { SITES("true"), GATEWAYS("false"),
                  "gateway gw-w at site west: the site's agents cannot reach it\n", LINK("BUILD", "null", "\"" O1 "\"") },
                { SITES("false"), GATEWAYS("false"),
                  "site west: its agents are silent since T0\n", LINK("BUILD", "null", "\"" O1 "\"") },
        };
        OWN(scripted_done) struct scripted s = { 0 };
        char told[1024];

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                const struct exchange script[] = {
                        { "GET", "/v1/virtual-links/" L1, NULL, 200,
                          rows[i].link },
                        { "GET", "/v1/operations/" O1, NULL, 200, OPERATION("running", "null") },
                        { "GET", "/v1/virtual-ports?virtual_link_id=" L1, NULL, 200,
                          PORTS("DOWN") },
                        { "GET", "/v1/sites", NULL, 200, rows[i].sites },
                        { "GET", "/v1/gateways", NULL, 200, rows[i].gateways },
                        { 0 },
                };

                assert_int_equal(scripted_run(&s, "explain " L1, script), CLI_OK);
                snprintf(told, sizeof told,
                         BUILDING
                         "It waits for:\n  - %snext: it goes on by itself; `atlas watch --link " L1
                         "` tells how, `atlas link delete " L1 "` gives it up\n",
                         rows[i].waits);
                assert_string_equal(s.out, told);
        }
}

static void a_failed_link_is_told_with_cause_and_request(void **state)
{
        static const struct exchange script[] = {
                { "GET", "/v1/virtual-links?name=x", NULL, 200,
                  "{\"virtual_links\": [{\"id\": \"" L1 "\"}]}" },
                { "GET", "/v1/virtual-links/" L1, NULL, 200,
                  LINK("ERROR", "\"west: full\"", "null") },
                { "GET",
                  "/v1/operations?virtual_link_id=" L1 "&sort_key=started_at&sort_dir=desc&limit=1",
                  NULL, 200, "{\"operations\": [{\"id\": \"" O1 "\"}]}" },
                { "GET", "/v1/operations/" O1, NULL, 200, OPERATION("failed", "\"west: full\"") },
                { "GET", "/v1/virtual-ports?virtual_link_id=" L1, NULL, 200, PORTS("DOWN") },
                { "GET", "/v1/sites", NULL, 200, SITES("true") },
                { "GET", "/v1/gateways", NULL, 200, GATEWAYS("true") },
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "explain x", script), CLI_OK);
        assert_non_null(strstr(s.out, "It is in error: west: full.\n"));
        assert_non_null(
                strstr(s.out, "Its last operation, create (" O1 "), failed at T3: west: full.\n"));
        assert_non_null(strstr(s.out, "It waits for nothing.\n"));
        assert_non_null(strstr(s.out, "`atlas link delete " L1 "` takes it away"));
        assert_non_null(strstr(s.out, "by req-7\n"));
}

static void what_is_neither_link_nor_operation_is_told(void **state)
{
        static const struct exchange script[] = {
                { "GET", "/v1/virtual-links/" L1, NULL, 404, "{}" },
                { "GET", "/v1/operations/" L1, NULL, 404, "{}" },
                { 0 },
        };
        static const struct exchange silent[] = {
                { "GET", "/v1/virtual-links/" L1, NULL, 0, NULL },
                { "GET", "/v1/virtual-links/" L1, NULL, 0, NULL },
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "explain " L1, script), CLI_REFUSED);
        assert_non_null(strstr(s.err, "There is no link and no operation " L1));
        assert_int_equal(scripted_run(&s, "explain " L1, silent), CLI_UNREACHABLE);
        assert_non_null(strstr(s.err, "No answer"));
}

#define EVENT(id)                                                                                  \
        "{\"id\": \"" id "\", \"at\": \"T\", \"type\": \"virtual_link.create.step\","              \
        " \"object_type\": \"virtual_link\", \"object_id\": \"" L1                                 \
        "\", \"from\": \"PLUG\", \"to\": \"DONE\"}"

/* The last answer is a refusal: else nothing would end it. */
static void a_stream_is_told_event_by_event_and_resumed(void **state)
{
        static const struct exchange script[] = {
                { "GET", "/v1/events?object_id=" L1, NULL, 200,
                  "retry: 1000\nid: 6\n\nid: 7\ndata: {\"event\": " EVENT("7") "}\n\n" },
                { "GET", "/v1/events?object_id=" L1, NULL, 0, NULL },
                { "GET", "/v1/events?object_id=" L1, NULL, 200,
                  "id: 8\ndata: {\"event\": " EVENT("8") "}\n\n" },
                { "GET", "/v1/events?object_id=" L1, NULL, 401, "{}" },
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "watch --link " L1, script), CLI_REFUSED);
        assert_string_equal(s.out,
                            "T  virtual_link " L1 "  active\nT  virtual_link " L1 "  active\n");
        assert_string_equal(s.header, "Last-Event-ID: 8");
        assert_non_null(strstr(s.err, "asking again"));
}

static void without_streams_what_is_new_in_the_list_is_told(void **state)
{
        static const struct exchange script[] = {
                { "GET", "/v1/events", NULL, 200, "{\"events\": [" EVENT("5") "]}" },
                { "GET", "/v1/events", NULL, 200,
                  "{\"events\": [" EVENT("5") ", " EVENT("6") "]}" },
                { "GET", "/v1/events?marker=6", NULL, 200, "{\"events\": []}" },
                { "GET", "/v1/events?marker=6", NULL, 200, "{\"events\": [" EVENT("9") "]}" },
                { "GET", "/v1/events?marker=9", NULL, 403, "{}" },
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "watch -f json -c id", script), CLI_REFUSED);
        assert_non_null(strstr(s.out, "\"id\":\"9\""));
        assert_null(strstr(s.out, "\"id\":\"6\""));
}

UNIT_MAIN(UNIT(what_a_link_waits_for_is_told), UNIT(a_failed_link_is_told_with_cause_and_request),
          UNIT(what_is_neither_link_nor_operation_is_told),
          UNIT(a_stream_is_told_event_by_event_and_resumed),
          UNIT(without_streams_what_is_new_in_the_list_is_told))
