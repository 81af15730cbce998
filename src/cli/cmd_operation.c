/* SPDX-License-Identifier: Apache-2.0 */
/* An operation with its steps in words. */
#include <errno.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/steps.h"

/* Adds "what", and "took_ms" since the one before, to each step. */
static int put_words(json_t *operation)
{
        const char *kind = json_string_value(json_object_get(operation, "type"));
        int64_t last_ms = step_time_ms(json_string_value(json_object_get(operation, "started_at")));
        json_t *step;
        size_t i;

        json_array_foreach (json_object_get(operation, "steps"), i, step) {
                OWN(text_done) struct text what = { 0 };
                int64_t at_ms = step_time_ms(json_string_value(json_object_get(step, "at")));
                int64_t took_ms = last_ms && at_ms > last_ms ? at_ms - last_ms : 0;

                step_add(&what, kind ? kind : "", step, false);
                last_ms = at_ms;
                if (json_object_set_new(step, "took_ms", json_integer((json_int_t)took_ms)) != 0)
                        return err_raise(-ENOMEM);
                if (what.failed || json_object_set_new(step, "what", json_string(what.bytes)) != 0)
                        return err_raise(-ENOMEM);
        }
        return CLI_OK;
}

int operation_show(struct cli *c)
{
        const struct output steps = { .to = c->outside->out, .usual = "at took_ms row what" };
        json_auto_t *operation = NULL;
        char id[ID_SIZE];
        int r = find_id(c, &noun_operation, c->args->words[0], NULL, id);

        r = r ? r : noun_fetch(c, &noun_operation, id, &operation);
        r = r ? r : put_words(operation);
        r = r ? r : noun_print(c, &noun_operation, operation);
        if (r || c->args->format != FORMAT_TABLE || c->args->n_columns > 0)
                return r < 0 ? err_pass(r) : r;
        fputs("\n", c->outside->out);
        r = output_list(&steps, json_object_get(operation, "steps"), NULL);
        return r < 0 ? err_pass(r) : CLI_OK;
}
