/* SPDX-License-Identifier: Apache-2.0 */
/* Links whose way over the WAN a driver makes: what their gateways are told, and whose word counts. */
#include "base/text.h"
#include "conductor/wan_call.h"
#include "drivers/wan/wan_driver.h"
#include "stage.h"

enum { DEADLINE_MS = 60000 };

static struct wan_domain domain = { .name = "wan", .deadline_ms = DEADLINE_MS };

static struct stage *with_wan(void **state, uint32_t can)
{
        struct stage *s = *state;

        domain.can = can;
        for (int i = 0; i < 2; i++) {
                s->conductors[i].core.wans = &domain;
                s->conductors[i].core.n_wans = 1;
        }
        return s;
}

static bool looked(struct stage *s, struct circuit_want *ret)
{
        char request_id[REQUEST_ID_SIZE];
        int r = wan_look(s->conductors[0].store, LINK_1, ret, request_id);

        assert_true(r == WAN_LOOK_WANTED || r == WAN_LOOK_NOTHING);
        return r == WAN_LOOK_WANTED;
}

/* A driver host's word on 'want'; 'refusal' NULL: it is done. */
static void say(struct stage *s, const struct circuit_want *want, const char *refusal, int64_t retry_after_ms)
{
        struct fault why = { 0 };
        struct stage_input in;
        json_auto_t *answer = NULL;
        char *text;

        if (refusal)
                fault_set(&why, 409, "wan.refused", "%s", refusal);
        why.retry_after_ms = retry_after_ms;
        answer = wan_answer(want, true, &why);
        text = json_dumps(answer, 0);
        assert_non_null(text);
        in = stage_tell("wan", "circuit_set", "%s", text);
        in.kind = INPUT_CIRCUIT;
        free(text);
        stage_play(s, 0, &in, 1);
}

/* All that the gateways were told is done. */
static void gateways_do(struct stage *s)
{
        static const char *const sites[] = { "a", "z" };

        for (size_t i = 0; i < 2; i++) {
                const json_t *cast = stage_cast(s, sites[i], "apply");
                struct stage_input in;

                if (!cast)
                        continue;
                assert_int_equal(json_array_size(json_object_get(json_object_get(cast, "args"), "ports")), 0);
                in = stage_done(cast);
                stage_play(s, 0, &in, 1);
        }
        stage_forget(s);
}

static void made(struct stage *s, struct circuit_want *want)
{
        const struct stage_input create = stage_create(LINK_1, NULL);

        stage_forget(s);
        stage_play(s, 0, &create, 1);
        assert_non_null(stage_cast(s, "wan", "set_circuit"));
        assert_true(looked(s, want));
        gateways_do(s);
}

static const struct timer *timer_of(const struct stage *s, enum timer_kind kind)
{
        const struct timer *t;
        size_t at = 0;

        while ((t = sim_db_next(&s->db, T_TIMER, &at)))
                if (t->kind == (int64_t)kind)
                        return t;
        return NULL;
}

static void a_link_is_active_when_the_wan_says_so_and_its_gateways_hold_no_port(void **state)
{
        struct stage *s = with_wan(state, WAN_CAN_LIMIT | WAN_CAN_CHANGE);
        struct circuit_want want;

        made(s, &want);
        assert_true(want.present && want.a_to_z_kbps == 1000 && want.z_to_a_kbps == 1000);
        assert_true(want.ends[SIDE_A].tag > 0 && text_equal(want.ends[SIDE_Z].site, "z"));
        assert_int_equal(stage_link(s, LINK_1)->provisioning, PROV_PENDING_CREATE);
        say(s, &want, NULL, 0);
        assert_int_equal(stage_link(s, LINK_1)->provisioning, PROV_ACTIVE);
        assert_string_equal(stage_link(s, LINK_1)->ignored, "[]");
        assert_true(stage_port(s, LINK_1, SIDE_A)->present && stage_port(s, LINK_1, SIDE_Z)->present);
        assert_false(looked(s, &want));
        assert_null(timer_of(s, TIMER_CIRCUIT));
}

static void the_operation_waits_as_long_as_a_call_may_take(void **state)
{
        struct stage *s = with_wan(state, WAN_CAN_LIMIT);
        struct circuit_want want;

        made(s, &want);
        assert_true(timer_of(s, TIMER_CIRCUIT)->due_ms >= s->now_ms + 2 * DEADLINE_MS);
        assert_true(timer_of(s, TIMER_OPERATION)->due_ms > timer_of(s, TIMER_CIRCUIT)->due_ms);
}

static void a_sites_agent_cannot_speak_for_the_wan(void **state)
{
        struct stage *s = with_wan(state, WAN_CAN_LIMIT);
        struct fault none = { 0 };
        struct circuit_want want;
        struct stage_input in;
        json_auto_t *answer = NULL;
        char *text;

        made(s, &want);
        answer = wan_answer(&want, true, &none);
        text = json_dumps(answer, 0);
        in = stage_tell("a", "circuit_set", "%s", text);
        free(text);
        stage_play(s, 0, &in, 1);
        assert_int_equal(stage_link(s, LINK_1)->provisioning, PROV_PENDING_CREATE);
}

static void an_answer_to_an_older_desire_has_the_newest_asked_for(void **state)
{
        struct stage *s = with_wan(state, WAN_CAN_LIMIT);
        const struct stage_input delete = stage_ask("delete_virtual_link", "{\"virtual_link_id\": \"" LINK_1 "\"}");
        struct circuit_want older, newest;

        made(s, &older);
        stage_play(s, 0, &delete, 1);
        assert_true(looked(s, &newest));
        assert_true(newest.generation > older.generation && !newest.present);
        stage_forget(s);
        say(s, &older, NULL, 0);
        assert_non_null(stage_cast(s, "wan", "set_circuit"));
        assert_non_null(stage_link(s, LINK_1));
        gateways_do(s);
        say(s, &newest, NULL, 0);
        gateways_do(s); /* only now do the access sides go */
        assert_null(stage_link(s, LINK_1));
        assert_int_equal(s->db.tables[T_ATTACHMENT].n, 0);
}

static void a_tag_is_kept_until_the_circuit_on_it_is_gone(void **state)
{
        struct stage *s = with_wan(state, WAN_CAN_LIMIT);
        const struct stage_input force =
                stage_ask("delete_virtual_link", "{\"virtual_link_id\": \"" LINK_1 "\", \"force\": true}");
        struct circuit_want want;

        made(s, &want);
        say(s, &want, NULL, 0);
        stage_play(s, 0, &force, 1);
        assert_null(stage_link(s, LINK_1));
        gateways_do(s);
        assert_int_equal(s->db.tables[T_ATTACHMENT].n, 2);
        assert_int_equal(s->db.tables[T_LEFTOVER].n, 2);
        assert_true(looked(s, &want));
        say(s, &want, NULL, 0);
        gateways_do(s);
        assert_int_equal(s->db.tables[T_ATTACHMENT].n, 0);
        assert_int_equal(s->db.tables[T_LEFTOVER].n, 0);
        assert_int_equal(stage_gateway(s, "a")->reserved_to_wan_kbps, 0);
}

static void a_refusal_ends_the_operation_and_is_asked_for_again_only_while_wanted(void **state)
{
        struct stage *s = with_wan(state, WAN_CAN_LIMIT);
        struct circuit_want want, undo;

        made(s, &want);
        say(s, &want, "There is no path.", 0);
        assert_int_equal(stage_rows(s, 103), 1);
        assert_true(looked(s, &undo) && !undo.present);
        say(s, &undo, NULL, 0);
        gateways_do(s);
        assert_int_equal(stage_link(s, LINK_1)->provisioning, PROV_ERROR);
        assert_string_equal(stage_link(s, LINK_1)->status_reason, "WAN wan: There is no path.");
        assert_false(looked(s, &want));
}

static void what_may_pass_is_tried_again_and_told_meanwhile(void **state)
{
        struct stage *s = with_wan(state, WAN_CAN_LIMIT);
        struct circuit_want want;

        made(s, &want);
        say(s, &want, "The NMS is busy.", 1000);
        assert_int_equal(stage_link(s, LINK_1)->provisioning, PROV_PENDING_CREATE);
        assert_string_equal(stage_port(s, LINK_1, SIDE_Z)->reason, "The NMS is busy.");
        s->now_ms = timer_of(s, TIMER_CIRCUIT)->due_ms;
        stage_play(s, 1, (struct stage_input[]){ stage_due(TIMER_CIRCUIT, LINK_1) }, 1);
        assert_non_null(stage_cast(s, "wan", "set_circuit"));
        say(s, &want, NULL, 0);
        assert_int_equal(stage_link(s, LINK_1)->provisioning, PROV_ACTIVE);
        assert_string_equal(stage_port(s, LINK_1, SIDE_Z)->reason, "");
}

static void what_a_driver_cannot_do_is_said_or_refused(void **state)
{
        struct stage *s = with_wan(state, 0);
        const struct stage_input change =
                stage_ask("update_virtual_link", "{\"virtual_link_id\": \"" LINK_1 "\", \"virtual_link\": {\"bandwidth\": {\"a_to_z_kbps\": 5}}}");
        struct circuit_want want;

        made(s, &want);
        assert_int_equal(want.a_to_z_kbps, 0);
        say(s, &want, NULL, 0);
        assert_string_equal(stage_link(s, LINK_1)->ignored, "[\"bandwidth\"]");
        stage_play(s, 0, &change, 1);
        assert_int_equal(s->fault.code, 409);
        assert_string_equal(s->fault.type, "link.bandwidth_fixed");
        assert_int_equal(stage_link(s, LINK_1)->provisioning, PROV_ACTIVE);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                STAGED(a_link_is_active_when_the_wan_says_so_and_its_gateways_hold_no_port),
                STAGED(the_operation_waits_as_long_as_a_call_may_take),
                STAGED(a_sites_agent_cannot_speak_for_the_wan),
                STAGED(an_answer_to_an_older_desire_has_the_newest_asked_for),
                STAGED(a_tag_is_kept_until_the_circuit_on_it_is_gone),
                STAGED(a_refusal_ends_the_operation_and_is_asked_for_again_only_while_wanted),
                STAGED(what_may_pass_is_tried_again_and_told_meanwhile),
                STAGED(what_a_driver_cannot_do_is_said_or_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
