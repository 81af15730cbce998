/* SPDX-License-Identifier: Apache-2.0 */
/* What a project may have is counted in the transaction that adds to it. */
#include "stage.h"

#include "base/text.h"

static const char *const vpn_ids[] = {
        "00000000-0000-4000-8000-0000000000e0", "00000000-0000-4000-8000-0000000000e1",
        "00000000-0000-4000-8000-0000000000e2", "00000000-0000-4000-8000-0000000000e3",
};

static void default_quota(struct stage *s, int64_t vpns, int64_t links, int64_t kbps)
{
        for (size_t i = 0; i < N_ELEMENTS(s->conductors); i++)
                s->conductors[i].core.quota = (struct quota_limits){ vpns, links, kbps };
}

static struct stage_input create_vpn(size_t i)
{
        return stage_ask("create_vpn", "{\"vpn\": {\"id\": \"%s\", \"name\": \"v\", \"type\": \"vpls\"}}", vpn_ids[i]);
}

static void play(struct stage *s, int who, struct stage_input in)
{
        fault_clear(&s->fault);
        stage_play(s, who, &in, 1);
}

static void is_refused(const struct stage *s, const char *resource, int limit, int used, int requested)
{
        json_auto_t *details = json_loads(s->fault.details, 0, NULL);

        assert_int_equal(s->fault.code, 409);
        assert_string_equal(s->fault.type, "quota.exceeded");
        assert_string_equal(json_string_value(json_object_get(details, "resource")), resource);
        assert_int_equal(json_integer_value(json_object_get(details, "limit")), limit);
        assert_int_equal(json_integer_value(json_object_get(details, "used")), used);
        assert_int_equal(json_integer_value(json_object_get(details, "requested")), requested);
        assert_non_null(strstr(s->fault.message, resource));
}

static void one_more_than_the_quota_is_refused_with_limit_and_used(void **state)
{
        struct stage *s = *state;

        default_quota(s, 2, -1, -1); /* the stage has one VPN of this project */
        play(s, 0, create_vpn(0));
        assert_false(fault_is_set(&s->fault));
        play(s, 1, create_vpn(1));
        is_refused(s, "vpn", 2, 2, 1);
        play(s, 1, create_vpn(0)); /* the same again is none more */
        assert_false(fault_is_set(&s->fault));
        play(s, 0, stage_ask("delete_vpn", "{\"vpn_id\": \"%s\"}", vpn_ids[0]));
        play(s, 0, create_vpn(1));
        assert_false(fault_is_set(&s->fault));
}

static void all_of_one_batch_are_counted(void **state)
{
        struct stage *s = *state;
        struct stage_input four[] = { create_vpn(0), create_vpn(1), create_vpn(2), create_vpn(3) };

        default_quota(s, 3, -1, -1);
        stage_play(s, 0, four, 4);
        assert_int_equal(s->db.tables[T_VPN].n, 3);
        is_refused(s, "vpn", 3, 3, 1);
}

static void links_and_their_bandwidth_have_quotas_and_deletion_gives_back(void **state)
{
        struct stage *s = *state;

        default_quota(s, -1, 1, 1500);
        stage_active(s, LINK_1); /* 1000 kbit/s each way */
        play(s, 0, stage_create(LINK_2, NULL));
        assert_int_equal(s->fault.code, 409);
        play(s, 0, stage_ask("update_virtual_link",
                             "{\"virtual_link_id\": \"" LINK_1 "\", \"virtual_link\": {\"bandwidth\": {\"a_to_z_kbps\": 1501}}}"));
        is_refused(s, "kbps", 1500, 1000, 501);
        assert_int_equal(stage_link(s, LINK_1)->goal_a_to_z_kbps, 1000);
        play(s, 0, stage_ask("update_virtual_link",
                             "{\"virtual_link_id\": \"" LINK_1 "\", \"virtual_link\": {\"bandwidth\": {\"a_to_z_kbps\": 1500,"
                             " \"z_to_a_kbps\": 1}}}"));
        assert_false(fault_is_set(&s->fault));
        assert_int_equal(stage_link(s, LINK_1)->goal_a_to_z_kbps, 1500);
}

static void what_was_set_for_a_project_goes_before_the_default(void **state)
{
        struct stage *s = *state;
        struct quota set = { .project_id = "red", .limits = { 1, QUOTA_DEFAULT, QUOTA_NONE } };
        const void *rows[] = { &set };

        default_quota(s, 100, 0, 0);
        assert_int_equal(store_begin(s->conductors[0].store), STORE_OK);
        assert_int_equal(store_put(s->conductors[0].store, &store_tables[T_QUOTA], rows, 1), 0);
        assert_int_equal(store_commit(s->conductors[0].store), STORE_OK);
        play(s, 0, create_vpn(0));
        is_refused(s, "vpn", 1, 1, 1);
        play(s, 0, stage_create(LINK_1, NULL));
        is_refused(s, "virtual_link", 0, 0, 1);
}

static void a_project_without_a_limit_is_not_locked(void **state)
{
        struct stage *s = *state;

        play(s, 0, create_vpn(0));
        assert_int_equal(s->db.tables[T_PROJECT].n, 0);
        default_quota(s, 10, -1, -1);
        play(s, 0, create_vpn(1));
        assert_int_equal(s->db.tables[T_PROJECT].n, 1);
}

UNIT_MAIN(STAGED(one_more_than_the_quota_is_refused_with_limit_and_used), STAGED(all_of_one_batch_are_counted),
          STAGED(links_and_their_bandwidth_have_quotas_and_deletion_gives_back),
          STAGED(what_was_set_for_a_project_goes_before_the_default), STAGED(a_project_without_a_limit_is_not_locked))
