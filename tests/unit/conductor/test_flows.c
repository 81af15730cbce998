/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the workflows, proven; that each of their rows runs is the simulation's to show. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "conductor/flows.h"
#include "model/operation.h"
#include "support/unit.h"

static void every_workflow_is_proven(void **state)
{
        (void)state;
        for (const struct flow *const *f = conductor_flows; *f; f++) {
                OWN(text_done) struct text offence = { 0 };

                if (flow_prove(*f, &offence))
                        fail_msg("%s", offence.bytes);
        }
}

static void every_kind_of_operation_has_the_workflow_of_its_name(void **state)
{
        (void)state;
        for (int kind = 0; kind < OP_KIND_N; kind++)
                assert_string_equal(flow_of(kind)->name, operation_kind_name[kind]);
}

static void a_row_number_is_used_once_over_all_workflows(void **state)
{
        bool used[1000] = { false };

        (void)state;
        for (const struct flow *const *f = conductor_flows; *f; f++)
                for (const struct flow_row *row = (*f)->rows; row->pos; row++) {
                        assert_in_range(row->pos, 1, 999);
                        assert_false(used[row->pos]);
                        used[row->pos] = true;
                }
}

/* Where nothing comes any more, TIMEOUTs alone lead to an end. */
static void every_workflow_ends_in_silence(void **state)
{
        (void)state;
        for (const struct flow *const *f = conductor_flows; *f; f++)
                for (int from = 0; from < (*f)->n_states; from++) {
                        const struct flow_row *row = NULL;
                        int at = from, n = 0;

                        while ((row = flow_find(*f, at, at == (*f)->start ? EV_GO : EV_TIMEOUT)) && n++ < 20) {
                                /* Asking again gives up the second time; but what a failed connection has made is
                                 * asked to go until it is gone. */
                                if (row->next == at)
                                        row = flow_find(*f, at, row->pos == 807 ? EV_LINKS_GONE : EV_GAVE_UP);
                                assert_non_null(row);
                                at = row->next;
                        }
                        assert_in_range(n, 0, 19);
                }
}

/* ATLAS_WRITE=1 writes the file anew. */
static void assert_file(const struct flow *f, const char *ending, const struct text *is)
{
        OWN(text_done) struct text was = { 0 };
        char path[256], piece[4096];
        FILE *file;
        size_t n;

        snprintf(path, sizeof path, "%s/%s.%s", ATLAS_SOURCE_DIR "/docs/flows", f->name, ending);
        if (getenv("ATLAS_WRITE")) {
                file = fopen(path, "w");
                assert_non_null(file);
                fputs(is->bytes, file);
                fclose(file);
        }
        file = fopen(path, "r");
        if (!file)
                fail_msg("%s is missing: run this test with ATLAS_WRITE=1", path);
        while ((n = fread(piece, 1, sizeof piece, file)) > 0)
                text_add_n(&was, piece, n);
        fclose(file);
        assert_string_equal(is->bytes, was.bytes);
}

static void the_pages_show_the_tables(void **state)
{
        (void)state;
        for (const struct flow *const *f = conductor_flows; *f; f++) {
                OWN(text_done) struct text page = { 0 }, json = { 0 };

                flow_page(*f, &page);
                flow_json(*f, &json);
                assert_file(*f, "md", &page);
                assert_file(*f, "json", &json);
        }
}

UNIT_MAIN(UNIT(every_workflow_is_proven),
          UNIT(every_kind_of_operation_has_the_workflow_of_its_name),
          UNIT(a_row_number_is_used_once_over_all_workflows),
          UNIT(every_workflow_ends_in_silence),
          UNIT(the_pages_show_the_tables))
