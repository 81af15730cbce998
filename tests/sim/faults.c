/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong in the world itself: devices, clouds, sites, conductors. */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "sim/sim.h"

static int64_t a_while(struct sim *s)
{
        bool lasts = random_chance(&s->random, s->lasting ? 90 : 30);

        return s->now_ms + (int64_t)random_below(&s->random, lasts ? 150000 : 5000);
}

static void device_refuses_one(struct sim *s, struct injection *i)
{
        enum store_table_id t = random_chance(&s->random, 70) ? T_VPORT : T_ATTACHMENT;
        size_t n = s->db.tables[t].n;

        if (!n)
                return;
        i->busy = random_chance(&s->random, 50);
        TEXT_SET(i->refuse_ids[0], store_rows_at(&s->db.tables[t], &store_tables[t], random_below(&s->random, n)));
        i->n_refuse_ids = 1;
}

static void device_fault(struct sim *s, struct sim_gateway *g)
{
        struct injection *i = fake_gateway_injection(g->device);
        static const char *const names[] = { "is unreachable", "hangs", "does half", "refuses all", "refuses one", "lies" };
        size_t what = random_below(&s->random, s->liars ? 6 : 5);

        *i = (struct injection){ 0 };
        g->calm_ms = a_while(s);
        sim_trace(s, "device %s %s", g->name, names[what]);
        switch (what) {
        case 0:
                i->unreachable = true;
                break;
        case 1:
                i->hang = true;
                break;
        case 2:
                i->half = true;
                break;
        case 3:
                TEXT_SET(i->refuse, "The device is full.");
                break;
        case 4:
                device_refuses_one(s, i);
                break;
        default:
                i->lie = g->lied = true;
        }
}

/* A command sent before the newest one finds no fence on a device that lost its memory: such commands do not
 * survive its restart here, as they do not live as long as a restart takes. */
static bool is_outdated(const struct sim *s, const struct message *m, int gateway)
{
        const struct sim_gateway *g = &s->gateways[gateway];
        size_t at = 0;
        const struct gateway *row;

        if (m->gateway != gateway || !m->seq)
                return false;
        while ((row = sim_db_next(&s->db, T_GATEWAY, &at)))
                if (text_equal(row->name, g->name) && text_equal(row->site_name, s->sites[g->site].name))
                        return m->seq != row->inflight_seq;
        return true;
}

static void device_restart(struct sim *s, int gateway)
{
        struct sim_gateway *g = &s->gateways[gateway];
        char boot_id[32];

        snprintf(boot_id, sizeof boot_id, "boot-%d", ++g->n_boots);
        fake_gateway_forget(g->device, boot_id);
        sim_restore_cut(s);
        s->orphans[g->site] |= s->restored;
        sim_trace(s, "device %s restarts empty", g->name);
        for (size_t i = s->n_queue; i-- > 0;)
                if (s->queue[i].queue == QUEUE_SITE && is_outdated(s, &s->queue[i], gateway)) {
                        struct message m = sim_take(s, i);

                        free(m.bytes);
                }
        for (int i = 0; i < AGENTS; i++) {
                struct sim_agent *a = &s->agents[i];
                size_t n = 0;

                for (size_t j = 0; j < a->n_hand; j++) {
                        if (is_outdated(s, &a->hand[j].message, gateway))
                                free(a->hand[j].message.bytes);
                        else
                                a->hand[n++] = a->hand[j];
                }
                a->n_hand = n;
        }
}

/* Objects go from a device behind everybody's back; its boot id and its fence stay. */
static void device_drifts(struct sim *s, struct sim_gateway *g)
{
        OWN(apply_want_done) struct apply_want want = { 0 };
        OWN(apply_result_done) struct apply_result result = { 0 };
        struct gateway_state state = { 0 };

        if (gateway_fake.read(g->device, INT64_MAX, &state, NULL) != 0)
                return;
        want.epoch = state.epoch;
        want.seq = state.seq;
        want.ports = calloc(state.n_ports + 1, sizeof *want.ports);
        if (!want.ports)
                abort();
        for (size_t i = 0; i < state.n_ports; i++)
                if (random_chance(&s->random, 60))
                        TEXT_SET(want.ports[want.n_ports++].id, state.ports[i].id);
        gateway_state_done(&state);
        sim_trace(s, "device %s loses %zu ports", g->name, want.n_ports);
        sim_restore_cut(s);
        sim_must(s, gateway_fake.apply(g->device, &want, INT64_MAX, &result), "drift");
}

static void cloud_fault(struct sim *s, struct sim_site *site)
{
        site->refuse[0] = '\0';
        site->unreachable = site->half = false;
        switch (random_below(&s->random, 3)) {
        case 0:
                TEXT_SET(site->refuse, "The network is full.");
                break;
        case 1:
                site->unreachable = true;
                break;
        default:
                site->half = true;
        }
        site->calm_ms = a_while(s);
        sim_trace(s, "cloud of %s fails", site->name);
        sim_cloud_tell(s, site);
}

/* Ports of ours are deleted in the network behind our back. */
static void cloud_loses(struct sim *s, const struct sim_site *site)
{
        const struct attachment *a;
        size_t at = 0;

        while ((a = sim_db_next(&s->db, T_ATTACHMENT, &at)))
                if (text_equal(a->site_name, site->name) && random_chance(&s->random, 60)) {
                        sim_trace(s, "cloud of %s loses the port of %s", site->name, a->id);
                        fake_cloud_lose(site->cloud.handle, a->id);
                }
}

void sim_fault_step(struct sim *s)
{
        struct sim_site *site;

        if (s->via_wan && random_chance(&s->random, 40)) {
                sim_wan_fault(s);
                return;
        }
        switch (random_below(&s->random, 10)) {
        case 0:
        case 1:
        case 2:
                device_fault(s, &s->gateways[random_below(&s->random, GATEWAYS)]);
                return;
        case 3:
                device_restart(s, (int)random_below(&s->random, GATEWAYS));
                return;
        case 4:
        case 5:
                cloud_fault(s, &s->sites[random_below(&s->random, SITES)]);
                return;
        case 7:
                device_drifts(s, &s->gateways[random_below(&s->random, GATEWAYS)]);
                return;
        case 8:
                cloud_loses(s, &s->sites[random_below(&s->random, SITES)]);
                return;
        case 6:
                site = &s->sites[random_below(&s->random, SITES)];
                site->silent_until_ms = a_while(s);
                sim_trace(s, "%s falls silent", site->name);
                return;
        default:
                sim_conductor_die(s, &s->conductors[random_below(&s->random, CONDUCTORS)]);
        }
}

static void calm_gateway(struct sim *s, struct sim_gateway *g)
{
        *fake_gateway_injection(g->device) = (struct injection){ 0 };
        g->calm_ms = 0;
        sim_trace(s, "device %s works again", g->name);
}

static void calm_cloud(struct sim *s, struct sim_site *site)
{
        site->refuse[0] = '\0';
        site->unreachable = site->half = false;
        site->calm_ms = 0;
        sim_cloud_tell(s, site);
        sim_trace(s, "cloud of %s works again", site->name);
}

void sim_faults_expire(struct sim *s)
{
        for (int i = 0; i < GATEWAYS; i++)
                if (s->gateways[i].calm_ms && s->gateways[i].calm_ms <= s->now_ms)
                        calm_gateway(s, &s->gateways[i]);
        for (int i = 0; i < SITES; i++)
                if (s->sites[i].calm_ms && s->sites[i].calm_ms <= s->now_ms)
                        calm_cloud(s, &s->sites[i]);
        if (s->nms_calm_ms && s->nms_calm_ms <= s->now_ms)
                sim_wan_calm(s);
}

void sim_faults_end(struct sim *s)
{
        s->fault_percent = 0;
        s->faults_over = true;
        if (s->nms_calm_ms)
                sim_wan_calm(s);
        for (int i = 0; i < GATEWAYS; i++)
                if (s->gateways[i].calm_ms)
                        calm_gateway(s, &s->gateways[i]);
        for (int i = 0; i < SITES; i++) {
                for (int p = 0; p < PROJECTS; p++)
                        for (int n = 0; n < OWN_PORTS; n++)
                                s->sites[i].device_id[p][n][0] = '\0';
                s->sites[i].silent_until_ms = 0;
                calm_cloud(s, &s->sites[i]);
        }
}
