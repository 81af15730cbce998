/* SPDX-License-Identifier: Apache-2.0 */
/* The unit of sending is the gateway: at most one command is outstanding at each, further desires
 * wait as rows and leave together. A gate is closed while inflight_seq is set; its timer opens it
 * when no answer comes, or after the pause that a failing gateway is given. A single object that is
 * given a pause holds up nobody: the gate stays open, and its timer says when to look again. */
#include "conductor/turn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/text.h"
#include "model/want.h"

enum { DESCRIBE_MAX = 128 /* objects asked for with one audit */ };

static int64_t min64(int64_t a, int64_t b)
{
        return a < b ? a : b;
}

static int enqueue(struct turn *t, struct gateway *g, struct work *w, json_t *take_want)
{
        char *text = take_want ? json_dumps(take_want, JSON_COMPACT) : NULL;
        bool fits = text && TEXT_SET(w->want, text);

        mem_free(text);
        json_decref(take_want);
        if (!fits)
                return err_raise(text ? -EMSGSIZE : -ENOMEM);
        TEXT_SET(w->gateway_id, g->id);
        w->created_ms = t->now_ms;
        if (!view_put(&t->view, T_WORK, w))
                return err_raise(-ENOMEM);
        return idset_add(&t->pump, g->id);
}

int gate_enqueue_port(struct turn *t, struct vlink *l, struct vport *p, const char *request_id)
{
        const struct vport *peer = view_ports(&t->view, l->id)[p->side == SIDE_A];
        const struct gateway *peer_gateway =
                peer ? view_get(&t->view, T_GATEWAY, peer->gateway_id) : NULL;
        struct port_want want = {
                .generation = p->generation,
                .present = p->wanted,
                .local_label = p->label,
                .tx_kbps = p->tx_kbps,
                .rx_kbps = p->rx_kbps,
                .mtu = l->mtu,
        };
        struct work w = { .kind = WORK_PORT, .generation = p->generation };
        struct gateway *g = NULL;
        int r;

        if (l->wan_domain[0])
                return circuit_enqueue(t, l, request_id);
        r = lock_gateway(t, p->gateway_id, &g);
        if (r < 0)
                return r;
        if (!peer || !peer_gateway)
                return err_raise(-ENOENT);
        TEXT_SET(want.id, p->id);
        TEXT_SET(want.link_id, l->id);
        TEXT_SET(want.vpn_id, l->vpn_id);
        TEXT_SET(want.attachment_id, p->attachment_id);
        TEXT_SET(want.project_id, l->project_id);
        TEXT_SET(want.site, p->site_name);
        TEXT_SET(want.peer_site, peer->site_name);
        TEXT_SET(want.peer_address, peer_gateway->address);
        want.peer_label = peer->label;
        if (l->exchange && p->wanted)
                r = exchange_give(t, p, peer, want.peer_object);
        if (r < 0)
                return r;
        TEXT_SET(w.object_id, p->id);
        TEXT_SET(w.link_id, l->id);
        TEXT_SET(w.project_id, l->project_id);
        TEXT_SET(w.request_id, request_id);
        TEXT_SET(w.peer_id, peer->gateway_id);
        return enqueue(t, g, &w, port_want_to_json(&want));
}

int gate_enqueue_attachment(struct turn *t, struct attachment *a, const char *request_id)
{
        struct attachment_want want = {
                .generation = a->generation,
                .present = a->wanted,
                .tag = a->tag,
        };
        struct work w = { .kind = WORK_ATTACHMENT, .generation = a->generation };
        struct gateway *g = NULL;
        int r = lock_gateway(t, a->gateway_id, &g);

        if (r < 0)
                return r;
        TEXT_SET(want.id, a->id);
        TEXT_SET(want.vpn_id, a->vpn_id);
        TEXT_SET(want.project_id, a->project_id);
        TEXT_SET(w.object_id, a->id);
        TEXT_SET(w.project_id, a->project_id);
        TEXT_SET(w.request_id, request_id);
        return enqueue(t, g, &w, attachment_want_to_json(&want));
}

int gate_enqueue_leftover(struct turn *t, const struct leftover *left)
{
        struct port_want want = { .generation = left->generation };
        struct work w = { .kind = WORK_PORT, .generation = left->generation };
        struct gateway *g = NULL;
        int r = lock_gateway(t, left->gateway_id, &g);

        if (r < 0)
                return r;
        TEXT_SET(want.id, left->port_id);
        TEXT_SET(want.link_id, left->link_id);
        TEXT_SET(want.vpn_id, left->vpn_id);
        TEXT_SET(w.object_id, left->port_id);
        TEXT_SET(w.link_id, left->link_id);
        return enqueue(t, g, &w, port_want_to_json(&want));
}

/* How long who fails for the 'tries'th time in a row waits, and no less than it asks for. */
static int64_t pause_ms(const struct turn *t, int64_t tries, int64_t retry_after_ms)
{
        int64_t pause = t->c->timing.retry_first_ms << min64(tries, 10);

        return min64(pause < retry_after_ms ? retry_after_ms : pause, t->c->timing.retry_limit_ms);
}

void gate_postpone(struct turn *t, struct work *w, int64_t retry_after_ms)
{
        w->after_ms = t->now_ms + pause_ms(t, w->tries++, retry_after_ms);
        view_dirty(w);
}

int gate_open(struct turn *t, struct gateway *g)
{
        g->inflight_seq = 0;
        g->attempts = 0;
        g->reason[0] = '\0';
        view_dirty(g);
        int r = timer_clear(t, TIMER_GATE, g->id);

        return r ? r : idset_add(&t->pump, g->id);
}

int gate_stale(struct turn *t, struct gateway *g)
{
        int r = restore_suspect(t, g);

        g->epoch++;
        g->audit_wanted = true;
        return r ? r : gate_open(t, g);
}

int gate_pause(struct turn *t, struct gateway *g, const struct fault *why)
{
        int64_t pause = pause_ms(t, g->attempts++, why->retry_after_ms);

        g->inflight_seq =
                g->seq + 1; /* closed, but nothing is outstanding: no answer has this number */
        g->inflight_by = 0;
        TEXT_SET(g->reason, why->message);
        view_dirty(g);
        return timer_set(t, TIMER_GATE, g->id, t->now_ms + pause);
}

static bool is_deadline(const struct turn *t, const struct gateway *g)
{
        return g->inflight_seq && g->inflight_by && t->input && t->input->kind == INPUT_TIMER;
}

int gate_due(struct turn *t, const char *gateway_id)
{
        struct gateway *g = NULL;
        int r = lock_gateway(t, gateway_id, &g);

        if (r < 0)
                return r;
        if (is_deadline(t, g)) {
                snprintf(g->reason, sizeof g->reason,
                         "No agent of site %s answered its last command in time.", g->site_name);
                if (idset_add(&t->unanswered, g->id) < 0)
                        return -ENOMEM;
        }
        g->attempts += g->inflight_seq != 0;
        g->inflight_seq = 0;
        view_dirty(g);
        r = timer_clear(t, TIMER_GATE, g->id);
        return r ? r : idset_add(&t->pump, g->id);
}

/* The command's address and stamp. An apply takes the next number, which the device keeps. An audit
 * changes nothing there: it goes under the last apply's number, so that the device and its row stay
 * equal, and is told apart by its sign. */
static json_t *command_new(struct turn *t, struct gateway *g, bool audit)
{
        g->seq += !audit;
        g->inflight_seq = audit ? GATE_AUDIT(g) : g->seq;
        g->inflight_by = t->c->number;
        view_dirty(g);
        return json_pack("{s:s, s:I, s:I, s:I}", "gateway", g->name, "epoch", (json_int_t)g->epoch,
                         "seq", (json_int_t)g->seq, "timeout_ms",
                         (json_int_t)t->c->timing.apply_timeout_ms);
}

/* An agent that stands still keeps what the broker gives it, every other message. Two of one kind go
 * to two agents; where the device itself refuses what is old, twice is harmless. */
static bool is_sent_twice(const struct turn *t, const struct gateway *g)
{
        return map_get(&t->unanswered.known, g->id) && text_equal(g->fence, "device");
}

static int command_send(struct turn *t, struct gateway *g, const char *method, json_t *take_args,
                        const char *request_id)
{
        const struct conductor_timing *timing = &t->c->timing;
        struct timer timer = { .kind = TIMER_GATE };
        int r;

        TEXT_SET(timer.ref_id, g->id);
        r = is_sent_twice(t, g) ? out_cast(t, g->site_name, method, json_incref(take_args),
                                           request_id, timing->apply_timeout_ms, &timer)
                                : 0;
        if (r)
                json_decref(take_args);
        else
                r = out_cast(t, g->site_name, method, take_args, request_id,
                             timing->apply_timeout_ms, &timer);
        return r ? r
                 : timer_set(t, TIMER_GATE, g->id,
                             t->now_ms + timing->apply_timeout_ms + timing->answer_margin_ms);
}

/* What was picked of that which waits for 'g', in one `apply`. */
static int send_apply(struct turn *t, struct gateway *g, const struct picked *p)
{
        json_t *ports = json_array(), *attachments = json_array(), *args;

        for (size_t i = 0; i < p->n; i++)
                json_array_append_new(p->work[i]->kind == WORK_PORT ? ports : attachments,
                                      json_loads(p->work[i]->want, 0, NULL));
        if (json_array_size(ports) + json_array_size(attachments) != p->n) {
                json_decref(ports);
                json_decref(attachments);
                return err_raise(-ENOMEM);
        }
        args = command_new(t, g, false);
        if (!args) {
                json_decref(ports);
                json_decref(attachments);
                return err_raise(-ENOMEM);
        }
        json_object_set_new(args, "ports", ports);
        json_object_set_new(args, "attachments", attachments);
        return command_send(t, g, "apply", args, p->work[p->n - 1]->request_id);
}

/* VIF-IDs of the gateway whose attachments are in 'state'; with those on their way out while the rows
 * may be older than what was plugged. */
static json_t *vif_ids_of(struct turn *t, const struct gateway *g, enum plug_state state)
{
        bool unread = gateway_is_unread(t, g);
        json_t *list = json_array();
        const struct attachment *a;
        size_t at = 0;

        while ((a = view_next(&t->view, T_ATTACHMENT, &at)))
                if (!strcmp(a->gateway_id, g->id) && a->vif_id[0] && a->plug == (int64_t)state &&
                    (a->wanted || unread))
                        json_array_append_new(list, json_string(a->vif_id));
        return list;
}

/* What is at the gateway and was not told of in full yet. */
static json_t *ids_to_describe(struct turn *t, const struct gateway *g)
{
        json_t *list = json_array();
        const struct found *f;
        size_t at = 0;

        while (json_array_size(list) < DESCRIBE_MAX && (f = view_next(&t->view, T_FOUND, &at)))
                if (!strcmp(f->gateway_id, g->id) && !f->number)
                        json_array_append_new(list, json_string(f->id));
        return list;
}

static int lock_found(struct turn *t, const char *gateway_id)
{
        if (map_get(&t->plan.found_of_gateway.known, gateway_id))
                return 0;
        return idset_add(&t->plan.found_of_gateway, gateway_id) < 0 ? -ENOMEM : -EAGAIN;
}

/* The agent looks whether a tenant used a VIF-ID that no network has yet, and whether what was
 * plugged still is. */
static int send_audit(struct turn *t, struct gateway *g)
{
        int r = lock_found(t, g->id);
        json_auto_t *loose = NULL, *plugged = NULL;
        const struct found *f;
        size_t at = 0;
        json_t *args;

        if (r)
                return r;
        loose = vif_ids_of(t, g, PLUG_NONE);
        plugged = vif_ids_of(t, g, PLUG_PLUGGED);
        if (gateway_is_unread(t, g) && json_array_extend(loose, plugged) < 0)
                return err_raise(-ENOMEM); /* what it is plugged with may be another port by now */
        while ((f = view_next(&t->view, T_FOUND, &at)))
                if (f->vif_id[0] && !strcmp(f->gateway_id, g->id))
                        json_array_append_new(loose, json_string(f->vif_id));
        args = command_new(t, g, true);
        if (!args || json_object_set_new(args, "describe", ids_to_describe(t, g)) < 0 ||
            json_object_set(args, "vif_ids", loose) < 0 ||
            json_object_set(args, "plugged", plugged) < 0) {
                json_decref(args);
                return err_raise(-ENOMEM);
        }
        return command_send(t, g, "audit", args, "");
}

/* The audit of a gateway whose row may be older than what it holds: under a new epoch, so that
 * nothing that was sent before reaches the device after it. */
static int send_reading(struct turn *t, struct gateway *g)
{
        if (!map_get(&t->plan.attachments_of_gateway.known, g->id))
                return idset_add(&t->plan.attachments_of_gateway, g->id) < 0 ? -ENOMEM : -EAGAIN;
        g->epoch++;
        return send_audit(t, g);
}

static bool waits(struct turn *t, const struct gateway *g)
{
        const struct work *w;
        size_t at = 0;

        while ((w = view_next(&t->view, T_WORK, &at)))
                if (!strcmp(w->gateway_id, g->id))
                        return true;
        return g->audit_wanted;
}

/* All is frozen: the gate closes for a while, and then somebody looks again. */
static int rest(struct turn *t, struct gateway *g)
{
        g->inflight_seq = g->seq + 1;
        g->inflight_by = 0;
        view_dirty(g);
        return timer_set(t, TIMER_GATE, g->id, t->now_ms + FROZEN_LOOK_MS);
}

static int pump_one(struct turn *t, struct gateway *g)
{
        struct picked p = { 0 };
        int r;

        if (g->inflight_seq)
                return 0;
        r = lock_work(t, g->id);
        if (r == 0 && freeze_of(t))
                return waits(t, g) ? rest(t, g) : 0;
        if (r == 0 && gateway_is_unread(t, g))
                return send_reading(t, g);
        r = r ? r : gate_pick(t, g->id, &p);
        if (r)
                return r;
        if (p.n)
                return send_apply(t, g, &p);
        if (g->audit_wanted)
                return send_audit(t, g);
        return p.later_ms ? timer_set(t, TIMER_GATE, g->id, p.later_ms) : 0;
}

int gate_hurry(struct turn *t, const struct vport *p)
{
        struct work *w = view_get(&t->view, T_WORK, p->id);
        struct gateway *g = NULL;
        int r = lock_gateway(t, p->gateway_id, &g);

        if (r < 0)
                return r;
        if (g->inflight_seq && !g->inflight_by)
                return timer_set(t, TIMER_GATE, g->id, t->now_ms);
        if (g->inflight_seq || !w || !w->after_ms)
                return 0;
        w->after_ms = 0;
        view_dirty(w);
        return idset_add(&t->pump, g->id);
}

/* Its waiting work cannot be sent, for an error of ours: it, and nobody else, waits. */
static int pump_apart(struct turn *t, struct gateway *g)
{
        struct fault why = { 0 };

        if (!work_is_left_alone(t, g->id))
                return work_alone(t, g->id, pump_one(t, g));
        fault_set(&why, 500, "internal", "What waits for gateway %s could not be sent.", g->name);
        return gate_pause(t, g, &why);
}

int gate_pump(struct turn *t)
{
        int again = 0; /* what is missing is named for all gateways at once */

        for (size_t i = 0; i < t->pump.n; i++) {
                struct gateway *g = NULL;
                int r = lock_gateway(t, t->pump.texts[i], &g);

                r = r ? r : pump_apart(t, g);
                if (r < 0 && r != -EAGAIN)
                        return r;
                again = again ? again : r;
        }
        return again;
}
