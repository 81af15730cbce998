/* SPDX-License-Identifier: Apache-2.0 */
/* What only an operator may do to a link: build one that is in ERROR again, and delete one whatever
 * its gateways say. */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "base/text.h"
#include "conductor/flows.h"
#include "conductor/request.h"

int link_event(struct turn *t, const struct vlink *l, const struct caller *who, const char *type,
               const char *site, const char *reason)
{
        struct event e = { 0 };

        TEXT_SET(e.project_id, l->project_id);
        TEXT_SET(e.object_type, "virtual_link");
        TEXT_SET(e.object_id, l->id);
        TEXT_SET(e.request_id, who->request_id);
        TEXT_SET(e.type, type);
        TEXT_SET(e.site, site);
        TEXT_SET(e.reason, reason);
        return event_put(t, &e);
}

/* ---- again ---- */

/* What building anew reads besides the link: named, and the batch is run again, until all is there.
 */
static int lock_key(struct idset *keys, const char *key, bool *known)
{
        *known = *known && map_get(&keys->known, key);
        return idset_add(keys, key);
}

static int lock_ends(struct turn *t, const struct vlink *l, struct vport *const ports[SIDE_N],
                     struct gateway *ret[SIDE_N])
{
        bool known = true;
        char key[KEY_SIZE];
        int again = 0;

        for (int side = 0; side < SIDE_N; side++) {
                int r = lock_gateway(t, ports[side]->gateway_id, &ret[side]);

                if (r < 0 && r != -EAGAIN)
                        return r;
                again = again ? again : r;
                snprintf(key, sizeof key, "%s:%s", l->vpn_id, ports[side]->gateway_id);
                r = lock_key(&t->plan.vpn_keys, key, &known);
                if (r == 0 && ports[side]->asked_network_id[0]) {
                        net_key_of(l->project_id, ports[side]->site_id,
                                   ports[side]->asked_network_id, key);
                        r = lock_key(&t->plan.net_keys, key, &known);
                }
                if (r < 0)
                        return r;
        }
        if (lock_key(&t->plan.vpns, l->vpn_id, &known) < 0)
                return -ENOMEM;
        return again ? again : known ? 0 : -EAGAIN;
}

/* A port that had left takes its place at the VPN's access side and a label again; what it was
 * plugged into, or should have been, is plugged again unless the access side is in use by now. */
static int end_take(struct turn *t, const struct vpn *v, struct gateway *g, struct vport *p,
                    struct vport *peer, struct fault *why)
{
        struct site site = { 0 };
        struct attachment *a = NULL;
        int r = 0;

        if (!p->label) {
                r = resource_allocate(t, g, INTEGER_LABEL, p->id, &p->label, why);
                peer->generation++; /* it has to be told, if it is there */
                view_dirty(peer);
        }
        view_dirty(p);
        if (r || p->holds)
                return r;
        TEXT_SET(site.id, p->site_id);
        TEXT_SET(site.name, p->site_name);
        r = attachment_take(t, v, g, &site, &a, why);
        if (r)
                return r;
        a->n_ports++;
        view_dirty(a);
        TEXT_SET(p->attachment_id, a->id);
        p->holds = true;
        return a->network_id[0] || a->port_id[0]
                       ? 0
                       : attachment_wish(t, a, p->asked_network_id, p->asked_port_id, why);
}

int link_retry(struct turn *t, const struct input *in, struct fault *why)
{
        struct gateway *gateways[SIDE_N] = { NULL };
        struct vport *const *ports;
        const struct vpn *v;
        struct caller who;
        struct vlink *l;
        int r;

        if (!operator_of(in, &who, why))
                return why->code;
        l = link_of_caller(t, &who, input_text(in, "virtual_link_id"), why);
        if (!l)
                return why->code;
        if (link_is_repeat(t, l, &who, OP_CREATE))
                return reply_link(t, l);
        if (l->operation_id[0])
                return refuse_busy(why, l);
        if (restore_refuse(t, l, why))
                return why->code;
        if (l->provisioning != PROV_ERROR)
                return fault_set(why, 409, "link.not_in_error", "Virtual link %s is not in ERROR.",
                                 l->id);
        ports = view_ports(&t->view, l->id);
        if (!ports[SIDE_A] || !ports[SIDE_Z])
                return err_raise(-ENOENT);
        r = lock_ends(t, l, ports, gateways);
        v = r ? NULL : view_get(&t->view, T_VPN, l->vpn_id);
        if (r || !v)
                return r ? r : err_raise(-ENOENT);
        for (int side = 0; side < SIDE_N && r == 0; side++)
                r = resource_overbooked(gateways[side], why);
        r = r ? r : resource_reserve(t, l, ports, l->a_to_z_kbps, l->z_to_a_kbps, why);
        for (int side = 0; side < SIDE_N && r == 0; side++)
                r = end_take(t, v, gateways[side], ports[side], ports[!side], why);
        r = r ? r : link_event(t, l, &who, "virtual_link.retried", "", "");
        if (r)
                return r;
        l->goal_a_to_z_kbps = l->a_to_z_kbps;
        l->goal_z_to_a_kbps = l->z_to_a_kbps;
        l->admin_state_up = true;
        l->provisioning = PROV_PENDING_CREATE;
        l->revision_number++;
        l->updated_ms = t->now_ms;
        r = work_start(t, l, OP_CREATE, who.request_id, "", NULL);
        return r ? r : reply_link(t, l);
}

/* ---- by force ---- */

/* No row tells any more that the two belonged together: neither waits for the other. */
static void part_work(struct turn *t, const struct vport *p)
{
        struct work *w = view_get(&t->view, T_WORK, p->id);

        if (!w)
                return;
        w->peer_id[0] = '\0';
        view_dirty(w);
}

/* Both ends are asked to go, and nobody waits for them: what has not confirmed is noted with what
 * it holds. */
int step_leave_ports(void *subject)
{
        struct subject *s = subject;
        struct turn *t = s->t;
        int r = step_drop_ports(s);

        for (int side = 0; side < SIDE_N && r >= 0; side++) {
                struct vport *p = s->ports[side];
                bool left = p && (p->holds || (p->label && (p->present || p->confirmed_generation !=
                                                                                  p->generation)));
                const struct caller who = { .request_id = s->op->request_id };

                if (!p)
                        continue;
                part_work(t, p);
                r = resource_leave(t, s->l, p, left);
                if (r == 0 && left)
                        r = link_event(
                                t, s->l, &who, "virtual_link.left_behind", p->site_name,
                                s->l->wan_domain[0]
                                        ? "The WAN has not confirmed that the link's circuit is gone; its label and "
                                          "bandwidth are kept until it does."
                                        : "The gateway has not confirmed that the link's end is gone; its label and "
                                          "bandwidth are kept until it does.");
        }
        return r < 0 ? r : end_gone(s);
}
