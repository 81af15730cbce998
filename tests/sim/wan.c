/* SPDX-License-Identifier: Apache-2.0 */
/* The WAN and the driver hosts of the conductors: a host takes a command, holds the circuit's lock for as long as the call
 * takes, and says what came of it. It may die before the call and after it. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "conductor/wan_call.h"
#include "messages/envelope.h"
#include "sim/sim.h"

static bool is_fault(struct sim *s, int percent)
{
        return random_chance(&s->random, s->fault_percent) && random_chance(&s->random, percent);
}

void sim_wan_init(struct sim *s)
{
        uint32_t can = WAN_CAN_LIMIT | (s->seed % 3 ? WAN_CAN_CHANGE : 0u);

        s->wan = (struct wan_domain){ .name = SIM_DOMAIN, .can = can, .deadline_ms = 20000 };
        sim_must(s, fake_wan_new(can, &s->nms), "fake_wan_new");
}

static bool is_locked(const struct sim *s, const char *link_id)
{
        for (int i = 0; i < CONDUCTORS; i++)
                for (size_t j = 0; j < s->conductors[i].n_calls; j++)
                        if (text_equal(s->conductors[i].calls[j].want.link_id, link_id))
                                return true;
        return false;
}

/* The lock is taken before the database is asked; where another holds it, he will say what came of it. */
static void begin(struct sim *s, struct sim_conductor *c, const struct message *m, const char *link_id)
{
        struct sim_wan_call call = { .message = *m };
        char request_id[REQUEST_ID_SIZE];
        int r = is_locked(s, link_id) ? WAN_LOOK_NOTHING : wan_look(c->store, link_id, &call.want, request_id);

        if (r < 0)
                sim_broken(s, "wan_look: %d", r);
        if (r == WAN_LOOK_AWAY) {
                sim_requeue(s, m);
                return;
        }
        sim_trace(s, "host %lld: #%lld %.8s %s", (long long)c->core.number, (long long)m->number, link_id,
                  r == WAN_LOOK_NOTHING ? "nothing to do" : call.want.present ? "ensure" : "absent");
        if (r == WAN_LOOK_NOTHING) {
                free(m->bytes);
                return;
        }
        call.ready_ms = s->now_ms + (int64_t)random_below(&s->random, is_fault(s, 30) ? 30000 : 1000);
        c->calls[c->n_calls++] = call;
}

static bool take(struct sim *s, struct sim_conductor *c)
{
        OWN(request_free) struct request *req = NULL;
        struct message m;
        size_t at;

        if (c->n_calls == WAN_CALLS || !sim_pick(s, QUEUE_WAN, 0, &at))
                return false;
        m = sim_take(s, at);
        if (m.expires_ms <= s->now_ms) {
                sim_trace(s, "bus: #%lld %s expired", (long long)m.number, m.method);
                free(m.bytes);
        } else if (request_decode(m.bytes, m.n, &req, NULL)) {
                sim_broken(s, "request_decode of a command");
        } else {
                begin(s, c, &m, json_string_value(json_object_get(req->args, "link_id")));
        }
        return true;
}

static void end(struct sim *s, struct sim_conductor *c, size_t i)
{
        struct sim_wan_call call = c->calls[i];
        struct fault why = { 0 };
        json_auto_t *answer = NULL;
        bool dies_after = is_fault(s, 15), changed = false;
        int r;

        if (is_fault(s, 15)) {
                sim_conductor_die(s, c);
                return;
        }
        r = wan_apply(&wan_fake, s->nms, &call.want, s->now_ms, &changed, &why);
        sim_trace(s, "host %lld: #%lld %s%s", (long long)c->core.number, (long long)call.message.number,
                  r ? why.type : "done", dies_after ? ", and dies" : "");
        if (r < 0)
                sim_broken(s, "wan_apply: %d", r);
        if (dies_after) {
                sim_conductor_die(s, c);
                return;
        }
        answer = wan_answer(&call.want, changed, &why);
        sim_send(s, QUEUE_CIRCUITS, 0, "circuit_set", answer, NULL, 0, -1);
        free(call.message.bytes);
        c->calls[i] = c->calls[--c->n_calls];
}

bool sim_wan_step(struct sim *s, struct sim_conductor *c)
{
        for (size_t i = 0; i < c->n_calls; i++)
                if (c->calls[i].ready_ms <= s->now_ms) {
                        end(s, c, i);
                        return true;
                }
        return take(s, c);
}

/* What it had begun goes on elsewhere: the broker gives its commands to others. */
void sim_wan_die(struct sim *s, struct sim_conductor *c)
{
        for (size_t i = 0; i < c->n_calls; i++)
                sim_requeue(s, &c->calls[i].message);
        c->n_calls = 0;
}

int64_t sim_wan_next_ms(const struct sim_conductor *c)
{
        int64_t next = INT64_MAX;

        for (size_t i = 0; i < c->n_calls; i++)
                if (c->calls[i].ready_ms < next)
                        next = c->calls[i].ready_ms;
        return next;
}

static void lose(struct sim *s)
{
        char link_id[ID_SIZE];

        TEXT_SET(link_id, fake_wan_next(s->nms, NULL));
        sim_trace(s, "the WAN loses the circuit of %s", link_id);
        fake_wan_lose(s->nms, link_id);
}

void sim_wan_fault(struct sim *s)
{
        struct injection *i = fake_wan_injection(s->nms);
        static const char *const names[] = { "is unreachable", "hangs", "does half", "refuses all", "refuses one", "lies" };
        size_t what = random_below(&s->random, 7), n = s->db.tables[T_VLINK].n;

        if (what == 6) {
                if (fake_wan_count(s->nms))
                        lose(s);
                return;
        }

        *i = (struct injection){
                .unreachable = what == 0, .hang = what == 1, .half = what == 2, .lie = what == 5,
        };
        if (what == 3)
                TEXT_SET(i->refuse, "There is no path.");
        if (what == 4 && n) {
                TEXT_SET(i->refuse_ids[0],
                         store_rows_at(&s->db.tables[T_VLINK], &store_tables[T_VLINK], random_below(&s->random, n)));
                i->n_refuse_ids = 1;
        }
        s->nms_calm_ms = s->now_ms + (int64_t)random_below(&s->random, s->lasting ? 150000 : 10000);
        sim_trace(s, "the WAN %s", names[what]);
}

void sim_wan_calm(struct sim *s)
{
        *fake_wan_injection(s->nms) = (struct injection){ 0 };
        s->nms_calm_ms = 0;
        sim_trace(s, "the WAN works again");
}
