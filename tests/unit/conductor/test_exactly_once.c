/* SPDX-License-Identifier: Apache-2.0 */
/* An effect once, on a bus that delivers late, twice, in any order or not at all: the cases by name. That they hold
 * together, whatever else happens, is the simulation's to show. */
#include "stage.h"

#include "base/text.h"

static void play(struct stage *s, int who, struct stage_input in)
{
        stage_play(s, who, &in, 1);
}

static int64_t seq_of(const json_t *cast)
{
        return json_integer_value(json_object_get(json_object_get(cast, "args"), "seq"));
}

static struct stage_input delete_link(const char *id)
{
        return stage_ask("delete_virtual_link", "{\"virtual_link_id\": \"%s\"}", id);
}

/* ---- two answers of one operation ---- */

static void both_ends_answers_in_one_batch_end_the_operation_once(void **state)
{
        struct stage *s = *state;

        stage_active(s, LINK_1); /* plays both answers in one batch */
        assert_int_equal(stage_link(s, LINK_1)->operating, OPER_ONLINE);
        assert_int_equal(stage_rows(s, 102), 1);
        assert_int_equal(stage_rows(s, 106), 1);
}

static void the_other_conductor_takes_z(struct stage *s)
{
        play(s, 1, stage_done(stage_cast(s, "z", "apply")));
}

static void two_conductors_with_answers_of_one_operation_end_it_once(void **state)
{
        struct stage *s = *state;

        play(s, 0, stage_create(LINK_1, NULL));
        s->between = the_other_conductor_takes_z; /* after 0 has read the rows, before it has locked them */
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        assert_null(s->between);
        assert_int_equal(stage_link(s, LINK_1)->operating, OPER_ONLINE);
        assert_int_equal(stage_rows(s, 106), 1);
}

/* ---- one request, however often ---- */

static void equal_keys_in_one_batch_make_one_link(void **state)
{
        struct stage *s = *state;
        struct stage_input twice[] = { stage_create(LINK_1, "key"), stage_create(LINK_2, "key") };

        s->n_answers = 0;
        stage_play(s, 0, twice, 2);
        assert_int_equal(s->n_answers, 2);
        assert_non_null(stage_link(s, LINK_1));
        assert_null(stage_link(s, LINK_2));
        assert_string_equal(json_string_value(json_object_get(json_object_get(s->reply, "virtual_link"), "id")), LINK_1);
}

static void the_other_conductor_takes_the_same(struct stage *s)
{
        play(s, 1, stage_create(LINK_1, "key"));
}

static void equal_keys_at_two_conductors_make_one_link(void **state)
{
        struct stage *s = *state;

        s->between = the_other_conductor_takes_the_same;
        play(s, 0, stage_create(LINK_2, "key"));
        assert_non_null(stage_link(s, LINK_1));
        assert_null(stage_link(s, LINK_2));
        assert_string_equal(json_string_value(json_object_get(json_object_get(s->reply, "virtual_link"), "id")), LINK_1);
}

static void the_first_answer_is_given_word_for_word_later(void **state)
{
        struct stage *s = *state;
        json_auto_t *first = NULL;

        play(s, 0, stage_create(LINK_1, "key"));
        first = json_incref(s->reply);
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        play(s, 0, stage_done(stage_cast(s, "z", "apply")));
        play(s, 1, stage_create(LINK_2, "key"));
        assert_true(json_equal(s->reply, first));
}

static void a_key_is_of_one_request_one_method_and_one_project(void **state)
{
        struct stage *s = *state;

        play(s, 0, stage_create(LINK_1, "key"));
        play(s, 0, stage_ask("create_virtual_link", "{\"idempotency_key\": \"key\", \"request_hash\": \"other\"}"));
        assert_int_equal(s->fault.code, 422);
        assert_string_equal(s->fault.type, "request.key_reused");
        play(s, 0, stage_ask("update_virtual_link",
                             "{\"virtual_link_id\": \"" LINK_1 "\", \"virtual_link\": {\"name\": \"n\"},"
                             " \"idempotency_key\": \"key\", \"request_hash\": \"other\"}"));
        assert_int_equal(s->fault.code, 0);
        assert_string_equal(stage_link(s, LINK_1)->name, "n");
}

static void a_refusal_is_not_kept_under_its_key(void **state)
{
        struct stage *s = *state;
        static const char ask[] = "{\"virtual_link_id\": \"" LINK_1 "\", \"virtual_link\": {\"name\": \"n\"},"
                                  " \"idempotency_key\": \"key\", \"request_hash\": \"h\"}";

        play(s, 0, stage_ask("update_virtual_link", "%s", ask));
        assert_int_equal(s->fault.code, 404);
        stage_active(s, LINK_1);
        play(s, 0, stage_ask("update_virtual_link", "%s", ask));
        assert_int_equal(s->fault.code, 0);
}

/* ---- the gateway's gate ---- */

static void what_gathered_behind_a_command_leaves_with_its_answer(void **state)
{
        struct stage *s = *state;
        const json_t *first;

        play(s, 0, stage_create(LINK_1, NULL));
        first = stage_cast(s, "a", "apply");
        play(s, 0, delete_link(LINK_1)); /* a newer desire, while the first command is out */
        assert_ptr_equal(stage_cast(s, "a", "apply"), first);
        play(s, 0, stage_done(first));
        assert_ptr_not_equal(stage_cast(s, "a", "apply"), first);
        assert_true(seq_of(stage_cast(s, "a", "apply")) > seq_of(first));
}

static void the_other_conductor_deletes(struct stage *s)
{
        play(s, 1, delete_link(LINK_1));
}

/* The wake-up that could be lost: the desire is stored between the reading and the locking of the answer. */
static void what_comes_while_the_gate_opens_is_sent_too(void **state)
{
        struct stage *s = *state;
        const json_t *first;

        play(s, 0, stage_create(LINK_1, NULL));
        first = stage_cast(s, "a", "apply");
        s->between = the_other_conductor_deletes;
        play(s, 0, stage_done(first));
        assert_ptr_not_equal(stage_cast(s, "a", "apply"), first);
}

static void the_gate_opens_though_the_operation_was_preempted(void **state)
{
        struct stage *s = *state;
        const json_t *first;

        play(s, 0, stage_create(LINK_1, NULL));
        first = stage_cast(s, "z", "apply");
        play(s, 0, delete_link(LINK_1));
        play(s, 0, stage_done(first));
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        play(s, 0, stage_done(stage_cast(s, "z", "apply")));
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        assert_null(stage_link(s, LINK_1));
        for (const char *site = "az"; *site; site++)
                assert_int_equal(stage_gateway(s, *site == 'a' ? "a" : "z")->inflight_seq, 0);
        assert_int_equal(s->db.tables[T_WORK].n, 0);
}

/* ---- answers that are late ---- */

static void a_late_answer_to_an_earlier_attempt_counts_and_leaves_the_gate_alone(void **state)
{
        struct stage *s = *state;
        const json_t *first, *second;

        play(s, 0, stage_create(LINK_1, NULL));
        first = stage_cast(s, "a", "apply");
        s->now_ms += 13000;
        play(s, 0, stage_due(TIMER_GATE, stage_gateway(s, "a")->id));
        second = stage_cast(s, "a", "apply");
        assert_ptr_not_equal(first, second);
        play(s, 0, stage_done(first)); /* the same desire under the older number */
        assert_true(stage_port(s, LINK_1, SIDE_A)->present);
        assert_int_equal(stage_gateway(s, "a")->inflight_seq, seq_of(second));
        play(s, 0, stage_done(second));
        play(s, 0, stage_done(second));
        assert_int_equal(stage_gateway(s, "a")->inflight_seq, 0);
        play(s, 0, stage_done(stage_cast(s, "z", "apply")));
        assert_int_equal(stage_rows(s, 106), 1);
}

static void an_answer_to_an_older_desire_proves_nothing_about_the_newest(void **state)
{
        struct stage *s = *state;
        struct stage_input made;

        play(s, 0, stage_create(LINK_1, NULL));
        made = stage_done(stage_cast(s, "a", "apply"));
        play(s, 0, delete_link(LINK_1));
        play(s, 0, made);
        assert_int_equal(stage_port(s, LINK_1, SIDE_A)->confirmed_generation, 1);
        assert_int_equal(stage_port(s, LINK_1, SIDE_A)->generation, 2);
        assert_non_null(sim_db_find(&s->db, T_WORK, "object_id", stage_port(s, LINK_1, SIDE_A)->id));
}

/* ---- numbers ---- */

static bool label_is_taken(const struct stage *s, const char *gateway_id, int64_t label)
{
        const struct integer *i;
        size_t at = 0;

        while ((i = sim_db_next(&s->db, T_INTEGER, &at)))
                if (text_equal(i->gateway_id, gateway_id) && i->kind == INTEGER_LABEL && i->value == label)
                        return i->owner_id[0] != '\0';
        return false;
}

static void labels_come_back_only_after_both_ends_confirmed_that_they_are_gone(void **state)
{
        struct stage *s = *state;
        const char *gateway = stage_gateway(s, "a")->id;
        int64_t label;

        stage_active(s, LINK_1);
        label = stage_port(s, LINK_1, SIDE_A)->label;
        play(s, 0, delete_link(LINK_1));
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        assert_true(label_is_taken(s, gateway, label)); /* z may still send with it */
        assert_int_equal(stage_gateway(s, "a")->reserved_to_wan_kbps, 1000);
        play(s, 0, stage_done(stage_cast(s, "z", "apply")));
        assert_false(label_is_taken(s, gateway, label));
        assert_int_equal(stage_gateway(s, "a")->reserved_to_wan_kbps, 0);
}

static void what_force_left_behind_keeps_its_label_until_its_gateway_answers(void **state)
{
        struct stage *s = *state;
        const char *gateway = stage_gateway(s, "a")->id;
        int64_t label;

        stage_active(s, LINK_1);
        label = stage_port(s, LINK_1, SIDE_A)->label;
        play(s, 0, stage_ask("delete_virtual_link", "{\"virtual_link_id\": \"" LINK_1 "\", \"force\": true}"));
        assert_null(stage_link(s, LINK_1));
        assert_true(label_is_taken(s, gateway, label));
        assert_int_equal(stage_gateway(s, "a")->reserved_to_wan_kbps, 1000);
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        assert_false(label_is_taken(s, gateway, label));
        assert_int_equal(stage_gateway(s, "a")->reserved_to_wan_kbps, 0);
        assert_int_equal(s->db.tables[T_LEFTOVER].n, 1); /* z's */
}

/* ---- an agent that was thought dead ---- */

/* With a fence the device refuses what is older; the conductor is told so, and nothing is believed. */
static void a_zombie_that_the_fence_refuses_changes_no_row(void **state)
{
        struct stage *s = *state;
        struct gateway before, after;

        stage_active(s, LINK_1);
        before = *stage_gateway(s, "a");
        play(s, 0, stage_tell("a", "ports_applied",
                              "{\"gateway\": \"gw-a\", \"epoch\": 1, \"seq\": 0, \"expired\": false, \"ports\": [],"
                              " \"attachments\": [], \"fault\": {\"code\": 409, \"type\": \"gateway.stale\", \"message\":"
                              " \"The device has seen a newer command.\"}}"));
        after = *stage_gateway(s, "a");
        assert_memory_equal(&before, &after, sizeof before);
        assert_int_equal(stage_link(s, LINK_1)->operating, OPER_ONLINE);
}

/* Without a fence an old command was carried out after the newest: the next audit finds it, and it is put right. */
static void what_a_zombie_did_without_a_fence_is_put_right_by_the_audit(void **state)
{
        struct stage *s = *state;
        char port[ID_SIZE];

        stage_active(s, LINK_1);
        play(s, 0, stage_ask("update_virtual_link", "{\"virtual_link_id\": \"" LINK_1 "\", \"virtual_link\": {\"bandwidth\":"
                                                    " {\"a_to_z_kbps\": 2000, \"z_to_a_kbps\": 1000}}}"));
        play(s, 0, stage_done(stage_cast(s, "z", "apply"))); /* the receiver first */
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        assert_int_equal(stage_rows(s, 206), 1);
        TEXT_SET(port, stage_port(s, LINK_1, SIDE_Z)->id);
        stage_forget(s);
        s->now_ms += 61000;
        play(s, 0, stage_due(TIMER_AUDIT, stage_gateway(s, "z")->id));
        assert_non_null(stage_cast(s, "z", "audit"));
        play(s, 0, stage_tell("z", "audited",
                              "{\"gateway\": \"gw-z\", \"epoch\": 1, \"seq\": %lld, \"boot_id\": \"boot\", \"digest\":"
                              " \"0000000000000001\", \"ports\": [{\"id\": \"%s\", \"generation\": 1}], \"attachments\":"
                              " [{\"id\": \"%s\", \"generation\": 1}], \"unknown\": 0, \"found_ports\": []}",
                              (long long)seq_of(stage_cast(s, "z", "audit")), port,
                              stage_port(s, LINK_1, SIDE_Z)->attachment_id));
        assert_non_null(stage_cast(s, "z", "apply"));
        assert_int_equal(json_array_size(json_object_get(json_object_get(stage_cast(s, "z", "apply"), "args"), "ports")), 1);
        play(s, 0, stage_done(stage_cast(s, "z", "apply")));
        assert_int_equal(stage_port(s, LINK_1, SIDE_Z)->confirmed_generation, stage_port(s, LINK_1, SIDE_Z)->generation);
}

/* ---- a COMMIT without an answer ---- */

static void commit_unknown(struct stage *s, enum sim_store_fate fate)
{
        s->commit_fate = fate;
        s->n_answers = 0;
        play(s, 0, stage_create(LINK_1, "key"));
        assert_int_equal(s->n_answers, 1);
        assert_int_equal(s->fault.code, 0);
        assert_int_equal(s->db.tables[T_VLINK].n, 1);
        assert_int_equal(stage_rows(s, 101), 1);
}

static void a_commit_whose_answer_was_lost_is_decided_by_reading(void **state)
{
        commit_unknown(*state, SIM_UNKNOWN_YES);
}

static void a_commit_that_was_lost_with_its_answer_is_done_again(void **state)
{
        commit_unknown(*state, SIM_UNKNOWN_NO);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                STAGED(both_ends_answers_in_one_batch_end_the_operation_once),
                STAGED(two_conductors_with_answers_of_one_operation_end_it_once),
                STAGED(equal_keys_in_one_batch_make_one_link),
                STAGED(equal_keys_at_two_conductors_make_one_link),
                STAGED(the_first_answer_is_given_word_for_word_later),
                STAGED(a_key_is_of_one_request_one_method_and_one_project),
                STAGED(a_refusal_is_not_kept_under_its_key),
                STAGED(what_gathered_behind_a_command_leaves_with_its_answer),
                STAGED(what_comes_while_the_gate_opens_is_sent_too),
                STAGED(the_gate_opens_though_the_operation_was_preempted),
                STAGED(a_late_answer_to_an_earlier_attempt_counts_and_leaves_the_gate_alone),
                STAGED(an_answer_to_an_older_desire_proves_nothing_about_the_newest),
                STAGED(labels_come_back_only_after_both_ends_confirmed_that_they_are_gone),
                STAGED(what_force_left_behind_keeps_its_label_until_its_gateway_answers),
                STAGED(a_zombie_that_the_fence_refuses_changes_no_row),
                STAGED(what_a_zombie_did_without_a_fence_is_put_right_by_the_audit),
                STAGED(a_commit_whose_answer_was_lost_is_decided_by_reading),
                STAGED(a_commit_that_was_lost_with_its_answer_is_done_again),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
