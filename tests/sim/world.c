/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the world: sites, gateways, clouds and their agents, two conductors; and takes it down. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "sim/sim.h"

const char *const sim_projects[PROJECTS] = { "11111111111111111111111111111111", "project-two" };

/* Which gateway stands at which site: one site has two, so that links can be chosen among them. */
static const int gateway_site[GATEWAYS] = { 0, 0, 1, 2 };

bool sim_must(struct sim *s, int r, const char *what)
{
        if (r == 0)
                return true;
        sim_broken(s, "%s: %s", what, r < 0 ? err_trace() : "refused");
        return false;
}

static void gateway_init(struct sim *s, int i)
{
        struct sim_gateway *g = &s->gateways[i];
        bool scarce = random_chance(&s->random, 30);
        struct fake_gateway_spec spec = {
                .address = "192.0.2.1",
                .label_range = scarce ? "16-19,30-31" : "16-500",
                .tag_range = scarce ? "1-3" : "100-400",
                .boot_id = "boot-0",
                .exchanges = s->exchanges,
                .capacity_to_wan_kbps = 10000,
                .capacity_from_wan_kbps = 10000,
        };

        *g = (struct sim_gateway){ .site = gateway_site[i] };
        snprintf(g->name, sizeof g->name, "gw-%d", i);
        sim_must(s, fake_gateway_new(&spec, &g->device), "fake_gateway_new");
}

void sim_cloud_tell(struct sim *s, struct sim_site *site)
{
        json_auto_t *doc = json_object();
        json_t *networks = json_object(), *ports = json_object();
        struct fault why = { 0 };

        for (int p = 0; p < PROJECTS; p++) {
                for (int i = 0; i < NETWORKS; i++)
                        json_object_set_new(networks, site->networks[p][i], json_string(sim_projects[p]));
                for (int i = 0; i < OWN_PORTS; i++)
                        json_object_set_new(ports, site->ports[p][i],
                                            json_pack("{ss ss ss}", "network_id", site->networks[p][0], "project_id",
                                                      sim_projects[p], "device_id", site->device_id[p][i]));
        }
        json_object_set_new(doc, "networks", networks);
        json_object_set_new(doc, "ports", ports);
        if (site->refuse[0])
                json_object_set_new(doc, "refuse", json_string(site->refuse));
        json_object_set_new(doc, "unreachable", json_boolean(site->unreachable));
        json_object_set_new(doc, "half", json_boolean(site->half));
        if (fake_cloud_control(site->cloud.handle, doc, &why))
                sim_broken(s, "fake_cloud_control: %s", why.message);
}

static void site_init(struct sim *s, int i)
{
        struct sim_site *site = &s->sites[i];
        static char peer[] = "site-0,site-1";
        struct site row = { .created_ms = s->now_ms };

        *site = (struct sim_site){ .rules.name = site->name, .cloud.driver = &cloud_fake };
        snprintf(site->name, sizeof site->name, "site-%d", i);
        sim_new_id(s, site->id);
        for (int p = 0; p < PROJECTS; p++) {
                for (int n = 0; n < NETWORKS; n++)
                        sim_new_id(s, site->networks[p][n]);
                for (int n = 0; n < OWN_PORTS; n++)
                        sim_new_id(s, site->ports[p][n]);
        }
        if (random_chance(&s->random, 10))
                site->rules.policy.max_kbps = 2000;
        if (random_chance(&s->random, 5))
                site->rules.policy.peer_sites = peer;
        if (!sim_must(s, fake_cloud_new(false, &site->cloud.handle), "fake_cloud_new"))
                return;
        sim_cloud_tell(s, site);
        TEXT_SET(row.id, site->id);
        TEXT_SET(row.name, site->name);
        sim_must(s, sim_db_insert(&s->db, T_SITE, &row), "site");
}

/* As the agent opens a gateway from its file. */
static void unit_init(struct gateway_unit *u, struct sim_gateway *g)
{
        static char type[] = "mpls", domain[] = SIM_DOMAIN, driver[] = "fake", none[] = "";

        *u = (struct gateway_unit){
                .settings = { .driver = driver, .type = type, .domain = domain, .agent_host = none,
                              .capacity_to_wan_kbps = 10000, .capacity_from_wan_kbps = 10000 },
                .driver = &gateway_fake,
                .handle = g->device,
                .quarantine_after = QUARANTINE_AFTER,
        };
        TEXT_SET(u->name, g->name);
        TEXT_SET(u->seen.gateway.name, g->name);
        TEXT_SET(u->seen.gateway.type, type);
        TEXT_SET(u->seen.gateway.domain, domain);
        TEXT_SET(u->seen.gateway.fence, "device");
        TEXT_SET(u->seen.gateway.capabilities, gateway_fake.capabilities);
        TEXT_SET(u->seen.digest, "0000000000000000");
        u->seen.gateway.capacity_to_wan_kbps = u->settings.capacity_to_wan_kbps;
        u->seen.gateway.capacity_from_wan_kbps = u->settings.capacity_from_wan_kbps;
}

static void agent_init(struct sim *s, int i)
{
        struct sim_agent *a = &s->agents[i];

        *a = (struct sim_agent){ .site = i % SITES };
        snprintf(a->host, sizeof a->host, "agent-%d", i);
        a->beat_ms = s->now_ms + (int64_t)random_below(&s->random, BEAT_MS);
        for (int g = 0; g < GATEWAYS; g++)
                unit_init(&a->units[g], &s->gateways[g]);
}

void sim_init(struct sim *s, uint64_t seed, bool verbose)
{
        static const int badness[] = { 0, 2, 5, 10, 20 };

        *s = (struct sim){
                .seed = seed,
                .random.state = seed,
                .ids.state = seed ^ 0x5bd1e995,
                .now_ms = 1700000000000,
                .verbose = verbose,
        };
        s->fault_percent = badness[random_below(&s->random, sizeof badness / sizeof *badness)];
        s->liars = random_chance(&s->random, 10);
        s->lasting = random_chance(&s->random, 30);
        s->braked = random_chance(&s->random, 50);
        s->exchanges = random_chance(&s->random, 30);
        s->via_wan = seed % 4 == 3;
        if (s->via_wan)
                sim_wan_init(s);
        for (int i = 0; i < GATEWAYS; i++)
                gateway_init(s, i);
        for (int i = 0; i < SITES; i++)
                site_init(s, i);
        for (int i = 0; i < AGENTS; i++)
                agent_init(s, i);
        for (int i = 0; i < CONDUCTORS; i++)
                sim_conductor_init(s, &s->conductors[i]);
}

int sim_gateway_find(const struct sim *s, int site, const char *name)
{
        for (int i = 0; i < GATEWAYS; i++)
                if (s->gateways[i].site == site && text_equal(s->gateways[i].name, name))
                        return i;
        return -1;
}

void sim_done(struct sim *s)
{
        for (int i = 0; i < CONDUCTORS; i++) {
                struct sim_conductor *c = &s->conductors[i];

                for (size_t j = 0; j < c->n_calls; j++)
                        free(c->calls[j].message.bytes);
                for (size_t j = 0; j < c->n_held; j++)
                        free(c->held[j].bytes);
                conductor_done(&c->core);
                store_free(c->store);
        }
        for (int i = 0; i < AGENTS; i++)
                for (size_t j = 0; j < s->agents[i].n_hand; j++)
                        free(s->agents[i].hand[j].message.bytes);
        for (int i = 0; i < GATEWAYS; i++)
                gateway_fake.close(s->gateways[i].device);
        for (int i = 0; i < SITES; i++)
                cloud_fake.close(s->sites[i].cloud.handle);
        wan_fake.close(s->nms);
        for (size_t i = 0; i < s->n_queue; i++)
                free(s->queue[i].bytes);
        free(s->queue);
        free(s->lost);
        free(s->calls);
        sim_db_done(&s->db);
}
