/* SPDX-License-Identifier: Apache-2.0 */
/* A database that is older than what the gateways hold: how that is noticed, and what is done at a gateway before and
 * after it was read. */
#include "stage.h"

#include "base/text.h"

#define PORT "00000000-0000-4000-8000-0000000000a1"
#define OTHER_LINK "00000000-0000-4000-8000-0000000000a2"
#define OTHER_VPN "00000000-0000-4000-8000-0000000000a3"

static void play(struct stage *s, struct stage_input in)
{
        stage_play(s, 0, &in, 1);
}

static void heartbeat(struct stage *s, const char *site, int epoch, int seq)
{
        play(s, stage_tell(site, "heartbeat",
                           "{\"host\": \"h\", \"gateways\": [{\"name\": \"gw-%s\", \"boot_id\": \"boot\", \"digest\": \"0\", \"epoch\": %d,"
                           " \"seq\": %d, \"reachable\": true}]}",
                           site, epoch, seq));
}

static long long number(const json_t *cast, const char *key)
{
        return json_integer_value(json_object_get(json_object_get(cast, "args"), key));
}

/* The answer to the last audit of 'site', with what it holds. */
static void audited(struct stage *s, const char *site, const char *ports, const char *more)
{
        const json_t *audit = stage_cast(s, site, "audit");

        assert_non_null(audit);
        play(s, stage_tell(site, "audited",
                           "{\"gateway\": \"gw-%s\", \"epoch\": %lld, \"seq\": %lld, \"boot_id\": \"boot\", \"digest\": \"0\","
                           " \"ports\": [%s], \"attachments\": [], \"unknown\": 0, \"found_ports\": []%s}",
                           site, number(audit, "epoch"), number(audit, "seq"), ports, more));
}

static void a_gateway_that_knows_more_than_its_row_makes_all_unread(void **state)
{
        struct stage *s = *state;
        int64_t epoch = stage_gateway(s, "z")->epoch;

        heartbeat(s, "a", 1, 7);
        assert_non_null(sim_db_find(&s->db, T_CONTROL, "name", CONTROL_RESTORE));
        assert_non_null(sim_db_find(&s->db, T_EVENT, "type", "gateway.epoch"));
        assert_true(number(stage_cast(s, "a", "audit"), "epoch") > 1);
        play(s, stage_create(LINK_1, NULL));
        assert_int_equal(s->fault.code, 503);
        assert_string_equal(s->fault.type, "gateway.unread");
        heartbeat(s, "z", 0, 0); /* it knows no more than its row, and is read all the same */
        assert_true(number(stage_cast(s, "z", "audit"), "epoch") > epoch);
        audited(s, "a", "", "");
        play(s, stage_create(LINK_1, NULL));
        assert_string_equal(s->fault.type, "gateway.unread");
        audited(s, "z", "", "");
        s->fault = (struct fault){ 0 };
        play(s, stage_create(LINK_1, NULL));
        assert_int_equal(s->fault.code, 0);
}

static void an_answer_of_an_epoch_that_is_over_is_not_believed(void **state)
{
        struct stage *s = *state;

        heartbeat(s, "a", 1, 7);
        play(s, stage_tell("a", "audited",
                           "{\"gateway\": \"gw-a\", \"epoch\": 1, \"seq\": %lld, \"boot_id\": \"boot\", \"digest\": \"0\", \"ports\": [],"
                           " \"attachments\": [], \"unknown\": 0, \"found_ports\": []}",
                           (long long)stage_gateway(s, "a")->seq));
        play(s, stage_create(LINK_1, NULL));
        assert_string_equal(s->fault.type, "gateway.unread");
}

static void what_no_row_knows_is_asked_for_and_keeps_its_label_and_bandwidth(void **state)
{
        struct stage *s = *state;
        const struct integer *label;
        const struct found *f;

        heartbeat(s, "a", 1, 7);
        audited(s, "a", "{\"id\": \"" PORT "\", \"generation\": 3}", "");
        assert_string_equal(json_string_value(json_array_get(
                                    json_object_get(json_object_get(stage_cast(s, "a", "audit"), "args"), "describe"), 0)),
                            PORT);
        play(s, stage_create(LINK_1, NULL));
        assert_string_equal(s->fault.type, "gateway.unread");
        audited(s, "a", "{\"id\": \"" PORT "\", \"generation\": 3}",
                ", \"described\": [{\"id\": \"" PORT "\", \"link_id\": \"" OTHER_LINK "\", \"vpn_id\": \"" OTHER_VPN "\","
                " \"generation\": 3, \"number\": 17, \"peer_label\": 18, \"tx_kbps\": 4000, \"rx_kbps\": 500, \"mtu\": 1500}]");
        f = sim_db_find(&s->db, T_FOUND, "id", PORT);
        assert_non_null(f);
        assert_true(f->holds && f->number == 17);
        label = sim_db_find(&s->db, T_INTEGER, "owner_id", PORT);
        assert_non_null(label);
        assert_int_equal(label->value, 17);
        assert_int_equal(stage_gateway(s, "a")->reserved_to_wan_kbps, 4000);
        play(s, stage_ask("adopt_virtual_link", "{\"virtual_link_id\": \"" OTHER_LINK "\"}"));
        assert_string_equal(s->fault.type, "found.not_whole"); /* its other end was not found */
        stage_forget(s);
        play(s, stage_ask("discard_virtual_link", "{\"virtual_link_id\": \"" OTHER_LINK "\"}"));
        play(s, stage_done(stage_cast(s, "a", "apply")));
        assert_int_equal(stage_gateway(s, "a")->reserved_to_wan_kbps, 0);
        assert_null(sim_db_find(&s->db, T_INTEGER, "owner_id", PORT));
}

static void nobody_gets_a_label_that_a_discarded_end_still_sends_to(void **state)
{
        struct stage *s = *state;
        const char *there = "{\"id\": \"" PORT "\", \"generation\": 3}";

        heartbeat(s, "a", 1, 7);
        heartbeat(s, "z", 0, 0);
        audited(s, "z", "", "");
        audited(s, "a", there, "");
        audited(s, "a", there,
                ", \"described\": [{\"id\": \"" PORT "\", \"link_id\": \"" OTHER_LINK "\", \"vpn_id\": \"" OTHER_VPN "\","
                " \"generation\": 3, \"number\": 17, \"peer_label\": 16, \"peer_address\": \"192.0.2.1\", \"tx_kbps\": 4000,"
                " \"rx_kbps\": 500, \"mtu\": 1500}]");
        play(s, stage_ask("discard_virtual_link", "{\"virtual_link_id\": \"" OTHER_LINK "\"}"));
        assert_null(sim_db_find(&s->db, T_FOUND, "id", PORT));
        s->fault = (struct fault){ 0 };
        play(s, stage_create(LINK_1, NULL)); /* before the gateway has confirmed that the end is gone */
        assert_int_equal(s->fault.code, 0);
        assert_int_not_equal(stage_port(s, LINK_1, SIDE_Z)->label, 0);
        assert_int_not_equal(stage_port(s, LINK_1, SIDE_Z)->label, 16);
}

static void a_link_that_its_gateways_miss_waits_for_an_operator(void **state)
{
        struct stage *s = *state;

        stage_active(s, LINK_1);
        heartbeat(s, "a", 1, 7);
        audited(s, "a", "", "");
        assert_int_equal(stage_link(s, LINK_1)->provisioning, PROV_ACTIVE); /* the other end is not read yet */
        heartbeat(s, "z", 1, 1);
        audited(s, "z", "", "");
        assert_int_equal(stage_link(s, LINK_1)->provisioning, PROV_ERROR);
        assert_int_equal(stage_gateway(s, "a")->reserved_to_wan_kbps, 0);
        assert_non_null(sim_db_find(&s->db, T_EVENT, "type", "virtual_link.in_question"));
}

/* That 'a' is plugged into OTHER_VPN (an id like any other) by port PORT. */
static const char *made_port(const struct attachment *a)
{
        static char ret[600];

        snprintf(ret, sizeof ret,
                 ", \"made_ports\": [{\"vif_id\": \"%s\", \"port_id\": \"" PORT "\", \"network_id\": \"" OTHER_VPN
                 "\", \"project_id\": \"red\"}]",
                 a->vif_id);
        return ret;
}

static void the_network_that_an_end_was_plugged_into_since_is_taken(void **state)
{
        struct stage *s = *state;
        struct attachment *a;

        stage_active(s, LINK_1);
        a = sim_db_find(&s->db, T_ATTACHMENT, "id", stage_port(s, LINK_1, SIDE_A)->attachment_id);
        a->plug = PLUG_PLUGGED;
        TEXT_SET(a->network_id, OTHER_LINK); /* as an old row says */
        TEXT_SET(a->neutron_port_id, LINK_2);
        heartbeat(s, "a", 1, 7);
        audited(s, "a", "", made_port(a));
        a = sim_db_find(&s->db, T_ATTACHMENT, "id", stage_port(s, LINK_1, SIDE_A)->attachment_id);
        assert_int_equal(a->plug, PLUG_PLUGGED);
        assert_string_equal(a->network_id, OTHER_VPN);
        assert_string_equal(a->neutron_port_id, PORT);
}

static void what_was_plugged_since_is_unplugged_before_its_access_side_is_forgotten(void **state)
{
        struct stage *s = *state;
        struct attachment a;
        const json_t *cast;

        stage_active(s, LINK_1);
        a = *(struct attachment *)sim_db_find(&s->db, T_ATTACHMENT, "id", stage_port(s, LINK_1, SIDE_A)->attachment_id);
        play(s, stage_ask("delete_virtual_link", "{\"virtual_link_id\": \"" LINK_1 "\"}"));
        cast = stage_cast(s, "a", "apply");
        assert_non_null(cast);
        play(s, stage_tell("a", "ports_applied", /* the row is old: after it the network was plugged */
                           "{\"gateway\": \"gw-a\", \"epoch\": %lld, \"seq\": %lld, \"expired\": false, \"ports\": [],"
                           " \"attachments\": [], \"fault\": {\"type\": \"gateway.stale\", \"message\": \"newer\","
                           " \"retry_after_ms\": 0, \"code\": 409}}",
                           number(cast, "epoch"), number(cast, "seq")));
        cast = stage_cast(s, "a", "audit");
        assert_non_null(cast);
        assert_int_equal(json_array_size(json_object_get(json_object_get(cast, "args"), "vif_ids")), 1);
        assert_string_equal(json_string_value(json_array_get(json_object_get(json_object_get(cast, "args"), "vif_ids"), 0)),
                            a.vif_id);
        audited(s, "a", "", made_port(&a));
        cast = stage_cast(s, "a", "unplug");
        assert_non_null(cast);
        play(s, stage_done(stage_cast(s, "a", "apply")));
        assert_non_null(sim_db_find(&s->db, T_ATTACHMENT, "id", a.id)); /* absent, and still in the network */
        play(s, stage_tell("a", "unplugged", "{\"gateway\": \"gw-a\", \"attachment_id\": \"%s\", \"generation\": %lld}", a.id,
                           (long long)json_integer_value(json_object_get(
                                   json_object_get(json_object_get(cast, "args"), "attachment"), "generation"))));
        assert_null(sim_db_find(&s->db, T_ATTACHMENT, "id", a.id));
}

/* The answer of "z" to its last command: what was asked for is refused for good. */
static void refused(struct stage *s)
{
        const json_t *apply = stage_cast(s, "z", "apply");

        play(s, stage_tell("z", "ports_applied",
                           "{\"gateway\": \"gw-z\", \"epoch\": %lld, \"seq\": %lld, \"expired\": false, \"attachments\": [],"
                           " \"ports\": [{\"id\": \"%s\", \"generation\": 1, \"present\": false, \"fault\": {\"code\": 409,"
                           " \"type\": \"site.policy\", \"message\": \"no\"}}]}",
                           number(apply, "epoch"), number(apply, "seq"), stage_port(s, LINK_1, SIDE_Z)->id));
}

static void what_waited_for_the_other_end_goes_on_once_that_was_read(void **state)
{
        struct stage *s = *state;
        const char *there = "{\"id\": \"" PORT "\", \"generation\": 3}";
        const json_t *ports;

        play(s, stage_create(LINK_1, NULL));
        refused(s);
        assert_int_equal(stage_rows(s, 103), 1); /* both ends shall go, which only "z" was told */
        heartbeat(s, "a", 1, 7);
        s->now_ms += 60000; /* nobody answers what was sent before */
        play(s, stage_due(TIMER_GATE, stage_gateway(s, "a")->id));
        audited(s, "a", there, "");
        audited(s, "a", there, /* more than there is, with the link's */
                ", \"described\": [{\"id\": \"" PORT "\", \"link_id\": \"" OTHER_LINK "\", \"vpn_id\": \"" OTHER_VPN "\","
                " \"generation\": 3, \"number\": 17, \"peer_label\": 18, \"tx_kbps\": 9500, \"rx_kbps\": 500, \"mtu\": 1500}]");
        play(s, stage_done(stage_cast(s, "a", "apply"))); /* the access side, which waits for nobody */
        assert_int_equal(stage_gateway(s, "a")->inflight_seq, 0);
        stage_forget(s);
        play(s, stage_due(TIMER_GATE, stage_gateway(s, "z")->id));
        audited(s, "z", "", "");
        ports = json_object_get(json_object_get(stage_cast(s, "a", "apply"), "args"), "ports");
        assert_int_equal(json_array_size(ports), 1);
}

static void what_was_left_behind_waits_for_no_other_end(void **state)
{
        struct stage *s = *state;
        const json_t *ports;
        char there[200];

        stage_active(s, LINK_1);
        snprintf(there, sizeof there, "{\"id\": \"%s\", \"generation\": 1}", stage_port(s, LINK_1, SIDE_A)->id);
        play(s, stage_ask("delete_virtual_link", "{\"virtual_link_id\": \"" LINK_1 "\", \"force\": true}"));
        heartbeat(s, "a", 1, 7);
        s->now_ms += 60000;
        play(s, stage_due(TIMER_GATE, stage_gateway(s, "a")->id));
        stage_forget(s);
        s->now_ms += 60000;
        play(s, stage_due(TIMER_GATE, stage_gateway(s, "a")->id));
        audited(s, "a", there, "");
        ports = json_object_get(json_object_get(stage_cast(s, "a", "apply"), "args"), "ports");
        assert_int_equal(json_array_size(ports), 1);
}

/* How an end of LINK_1 is described that sends to label 19. */
static const char *described(char ret[500], const char *id, int generation)
{
        snprintf(ret, 500,
                 ", \"described\": [{\"id\": \"%s\", \"link_id\": \"" LINK_1 "\", \"vpn_id\": \"" STAGE_VPN "\", \"generation\": %d,"
                 " \"number\": 16, \"peer_label\": 19, \"tx_kbps\": 1000, \"rx_kbps\": 1000, \"mtu\": 1500}]",
                 id, generation);
        return ret;
}

static void how_an_end_was_found_is_kept_until_both_were_read(void **state)
{
        struct stage *s = *state;
        char there[200], told[500];
        const struct found *f;
        struct vport *p;

        stage_active(s, LINK_1);
        p = sim_db_find(&s->db, T_VPORT, "id", stage_port(s, LINK_1, SIDE_A)->id);
        snprintf(there, sizeof there, "{\"id\": \"%s\", \"generation\": 1}", p->id);
        p->generation++; /* what the backup asks for was never sent */
        heartbeat(s, "a", 1, 7);
        audited(s, "a", there, "");
        audited(s, "a", there, described(told, p->id, 1));
        play(s, stage_done(stage_cast(s, "a", "apply"))); /* the access side is there again */
        s->now_ms += 61000;
        stage_forget(s);
        play(s, stage_due(TIMER_AUDIT, stage_gateway(s, "a")->id));
        audited(s, "a", there, "");
        f = sim_db_find(&s->db, T_FOUND, "id", p->id);
        assert_non_null(f);
        assert_int_equal(f->peer_label, 19);
}

static void an_end_without_a_label_gets_the_one_that_is_sent_to(void **state)
{
        struct stage *s = *state;
        char there[200], told[500];
        const char *id;

        play(s, stage_create(LINK_1, NULL));
        refused(s);
        play(s, stage_done(stage_cast(s, "a", "apply")));
        for (int i = 0; i < 2; i++) {
                play(s, stage_done(stage_cast(s, "a", "apply")));
                play(s, stage_done(stage_cast(s, "z", "apply")));
        }
        assert_int_equal(stage_link(s, LINK_1)->provisioning, PROV_ERROR);
        assert_int_equal(stage_port(s, LINK_1, SIDE_Z)->label, 0);
        id = stage_port(s, LINK_1, SIDE_A)->id; /* built again after the backup was made */
        snprintf(there, sizeof there, "{\"id\": \"%s\", \"generation\": 5}", id);
        heartbeat(s, "a", 1, 7);
        audited(s, "a", there, "");
        audited(s, "a", there, described(told, id, 5));
        heartbeat(s, "z", 1, 1);
        audited(s, "z", "", "");
        assert_int_equal(stage_port(s, LINK_1, SIDE_Z)->label, 19);
        assert_int_equal(stage_gateway(s, "z")->reserved_to_wan_kbps, 1000);
}

static void what_never_got_a_label_back_holds_no_bandwidth(void **state)
{
        struct stage *s = *state;
        char there[200];

        stage_active(s, LINK_1);
        snprintf(there, sizeof there, "{\"id\": \"%s\", \"generation\": 1}", stage_port(s, LINK_1, SIDE_A)->id);
        heartbeat(s, "a", 1, 7);
        audited(s, "a", there, "");
        heartbeat(s, "z", 1, 1);
        audited(s, "z", "{\"id\": \"" PORT "\", \"generation\": 3}", "");
        audited(s, "z", "{\"id\": \"" PORT "\", \"generation\": 3}", /* it has the label of the link's end */
                ", \"described\": [{\"id\": \"" PORT "\", \"link_id\": \"" OTHER_LINK "\", \"vpn_id\": \"" OTHER_VPN "\","
                " \"generation\": 3, \"number\": 16, \"peer_label\": 18, \"tx_kbps\": 40, \"rx_kbps\": 5, \"mtu\": 1500}]");
        assert_int_equal(stage_port(s, LINK_1, SIDE_Z)->label, 0);
        assert_int_equal(stage_gateway(s, "z")->reserved_to_wan_kbps, 40);
}

#define NETWORK "00000000-0000-4000-8000-0000000000a4"

static void an_access_side_is_where_it_was_attached_last(void **state)
{
        struct stage *s = *state;
        struct attachment *at;
        char port[200], made[500];

        stage_active(s, LINK_1);
        snprintf(port, sizeof port, "{\"id\": \"%s\", \"generation\": 1}", stage_port(s, LINK_1, SIDE_A)->id);
        at = sim_db_find(&s->db, T_ATTACHMENT, "id", stage_port(s, LINK_1, SIDE_A)->attachment_id);
        snprintf(at->vif_id, sizeof at->vif_id, "ca1:fake:gw-a:1:%s", at->id);
        at->plug = PLUG_PLUGGED; /* as the backup has it */
        TEXT_SET(at->network_id, OTHER_VPN);
        TEXT_SET(at->neutron_port_id, OTHER_LINK);
        heartbeat(s, "a", 1, 7);
        assert_string_equal(json_string_value(json_array_get(
                                    json_object_get(json_object_get(stage_cast(s, "a", "audit"), "args"), "vif_ids"), 0)),
                            at->vif_id);
        snprintf(made, sizeof made,
                 ", \"made_ports\": [{\"vif_id\": \"%s\", \"port_id\": \"" PORT "\", \"network_id\": \"" NETWORK "\", \"project_id\":"
                 " \"red\"}]",
                 at->vif_id);
        audited(s, "a", port, made);
        at = sim_db_find(&s->db, T_ATTACHMENT, "id", stage_port(s, LINK_1, SIDE_A)->attachment_id);
        assert_int_equal(at->plug, PLUG_PLUGGED);
        assert_string_equal(at->network_id, NETWORK);
        assert_string_equal(at->neutron_port_id, PORT);
}

static void an_older_wish_for_an_access_side_is_over(void **state)
{
        struct stage *s = *state;
        const struct work *work;
        const json_t *audit;

        play(s, stage_create(LINK_1, NULL));
        heartbeat(s, "a", 1, 7);
        s->now_ms += 60000;
        play(s, stage_due(TIMER_GATE, stage_gateway(s, "a")->id));
        audit = stage_cast(s, "a", "audit");
        play(s, stage_tell("a", "audited",
                           "{\"gateway\": \"gw-a\", \"epoch\": %lld, \"seq\": %lld, \"boot_id\": \"boot\", \"digest\": \"0\", \"ports\": [],"
                           " \"attachments\": [{\"id\": \"%s\", \"generation\": 4}], \"unknown\": 0, \"found_ports\": []}",
                           number(audit, "epoch"), number(audit, "seq"), stage_port(s, LINK_1, SIDE_A)->attachment_id));
        work = sim_db_find(&s->db, T_WORK, "object_id", stage_port(s, LINK_1, SIDE_A)->attachment_id);
        assert_true(!work || work->generation == 4);
}

static void operators_alone_decide(void **state)
{
        struct stage *s = *state;

        s->is_tenant = true;
        play(s, stage_ask("adopt_virtual_link", "{\"virtual_link_id\": \"" LINK_1 "\"}"));
        assert_int_equal(s->fault.code, 403);
        play(s, stage_ask("discard_virtual_link", "{\"virtual_link_id\": \"" LINK_1 "\"}"));
        assert_int_equal(s->fault.code, 403);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                STAGED(a_gateway_that_knows_more_than_its_row_makes_all_unread),
                STAGED(an_answer_of_an_epoch_that_is_over_is_not_believed),
                STAGED(what_no_row_knows_is_asked_for_and_keeps_its_label_and_bandwidth),
                STAGED(nobody_gets_a_label_that_a_discarded_end_still_sends_to),
                STAGED(a_link_that_its_gateways_miss_waits_for_an_operator),
                STAGED(the_network_that_an_end_was_plugged_into_since_is_taken),
                STAGED(what_was_plugged_since_is_unplugged_before_its_access_side_is_forgotten),
                STAGED(what_waited_for_the_other_end_goes_on_once_that_was_read),
                STAGED(what_was_left_behind_waits_for_no_other_end),
                STAGED(how_an_end_was_found_is_kept_until_both_were_read),
                STAGED(an_end_without_a_label_gets_the_one_that_is_sent_to),
                STAGED(what_never_got_a_label_back_holds_no_bandwidth),
                STAGED(an_access_side_is_where_it_was_attached_last),
                STAGED(an_older_wish_for_an_access_side_is_over),
                STAGED(operators_alone_decide),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
