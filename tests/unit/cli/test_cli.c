/* SPDX-License-Identifier: Apache-2.0 */
#include "base/own.h"
#include "scripted.h"
#include "support/unit.h"

#define V1 "11111111-1111-4111-8111-111111111111"
#define E1 "22222222-2222-4222-8222-222222222222"
#define W1 "33333333-3333-4333-8333-333333333333"
#define G1 "44444444-4444-4444-8444-444444444444"
#define L1 "55555555-5555-4555-8555-555555555555"
#define N1 "66666666-6666-4666-8666-666666666666"
#define P1 "77777777-7777-4777-8777-777777777777"

#define SITES                                                                                      \
        "{\"sites\": [{\"id\": \"" E1 "\", \"name\": \"east\"}, {\"id\": \"" W1                    \
        "\", \"name\": \"west\"}]}"
#define GATEWAYS "{\"gateways\": [{\"id\": \"" G1 "\", \"name\": \"gw\", \"site_id\": \"" E1 "\"}]}"
#define LINK                                                                                       \
        "{\"virtual_link\": {\"id\": \"" L1                                                        \
        "\", \"name\": \"x\", \"endpoints\": [{\"site_id\": \"" E1 "\", \"gateway_id\": \"" G1     \
        "\", \"network_id\": \"" N1 "\"}, {\"site_id\": \"" W1                                     \
        "\", \"gateway_id\": \"g\", \"network_id\": null}], \"bandwidth\": {\"a_to_z_kbps\": 20000, \"z_to_a_kbps\": 10000}}}"

static void a_link_is_created_from_names(void **state)
{
        static const struct exchange script[] = {
                { "GET", "/v1/vpns?name=my%2F%C3%BC%25%26%3Dv", NULL, 200,
                  "{\"vpns\": [{\"id\": \"" V1 "\"}]}" },
                { "GET", "/v1/sites?name=east", NULL, 200, "{\"sites\": [{\"id\": \"" E1 "\"}]}" },
                { "GET", "/v1/gateways?name=gw&site_id=" E1, NULL, 200,
                  "{\"gateways\": [{\"id\": \"" G1 "\"}]}" },
                { "POST", "/v1/virtual-links",
                  "{\"virtual_link\": {\"name\": \"x\", \"vpn_id\": \"" V1
                  "\", \"endpoints\": [{\"site_id\": \"" E1 "\", \"gateway_id\": \"" G1
                  "\", \"network_id\": \"" N1 "\"}, {\"site_id\": \"" W1
                  "\"}], \"bandwidth\": {\"a_to_z_kbps\": 20000, \"z_to_a_kbps\": 10000}}}",
                  202, LINK },
                { "GET", "/v1/sites", NULL, 200, SITES },
                { "GET", "/v1/gateways", NULL, 200, GATEWAYS },
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s,
                                      "link create x --vpn my/\u00fc%&=v --a-site east --z-site " W1
                                      " --a-gateway gw --a-network " N1
                                      " --bandwidth 20M:10M -f value -c a_site -c z_site "
                                      "-c a_gateway -c bandwidth",
                                      script),
                         CLI_OK);
        assert_string_equal(s.out, "east\nwest\ngw\n20M:10M\n");
}

static void a_name_that_several_have_is_no_name(void **state)
{
        static const struct exchange script[] = {
                { "GET", "/v1/virtual-links?name=x", NULL, 200,
                  "{\"virtual_links\": [{\"id\": \"" L1 "\"}, {\"id\": \"" N1 "\"}]}" },
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "link show x", script), CLI_USAGE);
        assert_string_equal(s.err, "atlas: Several have the name x; give the id of one:\n  " L1
                                   "\n  " N1 "\n");
        assert_string_equal(s.out, "");
}

static void a_name_that_nobody_has_is_told(void **state)
{
        static const struct exchange script[] = {
                { "GET", "/v1/virtual-links?name=x", NULL, 200, "{\"virtual_links\": []}" },
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "link delete x", script), CLI_REFUSED);
        assert_string_equal(
                s.err,
                "atlas: There is no link named x.\n  next: `atlas link list` shows what there is\n");
}

static void a_refusal_tells_why_and_what_next(void **state)
{
        static const struct exchange script[] = {
                { "PUT", "/v1/virtual-links/" L1,
                  "{\"virtual_link\": {\"bandwidth\": {\"a_to_z_kbps\": 1000000, \"z_to_a_kbps\": 1000000}}}",
                  409,
                  "{\"error\": {\"code\": 409, \"type\": \"link.bandwidth_unavailable\", \"title\": \"Conflict\","
                  " \"message\": \"Gateway gw at site east has 5 kbit/s left.\", \"request_id\": \"req-7\","
                  " \"details\": {\"available_kbps\": 5}}}" },
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "link set " L1 " --bandwidth 1G", script), CLI_REFUSED);
        assert_string_equal(
                s.err,
                "atlas: Conflict: Gateway gw at site east has 5 kbit/s left.\n"
                "  available_kbps: 5\n"
                "  request: req-7\n"
                "  next: ask for what is left or less; `atlas gateway list` shows what each gateway has left\n");
}

static void silence_is_told_from_refusal(void **state)
{
        static const struct exchange silent[] = { { "DELETE", "/v1/vpns/" V1, NULL, 0, NULL },
                                                  { 0 } };
        static const struct exchange busy[] = {
                { "DELETE", "/v1/vpns/" V1, NULL, 503,
                  "{\"error\": {\"title\": \"Service Unavailable\", \"message\": \"The database is away.\"}}" },
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "vpn delete " V1, silent), CLI_UNREACHABLE);
        assert_non_null(strstr(s.err, "No answer: Nothing can be heard of http://there."));
        assert_non_null(strstr(s.err, "it may have been done or not"));
        assert_int_equal(scripted_run(&s, "vpn delete " V1, busy), CLI_UNREACHABLE);
        assert_non_null(
                strstr(s.err, "Service Unavailable: The database is away.\n  request: req-1\n"));
}

static void all_pages_are_read(void **state)
{
        static const struct exchange script[] = {
                { "GET", "/v1/vpns?type=ovs&all_projects=true", NULL, 200,
                  "{\"vpns\": [{\"id\": \"1\"}, {\"id\": \"2\"}], \"vpns_links\": [{\"rel\": \"next\", \"href\": \"x\"}]}" },
                { "GET", "/v1/vpns?type=ovs&all_projects=true&marker=2", NULL, 200,
                  "{\"vpns\": [{\"id\": \"3\"}], \"vpns_links\": [{\"rel\": \"previous\", \"href\": \"x\"}]}" },
                { "GET", "/v1/sites", NULL, 200, SITES },
                { 0 },
        };
        static const struct exchange first[] = {
                { "GET", "/v1/vpns?limit=1", NULL, 200,
                  "{\"vpns\": [{\"id\": \"1\"}], \"vpns_links\": [{\"rel\": \"next\", \"href\": \"x\"}]}" },
                { "GET", "/v1/sites", NULL, 200, SITES },
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(
                scripted_run(&s, "vpn list --type ovs --all-projects -f value -c id", script),
                CLI_OK);
        assert_string_equal(s.out, "1\n2\n3\n");
        assert_int_equal(scripted_run(&s, "vpn list --limit 1 -f value -c id", first), CLI_OK);
        assert_string_equal(s.out, "1\n");
}

static void a_port_may_be_named_by_its_link_and_end(void **state)
{
        static const char ports[] =
                "{\"virtual_ports\": [{\"id\": \"" P1 "\", \"side\": \"a\", \"site_id\": \"" E1
                "\"}, {\"id\": \"" N1 "\", \"side\": \"z\", \"site_id\": \"" W1 "\"}]}";
        const struct exchange by_site[] = {
                { "GET", "/v1/virtual-links?name=my%2Flink", NULL, 200,
                  "{\"virtual_links\": [{\"id\": \"" L1 "\"}]}" },
                { "GET", "/v1/sites?name=west", NULL, 200, "{\"sites\": [{\"id\": \"" W1 "\"}]}" },
                { "GET", "/v1/virtual-ports?virtual_link_id=" L1, NULL, 200, ports },
                { "GET", "/v1/virtual-ports/" N1, NULL, 200,
                  "{\"virtual_port\": {\"id\": \"" N1
                  "\", \"vif_id\": \"ca1:ovs:gw:7:x\", \"site_id\": \"" W1 "\"}}" },
                { "GET", "/v1/sites", NULL, 200, SITES },
                { "GET", "/v1/gateways", NULL, 200, GATEWAYS },
                { 0 },
        };
        const struct exchange no_end[] = {
                { "GET", "/v1/sites?name=moon", NULL, 200, "{\"sites\": []}" },
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "port show my/link/west -f value -c vif_id", by_site),
                         CLI_OK);
        assert_string_equal(s.out, "ca1:ovs:gw:7:x\n");
        assert_int_equal(scripted_run(&s, "port show " L1 "/moon", no_end), CLI_REFUSED);
}

static void what_is_wrong_on_the_line_is_told_without_asking_the_service(void **state)
{
        static const struct exchange nothing[] = { { 0 } };
        static const struct {
                const char *line, *said;
        } rows[] = {
                { "link create x --vpn v --a-site e --z-site w --bandwidth 20T",
                  "--bandwidth: must be as 20M" },
                { "link create x --vpn v --a-site e --z-site w --bandwidth 1M --a-network blue",
                  "--a-network: networks are" },
                { "link create x --vpn v --a-site e --z-site w --bandwidth 1M --z-network " N1
                  " --z-port " N1,
                  "--z-port: an end is plugged into" },
                { "link set x", "link set: nothing to change" },
                { "vpn set x", "vpn set: nothing to change" },
                { "port attach x/a", "port attach: give either --network or --port" },
                { "port attach x/a --port blue", "--port: it is another service's" },
                { "port show x", "x: is neither a port's id nor LINK/END" },
                { "operation show x", "x: is not an id" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                OWN(scripted_done) struct scripted s = { 0 };

                assert_int_equal(scripted_run(&s, rows[i].line, nothing), CLI_USAGE);
                if (!strstr(s.err, rows[i].said))
                        fail_msg("%s: %s", rows[i].line, s.err);
        }
}

static void history_is_told_in_sentences(void **state)
{
        static const struct exchange script[] = {
                { "GET", "/v1/events?object_id=" L1, NULL, 200,
                  "{\"events\": [{\"id\": \"1\", \"type\": \"virtual_link.create.step\", \"from\": \"PORTS\", \"to\": \"UNDO\","
                  " \"site\": \"west\", \"reason\": \"Full.\"}, {\"id\": \"2\", \"type\": \"virtual_link.status\", \"from\": null,"
                  " \"to\": null, \"site\": null, \"reason\": null}]}" },
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "link history " L1 " -f csv -c id -c what", script),
                         CLI_OK);
        assert_string_equal(
                s.out, "id,what\n1,an end failed; both are being taken back: west: Full.\n2,\n");
}

static void an_operation_is_shown_with_its_steps(void **state)
{
        static const struct exchange script[] = {
                { "GET", "/v1/operations/" L1, NULL, 200,
                  "{\"operation\": {\"id\": \"" L1
                  "\", \"type\": \"delete\", \"status\": \"done\", \"steps\": ["
                  "{\"at\": \"2026-01-31T10:00:00.000Z\", \"row\": 301, \"from\": \"START\", \"to\": \"UNPLUG\"},"
                  "{\"at\": \"2026-01-31T10:00:01.250Z\", \"row\": 306, \"from\": \"PORTS\", \"to\": \"DONE\"}]}}" },
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "operation show " L1, script), CLI_OK);
        assert_string_equal(s.out, "field  value\nid     " L1 "\ntype   delete\nstatus done\n\n"
                                   "at                       took_ms row what\n"
                                   "2026-01-31T10:00:00.000Z 0       301 accepted\n"
                                   "2026-01-31T10:00:01.250Z 1250    306 gone from both ends\n");
}

static void an_answer_that_is_none_is_told(void **state)
{
        static const struct exchange list[] = { { "GET", "/v1/sites", NULL, 200, "{\"sites\": 1}" },
                                                { 0 } };
        static const struct exchange one[] = { { "GET", "/v1/sites/" E1, NULL, 200, NULL }, { 0 } };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "site list", list), CLI_REFUSED);
        assert_non_null(strstr(s.err, "is not what this program understands"));
        assert_int_equal(scripted_run(&s, "site show " E1, one), CLI_REFUSED);
}

static void help_names_every_command_and_exit_code(void **state)
{
        static const struct exchange nothing[] = { { 0 } };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "--help", nothing), CLI_OK);
        for (const struct command *c = commands; c->noun; c++) {
                char words[64];

                command_title(c, words, sizeof words);
                assert_non_null(strstr(s.out, words));
        }
        for (int i = 0; i < CLI_EXIT_N; i++)
                assert_non_null(strstr(s.out, cli_exit_help[i]));
        assert_int_equal(scripted_run(&s, "link create --help", nothing), CLI_OK);
        assert_non_null(strstr(s.out, "--z-gateway GATEWAY"));
}

static void the_manual_page_names_every_command_option_and_exit_code(void **state)
{
        static const struct exchange nothing[] = { { 0 } };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "help --man", nothing), CLI_OK);
        for (char *dash; (dash = strstr(s.out, "\\-"));) /* as it reads */
                memmove(dash, dash + 1, strlen(dash));
        for (const struct command *c = commands; c->noun; c++)
                assert_non_null(strstr(s.out, c->help));
        for (enum option o = 0; o < OPT_N; o++)
                assert_non_null(strstr(s.out, option_rows[o].help));
        for (int i = 0; i < CLI_EXIT_N; i++)
                assert_non_null(strstr(s.out, cli_exit_help[i]));
}

static void what_is_made_is_asked_for_until_somebody_answers(void **state)
{
        static const struct exchange script[] = {
                { "POST", "/v1/vpns", NULL, 0, NULL },
                { "POST", "/v1/vpns", NULL, 503, "{}" },
                { "POST", "/v1/vpns", "{\"vpn\": {\"name\": \"blue\", \"type\": \"vpls\"}}", 201,
                  "{\"vpn\": {\"id\": \"" V1 "\"}}" },
                { "GET", "/v1/sites", NULL, 200, SITES },
                { 0 },
        };
        static const struct exchange never[] = {
                { "POST", "/v1/vpns", NULL, 0, NULL },
                { "POST", "/v1/vpns", NULL, 0, NULL },
                { "POST", "/v1/vpns", NULL, 0, NULL },
                { "POST", "/v1/vpns", NULL, 0, NULL },
                { 0 },
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "vpn create blue --type vpls -f value -c id", script),
                         CLI_OK);
        assert_string_equal(s.out, V1 "\n");
        assert_string_equal(s.err, "           no answer; asking again under the same key\n");
        assert_int_equal(s.n_pauses, 2);
        assert_int_equal(s.n_keys, 1);
        assert_int_equal(scripted_run(&s, "vpn create blue --type vpls", never), CLI_UNREACHABLE);
        assert_non_null(strstr(s.err, "it may have been done or not"));
}

static void a_link_is_switched_built_again_and_forgotten(void **state)
{
        static const struct {
                const char *line;
                struct exchange asked;
        } rows[] = {
                { "link disable " L1,
                  { "PUT", "/v1/virtual-links/" L1,
                    "{\"virtual_link\": {\"admin_state_up\": false}}", 202, LINK } },
                { "link enable " L1,
                  { "PUT", "/v1/virtual-links/" L1,
                    "{\"virtual_link\": {\"admin_state_up\": true}}", 202, LINK } },
                { "link retry " L1, { "POST", "/v1/virtual-links/" L1 "/retry", "{}", 202, LINK } },
        };
        static const struct exchange forget[] = {
                { "POST", "/v1/virtual-links/" L1 "/force_delete", "{}", 204, NULL }, { 0 }
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                const struct exchange script[] = { rows[i].asked,
                                                   { "GET", "/v1/sites", NULL, 200, SITES },
                                                   { "GET", "/v1/gateways", NULL, 200, GATEWAYS },
                                                   { 0 } };

                assert_int_equal(scripted_run(&s, rows[i].line, script), CLI_OK);
        }
        assert_int_equal(scripted_run(&s, "link force-delete " L1, forget), CLI_OK);
}

static void operators_freeze_all_and_release_gateways(void **state)
{
        static const struct {
                const char *line;
                struct exchange asked;
        } rows[] = {
                { "freeze start --reason work",
                  { "PUT", "/v1/freeze", "{\"freeze\": {\"frozen\": true, \"reason\": \"work\"}}", 200,
                    "{\"freeze\": {\"frozen\": true}}" } },
                { "freeze end",
                  { "PUT", "/v1/freeze", "{\"freeze\": {\"frozen\": false}}", 200,
                    "{\"freeze\": {\"frozen\": false}}" } },
                { "freeze show", { "GET", "/v1/freeze", NULL, 200, "{\"freeze\": {\"frozen\": false}}" } },
        };
        static const struct exchange release[] = {
                { "POST", "/v1/gateways/" G1 "/release", "{}", 200, "{\"gateway\": {\"id\": \"" G1 "\"}}" },
                { "GET", "/v1/sites", NULL, 200, SITES },
                { 0 }
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                const struct exchange script[] = { rows[i].asked, { 0 } };

                assert_int_equal(scripted_run(&s, rows[i].line, script), CLI_OK);
        }
        assert_int_equal(scripted_run(&s, "gateway release " G1, release), CLI_OK);
}

static void tags_are_put_on_and_taken_off(void **state)
{
        static const struct exchange script[] = {
                { "GET", "/v1/virtual-links?name=x", NULL, 200,
                  "{\"virtual_links\": [{\"id\": \"" L1 "\"}]}" },
                { "PUT", "/v1/virtual-links/" L1 "/tags/a%2Fb", NULL, 201, NULL },
                { 0 },
        };
        static const struct exchange remove[] = {
                { "DELETE", "/v1/vpns/" V1 "/tags/red", NULL, 204, NULL }, { 0 }
        };
        static const struct exchange list[] = {
                { "GET", "/v1/vpns?tags=red%2Cblue", NULL, 200, "{\"vpns\": []}" }, { 0 }
        };
        OWN(scripted_done) struct scripted s = { 0 };

        (void)state;
        assert_int_equal(scripted_run(&s, "link add-tag x a/b", script), CLI_OK);
        assert_int_equal(scripted_run(&s, "vpn remove-tag " V1 " red", remove), CLI_OK);
        assert_int_equal(scripted_run(&s, "vpn list --tag red,blue", list), CLI_OK);
}

static void lists_come_in_the_order_asked_for(void **state)
{
        static const char links[] =
                "{\"virtual_links\": ["
                "{\"id\": \"1\", \"name\": \"b\", \"bandwidth\": {\"a_to_z_kbps\": 5000, \"z_to_a_kbps\": 1}},"
                "{\"id\": \"2\", \"name\": \"a\", \"bandwidth\": {\"a_to_z_kbps\": 20000, \"z_to_a_kbps\": 1}},"
                "{\"id\": \"3\", \"name\": \"a\", \"bandwidth\": {\"a_to_z_kbps\": 700, \"z_to_a_kbps\": 1}}]}";
        static const struct {
                const char *keys, *ids;
        } rows[] = {
                { "name", "2\n3\n1\n" },
                { "-bandwidth", "2\n1\n3\n" },
                { "name,bandwidth", "3\n2\n1\n" },
                { "-name,-id", "1\n3\n2\n" },
        };
        const struct exchange script[] = { { "GET", "/v1/virtual-links", NULL, 200, links },
                                           { "GET", "/v1/sites", NULL, 200, SITES },
                                           { "GET", "/v1/gateways", NULL, 200, GATEWAYS },
                                           { 0 } };
        OWN(scripted_done) struct scripted s = { 0 };
        char line[128];

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                snprintf(line, sizeof line, "link list -f value -c id --sort %s", rows[i].keys);
                assert_int_equal(scripted_run(&s, line, script), CLI_OK);
                assert_string_equal(s.out, rows[i].ids);
        }
        assert_int_equal(scripted_run(&s, "link list --sort colour", script), CLI_USAGE);
        assert_non_null(strstr(s.err, "There is no column colour"));
}

UNIT_MAIN(UNIT(a_link_is_created_from_names), UNIT(a_name_that_several_have_is_no_name),
          UNIT(a_name_that_nobody_has_is_told), UNIT(a_refusal_tells_why_and_what_next),
          UNIT(silence_is_told_from_refusal), UNIT(all_pages_are_read),
          UNIT(a_port_may_be_named_by_its_link_and_end),
          UNIT(what_is_wrong_on_the_line_is_told_without_asking_the_service),
          UNIT(history_is_told_in_sentences), UNIT(an_operation_is_shown_with_its_steps),
          UNIT(an_answer_that_is_none_is_told), UNIT(help_names_every_command_and_exit_code),
          UNIT(the_manual_page_names_every_command_option_and_exit_code),
          UNIT(what_is_made_is_asked_for_until_somebody_answers),
          UNIT(a_link_is_switched_built_again_and_forgotten), UNIT(operators_freeze_all_and_release_gateways),
          UNIT(tags_are_put_on_and_taken_off),
          UNIT(lists_come_in_the_order_asked_for))
