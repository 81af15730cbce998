/* SPDX-License-Identifier: Apache-2.0 */
/* Conductors: take what is there and what is due, run the core, send what it says. They may be paused with messages
 * in hand, and die before COMMIT, after it, or between two conductors' turns. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sim/sim.h"

static enum sim_store_fate fate(void *user, enum sim_store_point at)
{
        struct sim_conductor *c = user;
        struct sim *s = c->sim;

        if (at == SIM_COMMIT && c->commit_fate != SIM_FINE) {
                enum sim_store_fate told = c->commit_fate;

                c->commit_fate = SIM_FINE;
                return told;
        }
        if (!random_chance(&s->random, s->fault_percent) || !random_chance(&s->random, 15))
                return SIM_FINE;
        switch (random_below(&s->random, at == SIM_COMMIT ? 4 : 2)) {
        case 0:
                return SIM_LOST;
        case 1:
                return at == SIM_BEGIN ? SIM_LOST : SIM_RETRY;
        case 2:
                return SIM_UNKNOWN_NO;
        default:
                return SIM_UNKNOWN_YES;
        }
}

/* Before the first lock of a transaction another conductor may run whole ones. */
static void between(void *user)
{
        struct sim_conductor *c = user;
        struct sim *s = c->sim;

        if (s->nested || !random_chance(&s->random, 40))
                return;
        s->nested = true;
        for (int i = 0; i < CONDUCTORS; i++)
                if (!s->conductors[i].busy && !s->conductors[i].n_held)
                        sim_conductor_step(s, &s->conductors[i]);
        s->nested = false;
}

bool sim_is_frozen(const struct sim *s)
{
        const struct control *c = sim_db_find(&s->db, T_CONTROL, "name", CONTROL_FREEZE);

        return c && c->is_on;
}

static struct sim *the_sim; /* conductor.new_id has no argument of its own */

static void new_id(char ret[ID_SIZE])
{
        sim_new_id(the_sim, ret);
}

static void core_init(struct sim *s, struct sim_conductor *c)
{
        conductor_init(&c->core, c->store, ++s->last_number);
        c->core.new_id = new_id;
        if (s->braked)
                c->core.timing.brake_least = 1;
        c->core.wans = &s->wan;
        c->core.n_wans = s->via_wan;
}

void sim_conductor_init(struct sim *s, struct sim_conductor *c)
{
        the_sim = s;
        *c = (struct sim_conductor){ .sim = s, .hooks = { .fate = fate, .between = between, .user = c } };
        if (!sim_must(s, sim_store_new(&s->db, &c->hooks, &c->store), "sim_store_new"))
                return;
        core_init(s, c);
}

/* Its life sign is gone: the others find the timers of what it sent, and what it had in hand comes again. */
void sim_conductor_die(struct sim *s, struct sim_conductor *c)
{
        const struct timer *t;
        size_t at = 0;

        sim_trace(s, "conductor %lld dies", (long long)c->core.number);
        while ((t = sim_db_next(&s->db, T_TIMER, &at)))
                if (t->owner == c->core.number)
                        sim_lose(s, t);
        for (size_t i = 0; i < c->n_held; i++)
                sim_requeue(s, &c->held[i]);
        c->n_held = 0;
        sim_wan_die(s, c);
        conductor_done(&c->core);
        core_init(s, c);
        c->commit_fate = SIM_FINE;
        c->outs_lost = false;
}

/* ---- one batch ---- */

struct batch {
        struct sim *s;
        struct sim_conductor *c;
        struct message messages[BATCH_MAX];
        size_t n_messages;
        struct request *requests[BATCH_MAX];
        struct input inputs[2 * BATCH_MAX];
        const struct input *pointers[2 * BATCH_MAX];
        size_t n;
};

static void sent(void *user, struct outs *outs, const struct input *const *inputs, size_t n)
{
        struct batch *b = user;

        (void)inputs;
        (void)n;
        if (b->c->outs_lost)
                return;
        for (size_t i = 0; i < outs->n; i++) {
                struct out *o = &outs->outs[i];
                const struct message *m = o->input ? o->input->user : NULL;

                if (o->kind == OUT_CAST && b->c->frozen && sim_is_frozen(b->s) && strcmp(o->method, "discover") != 0)
                        sim_broken(b->s, "%s was sent while all is frozen", o->method);
                if (o->kind == OUT_CAST)
                        sim_cast(b->s, o);
                else if (m && m->call >= 0)
                        sim_answered(b->s, m->call, o);
                else
                        sim_broken(b->s, "an answer that nobody asked for");
        }
}

static void bad(void *user, const struct input *input, const char *reason)
{
        struct batch *b = user;

        sim_broken(b->s, "bad input %s: %s", input->request ? input->request->method : "timer", reason);
}

static int64_t now_ms(void *user)
{
        return ((struct batch *)user)->s->now_ms;
}

static void add_input(struct batch *b, struct input in)
{
        b->inputs[b->n] = in;
        b->pointers[b->n] = &b->inputs[b->n];
        b->n++;
}

static void add_message(struct batch *b, const struct message *m)
{
        struct input in = { .kind = m->queue == QUEUE_REQUESTS   ? INPUT_REQUEST :
                                    m->queue == QUEUE_CIRCUITS ? INPUT_CIRCUIT :
                                                                 INPUT_EVENT };
        struct fault why = { 0 };
        size_t i = b->n_messages;

        b->messages[i] = *m;
        if (request_decode(m->bytes, m->n, &b->requests[i], &why)) {
                sim_broken(b->s, "request_decode: %s", why.message);
                return;
        }
        b->n_messages++;
        in.request = b->requests[i];
        in.user = &b->messages[i];
        if (m->queue != QUEUE_REQUESTS)
                TEXT_SET(in.site, b->s->sites[m->site].name);
        if (m->queue == QUEUE_HEARTBEATS)
                sim_trace_beat(b->s, "conductor", m->method);
        else
                sim_trace(b->s, "conductor %lld: #%lld %s", (long long)b->c->core.number, (long long)m->number, m->method);
        add_input(b, in);
}

static void take_messages(struct batch *b)
{
        static const enum queue queues[] = { QUEUE_REQUESTS, QUEUE_EVENTS, QUEUE_HEARTBEATS, QUEUE_CIRCUITS };
        const size_t n_queues = b->s->via_wan ? 4 : 3;
        size_t n = 1 + random_below(&b->s->random, BATCH_MAX), at;

        while (b->n_messages < n) {
                enum queue q = queues[random_below(&b->s->random, n_queues)];
                bool any = sim_pick(b->s, q, 0, &at);

                for (size_t i = 0; i < n_queues && !any; i++)
                        any = sim_pick(b->s, queues[i], 0, &at);
                if (!any)
                        return;
                struct message m = sim_take(b->s, at);

                add_message(b, &m);
        }
}

/* Due timers, as the service asks for them; and commands that were reported lost. */
static bool take_timers(struct batch *b)
{
        OWN(store_rows_done) struct store_rows rows = { 0 };
        struct store *store = b->c->store;
        int r = store_begin(store);

        r = r ? r : store_due(store, b->s->now_ms, random_below(&b->s->random, BATCH_MAX), &rows);
        r = r ? r : store_flush(store);
        store_rollback(store);
        for (size_t i = 0; r == 0 && i < rows.n; i++) {
                struct input in = { .kind = INPUT_TIMER, .timer = ((struct timer *)rows.rows)[i] };

                sim_trace(b->s, "conductor %lld: timer %lld of %.8s", (long long)b->c->core.number,
                          (long long)in.timer.kind, in.timer.ref_id);
                add_input(b, in);
        }
        if (b->s->n_lost && b->n < BATCH_MAX) {
                struct input in = { .kind = INPUT_LOST, .timer = b->s->lost[--b->s->n_lost] };

                sim_trace(b->s, "conductor %lld: lost %lld of %.8s", (long long)b->c->core.number,
                          (long long)in.timer.kind, in.timer.ref_id);
                add_input(b, in);
        }
        return r == 0;
}

static void batch_done(struct batch *b, size_t n_done)
{
        for (size_t i = 0; i < b->n; i++) {
                const struct input *in = &b->inputs[i];

                if (i < n_done)
                        continue;
                if (in->kind == INPUT_LOST)
                        sim_lose(b->s, &in->timer);
                else if (in->user)
                        sim_requeue(b->s, in->user);
        }
        for (size_t i = 0; i < b->n; i++)
                if (i < n_done && b->inputs[i].user)
                        free(((struct message *)b->inputs[i].user)->bytes);
        for (size_t i = 0; i < b->n_messages; i++)
                request_free(b->requests[i]);
}

static void run(struct sim *s, struct sim_conductor *c, struct batch *b)
{
        const struct conductor_sink sink = { .sent = sent, .bad = bad, .now_ms = now_ms, .user = b };
        bool deadly = random_chance(&s->random, s->fault_percent) && random_chance(&s->random, 20);
        bool committed = deadly && random_chance(&s->random, 50);
        unsigned long n_commits = s->db.n_commits;
        size_t n_done = 0;
        int r;

        c->busy = true;
        c->frozen = sim_is_frozen(s);
        c->commit_fate = deadly && !committed ? SIM_LOST : SIM_FINE;
        c->outs_lost = deadly && committed;
        r = conductor_work(&c->core, b->pointers, b->n, &sink, &n_done);
        c->busy = false;
        if (r < 0)
                sim_broken(s, "conductor_work: %d", r);
        if (s->db.n_commits != n_commits)
                sim_check_step(s);
        if (deadly)
                sim_trace(s, "conductor %lld: dies %s COMMIT", (long long)c->core.number, committed ? "after" : "before");
        /* After COMMIT and before the acknowledgement all comes again. */
        batch_done(b, deadly ? 0 : n_done);
        if (deadly)
                sim_conductor_die(s, c);
        c->outs_lost = false;
        c->commit_fate = SIM_FINE;
}

/* Paused: it holds its messages while the broker, after a while, gives them to others too. */
static void hold(struct sim *s, struct sim_conductor *c, struct batch *b)
{
        bool cut = random_chance(&s->random, 50);

        c->resume_ms = s->now_ms + (int64_t)random_below(&s->random, 20000);
        sim_trace(s, "conductor %lld pauses with %zu messages%s", (long long)c->core.number, b->n_messages,
                  cut ? ", which others get too" : "");
        for (size_t i = 0; i < b->n_messages; i++) {
                struct message twin = b->messages[i];

                request_free(b->requests[i]);
                c->held[c->n_held++] = b->messages[i];
                if (!cut)
                        continue;
                twin.bytes = malloc(twin.n + 1);
                if (!twin.bytes)
                        abort();
                memcpy(twin.bytes, b->messages[i].bytes, twin.n + 1);
                sim_requeue(s, &twin);
        }
}

bool sim_conductor_step(struct sim *s, struct sim_conductor *c)
{
        struct batch b = { .s = s, .c = c };

        if (s->via_wan && !s->nested && sim_wan_step(s, c))
                return true;
        if (c->n_held && s->now_ms < c->resume_ms)
                return false;
        if (c->n_held) {
                sim_trace(s, "conductor %lld resumes", (long long)c->core.number);
                for (size_t i = 0; i < c->n_held; i++)
                        add_message(&b, &c->held[i]);
                c->n_held = 0;
                run(s, c, &b);
                return true;
        }
        if (!take_timers(&b))
                return true; /* the store is away for the moment */
        take_messages(&b);
        if (!b.n)
                return false;
        if (b.n == b.n_messages && random_chance(&s->random, s->fault_percent) && random_chance(&s->random, 15))
                hold(s, c, &b);
        else
                run(s, c, &b);
        return true;
}

int64_t sim_conductor_next_ms(const struct sim *s, const struct sim_conductor *c)
{
        int64_t call_ms = sim_wan_next_ms(c);

        (void)s;
        return c->n_held && c->resume_ms < call_ms ? c->resume_ms : call_ms;
}
