/* SPDX-License-Identifier: Apache-2.0 */
/* A schedule: what happens next, by chance; then calm, until nothing moves; then everything is deleted. */
#include "sim/sim.h"

enum { CALM_MS = 2 * BEAT_MS + 2000 };

/* When something can happen that cannot now. */
static int64_t next_ms(const struct sim *s)
{
        int64_t next = s->now_ms + 1000;
        const struct timer *t;
        size_t at = 0;

        for (size_t i = 0; i < s->n_queue; i++)
                if (s->queue[i].at_ms > s->now_ms && s->queue[i].at_ms < next)
                        next = s->queue[i].at_ms;
        while ((t = sim_db_next(&s->db, T_TIMER, &at)))
                if (t->due_ms > s->now_ms && t->due_ms < next)
                        next = t->due_ms;
        for (int i = 0; i < AGENTS; i++) {
                int64_t ms = sim_agent_next_ms(s, &s->agents[i]);

                if (ms > s->now_ms && ms < next)
                        next = ms;
        }
        for (int i = 0; i < CONDUCTORS; i++) {
                int64_t ms = sim_conductor_next_ms(s, &s->conductors[i]);

                if (ms > s->now_ms && ms < next)
                        next = ms;
        }
        return next;
}

/* One thing that somebody does; where nobody can do anything, time passes. */
static void advance(struct sim *s)
{
        size_t first = random_below(&s->random, CONDUCTORS + AGENTS);

        sim_faults_expire(s);
        for (size_t i = 0; i < CONDUCTORS + AGENTS; i++) {
                size_t who = (first + i) % (CONDUCTORS + AGENTS);
                bool acted = who < CONDUCTORS ? sim_conductor_step(s, &s->conductors[who]) :
                                                sim_agent_step(s, &s->agents[who - CONDUCTORS]);

                if (acted)
                        return;
        }
        s->now_ms = next_ms(s);
}

/* Goes on until nothing has moved for 'calm_ms'. */
static void settle(struct sim *s, const char *what, int64_t calm_ms)
{
        int64_t end_ms = s->now_ms + SETTLE_MS, calm_since_ms = s->now_ms, release_ms = s->now_ms;

        while (!s->broken[0] && (s->now_ms - calm_since_ms < calm_ms || !sim_is_quiet(s))) {
                advance(s);
                if (s->now_ms >= release_ms) {
                        sim_operator_release(s);
                        release_ms = s->now_ms + 20000;
                }
                if (!sim_is_quiet(s))
                        calm_since_ms = s->now_ms;
                if (s->now_ms > end_ms) {
                        sim_say_restless(s);
                        sim_broken(s, "%s: not quiet after %d s", what, SETTLE_MS / 1000);
                }
        }
}

/* Until the gateways are known and the first VPNs have their sites. */
static void set_up(struct sim *s)
{
        int bad = s->fault_percent;
        int64_t end_ms = s->now_ms + SETTLE_MS;

        s->fault_percent = 0;
        while (!s->broken[0] && s->db.tables[T_GATEWAY].n < GATEWAYS && s->now_ms < end_ms)
                advance(s);
        sim_tenant_setup(s);
        settle(s, "setting up", 0);
        sim_tenant_join(s);
        settle(s, "adding sites", 0);
        s->fault_percent = bad;
}

void sim_run_schedule(struct sim *s, int steps)
{
        set_up(s);
        for (int i = 0; i < steps && !s->broken[0]; i++) {
                size_t n = random_below(&s->random, 30);
                /* Now and then so much time passes that deadlines do. */
                int64_t until_ms = random_chance(&s->random, s->lasting ? 16 : 6) ? s->now_ms + (int64_t)random_below(&s->random, 50000) : 0;

                sim_restore_step(s);
                if (random_chance(&s->random, 80))
                        sim_tenant_step(s);
                if (s->fault_percent && random_chance(&s->random, s->fault_percent))
                        sim_fault_step(s);
                for (size_t j = 0; (j < n || s->now_ms < until_ms) && !s->broken[0]; j++)
                        advance(s);
        }
        if (s->broken[0])
                return;
        sim_trace(s, "---- faults end");
        sim_faults_end(s);
        settle(s, "after the faults", CALM_MS);
        if (!s->broken[0])
                sim_check_quiet(s);
        if (s->broken[0])
                return;
        sim_trace(s, "---- all is deleted");
        sim_tenant_delete_links(s);
        settle(s, "after deleting the links", CALM_MS);
        sim_tenant_delete_vpns(s);
        settle(s, "after deleting the VPNs", 0);
        if (!s->broken[0])
                sim_check_quiet(s);
        if (!s->broken[0])
                sim_check_empty(s);
}
