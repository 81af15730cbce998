/* SPDX-License-Identifier: Apache-2.0 */
/* Who goes first at a gateway: projects take turns, and each one's own desires go in the order in
 * which they came. So what waits is as long as the projects are many, not as one of them is busy. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/own.h"
#include "conductor/turn.h"

struct candidate {
        const struct work *work;
        size_t turn; /* the how manieth of its project it is */
};

static int compare_int(int64_t a, int64_t b)
{
        return (a > b) - (a < b);
}

/* An access side before the ports that came with it. */
static int by_age(const struct work *a, const struct work *b)
{
        int r = compare_int(a->created_ms, b->created_ms);

        r = r ? r : compare_int(b->kind, a->kind);
        return r ? r : strcmp(a->object_id, b->object_id);
}

static int by_project(const void *left, const void *right)
{
        const struct candidate *a = left, *b = right;
        int r = strcmp(a->work->project_id, b->work->project_id);

        return r ? r : by_age(a->work, b->work);
}

static int by_turn(const void *left, const void *right)
{
        const struct candidate *a = left, *b = right;
        int r = compare_int((int64_t)a->turn, (int64_t)b->turn);

        return r ? r : by_age(a->work, b->work);
}

static void take_turns(struct candidate *all, size_t n)
{
        qsort(all, n, sizeof *all, by_project);
        for (size_t i = 1; i < n; i++)
                if (strcmp(all[i].work->project_id, all[i - 1].work->project_id) == 0)
                        all[i].turn = all[i - 1].turn + 1;
        qsort(all, n, sizeof *all, by_turn);
}

int gate_pick(struct turn *t, const char *gateway_id, struct picked *ret)
{
        OWN(mem_free) struct candidate *all = calloc(t->view.tables[T_WORK].n + 1, sizeof *all);
        const struct work *w;
        size_t at = 0, n = 0;

        *ret = (struct picked){ 0 };
        if (!all)
                return err_raise(-ENOMEM);
        while ((w = view_next(&t->view, T_WORK, &at))) {
                if (strcmp(w->gateway_id, gateway_id) != 0)
                        continue;
                if (w->after_ms <= t->now_ms)
                        all[n++].work = w;
                else if (!ret->later_ms || w->after_ms < ret->later_ms)
                        ret->later_ms = w->after_ms;
        }
        take_turns(all, n);
        for (; ret->n < n && ret->n < APPLY_MAX; ret->n++)
                ret->work[ret->n] = all[ret->n].work;
        return 0;
}
