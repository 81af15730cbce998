/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cell.h"

#include <jansson.h>

#include "base/own.h"
#include "support/unit.h"

static void attributes_are_written_for_people(void **state)
{
        static const struct {
                const char *path, *text;
        } rows[] = {
                { "name", "Zürich – Genève" },
                { "bandwidth", "20M:10M" },
                { "bandwidth.a_to_z_kbps", "20000" },
                { "same", "1G" },
                { "up", "true" },
                { "nothing", "" },
                { "sites", "east,west" },
                { "none", "" },
                { "endpoints.1.site_id", "w" },
                { "endpoints.0", "{\"site_id\":\"e\"}" },
                { "a.b", "dotted" },
        };
        json_auto_t *object = json_loads(
                "{\"name\": \"Zürich – Genève\", \"bandwidth\": {\"a_to_z_kbps\": 20000, \"z_to_a_kbps\": 10000},"
                " \"same\": {\"to_wan_kbps\": 1000000, \"from_wan_kbps\": 1000000}, \"up\": true, \"nothing\": null,"
                " \"sites\": [\"east\", \"west\"], \"none\": [], \"a.b\": \"dotted\","
                " \"endpoints\": [{\"site_id\": \"e\"}, {\"site_id\": \"w\"}]}",
                0, NULL);

        (void)state;
        assert_non_null(object);
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                OWN(text_done) struct text text = { 0 };
                const json_t *value = cell_find(object, rows[i].path);

                assert_non_null(value);
                cell_add(&text, value);
                assert_string_equal(text.bytes, rows[i].text);
        }
}

static void what_is_not_there_is_not_found(void **state)
{
        static const char *const paths[] = {
                "nam", "name.x", "list.2", "list.x", "", ".", "name."
        };
        json_auto_t *object = json_loads("{\"name\": \"x\", \"list\": [1, 2]}", 0, NULL);

        (void)state;
        assert_non_null(object);
        for (size_t i = 0; i < N_ELEMENTS(paths); i++)
                assert_null(cell_find(object, paths[i]));
}

UNIT_MAIN(UNIT(attributes_are_written_for_people), UNIT(what_is_not_there_is_not_found))
