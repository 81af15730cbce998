/* SPDX-License-Identifier: Apache-2.0 */
/* What must always be, what must be when nothing moves any more, and what must be left when all was deleted. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/text.h"
#include "flow/flow.h"
#include "sim/sim.h"

/* Rows of one table, one after the other. */
#define each_row(s, table, type, row) \
        size_t row##_at = 0; \
        for (const struct type *row; (row = sim_db_next(&(s)->db, (table), &row##_at));)

static int gateway_of(const struct sim *s, const char *id)
{
        const struct gateway *g = sim_db_find(&s->db, T_GATEWAY, "id", id);

        for (int i = 0; g && i < SITES; i++)
                if (text_equal(s->sites[i].name, g->site_name))
                        return sim_gateway_find(s, i, g->name);
        return -1;
}

/* ---- always ---- */

static int64_t greater(int64_t a, int64_t b)
{
        return a > b ? a : b;
}

/* What is at a gateway and in no row: for it nobody asked whether there is as much. */
static int64_t sum_of_found(const struct sim *s, const struct gateway *g, enum direction d)
{
        int64_t sum = 0;

        each_row(s, T_FOUND, found, f)
                if (f->kind == WORK_PORT && f->holds && text_equal(f->gateway_id, g->id))
                        sum += d == TO_WAN ? f->tx_kbps : f->rx_kbps;
        return sum;
}

/* What the links say that they hold of a gateway's direction. */
static int64_t sum_of_links(const struct sim *s, const struct gateway *g, enum direction d)
{
        int64_t sum = sum_of_found(s, g, d);

        each_row(s, T_LEFTOVER, leftover, left)
                if (text_equal(left->gateway_id, g->id))
                        sum += d == TO_WAN ? left->to_wan_kbps : left->from_wan_kbps;

        each_row(s, T_VPORT, vport, p)
        {
                const struct vlink *l = sim_db_find(&s->db, T_VLINK, "id", p->link_id);
                bool a_to_z = (p->side == SIDE_A) == (d == TO_WAN);

                if (!l || !p->label || !text_equal(p->gateway_id, g->id))
                        continue;
                sum += a_to_z ? greater(l->a_to_z_kbps, l->goal_a_to_z_kbps) :
                                greater(l->z_to_a_kbps, l->goal_z_to_a_kbps);
        }
        return sum;
}

static int64_t sum_of_reservations(const struct sim *s, const struct gateway *g, enum direction d)
{
        int64_t sum = 0;

        each_row(s, T_RESERVATION, reservation, r)
        {
                if (text_equal(r->resource_id, g->id) && r->direction == (int64_t)d)
                        sum += r->kbps;
        }
        return sum;
}

static void check_bandwidth(struct sim *s)
{
        each_row(s, T_GATEWAY, gateway, g)
        {
                for (int d = TO_WAN; d <= FROM_WAN; d++) {
                        int64_t counter = d == TO_WAN ? g->reserved_to_wan_kbps : g->reserved_from_wan_kbps;
                        int64_t capacity = d == TO_WAN ? g->capacity_to_wan_kbps : g->capacity_from_wan_kbps;
                        int64_t links = sum_of_links(s, g, (enum direction)d);
                        int64_t rows = sum_of_reservations(s, g, (enum direction)d);

                        if (counter != rows || counter != links)
                                sim_broken(s, "%s direction %d: counted %lld, reservations %lld, links %lld", g->name, d,
                                           (long long)counter, (long long)rows, (long long)links);
                        if ((counter - sum_of_found(s, g, d) > capacity && !s->restored) || counter < 0)
                                sim_broken(s, "%s direction %d: %lld of %lld reserved", g->name, d, (long long)counter,
                                           (long long)capacity);
                }
        }
}

/* Every step of a workflow that is in the history stands in its table. */
static void check_history(struct sim *s)
{
        for (; s->n_events_seen < s->db.tables[T_EVENT].n; s->n_events_seen++) {
                const struct event *e = store_rows_at(&s->db.tables[T_EVENT], &store_tables[T_EVENT], s->n_events_seen);
                bool found = !e->row;

                if (e->row)
                        sim_trace(s, "    row %lld %s -> %s of %.8s %s", (long long)e->row, e->from, e->to, e->object_id,
                                  e->reason);
                else
                        sim_trace(s, "    event %s of %.8s %s", e->type, e->object_id, e->reason);
                for (const struct flow *const *f = conductor_flows; *f; f++)
                        for (const struct flow_row *row = (*f)->rows; row->pos; row++)
                                found |= row->pos == e->row && text_equal((*f)->states[row->state], e->from) &&
                                         text_equal((*f)->states[row->next], e->to);
                if (strlen(e->type) > 6 && !strcmp(e->type + strlen(e->type) - 6, ".error") && !e->reason[0])
                        sim_broken(s, "event %s of %s gives no reason", e->type, e->object_id);
                if (!found)
                        sim_broken(s, "event row %lld from %s to %s is in no table", (long long)e->row, e->from, e->to);
        }
}

/* What the WAN still holds of a link that was deleted by force is held for it. */
static void check_left_circuits(struct sim *s)
{
        for (const char *id = NULL; s->via_wan && (id = fake_wan_next(s->nms, id));)
                if (!sim_db_find(&s->db, T_VLINK, "id", id) && !sim_db_find(&s->db, T_LEFTOVER, "link_id", id))
                        sim_broken(s, "the circuit of link %s is there, and nothing is held for it", id);
}

static void check_devices(struct sim *s)
{
        if (s->via_wan && fake_wan_violations(s->nms))
                sim_broken(s, "the WAN had an older desire after a newer one, or a tag twice");
        for (int i = 0; i < GATEWAYS; i++)
                if (!s->gateways[i].lied && fake_gateway_violations(s->gateways[i].device))
                        sim_broken(s, "device %s: a label or tag was taken, or more bandwidth used than there is",
                                   s->gateways[i].name);
}

/* While a link is up what one end sends is no more than what the other takes. */
static void check_limits(struct sim *s)
{
        each_row(s, T_VLINK, vlink, l)
        {
                const struct port_want *ends[SIDE_N] = { NULL };
                bool lied = false;

                each_row(s, T_VPORT, vport, p)
                {
                        int g = gateway_of(s, p->gateway_id);

                        if (!text_equal(p->link_id, l->id) || g < 0)
                                continue;
                        lied |= s->gateways[g].lied;
                        ends[p->side] = fake_gateway_port(s->gateways[g].device, p->id);
                }
                if (!ends[SIDE_A] || !ends[SIDE_Z] || lied)
                        continue;
                for (int side = 0; side < SIDE_N; side++)
                        if (ends[side]->tx_kbps > ends[!side]->rx_kbps)
                                sim_broken(s, "link %s: side %d sends %lld, the other takes %lld", l->id, side,
                                           (long long)ends[side]->tx_kbps, (long long)ends[!side]->rx_kbps);
        }
}

/* All of a connection's links were asked for in the transaction that asked for the first. */
static void check_connections(struct sim *s)
{
        each_row(s, T_OPERATION, operation, o)
        {
                size_t n = 0;

                if (o->kind != OP_CONNECT)
                        continue;
                each_row(s, T_OPERATION, operation, part)
                        n += part->kind == OP_CREATE && text_equal(part->parent_id, o->id);
                if (n != 1 && n != SITES * (SITES - 1) / 2)
                        sim_broken(s, "connection %s has %zu links", o->id, n);
                if (o->result == OP_RUNNING && !sim_db_find(&s->db, T_TIMER, "ref_id", o->id))
                        sim_broken(s, "connection %s has no deadline", o->id);
        }
}

/* A number at a gateway has one owner, and who has one is its owner. */
static void check_integer(struct sim *s, const char *gateway_id, int64_t kind, int64_t value, const char *owner_id)
{
        if (!value)
                return;
        each_row(s, T_INTEGER, integer, i)
        {
                if (i->kind != kind || i->value != value || !text_equal(i->gateway_id, gateway_id))
                        continue;
                if (!text_equal(i->owner_id, owner_id))
                        sim_broken(s, "integer %lld/%lld belongs to %s, not %s", (long long)kind, (long long)value,
                                   i->owner_id, owner_id);
                return;
        }
        sim_broken(s, "integer %lld/%lld of %s has no row", (long long)kind, (long long)value, owner_id);
}

static void check_integers(struct sim *s)
{
        each_row(s, T_VPORT, vport, p)
                check_integer(s, p->gateway_id, INTEGER_LABEL, p->label, p->id);
        each_row(s, T_LEFTOVER, leftover, left)
                check_integer(s, left->gateway_id, INTEGER_LABEL, left->label, left->port_id);
        each_row(s, T_ATTACHMENT, attachment, a)
                check_integer(s, a->gateway_id, INTEGER_TAG, a->tag, a->id);
        each_row(s, T_FOUND, found, f)
                if (f->holds)
                        check_integer(s, f->gateway_id, f->kind == WORK_PORT ? INTEGER_LABEL : INTEGER_TAG, f->number,
                                      f->id);
        each_row(s, T_INTEGER, integer, i)
                if (!i->owner_id[0] == !i->pool[0])
                        sim_broken(s, "integer %lld: owner \"%s\" and pool \"%s\"", (long long)i->value, i->owner_id, i->pool);
}

static void check_shared(struct sim *s)
{
        each_row(s, T_ATTACHMENT, attachment, a)
        {
                int64_t n = 0;

                each_row(s, T_VPORT, vport, p)
                        n += text_equal(p->attachment_id, a->id) && p->holds;
                each_row(s, T_FOUND, found, f)
                        n += text_equal(f->attachment_id, a->id);
                each_row(s, T_LEFTOVER, leftover, left)
                        n += text_equal(left->attachment_id, a->id);
                if (n != a->n_ports)
                        sim_broken(s, "attachment %s counts %lld ports, there are %lld", a->id, (long long)a->n_ports,
                                   (long long)n);
        }
}

static bool has_timer(const struct sim *s, enum timer_kind kind, const char *ref_id)
{
        each_row(s, T_TIMER, timer, t)
                if (t->kind == (int64_t)kind && text_equal(t->ref_id, ref_id))
                        return true;
        return false;
}

/* What such a device confirmed may turn out not to be; who holds the link then sees to it. */
static bool lied_at(const struct sim *s, const char *gateway_id)
{
        int g = gateway_of(s, gateway_id);

        return g < 0 || s->gateways[g].lied;
}

static bool is_unread(const struct sim *s, const char *gateway_id)
{
        const struct control *c = sim_db_find(&s->db, T_CONTROL, "name", CONTROL_RESTORE);
        const struct gateway *g = sim_db_find(&s->db, T_GATEWAY, "id", gateway_id);

        return c && g && g->read_ms != c->since_ms;
}

/* Nothing waits without somebody who looks again: work for a gateway is under way or its gate has a time at which it
 * opens, what an end shall become waits as work until it is confirmed or refused, and operations have deadlines. */
static void check_waiting(struct sim *s)
{
        each_row(s, T_WORK, work, w)
        {
                const struct gateway *g = sim_db_find(&s->db, T_GATEWAY, "id", w->gateway_id);

                if (w->kind == WORK_CIRCUIT) {
                        if (!has_timer(s, TIMER_CIRCUIT, w->link_id))
                                sim_broken(s, "nobody asks again for the circuit of %s", w->link_id);
                        continue;
                }
                if (s->restored && (is_unread(s, w->gateway_id) || is_unread(s, w->peer_id)))
                        continue; /* it was not read yet; its next heartbeat leads on */
                if (!g || (!g->inflight_seq && !w->after_ms) || !has_timer(s, TIMER_GATE, w->gateway_id))
                        sim_broken(s, "%s waits at the open gate of %s", w->object_id, g ? g->name : "no gateway");
        }
        each_row(s, T_VPORT, vport, p)
                if (p->generation != p->confirmed_generation && !p->reason[0] && !lied_at(s, p->gateway_id) &&
                    !sim_db_find(&s->db, T_WORK, "object_id", s->via_wan ? p->link_id : p->id))
                        sim_broken(s, "nobody asks for what port %s shall become", p->id);
        each_row(s, T_OPERATION, operation, o)
                if (o->result == OP_RUNNING && !has_timer(s, TIMER_OPERATION, o->id))
                        sim_broken(s, "operation %s waits in %s without a deadline", o->id, o->state);
}

void sim_check_step(struct sim *s)
{
        check_waiting(s);
        check_history(s);
        check_bandwidth(s);
        check_devices(s);
        check_left_circuits(s);
        check_limits(s);
        check_integers(s);
        check_shared(s);
        sim_check_restored(s);
        check_connections(s);
}

/* ---- at rest ---- */

static bool digest_matches(const struct sim *s, const struct gateway *g)
{
        struct gateway_state state = { 0 };
        int i = gateway_of(s, g->id);
        bool same = false;

        if (i < 0 || gateway_fake.read(s->gateways[i].device, INT64_MAX, &state, NULL) != 0)
                return false;
        same = gateway_state_digest(&state) == (uint64_t)g->held_digest;
        gateway_state_done(&state);
        return same;
}

static bool is_plugged(const struct sim *s, const struct attachment *a)
{
        char network[ID_SIZE];

        for (int i = 0; i < SITES; i++)
                if (text_equal(s->sites[i].name, a->site_name))
                        return fake_cloud_plugged(s->sites[i].cloud.handle, a->id, network);
        return false;
}

/* What still moves, or NULL. */
static const char *restless(struct sim *s, char ret[300])
{
        for (size_t i = 0; i < s->n_queue; i++)
                if (s->queue[i].queue != QUEUE_HEARTBEATS) {
                        snprintf(ret, 300, "message %s", s->queue[i].method);
                        return ret;
                }
        for (int i = 0; i < CONDUCTORS; i++)
                if (s->conductors[i].n_held || s->conductors[i].n_calls)
                        return "a paused conductor, or one that waits for the WAN";
        for (int i = 0; i < AGENTS; i++)
                if (s->agents[i].n_hand)
                        return "a command in hand";
        if (s->n_lost)
                return "a lost command";
        if (sim_is_frozen(s))
                return "the freeze";
        each_row(s, T_TIMER, timer, t)
                if (t->kind != TIMER_AUDIT) {
                        snprintf(ret, 300, "timer %lld of %s", (long long)t->kind, t->ref_id);
                        return ret;
                }
        each_row(s, T_WORK, work, w)
        {
                snprintf(ret, 300, "work for %s", w->object_id);
                return ret;
        }
        each_row(s, T_ATTACHMENT, attachment, a)
                if (!a->n_ports)
                        return "an attachment on its way out";
        /* A port that was deleted behind our back is noticed by the next audit. */
        each_row(s, T_ATTACHMENT, attachment, plugged)
                if (plugged->plug == PLUG_PLUGGED && !is_plugged(s, plugged))
                        return "a port that is gone";
        /* What a device refused when it was repaired is asked for again by the next audit in turn. */
        each_row(s, T_VLINK, vlink, l)
                if (l->provisioning == PROV_ACTIVE && l->admin_state_up == (l->operating == OPER_OFFLINE)) {
                        snprintf(ret, 300, "link %s is %s", l->id, operating_name[l->operating]);
                        return ret;
                }
        /* What the WAN lost is found by the next audit in turn. */
        each_row(s, T_VPORT, vport, p)
        {
                struct circuit_state found = { 0 };

                if (s->via_wan && p->present && wan_fake.read(s->nms, p->link_id, INT64_MAX, &found, NULL) == 0 &&
                    !found.present) {
                        snprintf(ret, 300, "the circuit of %s is gone", p->link_id);
                        return ret;
                }
        }
        each_row(s, T_LEFTOVER, leftover, left)
        {
                snprintf(ret, 300, "%s was left behind", left->port_id);
                return ret;
        }
        each_row(s, T_FOUND, found, f)
        {
                snprintf(ret, 300, "%s was found", f->id);
                return ret;
        }
        each_row(s, T_GATEWAY, gateway, g)
                if (is_unread(s, g->id) || g->brake == BRAKE_HALTED || g->inflight_seq || g->audit_wanted || !digest_matches(s, g)) {
                        snprintf(ret, 300, "gateway %s: inflight %lld, audit %d, digest %s", g->name,
                                 (long long)g->inflight_seq, g->audit_wanted, digest_matches(s, g) ? "equal" : "different");
                        return ret;
                }
        return NULL;
}

bool sim_is_quiet(struct sim *s)
{
        char ignored[300];

        return !restless(s, ignored);
}

void sim_say_restless(struct sim *s)
{
        char what[300];
        const char *text = restless(s, what);

        sim_trace(s, "restless: %s", text ? text : "nothing any more");
}

static void check_operations(struct sim *s)
{
        each_row(s, T_OPERATION, operation, o)
        {
                if (o->result == OP_RUNNING)
                        sim_broken(s, "operation %s (%s of %s) is still %s", o->id, operation_kind_name[o->kind],
                                   o->link_id, o->state);
                if (o->result == OP_FAILED && !o->reason[0])
                        sim_broken(s, "operation %s failed without a reason", o->id);
        }
        each_row(s, T_VLINK, vlink, l)
        {
                if (l->provisioning != PROV_ACTIVE && l->provisioning != PROV_ERROR)
                        sim_broken(s, "link %s rests in %s", l->id, provisioning_name[l->provisioning]);
                if (l->operation_id[0])
                        sim_broken(s, "link %s is held by operation %s", l->id, l->operation_id);
                if (l->provisioning == PROV_ACTIVE && l->admin_state_up == (l->operating == OPER_OFFLINE))
                        sim_broken(s, "link %s is switched %s, and %s", l->id, l->admin_state_up ? "on" : "off",
                                   operating_name[l->operating]);
                if (l->provisioning == PROV_ERROR && !l->status_reason[0])
                        sim_broken(s, "link %s is in ERROR without a reason", l->id);
        }
        each_row(s, T_ATTACHMENT, attachment, a)
                if (a->operation_id[0])
                        sim_broken(s, "attachment %s is held by operation %s", a->id, a->operation_id);
}

/* A connection that failed has left nothing; one that is done has every link. */
static void check_all_or_nothing(struct sim *s)
{
        each_row(s, T_OPERATION, operation, o)
        {
                const struct vpn *v = sim_db_find(&s->db, T_VPN, "made_by", o->id);

                if (o->kind != OP_CONNECT)
                        continue;
                if (o->result == OP_FAILED && v)
                        sim_broken(s, "connection %s failed, its VPN %s is there", o->id, v->id);
                each_row(s, T_OPERATION, operation, part)
                {
                        if (part->kind != OP_CREATE || !text_equal(part->parent_id, o->id))
                                continue;
                        if (o->result == OP_DONE && part->result != OP_DONE)
                                sim_broken(s, "connection %s is done, its link %s is not", o->id, part->link_id);
                        if (o->result == OP_FAILED && sim_db_find(&s->db, T_VLINK, "id", part->link_id))
                                sim_broken(s, "connection %s failed, its link %s is there", o->id, part->link_id);
                }
        }
}

static bool port_is(const struct vlink *l, const struct vport *p, const struct vport *peer, const struct port_want *w)
{
        return w->generation == p->confirmed_generation && w->local_label == p->label && peer &&
               w->peer_label == peer->label && text_equal(w->link_id, l->id) && text_equal(w->vpn_id, l->vpn_id) &&
               /* One that is built again may stand at another access side than what its device still holds. */
               (p->confirmed_generation != p->generation || text_equal(w->attachment_id, p->attachment_id)) && text_equal(w->site, p->site_name) &&
               text_equal(w->peer_site, peer->site_name);
}

/* An end was given what the other end has made, as its device has it now. */
static void check_given(struct sim *s, const struct port_want *w, const struct vport *peer)
{
        int g = gateway_of(s, peer->gateway_id);
        char object[OBJECT_SIZE];

        if (g < 0 || s->gateways[g].lied)
                return;
        fake_gateway_object(s->gateways[g].device, peer->id, object);
        if (!text_equal(w->peer_object, object))
                sim_broken(s, "port %s was given \"%s\", its peer has \"%s\"", w->id, w->peer_object, object);
}

/* What is read of the circuit is what its link's ends say. */
static void check_port_of_circuit(struct sim *s, const struct vlink *l, const struct vport *p)
{
        struct circuit_state found = { 0 };
        bool online = l && l->provisioning == PROV_ACTIVE && l->operating == OPER_ONLINE;

        if (!l || wan_fake.read(s->nms, l->id, INT64_MAX, &found, NULL) != 0 || found.partial || found.working ||
            found.present != p->present) {
                sim_broken(s, "port %s: present %d, its circuit %d%s", p->id, p->present, found.present,
                           found.partial ? " in part" : "");
                return;
        }
        if (online && (!found.present || found.a_to_z_kbps != l->a_to_z_kbps || found.z_to_a_kbps != l->z_to_a_kbps))
                sim_broken(s, "link %s is ONLINE with %lld and %lld, its circuit has %lld and %lld", l->id,
                           (long long)l->a_to_z_kbps, (long long)l->z_to_a_kbps, (long long)found.a_to_z_kbps,
                           (long long)found.z_to_a_kbps);
        if (found.present && p->confirmed_generation == p->generation) {
                const struct attachment *a = sim_db_find(&s->db, T_ATTACHMENT, "id", p->attachment_id);
                const struct circuit_end *end = &found.ends[p->side];

                if (!a || end->tag != a->tag || !text_equal(end->site, p->site_name) ||
                    !text_equal(end->gateway, a->gateway_name))
                        sim_broken(s, "port %s: its circuit ends elsewhere", p->id);
        }
}

/* The WAN holds the circuits of links whose ends are there, and no others. */
static void check_circuits(struct sim *s)
{
        size_t n = 0;

        if (!s->via_wan)
                return;
        each_row(s, T_VPORT, vport, p)
                n += p->side == SIDE_A && p->present;
        if (fake_wan_count(s->nms) != n)
                sim_broken(s, "the WAN holds %zu circuits, %zu are known", fake_wan_count(s->nms), n);
}

static void check_port(struct sim *s, const struct vport *p, size_t there[GATEWAYS])
{
        int g = gateway_of(s, p->gateway_id);
        const struct port_want *w = g < 0 || s->via_wan ? NULL : fake_gateway_port(s->gateways[g].device, p->id);
        const struct vlink *l = sim_db_find(&s->db, T_VLINK, "id", p->link_id);
        const struct vport *peer = NULL;

        each_row(s, T_VPORT, vport, other)
                if (text_equal(other->link_id, p->link_id) && other->side != p->side)
                        peer = other;
        if (s->via_wan) {
                check_port_of_circuit(s, l, p);
                return;
        }
        if (!l || p->present != (w != NULL)) {
                sim_broken(s, "port %s: present %d, on the device %d", p->id, p->present, w != NULL);
                return;
        }
        if (w)
                there[g]++;
        if (l->provisioning == PROV_ACTIVE && l->operating == OPER_ONLINE && !w)
                sim_broken(s, "link %s is ONLINE without port %s", l->id, p->id);
        if (w && peer && l->exchange && l->provisioning == PROV_ACTIVE && l->operating == OPER_ONLINE)
                check_given(s, w, peer);
        if (w && !port_is(l, p, peer, w))
                sim_broken(s, "port %s: the device holds #%lld label %lld, peer %lld, of %s, the row #%lld label %lld, peer %lld, of %s", p->id,
                           (long long)w->generation, (long long)w->local_label, (long long)w->peer_label, w->attachment_id,
                           (long long)p->confirmed_generation, (long long)p->label, (long long)(peer ? peer->label : 0),
                           p->attachment_id);
        if (w && p->confirmed_generation == p->generation && (w->tx_kbps != p->tx_kbps || w->rx_kbps != p->rx_kbps))
                sim_broken(s, "port %s: the device limits it otherwise than the row", p->id);
        if (l->provisioning == PROV_ACTIVE && l->operating == OPER_ONLINE &&
            p->tx_kbps != (p->side == SIDE_A ? l->a_to_z_kbps : l->z_to_a_kbps))
                sim_broken(s, "link %s is ONLINE, its side %lld sends %lld", l->id, (long long)p->side,
                           (long long)p->tx_kbps);
}

static void check_attachment(struct sim *s, const struct attachment *a, size_t there[GATEWAYS])
{
        int g = gateway_of(s, a->gateway_id);
        const struct attachment_want *w = g < 0 ? NULL : fake_gateway_attachment(s->gateways[g].device, a->id);

        if (a->present != (w != NULL))
                sim_broken(s, "attachment %s: present %d, on the device %d", a->id, a->present, w != NULL);
        if (w)
                there[g]++;
        if (w && (w->tag != a->tag || !text_equal(w->vpn_id, a->vpn_id)))
                sim_broken(s, "attachment %s: the device holds it otherwise than the row", a->id);
        if (w && a->wanted && !a->vif_id[0])
                sim_broken(s, "attachment %s has no VIF-ID", a->id);
}

static void check_plug(struct sim *s, const struct attachment *a, size_t plugged[SITES])
{
        for (int i = 0; i < SITES; i++) {
                char network[ID_SIZE] = "";
                bool is;

                if (!text_equal(s->sites[i].name, a->site_name))
                        continue;
                is = fake_cloud_plugged(s->sites[i].cloud.handle, a->id, network);
                plugged[i] += is;
                if (a->plug != PLUG_NONE && a->plug != PLUG_PLUGGED)
                        sim_broken(s, "attachment %s rests in %s", a->id, plug_state_name[a->plug]);
                if (is != (a->plug == PLUG_PLUGGED))
                        sim_broken(s, "attachment %s is %s, in the cloud %d", a->id, plug_state_name[a->plug], is);
                if (a->plug == PLUG_NONE && (a->network_id[0] || a->port_id[0] || a->net_key[0]))
                        sim_broken(s, "attachment %s is unplugged and still names network %s", a->id, a->network_id);
                if (a->plug == PLUG_PLUGGED && ((!a->net_key[0] && !s->restored) || a->plug_sent))
                        sim_broken(s, "attachment %s is plugged without a key", a->id);
                if (is && !text_equal(network, a->network_id))
                        sim_broken(s, "attachment %s: network %s, in the cloud %s", a->id, a->network_id, network);
        }
}

/* Whoever asked was answered, unless the bus lost the question; and what was promised has been. */
static void check_answers(struct sim *s)
{
        for (size_t i = 0; i < s->n_calls; i++) {
                const struct sim_call *c = &s->calls[i];

                if (!c->n_answers && !c->lost)
                        sim_broken(s, "%s %s was never answered", c->method, c->request_id);
                const struct sim_call *twin = &s->calls[c->twin];

                if (c->made[0] && twin->made[0] && !text_equal(c->made, twin->made))
                        sim_broken(s, "one request under one key made %s and %s", twin->made, c->made);
                if (c->made[0] && !sim_db_find(&s->db, T_EVENT, "object_id", c->made))
                        sim_broken(s, "link %s was promised and never was", c->made);
        }
}

void sim_check_quiet(struct sim *s)
{
        size_t there[GATEWAYS] = { 0 }, plugged[SITES] = { 0 };

        sim_check_step(s);
        check_answers(s);
        check_operations(s);
        check_all_or_nothing(s);
        check_circuits(s);
        each_row(s, T_VPORT, vport, p)
                check_port(s, p, there);
        each_row(s, T_ATTACHMENT, attachment, a)
        {
                check_attachment(s, a, there);
                check_plug(s, a, plugged);
        }
        for (int i = 0; i < GATEWAYS; i++)
                if (!s->gateways[i].lied && fake_gateway_count(s->gateways[i].device) != there[i])
                        sim_broken(s, "device %s holds %zu objects, %zu are known", s->gateways[i].name,
                                   fake_gateway_count(s->gateways[i].device), there[i]);
        for (int i = 0; i < SITES; i++)
                if (fake_cloud_count(s->sites[i].cloud.handle) != plugged[i] && !sim_restore_orphans(s, i))
                        sim_broken(s, "the cloud of %s holds %zu plugs, %zu are known", s->sites[i].name,
                                   fake_cloud_count(s->sites[i].cloud.handle), plugged[i]);
}

/* ---- after everything ---- */

void sim_check_empty(struct sim *s)
{
        static const enum store_table_id gone[] = { T_VPN, T_VPN_SITE, T_ATTACHMENT, T_VLINK, T_VPORT, T_WORK, T_RESERVATION,
                                                     T_LEFTOVER, T_FOUND, T_EXCHANGE };

        for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
                if (s->db.tables[gone[i]].n)
                        sim_broken(s, "%zu rows are left in %s", s->db.tables[gone[i]].n, store_tables[gone[i]].name);
        each_row(s, T_INTEGER, integer, i)
                if (i->owner_id[0])
                        sim_broken(s, "integer %lld is still owned by %s", (long long)i->value, i->owner_id);
        each_row(s, T_TIMER, timer, t)
                if (t->kind != TIMER_AUDIT)
                        sim_broken(s, "timer %lld of %s is left", (long long)t->kind, t->ref_id);
        for (int i = 0; i < GATEWAYS; i++)
                if (!s->gateways[i].lied && fake_gateway_count(s->gateways[i].device))
                        sim_broken(s, "device %s is not empty", s->gateways[i].name);
        for (int i = 0; i < SITES; i++)
                if (fake_cloud_count(s->sites[i].cloud.handle) && !sim_restore_orphans(s, i))
                        sim_broken(s, "the cloud of %s is not empty", s->sites[i].name);
}
