/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/query.h"

#include "support/unit.h"

#define UUID "aaaaaaaa-0000-4000-8000-000000000001"

static struct caller tenant = { .project_id = "red" };
static struct caller admin = { .project_id = "ops", .is_admin = true, .all_projects = true };
static char text[1000];
static struct query q;

static int read_query(const char *query, const struct resource *r, const struct caller *who,
                      struct fault *why)
{
        snprintf(text, sizeof text, "%s", query);
        return query_read(text, r, who, &q, why);
}

/* What is asked of a column; without values when nothing is. */
static const struct store_where *where(const char *column)
{
        static const char *const no_values[3] = { "", "", "" };
        static const struct store_where none = { NULL, STORE_IS, no_values, 0 };

        for (size_t i = 0; i < q.n_where; i++)
                if (strcmp(q.where[i].column, column) == 0)
                        return &q.where[i];
        return &none;
}

static void repeated_filters_are_any_of_their_values(void **state)
{
        struct fault why;

        (void)state;
        assert_int_equal(read_query("name=a&vpn_id=" UUID
                                    "&name=b+c&name=%C3%A4&vpn_id=x&provisioning_status=ERROR",
                                    &virtual_link_resource, &tenant, &why),
                         QUERY_OK);
        assert_false(q.nothing);
        assert_int_equal(where("name")->n_values, 3);
        assert_string_equal(where("name")->values[1], "b c");
        assert_string_equal(where("name")->values[2], "\xc3\xa4");
        assert_int_equal(where("vpn_id")->n_values, 1);
        assert_string_equal(where("vpn_id")->values[0], UUID);
        assert_string_equal(where("provisioning")->values[0], "4");
        assert_string_equal(where("project_id")->values[0], "red");
}

static void a_value_no_row_can_have_matches_nothing(void **state)
{
        struct fault why;

        (void)state;
        assert_int_equal(read_query("id=x", &vpn_resource, &tenant, &why), QUERY_OK);
        assert_true(q.nothing);
        assert_int_equal(
                read_query("provisioning_status=UNHEARD", &virtual_link_resource, &tenant, &why),
                QUERY_OK);
        assert_true(q.nothing);
}

static void projects_are_kept_apart_unless_an_operator_asks(void **state)
{
        struct fault why;

        (void)state;
        assert_int_equal(read_query("", &vpn_resource, &admin, &why), QUERY_OK);
        assert_string_equal(where("project_id")->values[0], "ops");
        assert_int_equal(read_query("all_projects=True", &vpn_resource, &admin, &why), QUERY_OK);
        assert_int_equal(where("project_id")->n_values, 0);
        assert_int_equal(read_query("all_projects=1", &vpn_resource, &tenant, &why), QUERY_INVALID);
        assert_int_equal(why.code, 403);
        assert_int_equal(
                read_query("project_id=blue&tenant_id=green", &vpn_resource, &tenant, &why),
                QUERY_OK);
        assert_int_equal(q.n_where, 3);
        assert_int_equal(read_query("", &site_resource, &tenant, &why), QUERY_OK);
        assert_int_equal(q.n_where, 0);
}

static void pages_have_a_limit_and_begin_after_a_marker(void **state)
{
        static const struct {
                const char *query;
                size_t limit;
        } limits[] = {
                { "", 1000 }, { "limit=0", 1000 }, { "limit=7", 7 }, { "limit=99999", 1000 }
        };
        struct fault why;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(limits); i++) {
                assert_int_equal(read_query(limits[i].query, &vpn_resource, &tenant, &why),
                                 QUERY_OK);
                assert_int_equal(q.limit, limits[i].limit);
        }
        assert_int_equal(read_query("marker=" UUID, &vpn_resource, &tenant, &why), QUERY_OK);
        assert_int_equal(q.n_order, 1);
        assert_string_equal(q.order[0].column, "id");
        assert_string_equal(q.order[0].after, UUID);
        assert_false(q.order[0].descending);
        assert_false(query_needs_marker(&q));
        assert_int_equal(read_query("marker=12&page_reverse=True", &event_resource, &tenant, &why),
                         QUERY_OK);
        assert_string_equal(q.order[0].after, "12");
        assert_true(q.order[0].descending);
}

static void lists_are_sorted_by_several_attributes(void **state)
{
        const struct vpn row = { .id = UUID, .name = "n", .created_ms = 1234 };
        char room[QUERY_SORTS_MAX][QUERY_NUMBER_SIZE];
        struct fault why;

        (void)state;
        assert_int_equal(
                read_query(
                        "sort_key=name&sort_dir=desc&sort_key=created_at&sort_dir=asc&marker=" UUID,
                        &vpn_resource, &tenant, &why),
                QUERY_OK);
        assert_int_equal(q.n_order, 3);
        assert_true(q.order[0].descending);
        assert_string_equal(q.order[1].column, "created_ms");
        assert_false(q.order[1].descending || q.order[2].descending);
        assert_true(query_needs_marker(&q));
        query_start_after(&q, &vpn_resource, &row, room);
        assert_string_equal(q.order[0].after, "n");
        assert_string_equal(q.order[1].after, "1234");
        assert_string_equal(q.order[2].after, UUID);
        /* What follows the id decides nothing; backwards all directions turn round. */
        assert_int_equal(read_query("sort_key=id&sort_key=name&page_reverse=1", &vpn_resource,
                                    &tenant, &why),
                         QUERY_OK);
        assert_int_equal(q.n_order, 1);
        assert_true(q.order[0].descending);
}

static void tags_and_changes_are_asked_of_their_columns(void **state)
{
        struct fault why;

        (void)state;
        assert_int_equal(read_query("changed_since=1970-01-01T00:00:02Z&tags=a,b&not-tags-any=c",
                                    &vpn_resource, &tenant, &why),
                         QUERY_OK);
        assert_int_equal(where("updated_ms")->compare, STORE_AT_LEAST);
        assert_string_equal(where("updated_ms")->values[0], "2000");
        assert_int_equal(where("tags")->compare, STORE_HAS_ALL);
        assert_string_equal(where("tags")->values[0], "a,b");
        assert_int_equal(read_query("tags=a", &site_resource, &tenant, &why), QUERY_INVALID);
        assert_int_equal(
                read_query("changed_since=1970-01-01T00:00:02Z", &event_resource, &tenant, &why),
                QUERY_INVALID);
}

static void what_is_malformed_is_refused(void **state)
{
        static const char *const bad[] = {
                "limit=x",
                "limit=-1",
                "limit=",
                "marker=1",
                "unheard=1",
                "name=%",
                "name=%00",
                "name=%ff",
                "sort_key=vpn_id",
                "sort_key=status",
                "sort_dir=desc",
                "page_reverse=2",
                "%80=1",
                "sort_key=name&sort_dir=up",
                "sort_key=name&sort_dir=asc&sort_dir=asc",
                "fields=",
                "tags=",
                "changed_since=yesterday",
                "changed_since=2026-02-30T00:00:00Z",
                "sort_key=name&sort_key=mtu&sort_key=id&sort_key=name&sort_key=mtu",
                "admin_state_up=maybe",
                "mtu=x",
                "all_projects=x"
        };
        char many[1000] = "";
        struct fault why;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(bad); i++)
                if (read_query(bad[i], &virtual_link_resource, &tenant, &why) != QUERY_INVALID)
                        fail_msg("accepted: %s", bad[i]);
        for (int i = 0; i <= QUERY_PAIRS_MAX; i++)
                strcat(many, "name=x&");
        assert_int_equal(read_query(many, &virtual_link_resource, &tenant, &why), QUERY_INVALID);
        many[strlen("name=x&") * QUERY_PAIRS_MAX] = '\0';
        assert_int_equal(read_query(many, &virtual_link_resource, &tenant, &why), QUERY_OK);
}

static void shown_filters_fields_and_the_next_page(void **state)
{
        json_auto_t *object = json_pack("{ss sb si sn}", "id", "x", "alive", 1, "n", 3, "none");
        OWN(text_done) struct text next = { 0 };
        struct fault why;

        (void)state;
        assert_int_equal(read_query("alive=true&name=a%26b+c&limit=2&fields=id&fields=n",
                                    &site_resource, &tenant, &why),
                         QUERY_OK);
        assert_true(query_shows(&q, object));
        query_page(&q, UUID, false, &next);
        assert_string_equal(next.bytes,
                            "alive=true&name=a%26b%20c&fields=id&fields=n&limit=2&marker=" UUID);
        text_reset(&next);
        query_page(&q, UUID, true, &next);
        assert_non_null(strstr(next.bytes, "&limit=2&page_reverse=True&marker=" UUID));
        query_trim(&q, object);
        assert_int_equal(json_object_size(object), 2);
        assert_int_equal(read_query("alive=false", &site_resource, &tenant, &why), QUERY_OK);
        json_object_set_new(object, "alive", json_true());
        assert_false(query_shows(&q, object));
        query_trim(&q, object);
        assert_int_equal(json_object_size(object), 3);
}

UNIT_MAIN(UNIT(repeated_filters_are_any_of_their_values),
          UNIT(a_value_no_row_can_have_matches_nothing),
          UNIT(projects_are_kept_apart_unless_an_operator_asks),
          UNIT(pages_have_a_limit_and_begin_after_a_marker),
          UNIT(lists_are_sorted_by_several_attributes),
          UNIT(tags_and_changes_are_asked_of_their_columns), UNIT(what_is_malformed_is_refused),
          UNIT(shown_filters_fields_and_the_next_page))
