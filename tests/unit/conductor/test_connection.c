/* SPDX-License-Identifier: Apache-2.0 */
/* Connections, where the timing of their parts matters; that they are whole or gone is the simulation's to show. */
#include "stage.h"

#include "base/text.h"

#define OPERATION "00000000-0000-4000-8000-0000000000aa"
#define NEW_VPN "00000000-0000-4000-8000-0000000000ab"

static void play(struct stage *s, int who, struct stage_input in)
{
        stage_play(s, who, &in, 1);
}

static void ask(struct stage *s, const char *vpn)
{
        play(s, 0, stage_ask("create_connection",
                             "{\"connection\": {\"id\": \"" OPERATION "\", %s, \"name\": \"c\", \"endpoints\": [{\"site_id\": \"a\"},"
                             " {\"site_id\": \"z\"}], \"bandwidth\": {\"a_to_z_kbps\": 1000, \"z_to_a_kbps\": 2000}}}", vpn));
        assert_int_equal(s->fault.code, 0);
}

static void ask_new(struct stage *s)
{
        ask(s, "\"new_vpn_id\": \"" NEW_VPN "\"");
}

static const struct operation *operation(const struct stage *s)
{
        return sim_db_find(&s->db, T_OPERATION, "id", OPERATION);
}

static const struct vlink *its_link(const struct stage *s)
{
        const struct operation *part = sim_db_find(&s->db, T_OPERATION, "parent_id", OPERATION);

        return part ? stage_link(s, part->link_id) : NULL;
}

static void answer_both(struct stage *s)
{
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        play(s, 1, stage_done(stage_cast(s, "z", "apply")));
}

static void refuse(struct stage *s, enum side side, const char *site)
{
        const struct vport *p = stage_port(s, its_link(s)->id, side);

        play(s, 0, stage_tell(site, "ports_applied",
                              "{\"gateway\": \"gw-%s\", \"epoch\": 1, \"seq\": %lld, \"expired\": false, \"ports\": [{\"id\": \"%s\","
                              " \"generation\": %lld, \"present\": %s, \"fault\": {\"code\": 409, \"type\": \"gateway.refused\","
                              " \"message\": \"The device is full.\"}}], \"attachments\": []}",
                              site, (long long)stage_gateway(s, site)->seq, p->id, (long long)p->generation,
                              p->wanted ? "false" : "true"));
}

static void it_is_done_when_its_link_is(void **state)
{
        struct stage *s = *state;
        json_auto_t *shown = NULL;

        ask_new(s);
        shown = json_incref(json_object_get(s->reply, "connection"));
        assert_string_equal(json_string_value(json_object_get(shown, "operation_id")), OPERATION);
        assert_string_equal(json_string_value(json_object_get(shown, "vpn_id")), NEW_VPN);
        assert_int_equal(json_array_size(json_object_get(shown, "virtual_link_ids")), 1);
        ask_new(s); /* the same again */
        assert_true(json_equal(shown, json_object_get(s->reply, "connection")));
        answer_both(s);
        assert_int_equal(operation(s)->result, OP_RUNNING);
        play(s, 1, stage_due(TIMER_PARENT, OPERATION));
        assert_int_equal(operation(s)->result, OP_DONE);
        assert_null(sim_db_find(&s->db, T_TIMER, "ref_id", OPERATION));
        play(s, 1, stage_due(TIMER_PARENT, OPERATION)); /* late */
        assert_int_equal(operation(s)->result, OP_DONE);
}

static void links_that_do_not_come_in_time_are_taken_back(void **state)
{
        struct stage *s = *state;

        ask_new(s);
        for (int i = 0; i < 2; i++) {
                s->now_ms += 60000;
                play(s, 0, stage_due(TIMER_OPERATION, OPERATION));
        }
        assert_int_equal(stage_rows(s, 805), 1);
        assert_int_equal(its_link(s)->provisioning, PROV_PENDING_DELETE);
        answer_both(s);
        answer_both(s);
        assert_null(its_link(s));
        play(s, 0, stage_due(TIMER_PARENT, OPERATION));
        assert_int_equal(operation(s)->result, OP_FAILED);
        assert_non_null(strstr(operation(s)->reason, "in time"));
        assert_null(sim_db_find(&s->db, T_VPN, "id", NEW_VPN));
        assert_null(sim_db_find(&s->db, T_VPN_SITE, "vpn_id", NEW_VPN));
}

static const struct timer *deadline(const struct stage *s)
{
        return sim_db_find(&s->db, T_TIMER, "ref_id", OPERATION);
}

static void what_does_not_go_is_asked_again_ever_more_slowly(void **state)
{
        struct stage *s = *state;
        int64_t pause_ms = 60000;

        ask_new(s);
        refuse(s, SIDE_A, "a");
        s->now_ms += 30000;
        play(s, 0, stage_due(TIMER_OPERATION, its_link(s)->operation_id)); /* its ends do not say that they are gone */
        play(s, 0, stage_due(TIMER_PARENT, OPERATION)); /* the link has failed: it is asked to go */
        assert_int_equal(stage_rows(s, 803), 1);
        for (int i = 0; i < 8; i++) {
                char link_operation[ID_SIZE];

                if (its_link(s)->operation_id[0]) { /* its deletes fail in silence */
                        TEXT_SET(link_operation, its_link(s)->operation_id);
                        for (int late = 0; late < 4; late++) {
                                s->now_ms += 45000;
                                play(s, 0, stage_due(TIMER_OPERATION, link_operation));
                        }
                        play(s, 0, stage_due(TIMER_PARENT, OPERATION));
                }
                s->now_ms = deadline(s)->due_ms > s->now_ms ? deadline(s)->due_ms : s->now_ms;
                play(s, 0, stage_due(TIMER_OPERATION, OPERATION));
                assert_int_equal(deadline(s)->due_ms - s->now_ms, pause_ms);
                pause_ms = pause_ms * 2 < 3600000 ? pause_ms * 2 : 3840000;
                assert_int_equal(operation(s)->result, OP_RUNNING);
        }
        assert_int_equal(stage_rows(s, 807), 8);
}

/* Who adds a site himself keeps it when the connection that had added it fails. */
static void a_member_that_was_asked_for_stays(void **state)
{
        struct stage *s = *state;

        play(s, 0, stage_ask("remove_site", "{\"vpn_id\": \"" STAGE_VPN "\", \"site_id\": \"z\"}"));
        play(s, 0, stage_ask("remove_site", "{\"vpn_id\": \"" STAGE_VPN "\", \"site_id\": \"a\"}"));
        ask(s, "\"vpn_id\": \"" STAGE_VPN "\"");
        play(s, 0, stage_ask("add_site", "{\"vpn_id\": \"" STAGE_VPN "\", \"site_id\": \"z\"}"));
        play(s, 0, stage_ask("delete_virtual_link", "{\"virtual_link_id\": \"%s\"}", its_link(s)->id));
        play(s, 0, stage_due(TIMER_PARENT, OPERATION));
        answer_both(s);
        answer_both(s);
        play(s, 0, stage_due(TIMER_PARENT, OPERATION));
        assert_int_equal(operation(s)->result, OP_FAILED);
        assert_int_equal(s->db.tables[T_VPN_SITE].n, 1);
        assert_non_null(sim_db_find(&s->db, T_VPN, "id", STAGE_VPN));
}

/* ---- a link alone ---- */

static void an_end_that_is_lost_while_networks_are_plugged_shows(void **state)
{
        struct stage *s = *state;
        const json_t *args;

        play(s, 0, stage_ask("create_virtual_link",
                             "{\"virtual_link\": {\"id\": \"" LINK_1 "\", \"vpn_id\": \"" STAGE_VPN "\", \"endpoints\": [{\"site_id\": \"a\","
                             " \"network_id\": \"" NEW_VPN "\"}, {\"site_id\": \"z\"}], \"bandwidth\": {\"a_to_z_kbps\": 1, \"z_to_a_kbps\": 1}}}"));
        answer_both(s);
        args = json_object_get(stage_cast(s, "a", "plug"), "args");
        s->now_ms += 61000;
        play(s, 0, stage_due(TIMER_AUDIT, stage_gateway(s, "z")->id)); /* it comes back empty, and full */
        play(s, 0, stage_tell("z", "audited",
                              "{\"gateway\": \"gw-z\", \"epoch\": 1, \"seq\": %lld, \"boot_id\": \"again\", \"digest\":"
                              " \"0000000000000000\", \"ports\": [], \"attachments\": [], \"unknown\": 0, \"found_ports\": []}",
                              (long long)stage_gateway(s, "z")->seq));
        play(s, 0, stage_tell("z", "ports_applied",
                              "{\"gateway\": \"gw-z\", \"epoch\": 1, \"seq\": %lld, \"expired\": false, \"ports\": [{\"id\": \"%s\","
                              " \"generation\": %lld, \"present\": false, \"fault\": {\"code\": 409, \"type\": \"gateway.refused\","
                              " \"message\": \"The device is full.\"}}], \"attachments\": []}",
                              (long long)stage_gateway(s, "z")->seq, stage_port(s, LINK_1, SIDE_Z)->id,
                              (long long)stage_port(s, LINK_1, SIDE_Z)->generation));
        play(s, 0, stage_tell("a", "plugged",
                              "{\"gateway\": \"gw-a\", \"attachment_id\": \"%s\", \"generation\": %lld, \"neutron_port_id\": \"" NEW_VPN
                              "\", \"network_id\": \"" NEW_VPN "\"}",
                              json_string_value(json_object_get(json_object_get(args, "attachment"), "id")),
                              (long long)json_integer_value(json_object_get(json_object_get(args, "attachment"), "generation"))));
        assert_int_equal(stage_rows(s, 106), 1);
        assert_int_equal(stage_link(s, LINK_1)->operating, OPER_OFFLINE);
        assert_string_equal(stage_link(s, LINK_1)->status_reason, "z: The device is full.");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                STAGED(it_is_done_when_its_link_is),
                STAGED(links_that_do_not_come_in_time_are_taken_back),
                STAGED(what_does_not_go_is_asked_again_ever_more_slowly),
                STAGED(a_member_that_was_asked_for_stays),
                STAGED(an_end_that_is_lost_while_networks_are_plugged_shows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
