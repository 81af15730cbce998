/* SPDX-License-Identifier: Apache-2.0 */
/* A backup of the database is made, the world goes on, and the backup is restored under it. From then on nothing may be
 * cut that no row knows, and no end may send to a label that is another link's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "sim/sim.h"

/* ---- the backup ---- */

/* By the time a backup is restored commands that were sent before have expired. What agents told is still there. */
static void drop_commands(struct sim *s)
{
        for (size_t i = s->n_queue; i-- > 0;)
                if (s->queue[i].queue == QUEUE_SITE) {
                        struct message m = sim_take(s, i);

                        free(m.bytes);
                }
        for (int i = 0; i < AGENTS; i++) {
                for (size_t j = 0; j < s->agents[i].n_hand; j++)
                        free(s->agents[i].hand[j].message.bytes);
                s->agents[i].n_hand = 0;
        }
}

/* A link that both of its gateways hold and no row knows. */
static size_t ends_of(const struct sim *s, const char *link_id, size_t unreadable)
{
        size_t n_ends = 0;

        for (int i = 0; i < GATEWAYS; i++) {
                struct gateway_state state = { 0 };

                if (gateway_fake.read(s->gateways[i].device, INT64_MAX, &state, NULL) != 0)
                        return unreadable; /* it cannot be told at the moment */
                for (size_t j = 0; j < state.n_ports; j++)
                        n_ends += text_equal(fake_gateway_port(s->gateways[i].device, state.ports[j].id)->link_id, link_id);
                gateway_state_done(&state);
        }
        return n_ends;
}

static void unkeep(struct sim *s, size_t i)
{
        s->n_kept--;
        memmove(s->kept[i], s->kept[s->n_kept], ID_SIZE);
}

static void keep_unknown(struct sim *s)
{
        for (size_t i = 0; i < s->n_links; i++)
                if (ends_of(s, s->links[i], 0) == SIDE_N && !sim_db_find(&s->db, T_VLINK, "id", s->links[i]) &&
                    s->n_kept < KEPT_MAX)
                        TEXT_SET(s->kept[s->n_kept++], s->links[i]);
}

static void forget_promises(struct sim *s)
{
        for (size_t i = 0; i < s->n_calls; i++)
                s->calls[i].made[0] = '\0';
}

/* What an operator does before he starts the conductors again. */
static void begin(struct sim *s)
{
        struct control row = { .name = CONTROL_RESTORE, .is_on = true, .since_ms = s->now_ms };
        struct control *there = sim_db_find(&s->db, T_CONTROL, "name", CONTROL_RESTORE);

        if (there)
                *there = row;
        else
                sim_must(s, sim_db_insert(&s->db, T_CONTROL, &row), "restore begin");
}

/* What is in a cloud by the rows that go, and neither the backup nor a device can tell of it under which VIF-ID. */
static void note_orphans(struct sim *s)
{
        const struct attachment *a;
        size_t at = 0;

        while ((a = sim_db_next(&s->db, T_ATTACHMENT, &at))) {
                const struct attachment *old = sim_db_find(&s->backup, T_ATTACHMENT, "id", a->id);
                char network[ID_SIZE];

                for (int i = 0; i < GATEWAYS; i++) {
                        const struct sim_gateway *g = &s->gateways[i];
                        const struct sim_site *site = &s->sites[g->site];

                        if (text_equal(g->name, a->gateway_name) && text_equal(site->name, a->site_name) &&
                            !(old && old->vif_id[0]) && !fake_gateway_attachment(g->device, a->id))
                                s->orphans[g->site] |= fake_cloud_plugged(site->cloud.handle, a->id, network);
                }
        }
}

static void restore(struct sim *s)
{
        const struct timer *t;
        size_t at = 0;

        for (int i = 0; i < CONDUCTORS; i++)
                sim_conductor_die(s, &s->conductors[i]);
        note_orphans(s);
        sim_db_done(&s->db);
        s->db = s->backup;
        s->backup = (struct sim_db){ 0 };
        s->n_events_seen = s->db.tables[T_EVENT].n;
        s->n_lost = 0;
        while ((t = sim_db_next(&s->db, T_TIMER, &at)))
                if (t->owner)
                        sim_lose(s, t);
        drop_commands(s);
        forget_promises(s);
        s->restored = true;
        keep_unknown(s);
        begin(s);
        sim_trace(s, "---- the database is as it was; %zu links are at gateways and in no row", s->n_kept);
}

void sim_restore_step(struct sim *s)
{
        if (s->restored || !s->restore_steps)
                return;
        if (!s->backup.n_commits && s->db.tables[T_VLINK].n && random_chance(&s->random, 20)) {
                sim_trace(s, "---- a backup is made");
                sim_must(s, sim_db_copy(&s->db, &s->backup), "backup");
        } else if (s->backup.n_commits && --s->restore_steps == 0) {
                restore(s);
        }
}

/* ---- the operator ---- */

static void decide(struct sim *s, const struct found *f)
{
        /* Whose a VPN is that a lost connection made, only the operator can know. */
        const char *id = f->kind == WORK_PORT ? f->link_id : f->id, *project = sim_projects[0];

        for (size_t v = 0; v < s->n_vpns; v++)
                if (text_equal(s->vpns[v], f->vpn_id))
                        project = sim_projects[s->vpn_project[v]];
        if (f->kind == WORK_PORT && random_chance(&s->random, 50)) {
                sim_operator_ask(s, "adopt_virtual_link", json_pack("{ss ss}", "virtual_link_id", id, "project_id", project));
                return;
        }
        for (size_t i = s->n_kept; i-- > 0;)
                if (text_equal(s->kept[i], id))
                        unkeep(s, i);
        sim_operator_ask(s, "discard_virtual_link", json_pack("{ss}", "virtual_link_id", id));
}

void sim_restore_found(struct sim *s)
{
        const struct found *f;
        size_t at = 0;

        while ((f = sim_db_next(&s->db, T_FOUND, &at)))
                if (f->number)
                        decide(s, f);
}

bool sim_restore_orphans(const struct sim *s, int site)
{
        return s->orphans[site];
}

void sim_restore_cut(struct sim *s)
{
        s->n_kept = 0;
}

/* ---- what must be ---- */

static int gateway_at(const char *address)
{
        return address[0] ? address[strlen(address) - 1] - '1' : -1;
}

/* Whom 'w' sends to: the port at the peer's gateway that receives with its label. */
static void check_peer(struct sim *s, const struct port_want *w, struct gateway_state states[GATEWAYS])
{
        int peer = gateway_at(w->peer_address);

        for (size_t i = 0; peer >= 0 && peer < GATEWAYS && i < states[peer].n_ports; i++) {
                const struct port_want *other = fake_gateway_port(s->gateways[peer].device, states[peer].ports[i].id);

                if (other->local_label == w->peer_label && !text_equal(other->link_id, w->link_id))
                        sim_broken(s, "port %s of link %s sends to link %s", w->id, w->link_id, other->link_id);
        }
}

void sim_check_restored(struct sim *s)
{
        struct gateway_state states[GATEWAYS] = { 0 };
        bool readable = true;

        if (!s->restored || s->liars)
                return;
        for (size_t i = s->n_kept; i-- > 0;)
                if (sim_db_find(&s->db, T_VLINK, "id", s->kept[i])) /* adopted: tenants decide */
                        unkeep(s, i);
                else if (ends_of(s, s->kept[i], SIDE_N) < SIDE_N)
                        sim_broken(s, "link %s was cut, and nobody asked for that", s->kept[i]);
        for (int i = 0; i < GATEWAYS; i++)
                readable &= gateway_fake.read(s->gateways[i].device, INT64_MAX, &states[i], NULL) == 0;
        for (int i = 0; i < GATEWAYS && readable; i++)
                for (size_t j = 0; j < states[i].n_ports; j++)
                        check_peer(s, fake_gateway_port(s->gateways[i].device, states[i].ports[j].id), states);
        for (int i = 0; i < GATEWAYS; i++)
                gateway_state_done(&states[i]);
}
