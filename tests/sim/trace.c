/* SPDX-License-Identifier: Apache-2.0 */
/* What happened last, and the first thing that must not be. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/sim.h"

uint64_t random_next(struct random *r)
{
        uint64_t z = r->state += 0x9e3779b97f4a7c15; /* splitmix64 */

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        return z ^ z >> 31;
}

void sim_new_id(struct sim *s, char ret[ID_SIZE])
{
        uint64_t high = random_next(&s->ids), low = random_next(&s->ids);

        snprintf(ret, ID_SIZE, "%08x-%04x-4%03x-8%03x-%012llx", (unsigned)(high >> 32),
                 (unsigned)(high >> 16 & 0xffff), (unsigned)(high & 0xfff), (unsigned)(low >> 48 & 0xfff),
                 (unsigned long long)(low & 0xffffffffffff));
}

void sim_trace(struct sim *s, const char *format, ...)
{
        char *line = s->trace[s->n_trace++ % TRACE_LINES];
        int n = snprintf(line, sizeof s->trace[0], "%8.3f ", (double)(s->now_ms % 100000000) / 1000);
        va_list args;

        va_start(args, format);
        vsnprintf(line + n, sizeof s->trace[0] - (size_t)n, format, args);
        va_end(args);
        if (s->verbose)
                printf("%s\n", line);
}

void sim_broken(struct sim *s, const char *format, ...)
{
        va_list args;

        if (s->broken[0])
                return;
        va_start(args, format);
        vsnprintf(s->broken, sizeof s->broken, format, args);
        va_end(args);
        sim_trace(s, "BROKEN %.200s", s->broken);
}

void sim_trace_beat(struct sim *s, const char *who, const char *what)
{
        if (s->verbose)
                sim_trace(s, "%s: %s", who, what);
}

/* What the rows say at the end. */
static void print_rows(const struct sim *s)
{
        const struct vlink *l;
        const struct vport *p;
        const struct attachment *a;
        size_t at = 0;

        while ((l = sim_db_next(&s->db, T_VLINK, &at)))
                printf("  link %.8s %s %s op %.8s %lld/%lld goal %lld/%lld \"%s\"\n", l->id,
                       provisioning_name[l->provisioning], operating_name[l->operating], l->operation_id,
                       (long long)l->a_to_z_kbps, (long long)l->z_to_a_kbps, (long long)l->goal_a_to_z_kbps,
                       (long long)l->goal_z_to_a_kbps, l->status_reason);
        at = 0;
        while ((p = sim_db_next(&s->db, T_VPORT, &at)))
                printf("  port %.8s of %.8s side %lld gateway %.8s attachment %.8s: wanted %d #%lld, present %d #%lld, label "
                       "%lld, %lld/%lld \"%s\"\n",
                       p->id, p->link_id, (long long)p->side, p->gateway_id, p->attachment_id, p->wanted,
                       (long long)p->generation, p->present, (long long)p->confirmed_generation, (long long)p->label,
                       (long long)p->tx_kbps, (long long)p->rx_kbps, p->reason);
        at = 0;
        while ((a = sim_db_next(&s->db, T_ATTACHMENT, &at)))
                printf("  attachment %.8s at %s/%s: %lld ports, wanted %d #%lld, present %d #%lld, %s #%lld network %.8s port "
                       "%.8s op %.8s \"%s\" \"%s\"\n",
                       a->id, a->site_name, a->gateway_name, (long long)a->n_ports, a->wanted, (long long)a->generation,
                       a->present, (long long)a->confirmed_generation, plug_state_name[a->plug],
                       (long long)a->plug_generation, a->network_id, a->port_id, a->operation_id, a->reason, a->plug_reason);
}

/* What the devices hold. */
static void print_devices(const struct sim *s)
{
        for (int i = 0; i < GATEWAYS; i++) {
                struct gateway_state state = { 0 };
                const struct gateway *row = NULL;
                size_t at = 0;

                while ((row = sim_db_next(&s->db, T_GATEWAY, &at)) && strcmp(row->name, s->gateways[i].name) != 0)
                        ;
                if (!row || gateway_fake.read(s->gateways[i].device, INT64_MAX, &state, NULL) != 0)
                        continue;
                printf("  gateway %.8s %s: epoch %lld seq %lld inflight %lld by %lld, audit %d, held %016llx; device epoch %lld "
                       "seq %lld, holds %016llx:",
                       row->id, row->name, (long long)row->epoch, (long long)row->seq, (long long)row->inflight_seq,
                       (long long)row->inflight_by, row->audit_wanted, (unsigned long long)row->held_digest,
                       (long long)state.epoch, (long long)state.seq, (unsigned long long)gateway_state_digest(&state));
                for (size_t j = 0; j < state.n_ports; j++)
                        printf(" port %.8s #%lld", state.ports[j].id, (long long)state.ports[j].generation);
                for (size_t j = 0; j < state.n_attachments; j++)
                        printf(" attachment %.8s #%lld", state.attachments[j].id,
                               (long long)state.attachments[j].generation);
                printf("\n");
                gateway_state_done(&state);
        }
}

void sim_trace_print(const struct sim *s)
{
        print_rows(s);
        print_devices(s);
        size_t first = s->n_trace > TRACE_LINES ? s->n_trace - TRACE_LINES : 0;

        for (size_t i = first; i < s->n_trace; i++)
                printf("  %s\n", s->trace[i % TRACE_LINES]);
}
