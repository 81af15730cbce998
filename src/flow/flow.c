/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds events through tables of rows, and proves them. */
#include "flow/flow.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"

enum { POS_MAX = 1000, CHAIN_MAX = 32 };

static _Atomic unsigned long row_counts[POS_MAX];

const struct flow_row *flow_find(const struct flow *f, int state, int event)
{
        for (const struct flow_row *row = f->rows; row->pos; row++)
                if (row->state == state && row->event == event)
                        return row;
        return NULL;
}

int flow_feed(const struct flow *f, int *state, int event, flow_on_row on_row, void *subject)
{
        /* A chain longer than any table is a table that feeds itself for ever: our own bug. */
        for (int n = 0; n < CHAIN_MAX; n++) {
                const struct flow_row *row = flow_find(f, *state, event);
                int r;

                if (!row)
                        return n ? FLOW_OK : FLOW_IGNORED;
                *state = row->next;
                atomic_fetch_add_explicit(&row_counts[row->pos % POS_MAX], 1, memory_order_relaxed);
                r = on_row(subject, row);
                if (r == 0 && row->act)
                        r = row->act(subject);
                if (r <= 0)
                        return r;
                event = r;
        }
        return err_raise(-ELOOP);
}

unsigned long flow_row_count(int pos)
{
        return atomic_load_explicit(&row_counts[pos % POS_MAX], memory_order_relaxed);
}

static bool state_is_reachable(const struct flow *f, int state)
{
        if (state == f->start)
                return true;
        for (const struct flow_row *row = f->rows; row->pos; row++)
                if (row->next == state && row->state != state)
                        return true;
        return false;
}

static bool state_waits(const struct flow *f, int state)
{
        for (const struct flow_row *row = f->rows; row->pos; row++)
                if (row->next == state && row->within_ms > 0)
                        return true;
        return false;
}

static bool state_has_rows(const struct flow *f, int state)
{
        for (const struct flow_row *row = f->rows; row->pos; row++)
                if (row->state == state)
                        return true;
        return false;
}

static int row_prove(const struct flow *f, const struct flow_row *row, struct text *ret)
{
        if (row->pos >= POS_MAX || row->state >= f->n_states || row->next >= f->n_states ||
            row->event <= 0 || row->event >= f->n_events) {
                text_addf(ret, "%s: row %d is out of range", f->name, row->pos);
                return 1;
        }
        for (const struct flow_row *other = f->rows; other < row; other++) {
                if (other->pos == row->pos) {
                        text_addf(ret, "%s: two rows are numbered %d", f->name, row->pos);
                        return 1;
                }
                if (other->state == row->state && other->event == row->event) {
                        text_addf(ret, "%s: rows %d and %d are for the same state and event",
                                  f->name, other->pos, row->pos);
                        return 1;
                }
                if (other->next == row->next && !other->within_ms != !row->within_ms) {
                        text_addf(ret, "%s: rows %d and %d differ on whether %s waits", f->name,
                                  other->pos, row->pos, f->states[row->next]);
                        return 1;
                }
        }
        return 0;
}

int flow_prove(const struct flow *f, struct text *ret)
{
        for (const struct flow_row *row = f->rows; row->pos; row++)
                if (row_prove(f, row, ret))
                        return 1;
        for (int state = 0; state < f->n_states; state++) {
                if (!state_is_reachable(f, state)) {
                        text_addf(ret, "%s: nothing leads to %s", f->name, f->states[state]);
                        return 1;
                }
                if (state_waits(f, state) && !flow_find(f, state, f->timeout)) {
                        text_addf(ret, "%s: %s waits without a TIMEOUT row", f->name,
                                  f->states[state]);
                        return 1;
                }
                if (state != f->start && !state_waits(f, state) && state_has_rows(f, state)) {
                        text_addf(ret, "%s: a row leaves %s, which is an end", f->name,
                                  f->states[state]);
                        return 1;
                }
        }
        return 0;
}
