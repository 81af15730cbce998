/* SPDX-License-Identifier: Apache-2.0 */
/* How much a project may have under way at once. The count is the database's, read in the
 * transaction that adds to it; what other conductors are committing at that moment is not in it, so
 * the bound may be passed by one batch of each. */
#include <errno.h>

#include "base/err.h"
#include "base/text.h"
#include "conductor/turn.h"
#include "store/rows.h"

static struct open_work *open_work_of(struct turn *t, const char *project_id)
{
        struct open_work *all = t->open_work.rows, *fresh;

        for (size_t i = 0; i < t->open_work.n; i++)
                if (text_equal(all[i].project_id, project_id))
                        return &all[i];
        fresh = store_rows_add(&t->open_work, &store_open_work);
        if (fresh) {
                *fresh = (struct open_work){ 0 };
                TEXT_SET(fresh->project_id, project_id);
        }
        return fresh;
}

int work_admit(struct turn *t, const char *project_id, struct fault *why)
{
        struct open_work *w;

        if (!t->c->open_max)
                return 0;
        w = open_work_of(t, project_id);
        if (!w)
                return err_raise(-ENOMEM);
        if (w->operations < t->c->open_max) {
                w->operations++;
                return 0;
        }
        fault_set(
                why, 429, "project.too_much_under_way",
                "Project %s has %lld operations under way, and no more than %lld may be; try again when some of them have ended.",
                project_id, (long long)w->operations, (long long)t->c->open_max);
        fault_details(why, "{\"limit\": %lld}", (long long)t->c->open_max);
        why->retry_after_ms = 1000;
        return why->code;
}
