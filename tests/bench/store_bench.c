/* SPDX-License-Identifier: Apache-2.0 */
/* What PostgreSQL alone sustains: links created and completed in batches as the conductor does it, on one connection,
 * commits on disk. Prints one line; the processors' time says more than the clock on a busy machine. Arguments: number of links (default 20000), links per batch (default 64). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "store/pg.h"
#include "store/tables.h"
#include "support/database.h"

enum { N_GATEWAYS = 64, BATCH_MAX = 1024, PER_LINK_MAX = 4 };

static struct gateway gateways[N_GATEWAYS];
static struct link_rows {
        struct vlink link;
        struct vport ports[2];
        struct work work[2];
        struct operation operation;
        struct event events[3], done;
        struct timer timer;
        struct integer integers[2];
        struct reservation reservations[4];
} batch[BATCH_MAX];
static int64_t next_value;

static void must(int r, const char *what)
{
        if (r != 0) {
                fprintf(stderr, "store_bench: %s answered %d\n", what, r);
                exit(EXIT_FAILURE);
        }
}

/* Pointers to 'per' rows of table 't' in each of 'n' structs of 'step' bytes. */
static const void *const *pointers(enum store_table_id t, const void *first, size_t n, size_t step, size_t per)
{
        static const void *rows[BATCH_MAX * PER_LINK_MAX];

        for (size_t i = 0; i < n; i++)
                for (size_t j = 0; j < per; j++)
                        rows[i * per + j] = (const char *)first + i * step + j * store_tables[t].row_size;
        return rows;
}

static void put(struct store *s, enum store_table_id t, const void *first, size_t n, size_t step, size_t per)
{
        must(store_put(s, &store_tables[t], pointers(t, first, n, step, per), n * per), "put");
}
#define PUT(s, t, member, n, per) put(s, t, &batch[0].member, n, sizeof *batch, per)
#define DROP(s, t, member, n, per)                                                                 \
        must(store_remove(s, &store_tables[t], pointers(t, &batch[0].member, n, sizeof *batch, per), \
                          (n) * (per)),                                                            \
             "remove")

static void get(struct store *s, enum store_table_id t, const char *id, size_t step, size_t n, bool lock)
{
        static const char *values[BATCH_MAX];
        static struct store_rows rows[T_N];

        for (size_t i = 0; i < n; i++)
                values[i] = id + i * step;
        rows[t].n = 0;
        must(store_select(s, &store_tables[t], "id", values, n, lock, &rows[t]), "select");
}

static void event_fill(struct event *e, const struct vlink *l, const char *type)
{
        strcpy(e->project_id, l->project_id);
        strcpy(e->object_type, "virtual_link");
        strcpy(e->object_id, l->id);
        strcpy(e->operation_id, l->operation_id);
        snprintf(e->request_id, sizeof e->request_id, "req-%s", l->operation_id);
        strcpy(e->type, type);
        strcpy(e->from, "asked");
        strcpy(e->to, "ports");
        e->row = 101;
        e->at_ms = clock_wall_ms();
}

static void end_fill(struct link_rows *r, int side, const struct gateway *g)
{
        struct vport *p = &r->ports[side];
        struct work *w = &r->work[side];

        uuid_new(p->id);
        strcpy(p->link_id, r->link.id);
        strcpy(p->project_id, r->link.project_id);
        p->side = side;
        strcpy(p->site_id, g->site_id);
        strcpy(p->gateway_id, g->id);
        p->generation = 1;
        p->wanted = true;
        p->label = ++next_value;
        *w = (struct work){ .kind = WORK_PORT, .generation = 1, .created_ms = clock_wall_ms() };
        strcpy(w->object_id, p->id);
        strcpy(w->gateway_id, g->id);
        strcpy(w->link_id, r->link.id);
        memset(w->want, 'w', 500);
        snprintf(w->request_id, REQUEST_ID_SIZE, "req-%s", r->operation.id);
        r->integers[side] = (struct integer){ .kind = INTEGER_LABEL, .value = p->label };
        strcpy(r->integers[side].gateway_id, g->id);
        strcpy(r->integers[side].owner_id, p->id);
        for (int direction = 0; direction < 2; direction++) {
                struct reservation *v = &r->reservations[side * 2 + direction];

                *v = (struct reservation){ .direction = direction, .kbps = 10000 };
                strcpy(v->link_id, r->link.id);
                strcpy(v->resource_id, g->id);
        }
}

static void link_fill(struct link_rows *r)
{
        const struct gateway *a = &gateways[random() % (N_GATEWAYS / 2)];
        const struct gateway *z = &gateways[N_GATEWAYS / 2 + random() % (N_GATEWAYS / 2)];
        int64_t now_ms = clock_wall_ms();

        memset(r, 0, sizeof *r);
        uuid_new(r->link.id);
        uuid_new(r->link.vpn_id);
        uuid_new(r->operation.id);
        strcpy(r->link.project_id, "6c0e0f9f5b0f4a3f8c3d2b1a09f8e7d6");
        strcpy(r->link.operation_id, r->operation.id);
        snprintf(r->link.pair_key, KEY_SIZE, "%s:%s:%s", r->link.vpn_id, a->id, z->id);
        strcpy(r->link.name, "an ordinary name");
        strcpy(r->link.ignored, "[]");
        r->link.a_to_z_kbps = r->link.z_to_a_kbps = 10000;
        r->link.created_ms = r->link.updated_ms = now_ms;
        strcpy(r->operation.project_id, r->link.project_id);
        strcpy(r->operation.link_id, r->link.id);
        strcpy(r->operation.state, "ports");
        r->operation.started_ms = now_ms;
        strcpy(r->timer.ref_id, r->operation.id);
        r->timer.due_ms = now_ms + 30000;
        end_fill(r, 0, a);
        end_fill(r, 1, z);
        for (int i = 0; i < 3; i++)
                event_fill(&r->events[i], &r->link, "operation.step");
        event_fill(&r->done, &r->link, "virtual_link.create.end");
}

static void create(struct store *s, size_t n)
{
        for (size_t i = 0; i < n; i++)
                link_fill(&batch[i]);
        must(store_begin(s), "begin");
        get(s, T_VLINK, batch[0].link.id, sizeof *batch, n, false);
        get(s, T_GATEWAY, gateways[0].id, sizeof *gateways, N_GATEWAYS, false);
        must(store_flush(s), "flush");
        get(s, T_GATEWAY, gateways[0].id, sizeof *gateways, N_GATEWAYS, true);
        must(store_flush(s), "flush");
        for (size_t i = 0; i < N_GATEWAYS; i++)
                gateways[i].seq++;
        put(s, T_GATEWAY, gateways, N_GATEWAYS, sizeof *gateways, 1);
        PUT(s, T_VLINK, link, n, 1);
        PUT(s, T_VPORT, ports, n, 2);
        PUT(s, T_OPERATION, operation, n, 1);
        PUT(s, T_WORK, work, n, 2);
        PUT(s, T_TIMER, timer, n, 1);
        PUT(s, T_INTEGER, integers, n, 2);
        PUT(s, T_RESERVATION, reservations, n, 4);
        PUT(s, T_EVENT, events, n, 3);
        must(store_commit(s), "commit");
}

static void complete(struct store *s, size_t n)
{
        must(store_begin(s), "begin");
        get(s, T_VLINK, batch[0].link.id, sizeof *batch, n, false);
        get(s, T_VPORT, batch[0].ports[0].id, sizeof *batch, n, false);
        get(s, T_VPORT, batch[0].ports[1].id, sizeof *batch, n, false);
        must(store_flush(s), "flush");
        get(s, T_GATEWAY, gateways[0].id, sizeof *gateways, N_GATEWAYS, true);
        get(s, T_VLINK, batch[0].link.id, sizeof *batch, n, true);
        get(s, T_OPERATION, batch[0].operation.id, sizeof *batch, n, true);
        must(store_flush(s), "flush");
        for (size_t i = 0; i < n; i++) {
                struct link_rows *r = &batch[i];

                r->link.provisioning = PROV_ACTIVE;
                r->link.operation_id[0] = '\0';
                r->link.revision_number++;
                r->operation.result = OP_DONE;
                r->operation.finished_ms = r->link.updated_ms = clock_wall_ms();
                for (int side = 0; side < 2; side++) {
                        r->ports[side].confirmed_generation = 1;
                        r->ports[side].present = true;
                }
        }
        put(s, T_GATEWAY, gateways, N_GATEWAYS, sizeof *gateways, 1);
        PUT(s, T_VLINK, link, n, 1);
        PUT(s, T_VPORT, ports, n, 2);
        PUT(s, T_OPERATION, operation, n, 1);
        PUT(s, T_EVENT, done, n, 1);
        DROP(s, T_WORK, work, n, 2);
        DROP(s, T_TIMER, timer, n, 1);
        must(store_commit(s), "commit");
}

static void gateways_fill(struct store *s)
{
        for (int i = 0; i < N_GATEWAYS; i++) {
                uuid_new(gateways[i].id);
                uuid_new(gateways[i].site_id);
                snprintf(gateways[i].name, GATEWAY_NAME_SIZE, "gw-%d", i);
                strcpy(gateways[i].ranges, "{\"label\": [[16, 99999]], \"tag\": [[1, 4094]]}");
        }
        must(store_begin(s), "begin");
        put(s, T_GATEWAY, gateways, N_GATEWAYS, sizeof *gateways, 1);
        must(store_commit(s), "commit");
}

/* The processor's time that process 'pid' had, in microseconds. */
static double cpu_us(long long pid)
{
        unsigned long user = 0, system = 0;
        char path[64];
        FILE *f;

        snprintf(path, sizeof path, "/proc/%lld/stat", pid);
        f = fopen(path, "re");
        if (!f || fscanf(f, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
                must(-1, path);
        else
                fclose(f);
        return 1e6 * (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

int main(int argc, char **argv)
{
        size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000, done = 0;
        size_t per_batch = argc > 2 ? strtoul(argv[2], NULL, 10) : 64;
        OWN(database_free) struct database *db = database_new();
        OWN(store_free) struct store *s = NULL;
        int64_t create_us = 0, complete_us = 0;
        double client_us, server_us;

        if (per_batch < 1 || per_batch > BATCH_MAX)
                per_batch = 64;
        must(store_pg_new(database_connection(db), 3, &s, NULL), "store");
        gateways_fill(s);
        for (; done < n; done += per_batch) {
                int64_t start_us = clock_mono_us(), middle_us;

                create(s, per_batch);
                middle_us = clock_mono_us();
                complete(s, per_batch);
                create_us += middle_us - start_us;
                complete_us += clock_mono_us() - middle_us;
        }
        client_us = cpu_us(getpid());
        server_us = cpu_us(database_int(db, "SELECT pid FROM pg_stat_activity WHERE application_name = 'atlas-store'"));
        s = store_free(s); /* the server counts a session's updates when it ends */
        printf("store links_per_s=%.0f links=%zu batch=%zu create_us_per_link=%.0f complete_us_per_link=%.0f"
               " client_cpu_us_per_link=%.0f server_cpu_us_per_link=%.0f hot_percent=%lld\n",
               1e6 * (double)done / (double)(create_us + complete_us), done, per_batch,
               (double)create_us / (double)done, (double)complete_us / (double)done, client_us / (double)done, server_us / (double)done,
               (long long)database_int(db, "SELECT 100 * sum(n_tup_hot_upd) / greatest(sum(n_tup_upd), 1)"
                                           " FROM pg_stat_user_tables"));
        return 0;
}
