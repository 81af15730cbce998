/* SPDX-License-Identifier: Apache-2.0 */
/* One link, project or gateway that makes trouble does not hold up the others. */
#include "stage.h"

#include "base/text.h"

#define OTHER_VPN "00000000-0000-4000-8000-0000000000f2"
#define NOWHERE "99999999-9999-4999-8999-999999999999"

static void play(struct stage *s, int who, struct stage_input in)
{
        stage_play(s, who, &in, 1);
}

/* A link in a VPN of its own, so that it stands at the same gateways as LINK_1. */
static void other_link(struct stage *s)
{
        play(s, 0, stage_ask("create_vpn", "{\"vpn\": {\"id\": \"" OTHER_VPN "\", \"name\": \"o\", \"type\": \"mpls\"}}"));
        play(s, 0, stage_ask("add_site", "{\"vpn_id\": \"" OTHER_VPN "\", \"site_id\": \"a\"}"));
        play(s, 0, stage_ask("add_site", "{\"vpn_id\": \"" OTHER_VPN "\", \"site_id\": \"z\"}"));
        play(s, 0, stage_ask("create_virtual_link",
                             "{\"virtual_link\": {\"id\": \"" LINK_2 "\", \"name\": \"o\", \"vpn_id\": \"" OTHER_VPN
                             "\", \"endpoints\": [{\"site_id\": \"a\"}, {\"site_id\": \"z\"}], \"bandwidth\":"
                             " {\"a_to_z_kbps\": 1, \"z_to_a_kbps\": 1}}}"));
        assert_int_equal(s->fault.code, 0);
}

static bool asks_for(const json_t *cast, const char *id)
{
        const json_t *port;
        size_t i;

        json_array_foreach (json_object_get(json_object_get(cast, "args"), "ports"), i, port)
                if (text_equal(json_string_value(json_object_get(port, "id")), id))
                        return true;
        return false;
}

static size_t n_asked(const json_t *cast)
{
        return json_array_size(json_object_get(json_object_get(cast, "args"), "ports"));
}

/* The answer to 'cast', in which this port asks for a pause. */
static struct stage_input done_but_busy(const json_t *cast, const char *port_id)
{
        struct stage_input done = stage_done(cast);
        json_auto_t *event = json_loads(done.args, 0, NULL);
        json_t *port;
        char *text;
        size_t i;

        json_array_foreach (json_object_get(event, "ports"), i, port)
                if (text_equal(json_string_value(json_object_get(port, "id")), port_id)) {
                        json_object_set_new(port, "present", json_false());
                        json_object_set_new(port, "fault", json_pack("{si ss ss sI}", "code", 503, "type", "gateway.busy",
                                                                     "message", "Not now.", "retry_after_ms",
                                                                     (json_int_t)1000));
                }
        text = json_dumps(event, 0);
        TEXT_SET(done.args, text);
        free(text);
        return done;
}

/* ---- one link ---- */

static void a_port_that_asks_for_a_pause_gives_none_to_its_neighbours(void **state)
{
        struct stage *s = *state;
        char busy[ID_SIZE];

        play(s, 0, stage_create(LINK_1, NULL));
        TEXT_SET(busy, stage_port(s, LINK_1, SIDE_A)->id);
        other_link(s); /* waits at both gates */
        play(s, 0, stage_done(stage_cast(s, "z", "apply")));
        play(s, 0, stage_done(stage_cast(s, "z", "apply")));
        play(s, 0, done_but_busy(stage_cast(s, "a", "apply"), busy));
        assert_true(asks_for(stage_cast(s, "a", "apply"), stage_port(s, LINK_2, SIDE_A)->id));
        assert_false(asks_for(stage_cast(s, "a", "apply"), busy));
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        assert_int_equal(stage_link(s, LINK_2)->operating, OPER_ONLINE);
        assert_int_equal(stage_gateway(s, "a")->inflight_seq, 0);

        stage_forget(s);
        s->now_ms += 999;
        play(s, 1, stage_due(TIMER_GATE, stage_gateway(s, "a")->id));
        assert_null(stage_cast(s, "a", "apply"));
        s->now_ms += 1;
        play(s, 1, stage_due(TIMER_GATE, stage_gateway(s, "a")->id));
        assert_true(asks_for(stage_cast(s, "a", "apply"), busy));
        play(s, 1, stage_done(stage_cast(s, "a", "apply")));
        assert_int_equal(stage_link(s, LINK_1)->operating, OPER_ONLINE);
}

static void a_port_that_goes_on_asking_is_asked_less_often(void **state)
{
        struct stage *s = *state;
        int64_t last_ms = 0;

        play(s, 0, stage_create(LINK_1, NULL));
        for (int i = 0; i < 8; i++) {
                const struct timer *t;
                int64_t due_ms = 0;
                size_t at = 0;

                play(s, 0, done_but_busy(stage_cast(s, "a", "apply"), stage_port(s, LINK_1, SIDE_A)->id));
                while ((t = sim_db_next(&s->db, T_TIMER, &at)))
                        if (t->kind == TIMER_GATE && text_equal(t->ref_id, stage_gateway(s, "a")->id))
                                due_ms = t->due_ms;
                assert_true(due_ms - s->now_ms >= last_ms && due_ms - s->now_ms >= 1000);
                last_ms = due_ms - s->now_ms;
                s->now_ms = due_ms;
                stage_forget(s);
                play(s, 0, stage_due(TIMER_GATE, stage_gateway(s, "a")->id));
                assert_non_null(stage_cast(s, "a", "apply"));
        }
        assert_int_equal(last_ms, s->conductors[0].core.timing.retry_limit_ms);
}

/* Its row names a gateway that does not exist, so no step of its workflow can be taken. */
static void spoil(struct stage *s, const char *link_id)
{
        struct vport *p = (struct vport *)(uintptr_t)stage_port(s, link_id, SIDE_Z);

        TEXT_SET(p->gateway_id, NOWHERE);
}

static void a_link_that_cannot_be_folded_does_not_take_its_neighbours_along(void **state)
{
        struct stage *s = *state;
        struct stage_input answers[2];
        char operation[ID_SIZE];
        const struct timer *t;
        size_t at = 0;

        stage_active(s, LINK_1);
        play(s, 0, stage_ask("update_virtual_link",
                             "{\"virtual_link_id\": \"" LINK_1 "\", \"virtual_link\": {\"bandwidth\": {\"a_to_z_kbps\": 5,"
                             " \"z_to_a_kbps\": 5}}}"));
        play(s, 0, stage_done(stage_cast(s, "z", "apply")));
        other_link(s);
        play(s, 0, stage_done(stage_cast(s, "z", "apply")));
        TEXT_SET(operation, stage_link(s, LINK_1)->operation_id);
        spoil(s, LINK_1);
        answers[0] = stage_done(stage_cast(s, "a", "apply"));
        play(s, 0, answers[0]); /* nothing of it is bad, the stage sees to that */
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        assert_int_equal(stage_link(s, LINK_2)->operating, OPER_ONLINE);
        assert_int_equal(stage_gateway(s, "a")->inflight_seq, 0);

        /* Its deadline does not come at every look either, nor spoil a batch. */
        s->now_ms += 40000;
        answers[0] = stage_due(TIMER_OPERATION, operation);
        answers[1] = stage_ask("update_virtual_link", "{\"virtual_link_id\": \"" LINK_2 "\", \"virtual_link\": {\"name\": \"n\"}}");
        stage_play(s, 1, answers, 2);
        answers[0] = stage_due(TIMER_OPERATION, operation);
        s->now_ms += 20000;
        stage_play(s, 1, answers, 2);
        assert_string_equal(stage_link(s, LINK_2)->name, "n");
        while ((t = sim_db_next(&s->db, T_TIMER, &at)))
                if (t->kind == TIMER_OPERATION && text_equal(t->ref_id, operation))
                        assert_true(t->due_ms > s->now_ms);
}

/* ---- one project ---- */

static void wait_at_gate(struct stage *s, const char *project, int n)
{
        struct work w = { .kind = WORK_PORT, .generation = 1, .created_ms = s->now_ms - 1000 };

        TEXT_SET(w.gateway_id, stage_gateway(s, "a")->id);
        TEXT_SET(w.project_id, project);
        for (int i = 0; i < n; i++) {
                snprintf(w.object_id, sizeof w.object_id, "00000000-0000-4000-8000-a%011d", i);
                snprintf(w.want, sizeof w.want, "{\"id\": \"%s\", \"generation\": 1, \"present\": false}", w.object_id);
                assert_int_equal(sim_db_insert(&s->db, T_WORK, &w), 0);
        }
}

static void a_project_with_much_to_do_leaves_the_others_their_turn(void **state)
{
        struct stage *s = *state;

        play(s, 0, stage_create(LINK_1, NULL)); /* closes the gates */
        wait_at_gate(s, "busy", 1000);
        s->project = "blue";
        other_link(s); /* the newest of all that waits */
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        assert_int_equal(n_asked(stage_cast(s, "a", "apply")), 128 - 1); /* and its access side */
        assert_true(asks_for(stage_cast(s, "a", "apply"), stage_port(s, LINK_2, SIDE_A)->id));
}

static void who_came_first_goes_first(void **state)
{
        struct stage *s = *state;
        char last[ID_SIZE];

        play(s, 0, stage_create(LINK_1, NULL));
        wait_at_gate(s, "busy", 200);
        ((struct work *)sim_db_find(&s->db, T_WORK, "object_id", "00000000-0000-4000-8000-a00000000199"))->created_ms -= 1;
        TEXT_SET(last, "00000000-0000-4000-8000-a00000000199");
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        assert_int_equal(n_asked(stage_cast(s, "a", "apply")), 128);
        assert_true(asks_for(stage_cast(s, "a", "apply"), last));
        assert_false(asks_for(stage_cast(s, "a", "apply"), "00000000-0000-4000-8000-a00000000198"));
}

/* ---- one gateway ---- */

static struct stage_input failed_as_a_whole(const json_t *cast, const char *type)
{
        const json_t *args = json_object_get(cast, "args");

        return stage_tell("a", "ports_applied",
                          "{\"gateway\": \"gw-a\", \"epoch\": 1, \"seq\": %lld, \"expired\": false, \"ports\": [], \"attachments\": [],"
                          " \"fault\": {\"code\": 503, \"type\": \"%s\", \"message\": \"It does not answer.\", \"retry_after_ms\": 5000}}",
                          (long long)json_integer_value(json_object_get(args, "seq")), type);
}

static void a_gateway_that_fails_says_why_until_it_works_again(void **state)
{
        struct stage *s = *state;

        play(s, 0, stage_create(LINK_1, NULL));
        play(s, 0, failed_as_a_whole(stage_cast(s, "a", "apply"), "gateway.quarantined"));
        assert_string_equal(stage_gateway(s, "a")->reason, "It does not answer.");
        assert_string_equal(stage_gateway(s, "z")->reason, "");
        stage_forget(s);
        s->now_ms += 5000;
        play(s, 0, stage_due(TIMER_GATE, stage_gateway(s, "a")->id));
        s->now_ms += 60000;
        play(s, 0, stage_due(TIMER_GATE, stage_gateway(s, "a")->id)); /* nobody took the command */
        assert_non_null(strstr(stage_gateway(s, "a")->reason, "No agent of site a"));
        assert_int_equal(s->n_casts, 3); /* the first again, and then two at once: an agent may stand still */
        play(s, 0, stage_done(stage_cast(s, "a", "apply")));
        assert_string_equal(stage_gateway(s, "a")->reason, "");
}

/* What it was asked for is no longer wanted: no answer will ever clear it. */
static void a_gateway_that_is_reached_and_asked_for_nothing_has_nothing_to_complain_of(void **state)
{
        struct stage *s = *state;

        stage_active(s, LINK_1);
        TEXT_SET(((struct gateway *)sim_db_find(&s->db, T_GATEWAY, "site_name", "a"))->reason, "No answer.");
        for (int reachable = 0; reachable < 2; reachable++) {
                play(s, 0, stage_tell("a", "heartbeat",
                                      "{\"host\": \"h\", \"gateways\": [{\"name\": \"gw-a\", \"boot_id\": \"boot\", \"digest\": \"\","
                                      " \"epoch\": 1, \"seq\": 0, \"reachable\": %s}]}",
                                      reachable ? "true" : "false"));
                assert_string_equal(stage_gateway(s, "a")->reason, reachable ? "" : "No answer.");
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                STAGED(a_port_that_asks_for_a_pause_gives_none_to_its_neighbours),
                STAGED(a_port_that_goes_on_asking_is_asked_less_often),
                STAGED(a_link_that_cannot_be_folded_does_not_take_its_neighbours_along),
                STAGED(a_project_with_much_to_do_leaves_the_others_their_turn),
                STAGED(who_came_first_goes_first),
                STAGED(a_gateway_that_fails_says_why_until_it_works_again),
                STAGED(a_gateway_that_is_reached_and_asked_for_nothing_has_nothing_to_complain_of),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
