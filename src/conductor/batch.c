/* SPDX-License-Identifier: Apache-2.0 */
/* One batch: plan, lock, fold every input in order, write once, COMMIT. And around it: again after
 * a lost race, in halves after bad data. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/text.h"
#include "base/uuid.h"
#include "conductor/turn.h"

enum { AGAIN_MAX = 24, RETRY_MAX = 10, UNABLE_MS = 60000 };

void conductor_init(struct conductor *c, struct store *store, int64_t number)
{
        *c = (struct conductor){
                .store = store,
                .number = number,
                .new_id = uuid_new,
                .quota = { QUOTA_NONE, QUOTA_NONE, QUOTA_NONE },
                .timing = {
                        .step_percent = 100,
                        .apply_timeout_ms = 10000,
                        .answer_margin_ms = 2000,
                        .retry_first_ms = 500,
                        .retry_limit_ms = 15000,
                        .audit_ms = 60000,
                        .quarantine_ms = 60000,
                        .brake_percent = 10,
                        .brake_least = 20,
                },
        };
}

void conductor_done(struct conductor *c)
{
        const char *key;
        size_t at = 0;

        while (map_next(&c->gateway_ids, &at, &key))
                mem_free((void *)(uintptr_t)key);
        map_done(&c->gateway_ids);
}

static int audit_due(struct turn *t, const char *gateway_id)
{
        struct gateway *g = NULL;
        int r = lock_gateway(t, gateway_id, &g);

        if (r < 0)
                return r;
        g->audit_wanted = true;
        view_dirty(g);
        r = timer_set(t, TIMER_AUDIT, g->id, t->now_ms + t->c->timing.audit_ms);
        return r ? r : idset_add(&t->pump, g->id);
}

static struct timer *timer_row(struct turn *t, const struct timer *timer)
{
        char key[ID_SIZE + 24];

        snprintf(key, sizeof key, "%s/%lld", timer->ref_id, (long long)timer->kind);
        return view_get(&t->view, T_TIMER, key);
}

/* A timer counts only if its row is still due: somebody may have moved or served it. */
static int handle_timer(struct turn *t, const struct input *in)
{
        const struct timer *timer = &in->timer, *row = timer_row(t, timer);

        if (!row || (in->kind == INPUT_TIMER && row->due_ms > t->now_ms))
                return 0;
        switch ((enum timer_kind)timer->kind) {
        case TIMER_OPERATION:
                return work_timeout(t, timer->ref_id);
        case TIMER_GATE:
                return gate_due(t, timer->ref_id);
        case TIMER_PLUG:
                return in->kind == INPUT_LOST ? plug_lost(t, timer->ref_id)
                                              : plug_due(t, timer->ref_id);
        case TIMER_AUDIT:
                return audit_due(t, timer->ref_id);
        case TIMER_CIRCUIT:
                return circuit_again(t, timer->ref_id);
        }
        return 0;
}

static int handle(struct turn *t, const struct input *in, struct fault *why)
{
        const struct method *m;

        t->input = in;
        if (in->kind == INPUT_TIMER || in->kind == INPUT_LOST)
                return handle_timer(t, in);
        m = method_find(in);
        if (!m)
                return fault_set(why, 400, "bus.no_such_method", "There is no method %.100s.",
                                 in->request->method);
        if (m->needs_sites && freeze_refuse(t, why))
                return why->code;
        return m->handle(t, in, why);
}

/* A request counts once for each key. */
static int handle_once(struct turn *t, const struct input *in, struct fault *why)
{
        size_t n_outs = t->outs->n;
        bool done = false;
        int r = once_replay(t, in, &done, why);

        if (r || done)
                return r;
        r = handle(t, in, why);
        return r ? r : once_remember(t, in, n_outs);
}

static void turn_reset(struct turn *t)
{
        FAILPOINT_UNMARK();
        view_done(&t->view);
        idset_done(&t->pump);
        idset_done(&t->circuits);
        idset_done(&t->unanswered);
        idset_done(&t->loaded);
        store_rows_done(&t->open_work);
        store_rows_done(&t->project_use);
        outs_done(t->outs);
}

/* Refusals that are known from an earlier pass over the same batch: an input that had changed rows
 * before it was refused is left out, so that nothing of it stays. */
struct refusals {
        struct fault *faults;
        size_t n;
};

static bool is_timer(const struct input *in)
{
        return in->kind == INPUT_TIMER || in->kind == INPUT_LOST;
}

/* A timer that we fail at is a refusal too: nobody sends it again, and it would come at every look. */
static int handle_safely(struct turn *t, const struct input *in, struct fault *why)
{
        int r = handle_once(t, in, why);

        if (r >= 0 || r == -EAGAIN || r == -ENOMEM || !is_timer(in))
                return r;
        return fault_set(why, 500, "internal", "%s", err_trace());
}

static int refuse(struct turn *t, const struct input *in, const struct fault *why)
{
        struct timer *timer = is_timer(in) ? timer_row(t, &in->timer) : NULL;

        if (timer) {
                log_error("timer_put_off", "object=%s kind=%lld reason=\"%s\"", timer->ref_id,
                          (long long)timer->kind, why->message);
                timer->due_ms = t->now_ms + UNABLE_MS;
                view_dirty(timer);
        }
        if (is_timer(in))
                return 0;
        if (in->kind == INPUT_REQUEST)
                return out_fault(t, why);
        log_warn("event_refused", "site=%s method=%s reason=\"%s\"", in->site,
                 in->request->method, why->message);
        return 0;
}

static int fold(struct turn *t, const struct input *const *inputs, struct refusals *refused)
{
        int r;

        for (size_t i = 0; i < refused->n; i++) {
                struct fault *why = &refused->faults[i], fresh = { 0 };
                size_t n_changes = t->view.n_changes;

                t->input = inputs[i];
                if (!fault_is_set(why)) {
                        r = handle_safely(t, inputs[i], &fresh);
                        if (r < 0)
                                return r;
                        if (r == 0)
                                continue;
                        *why = fresh;
                        if (t->view.n_changes != n_changes)
                                return -EAGAIN;
                }
                r = refuse(t, inputs[i], why);
                if (r < 0)
                        return r;
        }
        t->input = NULL;
        r = gate_pump(t);
        return r ? r : circuit_pump(t);
}

static int answer_of(int r)
{
        switch (r) {
        case STORE_OK:
                return CONDUCTOR_OK;
        case STORE_RETRY:
                return CONDUCTOR_RETRY;
        case STORE_BAD_DATA:
                return CONDUCTOR_BAD;
        case STORE_UNKNOWN:
                return CONDUCTOR_UNKNOWN;
        case STORE_LOST:
                return CONDUCTOR_LATER;
        default:
                return r;
        }
}

/* What is done here needs no count of its beginnings any more. */
static int forget_again(struct turn *t, const struct input *const *inputs, size_t n)
{
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++) {
                struct redelivered row = { 0 };

                if (!inputs[i]->again[0])
                        continue;
                TEXT_SET(row.message, inputs[i]->again);
                r = view_remove(&t->view, T_REDELIVERED, &row);
        }
        return r;
}

/* One pass. -EAGAIN: rows must be locked that were not; a positive number is the store's answer. */
static int pass(struct turn *t, const struct input *const *inputs, struct refusals *refused)
{
        int r = plan_load(t, inputs, refused->n);

        r = r ? r : fold(t, inputs, refused);
        r = r ? r : forget_again(t, inputs, refused->n);
        r = r ? r : view_write(&t->view, t->c->store);
        if (r == 0 && FAILPOINT("conductor.before_commit"))
                r = STORE_RETRY;
        return r ? r : store_commit(t->c->store);
}

/* What was committed, under the request ids that asked for it. */
static void log_all(const struct view *v)
{
        const struct event *e;
        size_t at = 0;

        while ((e = view_next(v, T_EVENT, &at))) {
                size_t n = strlen(e->type);
                bool step = n > 5 && !strcmp(e->type + n - 5, ".step");

                log_event(
                        step ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, e->type,
                        "request=%s object=%s operation=%s row=%lld state=%s site=%s reason=\"%s\"",
                        e->request_id, e->object_id, e->operation_id, (long long)e->row, e->to,
                        e->site, e->reason);
        }
}

/* It is committed, whatever becomes of this. */
static void told(struct turn *t)
{
        log_all(&t->view);
        if (t->c->notifies && notify_all(t) < 0)
                log_error("notices_lost", "trace=\"%s\"", err_trace());
}

int conductor_batch(struct conductor *c, const struct input *const *inputs, size_t n,
                    int64_t now_ms, struct outs *ret)
{
        struct turn t = { .c = c, .now_ms = now_ms, .outs = ret };
        struct refusals refused = { .faults = calloc(n + 1, sizeof *refused.faults), .n = n };
        int r = refused.faults ? -EAGAIN : -ENOMEM;

        for (int i = 0; i < AGAIN_MAX && r == -EAGAIN; i++) {
                turn_reset(&t);
                r = pass(&t, inputs, &refused);
                if (r)
                        store_rollback(c->store);
        }
        if (r)
                outs_done(ret);
        else
                told(&t);
        view_done(&t.view);
        idset_done(&t.pump);
        idset_done(&t.circuits);
        idset_done(&t.unanswered);
        idset_done(&t.loaded);
        store_rows_done(&t.open_work);
        store_rows_done(&t.project_use);
        plan_done(&t.plan);
        free(refused.faults);
        return r < 0 ? r : answer_of(r);
}

/* ---- retries and halving ---- */

static int work(struct conductor *c, const struct input *const *inputs, size_t n,
                const struct conductor_sink *sink, size_t *done)
{
        OWN(outs_done) struct outs outs = { 0 };
        int r = CONDUCTOR_RETRY;

        for (int i = 0; i < RETRY_MAX && (r == CONDUCTOR_RETRY || r == CONDUCTOR_UNKNOWN); i++)
                if ((r = conductor_batch(c, inputs, n, sink->now_ms(sink->user), &outs)) == CONDUCTOR_UNKNOWN)
                        c->unsure = true;
        if (r == CONDUCTOR_LATER)
                return r;
        c->unsure = false;
        if (r == CONDUCTOR_OK) {
                *done += n;
                sink->sent(sink->user, &outs, inputs, n);
                return CONDUCTOR_OK;
        }
        if (n > 1) {
                r = work(c, inputs, n / 2, sink, done);
                return r ? r : work(c, inputs + n / 2, n - n / 2, sink, done);
        }
        *done += 1;
        sink->bad(sink->user, inputs[0],
                  r < 0                ? err_trace()
                  : r == CONDUCTOR_BAD ? "the database refuses its data"
                                       : "it lost every race");
        return CONDUCTOR_OK;
}

int conductor_work(struct conductor *c, const struct input *const *inputs, size_t n,
                   const struct conductor_sink *sink, size_t *ret_done)
{
        *ret_done = 0;
        return n ? work(c, inputs, n, sink, ret_done) : CONDUCTOR_OK;
}
