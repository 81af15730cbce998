/* SPDX-License-Identifier: Apache-2.0 */
/* How much a project may have. Who adds to one that has a limit locks its row first and counts
 * then, so that no two add at once; who takes away needs no lock. Projects without a limit cost one
 * read. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "conductor/turn.h"
#include "store/rows.h"

/* clang-format off */
static const struct resource_kind {
        const char *name;
        size_t limit, use;
} kinds[] = {
        { "vpn",          offsetof(struct quota_limits, vpns),  offsetof(struct project_use, vpns) },
        { "virtual_link", offsetof(struct quota_limits, links), offsetof(struct project_use, links) },
        { "kbps",         offsetof(struct quota_limits, kbps),  offsetof(struct project_use, kbps) },
};
/* clang-format on */
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static int64_t *limit_of(struct quota_limits *l, size_t kind)
{
        return (int64_t *)(void *)((char *)l + kinds[kind].limit);
}

static int64_t *use_of(struct project_use *u, size_t kind)
{
        return (int64_t *)(void *)((char *)u + kinds[kind].use);
}

/* The operator's limits for the project, else the default ones. False: there is none. */
static bool limits_of(const struct turn *t, const char *project_id, struct quota_limits *ret)
{
        const struct quota *own = view_get(&t->view, T_QUOTA, project_id);
        bool any = false;

        *ret = t->c->quota;
        for (size_t i = 0; i < N_KINDS; i++) {
                struct quota_limits set = own ? own->limits : t->c->quota;

                if (*limit_of(&set, i) != QUOTA_DEFAULT)
                        *limit_of(ret, i) = *limit_of(&set, i);
                any = any || *limit_of(ret, i) >= 0;
        }
        return any;
}

/* ---- what to read and lock ---- */

int quota_plan(struct turn *t, const struct input *in)
{
        static const char *const adding[] = { "create_vpn", "create_virtual_link",
                                              "create_virtual_links", "create_connection",
                                              "update_virtual_link" };

        for (size_t i = 0; i < sizeof adding / sizeof *adding; i++)
                if (text_equal(in->request->method, adding[i]))
                        return idset_add(&t->plan.payers,
                                         request_context(in->request, "project_id"));
        return 0;
}

int quota_refine(struct turn *t)
{
        struct quota_limits limits;
        int r = 0;

        for (size_t i = 0; i < t->plan.payers.n && r == 0; i++)
                if (limits_of(t, t->plan.payers.texts[i], &limits))
                        r = idset_add(&t->plan.limited, t->plan.payers.texts[i]);
        return r;
}

int quota_count(struct turn *t)
{
        const struct idset *of = &t->plan.limited;
        int r;

        if (of->n == 0)
                return 0;
        r = store_select(t->c->store, &store_project_use, "project_id",
                         (const char *const *)of->texts, of->n, false, &t->project_use);
        return r ? r : store_flush(t->c->store);
}

/* ---- the decision ---- */

static struct project_use *project_use_of(struct turn *t, const char *project_id)
{
        struct project_use *all = t->project_use.rows, *fresh;

        for (size_t i = 0; i < t->project_use.n; i++)
                if (text_equal(all[i].project_id, project_id))
                        return &all[i];
        fresh = store_rows_add(&t->project_use, &store_project_use);
        if (fresh)
                TEXT_SET(fresh->project_id, project_id);
        return fresh;
}

static int refuse(struct fault *why, const char *project_id, const char *name, int64_t limit,
                  int64_t used, int64_t wanted)
{
        fault_set(
                why, 409, "quota.exceeded",
                "Quota exceeded for resources: %s. Project %s has %lld of %lld, and %lld more are "
                "asked for; give something back, or ask the operator for more.",
                name, project_id, (long long)used, (long long)limit, (long long)wanted);
        fault_details(
                why, "{\"resource\": \"%s\", \"limit\": %lld, \"used\": %lld, \"requested\": %lld}",
                name, (long long)limit, (long long)used, (long long)wanted);
        return why->code;
}

/* The project's lock. One that was never locked gets its row now: of two who make it at once, one
 * has to begin again, and finds it. */
static int lock_project(struct turn *t, const char *project_id)
{
        struct project row = { .created_ms = t->now_ms };

        if (view_get(&t->view, T_PROJECT, project_id))
                return 0;
        TEXT_SET(row.id, project_id);
        return view_put(&t->view, T_PROJECT, &row) ? 0 : err_raise(-ENOMEM);
}

int quota_take(struct turn *t, const char *project_id, const struct quota_limits *more,
               struct fault *why)
{
        struct quota_limits wanted = *more, limits;
        struct project_use *use;
        int r;

        if (!map_get(&t->plan.payers.known, project_id)) /* an operator adds to another's */
                return idset_add(&t->plan.payers, project_id) < 0 ? -ENOMEM : -EAGAIN;
        if (!limits_of(t, project_id, &limits))
                return 0;
        use = project_use_of(t, project_id);
        if (!use)
                return err_raise(-ENOMEM);
        for (size_t i = 0; i < N_KINDS; i++) {
                int64_t limit = *limit_of(&limits, i), adds = *limit_of(&wanted, i);

                if (limit >= 0 && adds > 0 && *use_of(use, i) + adds > limit)
                        return refuse(why, project_id, kinds[i].name, limit, *use_of(use, i), adds);
        }
        r = lock_project(t, project_id);
        for (size_t i = 0; i < N_KINDS && r == 0; i++)
                *use_of(use, i) += *limit_of(&wanted, i);
        return r;
}
