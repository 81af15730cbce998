/* SPDX-License-Identifier: Apache-2.0 */
/* What operators hold in hand: switching, building again, deleting by force, freezing, the brake; and the extra round of
 * drivers that exchange. */
#include "stage.h"

#include "base/text.h"

enum { FROZEN_MOST_MS = 10000 };

static void play(struct stage *s, int who, struct stage_input in)
{
        stage_play(s, who, &in, 1);
}

static struct stage_input change(const char *what)
{
        return stage_ask("update_virtual_link", "{\"virtual_link_id\": \"" LINK_1 "\", \"virtual_link\": {%s}}", what);
}

static const json_t *args_of(const json_t *cast)
{
        return json_object_get(cast, "args");
}

static void answer_both(struct stage *s)
{
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        play(s, 0, stage_done(stage_cast(s, "z", "apply")));
}

/* A full read of gateway "a" finds these ports, and no access side. */
static void read_ports(struct stage *s, const char *boot_id, const char *ports)
{
        const json_t *audit;

        stage_forget(s);
        s->now_ms += 61000;
        play(s, 0, stage_due(TIMER_AUDIT, stage_gateway(s, "a")->id));
        audit = stage_cast(s, "a", "audit");
        assert_non_null(audit);
        play(s, 0, stage_tell("a", "audited",
                              "{\"gateway\": \"gw-a\", \"epoch\": 1, \"seq\": %lld, \"boot_id\": \"%s\", \"digest\":"
                              " \"0000000000000000\", \"ports\": [%s], \"attachments\": [], \"unknown\": 0, \"found_ports\": []}",
                              (long long)json_integer_value(json_object_get(args_of(audit), "seq")), boot_id, ports));
}

static void read_empty(struct stage *s, const char *boot_id)
{
        read_ports(s, boot_id, "");
}

/* ---- switching ---- */

static void a_link_that_is_switched_off_keeps_what_it_has(void **state)
{
        struct stage *s = *state;
        int64_t label;

        stage_active(s, LINK_1);
        label = stage_port(s, LINK_1, SIDE_A)->label;
        play(s, 0, change("\"admin_state_up\": false"));
        answer_both(s);
        assert_int_equal(stage_link(s, LINK_1)->provisioning, PROV_ACTIVE);
        assert_int_equal(stage_link(s, LINK_1)->operating, OPER_OFFLINE);
        assert_false(stage_port(s, LINK_1, SIDE_A)->present);
        assert_int_equal(stage_port(s, LINK_1, SIDE_A)->label, label);
        assert_int_equal(stage_gateway(s, "a")->reserved_to_wan_kbps, 1000);
        play(s, 0, change("\"bandwidth\": {\"a_to_z_kbps\": 5, \"z_to_a_kbps\": 5}"));
        assert_string_equal(s->fault.type, "link.admin_down");
        play(s, 0, change("\"admin_state_up\": true"));
        answer_both(s);
        assert_int_equal(stage_link(s, LINK_1)->operating, OPER_ONLINE);
        assert_int_equal(stage_rows(s, 602), 1);
}

static void an_end_that_cannot_come_up_leaves_the_link_switched_off(void **state)
{
        struct stage *s = *state;
        const struct operation *enable;
        char operation[ID_SIZE];
        const json_t *apply;

        stage_active(s, LINK_1);
        play(s, 0, change("\"admin_state_up\": false"));
        answer_both(s);
        play(s, 0, change("\"admin_state_up\": true"));
        TEXT_SET(operation, stage_link(s, LINK_1)->operation_id);
        apply = stage_cast(s, "a", "apply");
        play(s, 0, stage_tell("a", "ports_applied",
                              "{\"gateway\": \"gw-a\", \"epoch\": 1, \"seq\": %lld, \"expired\": false, \"ports\": [{\"id\": \"%s\","
                              " \"generation\": %lld, \"present\": false, \"fault\": {\"code\": 409, \"type\": \"gateway.refused\","
                              " \"message\": \"The device is full.\"}}], \"attachments\": []}",
                              (long long)json_integer_value(json_object_get(args_of(apply), "seq")),
                              stage_port(s, LINK_1, SIDE_A)->id, (long long)stage_port(s, LINK_1, SIDE_A)->generation));
        play(s, 0, stage_done(stage_cast(s, "z", "apply")));
        answer_both(s);
        assert_int_equal(stage_rows(s, 606), 1);
        assert_false(stage_link(s, LINK_1)->admin_state_up);
        assert_int_equal(stage_link(s, LINK_1)->operating, OPER_OFFLINE);
        enable = sim_db_find(&s->db, T_OPERATION, "id", operation);
        assert_int_equal(enable->result, OP_FAILED);
        assert_non_null(strstr(enable->reason, "The device is full."));
}

/* ---- again ---- */

static void a_link_in_error_is_built_again(void **state)
{
        struct stage *s = *state;
        const json_t *apply;

        play(s, 0, stage_create(LINK_1, NULL));
        apply = stage_cast(s, "a", "apply");
        play(s, 0, stage_tell("a", "ports_applied",
                              "{\"gateway\": \"gw-a\", \"epoch\": 1, \"seq\": %lld, \"expired\": false, \"ports\": [{\"id\": \"%s\","
                              " \"generation\": 1, \"present\": false, \"fault\": {\"code\": 409, \"type\": \"gateway.refused\","
                              " \"message\": \"The device is full.\"}}], \"attachments\": []}",
                              (long long)json_integer_value(json_object_get(args_of(apply), "seq")),
                              stage_port(s, LINK_1, SIDE_A)->id));
        play(s, 0, stage_done(stage_cast(s, "z", "apply")));
        answer_both(s);
        assert_int_equal(stage_link(s, LINK_1)->provisioning, PROV_ERROR);
        assert_int_equal(stage_gateway(s, "a")->reserved_to_wan_kbps, 0);
        play(s, 0, stage_ask("retry_virtual_link", "{\"virtual_link_id\": \"" LINK_1 "\"}"));
        assert_int_equal(s->fault.code, 0);
        assert_int_equal(stage_gateway(s, "a")->reserved_to_wan_kbps, 1000);
        answer_both(s);
        assert_int_equal(stage_link(s, LINK_1)->operating, OPER_ONLINE);
        assert_int_not_equal(stage_port(s, LINK_1, SIDE_A)->label, 0);
}

#define NETWORK "00000000-0000-4000-8000-00000000000e"

static struct stage_input create_plugged(void)
{
        static const char loose[] = "{\"site_id\": \"a\"}", plugged[] = "{\"site_id\": \"a\", \"network_id\": \"" NETWORK "\"}";
        struct stage_input create = stage_create(LINK_1, NULL), ret = create;
        const char *at = strstr(create.args, loose);

        snprintf(ret.args, sizeof ret.args, "%.*s%s%s", (int)(at - create.args), create.args, plugged,
                 at + strlen(loose));
        return ret;
}

static void play_plug(struct stage *s, const char *method, const char *how)
{
        const json_t *cast = stage_cast(s, "a", method), *want;

        assert_non_null(cast);
        want = json_object_get(args_of(cast), "attachment");
        play(s, 0, stage_tell("a", strcmp(method, "plug") == 0 ? "plugged" : "unplugged",
                              "{\"gateway\": \"gw-a\", \"attachment_id\": \"%s\", \"generation\": %lld%s}",
                              json_string_value(json_object_get(want, "id")),
                              (long long)json_integer_value(json_object_get(want, "generation")), how));
}

static void a_link_that_is_built_again_is_plugged_again(void **state)
{
        struct stage *s = *state;
        const struct attachment *a;

        play(s, 0, create_plugged());
        answer_both(s);
        play_plug(s, "plug", ", \"fault\": {\"code\": 409, \"type\": \"cloud.refused\", \"message\": \"Full.\"}");
        play_plug(s, "unplug", "");
        answer_both(s);
        assert_int_equal(stage_link(s, LINK_1)->provisioning, PROV_ERROR);
        s->now_ms += 61000; /* the tag's quarantine */
        stage_forget(s);
        play(s, 0, stage_ask("retry_virtual_link", "{\"virtual_link_id\": \"" LINK_1 "\"}"));
        assert_int_equal(s->fault.code, 0);
        answer_both(s);
        play_plug(s, "plug", ", \"neutron_port_id\": \"" LINK_2 "\", \"network_id\": \"" NETWORK "\"");
        a = sim_db_find(&s->db, T_ATTACHMENT, "network_id", NETWORK);
        assert_non_null(a);
        assert_int_equal(a->plug, PLUG_PLUGGED);
        assert_int_equal(stage_link(s, LINK_1)->operating, OPER_ONLINE);
}

/* A refused unplug is an answer: nobody waits for the deadline of what cannot come. */
static void what_cannot_be_unplugged_ends_the_undoing_at_once(void **state)
{
        struct stage *s = *state;
        const char *refused = ", \"fault\": {\"code\": 409, \"type\": \"cloud.refused\", \"message\": \"No.\"}";

        play(s, 0, create_plugged());
        answer_both(s);
        play_plug(s, "plug", refused);
        play_plug(s, "unplug", refused);
        play_plug(s, "unplug", refused);
        assert_int_equal(stage_rows(s, 116), 1);
        assert_int_equal(stage_link(s, LINK_1)->provisioning, PROV_ERROR);
        assert_non_null(strstr(stage_link(s, LINK_1)->status_reason, "No."));
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        play(s, 0, stage_done(stage_cast(s, "z", "apply")));

        /* Who deletes it need not wait for the next audit, though a lost command may still be at work. */
        play_plug(s, "unplug", refused);
        ((struct attachment *)sim_db_find(&s->db, T_ATTACHMENT, "network_id", NETWORK))->plug_clear_ms = s->now_ms + 3000;
        stage_forget(s);
        play(s, 0, stage_ask("delete_virtual_link", "{\"virtual_link_id\": \"" LINK_1 "\"}"));
        assert_null(stage_cast(s, "a", "unplug"));
        s->now_ms += 3000;
        play(s, 0, stage_due(TIMER_PLUG, ((struct attachment *)sim_db_find(&s->db, T_ATTACHMENT, "network_id", NETWORK))->id));
        assert_non_null(stage_cast(s, "a", "unplug"));
}

/* ---- the freeze ---- */

static void under_a_freeze_nothing_is_sent_and_nothing_is_lost(void **state)
{
        struct stage *s = *state;
        char operation[ID_SIZE];

        stage_active(s, LINK_1);
        play(s, 0, change("\"bandwidth\": {\"a_to_z_kbps\": 2000, \"z_to_a_kbps\": 1000}")); /* z first */
        play(s, 0, stage_ask("freeze", "{\"reason\": \"Work on the WAN.\"}"));
        assert_true(json_is_true(json_object_get(json_object_get(s->reply, "freeze"), "frozen")));
        TEXT_SET(operation, stage_link(s, LINK_1)->operation_id);
        play(s, 0, stage_done(stage_cast(s, "z", "apply")));
        stage_forget(s);
        play(s, 0, stage_create(LINK_2, NULL));
        assert_int_equal(s->fault.code, 503);
        assert_string_equal(s->fault.type, "service.frozen");
        assert_non_null(strstr(s->fault.message, "Work on the WAN."));
        for (int i = 0; i < 10; i++) {
                s->now_ms += 60000;
                play(s, 0, stage_due(TIMER_GATE, stage_gateway(s, "a")->id));
                play(s, 1, stage_due(TIMER_AUDIT, stage_gateway(s, "z")->id));
                play(s, 1, stage_due(TIMER_OPERATION, operation));
        }
        assert_int_equal(s->n_casts, 0);
        play(s, 1, stage_ask("unfreeze", "{}"));
        s->now_ms += FROZEN_MOST_MS;
        play(s, 0, stage_due(TIMER_GATE, stage_gateway(s, "a")->id));
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        assert_int_equal(stage_rows(s, 206), 1);
}

/* ---- the brake ---- */

static void a_repair_of_much_of_a_gateway_waits_for_an_operator(void **state)
{
        struct stage *s = *state;

        for (int i = 0; i < 2; i++)
                s->conductors[i].core.timing.brake_least = 1;
        stage_active(s, LINK_1);
        read_empty(s, "boot");
        assert_null(stage_cast(s, "a", "apply"));
        assert_int_equal(stage_gateway(s, "a")->brake, BRAKE_HALTED);
        assert_int_not_equal(stage_link(s, LINK_1)->operating, OPER_ONLINE);
        assert_non_null(sim_db_find(&s->db, T_EVENT, "type", "gateway.halted"));
        stage_forget(s);
        play(s, 0, stage_ask("release_gateway", "{\"gateway_id\": \"%s\"}", stage_gateway(s, "a")->id));
        assert_non_null(stage_cast(s, "a", "audit"));
        play(s, 0, stage_tell("a", "audited",
                              "{\"gateway\": \"gw-a\", \"epoch\": 1, \"seq\": %lld, \"boot_id\": \"boot\", \"digest\":"
                              " \"0000000000000000\", \"ports\": [], \"attachments\": [], \"unknown\": 0, \"found_ports\": []}",
                              (long long)stage_gateway(s, "a")->seq));
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        assert_int_equal(stage_link(s, LINK_1)->operating, OPER_ONLINE);
        assert_int_equal(stage_gateway(s, "a")->brake, BRAKE_ARMED);
}

static void a_gateway_that_restarted_is_restored_at_once(void **state)
{
        struct stage *s = *state;

        for (int i = 0; i < 2; i++)
                s->conductors[i].core.timing.brake_least = 1;
        stage_active(s, LINK_1);
        read_empty(s, "another-boot");
        assert_non_null(stage_cast(s, "a", "apply"));
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        assert_int_equal(stage_gateway(s, "a")->brake, BRAKE_ARMED);
}

static void what_operators_do_is_refused_to_tenants(void **state)
{
        static const char *const methods[] = { "freeze", "unfreeze", "release_gateway", "retry_virtual_link" };
        struct stage *s = *state;

        s->is_tenant = true;
        for (size_t i = 0; i < N_ELEMENTS(methods); i++) {
                play(s, 0, stage_ask(methods[i], "{}"));
                assert_int_equal(s->fault.code, 403);
        }
        play(s, 0, stage_ask("delete_virtual_link", "{\"virtual_link_id\": \"" LINK_1 "\", \"force\": true}"));
        assert_int_equal(s->fault.code, 403);
}

/* ---- the extra round ---- */

static const char *given(const struct stage *s, const char *site)
{
        const json_t *ports = json_object_get(args_of(stage_cast(s, site, "apply")), "ports");

        return json_string_value(json_object_get(json_array_get(ports, 0), "peer_object"));
}

static void ends_that_exchange_are_given_what_the_other_made(void **state)
{
        struct stage *s = *state;

        s->exchanges = "key";
        stage_discover(s);
        play(s, 0, stage_create(LINK_1, NULL));
        assert_true(stage_link(s, LINK_1)->exchange);
        assert_null(given(s, "a"));
        answer_both(s); /* each brings its object, "key-<site>" */
        assert_int_equal(stage_link(s, LINK_1)->operating, OPER_OFFLINE);
        assert_string_equal(given(s, "a"), "key-z");
        assert_string_equal(given(s, "z"), "key-a");
        answer_both(s);
        assert_int_equal(stage_link(s, LINK_1)->operating, OPER_ONLINE);
        assert_int_equal(stage_rows(s, 106), 1);
}

static void an_end_that_restarted_is_asked_again_what_it_made(void **state)
{
        struct stage *s = *state;
        char port[200];

        s->exchanges = "key";
        stage_discover(s);
        play(s, 0, stage_create(LINK_1, NULL));
        answer_both(s);
        answer_both(s);
        snprintf(port, sizeof port, "{\"id\": \"%s\", \"generation\": %lld}", stage_port(s, LINK_1, SIDE_A)->id,
                 (long long)stage_port(s, LINK_1, SIDE_A)->generation);
        read_ports(s, "another", port); /* a command that came twice made it again, with nobody to tell */
        assert_non_null(given(s, "a"));
        s->exchanges = "new";
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        assert_string_equal(given(s, "z"), "new-a");
        play(s, 0, stage_done(stage_cast(s, "z", "apply")));
        assert_string_equal(given(s, "a"), "new-z");
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        assert_int_equal(stage_link(s, LINK_1)->operating, OPER_ONLINE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                STAGED(a_link_that_is_switched_off_keeps_what_it_has),
                STAGED(an_end_that_cannot_come_up_leaves_the_link_switched_off),
                STAGED(a_link_in_error_is_built_again),
                STAGED(a_link_that_is_built_again_is_plugged_again),
                STAGED(what_cannot_be_unplugged_ends_the_undoing_at_once),
                STAGED(under_a_freeze_nothing_is_sent_and_nothing_is_lost),
                STAGED(a_repair_of_much_of_a_gateway_waits_for_an_operator),
                STAGED(a_gateway_that_restarted_is_restored_at_once),
                STAGED(what_operators_do_is_refused_to_tenants),
                STAGED(ends_that_exchange_are_given_what_the_other_made),
                STAGED(an_end_that_restarted_is_asked_again_what_it_made),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
