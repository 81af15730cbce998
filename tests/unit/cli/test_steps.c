/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/steps.h"

#include "base/own.h"
#include "conductor/flows.h"
#include "model/operation.h"
#include "support/unit.h"

static void every_row_of_every_workflow_has_a_sentence(void **state)
{
        size_t n = 0;

        (void)state;
        for (int kind = 0; kind < OP_KIND_N; kind++) {
                const struct flow *f = flow_of(kind);

                assert_string_equal(f->name, operation_kind_name[kind]);
                for (const struct flow_row *row = f->rows; row->pos; row++, n++)
                        if (!step_sentence(f->name, f->states[row->state], f->states[row->next],
                                           false))
                                fail_msg("row %d of %s has no sentence", row->pos, f->name);
        }
        assert_true(n > 40);
}

static void networks_are_named_where_there_are_any(void **state)
{
        (void)state;
        assert_string_equal(step_sentence("create", "PLUG", "DONE", true),
                            "networks plugged; active");
        assert_string_equal(step_sentence("create", "PLUG", "DONE", false), "active");
        assert_null(step_sentence("create", "PLUG", "MOON", false));
        assert_null(step_sentence("create", NULL, "DONE", false));
}

static void a_step_tells_where_and_why(void **state)
{
        static const struct {
                const char *step, *said;
        } rows[] = {
                { "{\"from\": \"PORTS\", \"to\": \"UNDO\", \"site\": \"west\", \"reason\": \"No label is left.\"}",
                  "an end failed; both are being taken back: west: No label is left." },
                { "{\"from\": \"PORTS\", \"to\": \"UNDO\", \"site\": null, \"reason\": \"Silence.\"}",
                  "an end failed; both are being taken back: Silence." },
                { "{\"from\": \"PORTS\", \"to\": \"PLUG\", \"site\": \"west\", \"reason\": null}",
                  "both ends configured" },
                { "{\"from\": \"HERE\", \"to\": \"THERE\"}", "HERE to THERE" },
                { "{}", "? to ?" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                OWN(text_done) struct text said = { 0 };
                json_auto_t *step = json_loads(rows[i].step, 0, NULL);

                step_add(&said, "create", step, false);
                assert_string_equal(said.bytes, rows[i].said);
        }
}

static void the_kind_stands_in_the_type_of_an_event(void **state)
{
        static const char *const rows[][2] = {
                { "virtual_link.create.step", "create" },
                { "site.silent", "" },
                { "", "" },
                { NULL, "" },
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                char kind[32];

                step_kind(rows[i][0], kind, sizeof kind);
                assert_string_equal(kind, rows[i][1]);
        }
}

static void times_are_read_to_the_millisecond(void **state)
{
        (void)state;
        assert_int_equal(step_time_ms("1970-01-01T00:00:01.250Z"), 1250);
        assert_int_equal(step_time_ms("2026-01-31T23:59:59Z"), 1769903999000);
        assert_int_equal(step_time_ms("2026-01-31T23:59:59.1234567Z"), 1769903999123);
        assert_int_equal(step_time_ms("2026-01-31T23:59:59.5Z"), 1769903999500);
        assert_int_equal(step_time_ms("soon"), 0);
        assert_int_equal(step_time_ms(NULL), 0);
}

UNIT_MAIN(UNIT(every_row_of_every_workflow_has_a_sentence),
          UNIT(networks_are_named_where_there_are_any), UNIT(a_step_tells_where_and_why),
          UNIT(the_kind_stands_in_the_type_of_an_event), UNIT(times_are_read_to_the_millisecond))
