/* SPDX-License-Identifier: Apache-2.0 */
/* What a batch reads and locks: an unlocked read that finds the ids, one lock statement per table
 * in the order of the tables, then the rows that stand under those locks. */
#include "conductor/turn.h"

#include <errno.h>

#include "base/err.h"
#include "base/text.h"

/* One queued select and where its rows go. */
struct fetch {
        enum store_table_id table;
        const char *column;
        const struct idset *values;
        bool lock;
        struct store_rows rows;
};

static void fetches_done(struct fetch *f, size_t n)
{
        for (size_t i = 0; i < n; i++)
                store_rows_done(&f[i].rows);
}

/* One round trip: all selects, then their rows into the view. */
static int fetch_all(struct turn *t, struct fetch *f, size_t n)
{
        struct store *store = t->c->store;
        bool any = false;
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++) {
                if (!f[i].values->n)
                        continue;
                any = true;
                r = store_select(store, &store_tables[f[i].table], f[i].column,
                                 (const char *const *)f[i].values->texts, f[i].values->n, f[i].lock,
                                 &f[i].rows);
        }
        if (r == 0 && any)
                r = store_flush(store);
        for (size_t i = 0; i < n && r == 0; i++)
                r = view_load(&t->view, f[i].table, &f[i].rows, f[i].lock);
        fetches_done(f, n);
        return r;
}

const char *input_text(const struct input *in, const char *key)
{
        const char *text = json_string_value(json_object_get(in->request->args, key));

        return text ? text : "";
}

const struct method *method_find(const struct input *in)
{
        const struct method *m = in->kind == INPUT_REQUEST   ? request_methods
                                 : in->kind == INPUT_EVENT   ? event_methods
                                 : in->kind == INPUT_CIRCUIT ? circuit_methods
                                                             : NULL;

        for (; m && m->name; m++)
                if (text_equal(m->name, in->request->method))
                        return m;
        return NULL;
}

static int plan_timer(struct plan *p, const struct timer *timer)
{
        int r = idset_add(&p->timers, timer->ref_id);

        if (timer->kind == TIMER_OPERATION || timer->kind == TIMER_PARENT) {
                r = r ? r : idset_add(&p->operations, timer->ref_id);
                return r ? r : idset_add(&p->parents, timer->ref_id);
        }
        if (timer->kind == TIMER_PLUG) { /* its links tell the MTU */
                r = r ? r : idset_add(&p->attachments, timer->ref_id);
                return r ? r : idset_add(&p->ports_of_attachment, timer->ref_id);
        }
        if (timer->kind == TIMER_CIRCUIT) {
                r = r ? r : idset_add(&p->links, timer->ref_id);
                return r ? r : idset_add(&p->circuits, timer->ref_id);
        }
        r = r ? r : idset_add(&p->gateways, timer->ref_id);
        if (timer->kind == TIMER_AUDIT) /* its VIF-IDs go with the audit */
                r = r ? r : idset_add(&p->attachments_of_gateway, timer->ref_id);
        return r ? r : idset_add(&p->released, timer->ref_id);
}

static int plan_inputs(struct turn *t, const struct input *const *inputs, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                const struct method *m = method_find(inputs[i]);
                int r = 0;

                if (m && m->plan)
                        r = m->plan(t, inputs[i]);
                r = r ? r : once_plan(t, inputs[i]);
                if (r == 0 && m && m->kind == INPUT_REQUEST)
                        r = quota_plan(t, inputs[i]);
                if (r == 0 && m && m->kind == INPUT_REQUEST && t->c->open_max)
                        r = idset_add(&t->plan.projects,
                                      request_context(inputs[i]->request, "project_id"));
                if (inputs[i]->kind == INPUT_TIMER || inputs[i]->kind == INPUT_LOST)
                        r = plan_timer(&t->plan, &inputs[i]->timer);
                if (r < 0)
                        return err_pass(r);
        }
        return 0;
}

static int refine_inputs(struct turn *t, const struct input *const *inputs, size_t n)
{
        int r = 0;

        for (size_t i = 0; i < n && r == 0; i++) {
                const struct method *m = method_find(inputs[i]);

                r = m && m->refine ? m->refine(t, inputs[i]) : 0;
        }
        idset_done(&t->chosen);
        return r < 0 ? err_pass(r) : 0;
}

/* Ports and operations lead to their links. */
static int links_from_rows(struct turn *t)
{
        const struct vport *p;
        const struct operation *op;
        size_t at = 0;
        int r = 0;

        while (r == 0 && (p = view_next(&t->view, T_VPORT, &at)))
                r = idset_add(&t->plan.links, p->link_id);
        at = 0;
        while (r == 0 && (op = view_next(&t->view, T_OPERATION, &at)))
                r = idset_add(&t->plan.links, op->link_id);
        return r;
}

/* Links lead to their ports' attachments; ports that go, or that were changed before, will need
 * both gateways. */
static int ends_from_ports(struct turn *t)
{
        const struct vport *p;
        size_t at = 0;
        int r = 0;

        while (r == 0 && (p = view_next(&t->view, T_VPORT, &at))) {
                if (!map_get(&t->plan.links.known, p->link_id))
                        continue;
                r = idset_add(&t->plan.attachments, p->attachment_id);
                if (r == 0 && (!p->wanted || p->generation > 1))
                        r = idset_add(&t->plan.gateways, p->gateway_id);
        }
        return r;
}

/* Two rounds, for the second needs ids that the first finds. */
static int read_unlocked(struct turn *t, const struct input *const *inputs, size_t n)
{
        struct plan *p = &t->plan;
        struct fetch first[] = {
                { .table = T_SITE, .column = "id", .values = &p->site_ids },
                { .table = T_SITE, .column = "name", .values = &p->site_names },
                { .table = T_VPORT, .column = "id", .values = &p->ports },
                { .table = T_VPORT, .column = "attachment_id", .values = &p->ports_of_attachment },
                { .table = T_VPORT, .column = "gateway_id", .values = &p->ports_of_gateway },
                { .table = T_OPERATION, .column = "id", .values = &p->operations },
                { .table = T_OPERATION, .column = "parent_id", .values = &p->parents },
                { .table = T_VPN, .column = "id", .values = &p->vpns },
                { .table = T_QUOTA, .column = "project_id", .values = &p->payers },
                { .table = T_GATEWAY, .column = "site_name", .values = &p->gateways_of_site },
                { .table = T_GATEWAY, .column = "domain", .values = &p->domains },
        };
        int r = fetch_all(t, first, sizeof first / sizeof *first);

        r = r ? r : quota_refine(t);
        r = r ? r : links_from_rows(t);
        r = r ? r : refine_inputs(t, inputs, n);
        if (r == 0) {
                struct fetch second[] = {
                        { .table = T_VPORT, .column = "link_id", .values = &p->links },
                        { .table = T_GATEWAY, .column = "site_id", .values = &p->candidates },
                        { .table = T_VLINK, .column = "vpn_id", .values = &p->choices },
                };

                r = fetch_all(t, second, sizeof second / sizeof *second);
        }
        r = r ? r : ends_from_ports(t);
        return r ? r : refine_inputs(t, inputs, n);
}

static int read_locked(struct turn *t)
{
        struct plan *p = &t->plan;
        struct fetch locks[] = {
                { .table = T_PROJECT, .column = "id", .values = &p->limited, .lock = true },
                { .table = T_CONTROL, .column = "name", .values = &p->controls },
                { .table = T_SITE, .column = "name", .values = &p->sites, .lock = true },
                { .table = T_REQUEST_KEY, .column = "key", .values = &p->keys, .lock = true },
                { .table = T_VPN, .column = "id", .values = &p->vpns, .lock = true },
                { .table = T_GATEWAY, .column = "id", .values = &p->gateways, .lock = true },
                { .table = T_ATTACHMENT, .column = "id", .values = &p->attachments, .lock = true },
                { .table = T_ATTACHMENT,
                  .column = "gateway_id",
                  .values = &p->attachments_of_gateway,
                  .lock = true },
                { .table = T_ATTACHMENT,
                  .column = "vpn_key",
                  .values = &p->vpn_keys,
                  .lock = true },
                { .table = T_ATTACHMENT,
                  .column = "net_key",
                  .values = &p->net_keys,
                  .lock = true },
                { .table = T_VLINK, .column = "id", .values = &p->links, .lock = true },
                { .table = T_VLINK, .column = "pair_key", .values = &p->pair_keys, .lock = true },
                { .table = T_VLINK, .column = "vpn_id", .values = &p->links_of_vpn },
                { .table = T_TIMER, .column = "ref_id", .values = &p->timers, .lock = true },
                { .table = T_VPN_SITE, .column = "vpn_id", .values = &p->vpn_members },
                { .table = T_INTEGER, .column = "pool", .values = &p->pools },
                { .table = T_LEFTOVER, .column = "port_id", .values = &p->leftovers },
                { .table = T_LEFTOVER, .column = "gateway_id", .values = &p->leftovers_of_gateway },
                { .table = T_LEFTOVER, .column = "peer_address", .values = &p->leftovers_of_peer },
                { .table = T_FOUND, .column = "id", .values = &p->found },
                { .table = T_FOUND, .column = "gateway_id", .values = &p->found_of_gateway },
                { .table = T_FOUND, .column = "link_id", .values = &p->found_of_link },
                { .table = T_FOUND, .column = "vpn_id", .values = &p->found_of_vpn },
                { .table = T_FOUND, .column = "peer_address", .values = &p->found_of_peer },
                { .table = T_LEFTOVER, .column = "link_id", .values = &p->circuits },
        };

        int r = 0;

        if (p->projects.n)
                r = store_select(t->c->store, &store_open_work, "project_id",
                                 (const char *const *)p->projects.texts, p->projects.n, false,
                                 &t->open_work);
        r = r ? r : fetch_all(t, locks, sizeof locks / sizeof *locks);
        return r ? r : quota_count(t);
}

/* A link that was found and is not there under its lock went meanwhile, and its ports with it: to
 * write one of them would bring it back. */
static void forget_gone(struct turn *t)
{
        struct vlink *l;
        struct vport *p;
        size_t at = 0;

        while ((l = view_next(&t->view, T_VLINK, &at)))
                if (map_get(&t->plan.links.known, l->id) &&
                    !view_is_locked(&t->view, T_VLINK, l->id))
                        view_forget(l);
        at = 0;
        while ((p = view_next(&t->view, T_VPORT, &at)))
                if (!view_is_locked(&t->view, T_VLINK, p->link_id))
                        view_forget(p);
}

/* After a restore what waits has to know whether the other end's gateway was read; and a link what
 * was found of it. */
static int read_while_restoring(struct turn *t)
{
        OWN(idset_done) struct idset peers = { 0 };
        OWN(idset_done) struct idset vpns = { 0 };
        const struct attachment *a;
        const struct vlink *l;
        const struct work *w;
        size_t at = 0;
        int r = 0;

        if (!restore_runs(t))
                return 0;
        while (r == 0 && (a = view_next(&t->view, T_ATTACHMENT, &at)))
                if (!view_get(&t->view, T_GATEWAY, a->gateway_id))
                        r = idset_add(&peers, a->gateway_id);
        at = 0;
        while (r == 0 && (w = view_next(&t->view, T_WORK, &at)))
                if (w->peer_id[0] && !view_get(&t->view, T_GATEWAY, w->peer_id))
                        r = idset_add(&peers, w->peer_id);
        at = 0;
        while (r == 0 && (l = view_next(&t->view, T_VLINK, &at)))
                if (view_is_locked(&t->view, T_VLINK, l->id))
                        r = idset_add(&vpns, l->vpn_id);
        if (r == 0) {
                struct fetch rows[] = {
                        { .table = T_GATEWAY, .column = "id", .values = &peers },
                        { .table = T_FOUND, .column = "vpn_id", .values = &vpns },
                };

                r = fetch_all(t, rows, sizeof rows / sizeof *rows);
        }
        return r;
}

/* What stands under the locks: ports and operations of the links, work of the gateways whose gate
 * is or will be open. */
static int read_under_locks(struct turn *t)
{
        OWN(idset_done) struct idset operations = { 0 };
        OWN(idset_done) struct idset open = { 0 };
        OWN(idset_done) struct idset peers = { 0 };
        OWN(idset_done) struct idset links = { 0 };
        OWN(idset_done) struct idset exchanging = { 0 };
        const struct vlink *l;
        const struct attachment *a;
        const struct gateway *g;
        const struct vport *v;
        size_t at = 0;
        int r = 0;

        for (size_t i = 0; i < t->plan.parents.n && r == 0; i++)
                r = idset_add(&operations, t->plan.parents.texts[i]);
        for (size_t i = 0; i < t->plan.circuits.n && r == 0; i++)
                r = idset_add(&open, t->plan.circuits.texts[i]);
        while (r == 0 && (l = view_next(&t->view, T_VLINK, &at))) {
                if (!view_is_locked(&t->view, T_VLINK, l->id) &&
                    !map_get(&t->plan.links_of_vpn.known, l->vpn_id))
                        continue; /* only the pair it joins is asked for */
                r = idset_add(&operations, l->operation_id);
                r = r ? r : idset_add(&links, l->id);
                if (r == 0 && l->exchange)
                        r = idset_add(&exchanging, l->id);
                if (r == 0 && l->wan_domain[0])
                        r = idset_add(&open, l->id);
        }
        at = 0;
        while (r == 0 && (a = view_next(&t->view, T_ATTACHMENT, &at)))
                r = idset_add(&operations, a->operation_id);
        at = 0;
        while (r == 0 && (g = view_next(&t->view, T_GATEWAY, &at)))
                if (view_is_locked(&t->view, T_GATEWAY, g->id) &&
                    (!g->inflight_seq || map_get(&t->plan.released.known, g->id)))
                        r = idset_add(&open, g->id);
        at = 0;
        while (r == 0 && (v = view_next(&t->view, T_VPORT, &at)))
                if (!view_get(&t->view, T_GATEWAY, v->gateway_id))
                        r = idset_add(&peers, v->gateway_id);
        if (r == 0) {
                struct fetch rows[] = {
                        { .table = T_VPORT, .column = "link_id", .values = &links },
                        { .table = T_EXCHANGE, .column = "link_id", .values = &exchanging },
                        { .table = T_OPERATION, .column = "id", .values = &operations },
                        { .table = T_OPERATION, .column = "parent_id", .values = &t->plan.parents },
                        { .table = T_WORK, .column = "gateway_id", .values = &open },
                        { .table = T_GATEWAY, .column = "id", .values = &peers },
                };

                r = fetch_all(t, rows, sizeof rows / sizeof *rows);
        }
        for (size_t i = 0; i < open.n && r == 0; i++)
                r = idset_add(&t->loaded, open.texts[i]);
        return r ? r : read_while_restoring(t);
}

int plan_load(struct turn *t, const struct input *const *inputs, size_t n)
{
        int r = store_begin(t->c->store);

        r = r ? r : idset_add(&t->plan.controls, CONTROL_FREEZE);
        r = r ? r : idset_add(&t->plan.controls, CONTROL_RESTORE);
        r = r ? r : plan_inputs(t, inputs, n);
        r = r ? r : read_unlocked(t, inputs, n);
        r = r ? r : read_locked(t);
        if (r == 0)
                forget_gone(t);
        return r ? r : read_under_locks(t);
}

void plan_done(struct plan *p)
{
        struct idset *sets[] = {
                &p->sites,
                &p->site_ids,
                &p->site_names,
                &p->gateways_of_site,
                &p->domains,
                &p->attachments_of_gateway,
                &p->keys,
                &p->projects,
                &p->payers,
                &p->limited,
                &p->counted,
                &p->vpns,
                &p->vpn_members,
                &p->gateways,
                &p->choices,
                &p->candidates,
                &p->attachments,
                &p->vpn_keys,
                &p->net_keys,
                &p->links,
                &p->pair_keys,
                &p->links_of_vpn,
                &p->ports,
                &p->ports_of_attachment,
                &p->ports_of_gateway,
                &p->operations,
                &p->parents,
                &p->timers,
                &p->released,
                &p->pools,
                &p->leftovers,
                &p->controls,
                &p->left_alone,
                &p->leftovers_of_gateway,
                &p->leftovers_of_peer,
                &p->found,
                &p->found_of_gateway,
                &p->found_of_link,
                &p->found_of_vpn,
                &p->found_of_peer,
                &p->circuits,
        };

        for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
                idset_done(sets[i]);
}
