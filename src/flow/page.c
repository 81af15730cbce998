/* SPDX-License-Identifier: Apache-2.0 */
/* Shows a workflow's table to people and to programs. */
#include "flow/flow.h"

#include <stdbool.h>

static bool state_is_end(const struct flow *f, int state)
{
        for (const struct flow_row *row = f->rows; row->pos; row++)
                if (row->state == state)
                        return false;
        return true;
}

static const char *act_of(const struct flow_row *row)
{
        return row->act_name ? row->act_name : "";
}

void flow_page(const struct flow *f, struct text *ret)
{
        text_addf(ret, "# Workflow `%s`\n\n```mermaid\nstateDiagram-v2\n", f->name);
        text_addf(ret, "    [*] --> %s\n", f->states[f->start]);
        for (const struct flow_row *row = f->rows; row->pos; row++)
                text_addf(ret, "    %s --> %s: %d %s\n", f->states[row->state],
                          f->states[row->next], row->pos, f->events[row->event]);
        for (int state = 0; state < f->n_states; state++)
                if (state_is_end(f, state))
                        text_addf(ret, "    %s --> [*]\n", f->states[state]);
        text_add(ret, "```\n\n"
                      "| Row | In state | on event | does | and is then in | which ends within |\n"
                      "|---|---|---|---|---|---|\n");
        for (const struct flow_row *row = f->rows; row->pos; row++) {
                text_addf(ret, "| %d | %s | %s | `%s` | %s | ", row->pos, f->states[row->state],
                          f->events[row->event], act_of(row), f->states[row->next]);
                if (row->within_ms)
                        text_addf(ret, "%d s |\n", row->within_ms / 1000);
                else
                        text_add(ret, "(the end) |\n");
        }
}

void flow_json(const struct flow *f, struct text *ret)
{
        const char *comma = "";

        text_addf(ret, "{\n  \"name\": \"%s\",\n  \"start\": \"%s\",\n  \"rows\": [\n", f->name,
                  f->states[f->start]);
        for (const struct flow_row *row = f->rows; row->pos; row++) {
                text_addf(
                        ret,
                        "%s    { \"pos\": %d, \"state\": \"%s\", \"event\": \"%s\", \"action\": \"%s\", "
                        "\"next\": \"%s\", \"within_ms\": %d }",
                        comma, row->pos, f->states[row->state], f->events[row->event], act_of(row),
                        f->states[row->next], row->within_ms);
                comma = ",\n";
        }
        text_add(ret, "\n  ]\n}\n");
}
