/* SPDX-License-Identifier: Apache-2.0 */
/* How much a project may have. Who adds to one that has a limit locks its row first and counts
 * then, so that no two add at once; who takes away needs no lock. Projects without a limit cost one
 * read. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "conductor/request.h"
#include "model/json.h"
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
        const struct idset *of = &t->plan.counted;
        int r = 0;

        for (size_t i = 0; i < t->plan.limited.n && r == 0; i++)
                r = idset_add(&t->plan.counted, t->plan.limited.texts[i]);
        if (r)
                return r;

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

/* ---- operators set them, projects see theirs ---- */

static const char *project_asked_for(const struct input *in)
{
        return input_text(in, "project_id");
}

int quota_show_plan(struct turn *t, const struct input *in)
{
        int r = idset_add(&t->plan.payers, project_asked_for(in));

        return r ? r : idset_add(&t->plan.counted, project_asked_for(in));
}

/* As Neutron shows it: limits, or each with what is used. */
static int reply_quota(struct turn *t, const char *project_id, bool details)
{
        struct project_use *use = project_use_of(t, project_id);
        struct quota_limits limits;
        json_t *quota = details ? json_object()
                                : json_pack("{ss ss}", "project_id", project_id, "tenant_id",
                                            project_id);

        if (!use || !quota) {
                json_decref(quota);
                return err_raise(-ENOMEM);
        }
        limits_of(t, project_id, &limits);
        for (size_t i = 0; i < N_KINDS; i++) {
                json_int_t limit = *limit_of(&limits, i) < 0 ? QUOTA_NONE : *limit_of(&limits, i);

                json_object_set_new(quota, kinds[i].name,
                                    details ? json_pack("{sI sI si}", "limit", limit, "used",
                                                        (json_int_t)*use_of(use, i), "reserved", 0)
                                            : json_integer(limit));
        }
        return out_reply(t, "quota", quota);
}

int quota_show(struct turn *t, const struct input *in, struct fault *why)
{
        const char *project_id = project_asked_for(in);
        struct caller who;

        if (!caller_of(in, &who, why))
                return why->code;
        if (!who.is_admin && !text_equal(project_id, who.project_id))
                return refuse_unknown(why, "Quota", project_id);
        return reply_quota(t, project_id,
                           json_is_true(json_object_get(in->request->args, "details")));
}

static int quota_event(struct turn *t, const struct caller *who, const struct quota *q,
                       const char *type)
{
        struct event e = { 0 };

        TEXT_SET(e.project_id, q->project_id);
        snprintf(e.reason, sizeof e.reason,
                 "vpns %lld, links %lld, kbps %lld (-1: none, -2: default)",
                 (long long)q->limits.vpns, (long long)q->limits.links, (long long)q->limits.kbps);
        TEXT_SET(e.object_type, "project");
        TEXT_SET(e.request_id, who->request_id);
        TEXT_SET(e.type, type);
        return event_put(t, &e);
}

int quota_update(struct turn *t, const struct input *in, struct fault *why)
{
        const json_t *asked = json_object_get(in->request->args, "quota");
        const char *project_id = project_asked_for(in);
        const struct quota *own = view_get(&t->view, T_QUOTA, project_id);
        struct quota row = { .limits = { QUOTA_DEFAULT, QUOTA_DEFAULT, QUOTA_DEFAULT } };
        struct caller who;
        int r;

        if (!operator_of(in, &who, why))
                return why->code;
        if (!*project_id || !json_is_object(asked))
                return fault_set(why, 400, "request.invalid", "project_id and quota are needed.");
        if (own)
                row = *own;
        TEXT_SET(row.project_id, project_id);
        for (size_t i = 0; i < N_KINDS; i++)
                if (!json_read_int(asked, kinds[i].name, JSON_OPTIONAL, QUOTA_NONE, INT64_MAX,
                                   limit_of(&row.limits, i), why))
                        return why->code;
        if (!view_put(&t->view, T_QUOTA, &row))
                return err_raise(-ENOMEM);
        r = quota_event(t, &who, &row, "quota.set");
        return r ? r : reply_quota(t, project_id, false);
}

int quota_delete(struct turn *t, const struct input *in, struct fault *why)
{
        const char *project_id = project_asked_for(in);
        const struct quota *own = view_get(&t->view, T_QUOTA, project_id);
        struct caller who;
        int r = 0;

        if (!operator_of(in, &who, why))
                return why->code;
        if (own) {
                r = quota_event(t, &who, own, "quota.reset");
                r = r ? r : view_remove(&t->view, T_QUOTA, own);
        }
        return r ? r : reply_quota(t, project_id, false);
}
