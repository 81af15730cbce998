/* SPDX-License-Identifier: Apache-2.0 */
/* Agents: take commands of their site's queue, do them in order per gateway and per attachment, cast what came of it; tell of
 * their gateways every five seconds. They may die before a command and after it. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "messages/envelope.h"
#include "sim/sim.h"

enum { WORK_MAX_MS = 1500 };

static bool is_fault(struct sim *s, int percent)
{
        return random_chance(&s->random, s->fault_percent) && random_chance(&s->random, percent);
}

/* ---- what it tells by itself ---- */

static void tell(struct sim *s, struct sim_agent *a, bool heartbeat)
{
        json_auto_t *args = json_pack("{ss s[]}", "host", a->host, "gateways");
        json_t *list = json_object_get(args, "gateways");

        for (int i = 0; i < GATEWAYS; i++) {
                if (s->gateways[i].site != a->site)
                        continue;
                gateway_unit_look(&a->units[i], s->now_ms + 1000);
                json_array_append_new(list, heartbeat ? gateway_seen_to_heartbeat(&a->units[i].seen) :
                                                        gateway_seen_to_report(&a->units[i].seen));
        }
        sim_trace_beat(s, a->host, heartbeat ? "heartbeat" : "discovered");
        sim_send(s, heartbeat ? QUEUE_HEARTBEATS : QUEUE_EVENTS, a->site, heartbeat ? "heartbeat" : "discovered", args,
                 NULL, 0, -1);
}

static void beat(struct sim *s, struct sim_agent *a)
{
        a->beat_ms += BEAT_MS;
        if (s->now_ms < s->sites[a->site].silent_until_ms)
                return;
        tell(s, a, a->introduced);
        a->introduced = true;
}

/* ---- commands ---- */

static void agent_die(struct sim *s, struct sim_agent *a)
{
        sim_trace(s, "%s dies with %zu commands", a->host, a->n_hand);
        for (size_t i = 0; i < a->n_hand; i++)
                sim_requeue(s, &a->hand[i].message);
        a->n_hand = 0;
        a->introduced = false;
        for (int i = 0; i < GATEWAYS; i++) {
                a->units[i].seen.described = false;
                a->units[i].n_unanswered = 0;
        }
}

static bool take(struct sim *s, struct sim_agent *a)
{
        struct message m;
        size_t at;

        if (a->n_hand == HAND_MAX || !sim_pick(s, QUEUE_SITE, a->site, &at))
                return false;
        m = sim_take(s, at);
        if (m.expires_ms && m.expires_ms <= s->now_ms) {
                sim_trace(s, "bus: #%lld %s expired", (long long)m.number, m.method);
                free(m.bytes);
                return true;
        }
        a->hand[a->n_hand++] = (struct sim_command){
                .message = m,
                .received_ms = s->now_ms,
                .ready_ms = s->now_ms + (int64_t)random_below(&s->random, is_fault(s, 30) ? WORK_MAX_MS : 30),
        };
        return true;
}

/* True when 'i' is the first of its lane in hand. */
static bool is_first(const struct sim_agent *a, size_t i)
{
        const struct message *m = &a->hand[i].message;

        for (size_t j = 0; j < i; j++) {
                const struct message *before = &a->hand[j].message;

                if (port_work_lane(before->method) == port_work_lane(m->method) &&
                    (before->gateway == m->gateway || strcmp(before->timer.ref_id, m->timer.ref_id) == 0))
                        return false;
        }
        return true;
}

static void answer(struct sim *s, struct sim_agent *a, const struct sim_command *c, const struct request *req)
{
        const struct sim_site *site = &s->sites[a->site];
        const struct port_command command = {
                .method = req->method,
                .args = req->args,
                .request_id = request_context(req, "request_id"),
                .received_mono_ms = c->received_ms,
                .expiration_ms = c->message.expires_ms ? 10000 : 0,
        };
        struct gateway_unit *unit = c->message.gateway < 0 ? NULL : &a->units[c->message.gateway];
        struct port_event event = { 0 };
        struct fault why = { 0 };
        int r = port_work_run(&site->rules, unit, &site->cloud, &command, s->now_ms, &event, &why);

        if (r) {
                sim_broken(s, "port_work_run %s: %d %s", req->method, r, why.message);
                return;
        }
        sim_trace(s, "%s: #%lld %s%s%s", a->host, (long long)c->message.number, event.method, event.expired ? " expired" : "",
                  fault_is_set(&event.fault) ? " FAULT" : "");
        if (s->verbose) {
                char *text = json_dumps(event.args, JSON_COMPACT);

                sim_trace(s, "    %s", text);
                free(text);
        }
        if (is_fault(s, 10))
                sim_trace(s, "%s: the result is lost", a->host);
        else
                sim_send(s, QUEUE_EVENTS, a->site, event.method, event.args, NULL, 0, -1);
        json_decref(event.args);
}

static void work(struct sim *s, struct sim_agent *a, size_t i)
{
        struct sim_command c = a->hand[i];
        OWN(request_free) struct request *req = NULL;
        bool dies_after;

        if (is_fault(s, 10)) {
                agent_die(s, a);
                return;
        }
        /* Plugging has no fence: the same once more after its answer is beyond what is promised. */
        dies_after = is_fault(s, 10) && port_work_lane(c.message.method) != LANE_CLOUD;
        if (request_decode(c.message.bytes, c.message.n, &req, NULL)) {
                sim_broken(s, "request_decode of a command");
                return;
        }
        if (strcmp(req->method, "discover") == 0)
                tell(s, a, false);
        else
                answer(s, a, &c, req);
        if (dies_after) {
                agent_die(s, a);
                return;
        }
        free(c.message.bytes);
        memmove(&a->hand[i], &a->hand[i + 1], (a->n_hand - i - 1) * sizeof c);
        a->n_hand--;
}

bool sim_agent_step(struct sim *s, struct sim_agent *a)
{
        if (a->beat_ms <= s->now_ms) {
                beat(s, a);
                return true;
        }
        if (s->now_ms < s->sites[a->site].silent_until_ms)
                return false;
        for (size_t i = 0; i < a->n_hand; i++)
                if (a->hand[i].ready_ms <= s->now_ms && is_first(a, i)) {
                        work(s, a, i);
                        return true;
                }
        return take(s, a);
}

int64_t sim_agent_next_ms(const struct sim *s, const struct sim_agent *a)
{
        int64_t next = a->beat_ms, silent = s->sites[a->site].silent_until_ms;

        for (size_t i = 0; i < a->n_hand; i++) {
                int64_t ready = a->hand[i].ready_ms > silent ? a->hand[i].ready_ms : silent;

                if (ready < next)
                        next = ready;
        }
        return next;
}
