/* SPDX-License-Identifier: Apache-2.0 */
/* The actions that rows of several workflows share. Each may run twice: it looks at what is there
 * first. */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "base/text.h"
#include "conductor/flows.h"

/* A new desire for one end, when it differs from the newest one or that was never confirmed. */
static int want_port(struct subject *s, int side, bool wanted, int64_t tx_kbps, int64_t rx_kbps)
{
        struct vport *p = s->ports[side];

        if (p->generation && p->wanted == wanted && p->tx_kbps == tx_kbps &&
            p->rx_kbps == rx_kbps && p->confirmed_generation == p->generation &&
            p->present == wanted)
                return 0;
        p->generation++;
        p->wanted = wanted;
        p->tx_kbps = tx_kbps;
        p->rx_kbps = rx_kbps;
        p->reason[0] = '\0';
        view_dirty(p);
        return gate_enqueue_port(s->t, s->l, p, s->op ? s->op->request_id : "");
}

int step_limit_ports(struct subject *s, const struct end_limits *limits)
{
        bool free_rate = s->l->ignored[0] && !text_equal(s->l->ignored, "[]");
        int r = 0;

        for (int side = 0; side < SIDE_N && r == 0; side++)
                r = want_port(s, side, true, free_rate ? 0 : limits[side].tx_kbps,
                              free_rate ? 0 : limits[side].rx_kbps);
        return r;
}

/* The same for an access side; one that was refused is asked again. */
static int want_attachment(struct turn *t, struct attachment *a, bool wanted,
                           const char *request_id)
{
        if (a->generation && a->wanted == wanted && !a->reason[0])
                return 0;
        a->generation++;
        a->wanted = wanted;
        a->reason[0] = '\0';
        view_dirty(a);
        return gate_enqueue_attachment(t, a, request_id);
}

int step_limit_old(struct subject *s)
{
        const struct end_limits limits[SIDE_N] = {
                [SIDE_A] = { .tx_kbps = s->l->a_to_z_kbps, .rx_kbps = s->l->z_to_a_kbps },
                [SIDE_Z] = { .tx_kbps = s->l->z_to_a_kbps, .rx_kbps = s->l->a_to_z_kbps },
        };

        return step_limit_ports(s, limits);
}

int step_want_ports(void *subject)
{
        struct subject *s = subject;
        int r = step_limit_old(s);

        for (int side = 0; side < SIDE_N && r == 0; side++) {
                struct attachment *a = subject_attachment(s, side);

                r = a ? want_attachment(s->t, a, true, s->op->request_id) : err_raise(-ENOENT);
        }
        return r;
}

void attachment_forget(struct attachment *a)
{
        a->plug = PLUG_NONE;
        a->network_id[0] = a->port_id[0] = a->neutron_port_id[0] = a->net_key[0] = '\0';
        view_dirty(a);
}

int attachment_gone(struct turn *t, struct attachment *a)
{
        int r = resource_free(t, a->gateway_id, INTEGER_TAG, a->tag);

        return r ? r : view_remove(&t->view, T_ATTACHMENT, a);
}

int attachment_leave(struct turn *t, struct attachment *a, const char *request_id)
{
        if (a->plug != PLUG_NONE)
                return unplug_start(t, a, request_id); /* and once more when that is done */
        attachment_forget(a);
        if (!a->wanted && !a->present && a->generation &&
            a->confirmed_generation == a->generation)
                return attachment_gone(t, a);
        return want_attachment(t, a, false, request_id);
}

/* A network that nobody plugged yet is free again, unless another new link may name it too and
 * comes to plug it. */
int wish_forget(struct subject *s, struct attachment *a)
{
        struct turn *t = s->t;
        const struct vport *p;
        size_t at = 0;

        if (!map_get(&t->plan.ports_of_attachment.known, a->id))
                return idset_add(&t->plan.ports_of_attachment, a->id) < 0 ? -ENOMEM : -EAGAIN;
        if (a->plug != PLUG_NONE || (!a->network_id[0] && !a->port_id[0]))
                return 0;
        while ((p = view_next(&t->view, T_VPORT, &at))) {
                const struct vlink *l = view_get(&t->view, T_VLINK, p->link_id);
                const struct operation *op =
                        l ? view_get(&t->view, T_OPERATION, l->operation_id) : NULL;

                if (op && l != s->l && text_equal(p->attachment_id, a->id) &&
                    op->kind == OP_CREATE && text_equal(op->state, "PORTS"))
                        return 0;
        }
        attachment_forget(a);
        return 0;
}

int step_rest_ports(void *subject)
{
        struct subject *s = subject;
        int r = 0;

        for (int side = 0; side < SIDE_N && r == 0; side++)
                r = want_port(s, side, false, 0, 0);
        return r ? r : step_ports_settled(s);
}

/* True when the access side at 'side' loses its last port with this link. */
static bool is_last(const struct subject *s, int side)
{
        const struct attachment *a = subject_attachment(s, side);

        return a && a->n_ports - s->ports[side]->holds <= 0;
}

int step_let_go(struct subject *s, struct vport *p)
{
        struct attachment *a = NULL;
        int r = lock_attachment(s->t, p->attachment_id, &a);

        if (r < 0)
                return r;
        if (p->holds) {
                if (a) {
                        a->n_ports--;
                        view_dirty(a);
                }
                p->holds = false;
                view_dirty(p);
        }
        if (a && a->n_ports == 0)
                return attachment_leave(s->t, a, s->op ? s->op->request_id : "");
        return a && a->plug == PLUG_NONE && (a->network_id[0] || a->port_id[0]) ? wish_forget(s, a)
                                                                                : 0;
}

/* A circuit comes out of the access side until the WAN has confirmed that it is gone: till then no
 * other may have its tag. Its network is let go at once. */
static int keep_access(struct subject *s, int side)
{
        struct attachment *a = NULL;
        int r = lock_attachment(s->t, s->ports[side]->attachment_id, &a);

        if (r || !a)
                return r;
        if (a->plug == PLUG_NONE)
                return a->network_id[0] || a->port_id[0] ? wish_forget(s, a) : 0;
        return is_last(s, side) ? unplug_start(s->t, a, s->op->request_id) : 0;
}

int step_drop_ports(void *subject)
{
        struct subject *s = subject;
        int r = 0;

        for (int side = 0; side < SIDE_N && r == 0; side++) {
                struct vport *p = s->ports[side];

                if (!p)
                        continue;
                r = want_port(s, side, false, 0, 0);
                if (r == 0)
                        r = s->l->wan_domain[0] &&
                                            (p->present || p->confirmed_generation != p->generation)
                                    ? keep_access(s, side)
                                    : step_let_go(s, p);
        }
        return r ? r : step_ports_settled(s);
}

static bool attachment_settled(const struct attachment *a)
{
        if (!a)
                return true; /* gone with the last port */
        return a->n_ports > 0 && a->confirmed_generation == a->generation &&
               a->present == a->wanted;
}

int step_ports_settled(void *subject)
{
        const struct subject *s = subject;

        for (int side = 0; side < SIDE_N; side++) {
                const struct vport *p = s->ports[side];

                if (p && (p->confirmed_generation != p->generation || p->present != p->wanted))
                        return 0;
                if (!attachment_settled(subject_attachment(s, side)))
                        return 0;
        }
        return exchange_complete(s->t, s->l, s->ports) ? EV_PORTS_OK : 0;
}

/* True when the operation has to do with the attachment at 'side': its own, or all; who goes minds
 * only what goes too. */
static bool concerns(const struct subject *s, int side)
{
        const struct attachment *a = subject_attachment(s, side);

        if (!a || (s->op->kind == OP_DELETE && !is_last(s, side)))
                return false;
        return !s->op->attachment_id[0] || text_equal(s->op->attachment_id, a->id);
}

bool work_concerns(struct turn *t, struct vlink *l, const struct attachment *a)
{
        const struct subject s = {
                .t = t,
                .l = l,
                .op = view_get(&t->view, T_OPERATION, l->operation_id),
                .ports = view_ports(&t->view, l->id),
        };

        for (int side = 0; side < SIDE_N; side++)
                if (s.op && s.ports[side] && text_equal(s.ports[side]->attachment_id, a->id))
                        return concerns(&s, side);
        return false;
}

int step_plugs_settled(void *subject)
{
        const struct subject *s = subject;

        for (int side = 0; side < SIDE_N; side++) {
                const struct attachment *a = subject_attachment(s, side);

                if (concerns(s, side) && (a->plug == PLUG_PLUGGING || a->plug == PLUG_UNPLUGGING))
                        return 0;
        }
        return EV_PLUGS_OK;
}

int step_plug(void *subject)
{
        struct subject *s = subject;
        int r = 0;

        for (int side = 0; side < SIDE_N && r == 0; side++) {
                struct attachment *a = subject_attachment(s, side);

                if (concerns(s, side) && a->plug == PLUG_NONE &&
                    (a->network_id[0] || a->port_id[0]))
                        r = plug_start(s->t, a, s->op->request_id);
        }
        return r ? r : step_plugs_settled(s);
}

int step_unplug_last(void *subject)
{
        struct subject *s = subject;
        int r = 0;

        for (int side = 0; side < SIDE_N && r == 0; side++) {
                struct attachment *a = subject_attachment(s, side);

                if (is_last(s, side) && a->plug != PLUG_NONE)
                        r = unplug_start(s->t, a, s->op->request_id);
        }
        return r ? r : step_plugs_settled(s);
}

/* What did not come to be plugged is taken out to be sure, whoever else would have used it. */
int step_unplug_failed(void *subject)
{
        struct subject *s = subject;
        int r = 0;

        for (int side = 0; side < SIDE_N && r == 0; side++) {
                struct attachment *a = subject_attachment(s, side);

                if (concerns(s, side) && a->plug == PLUG_PLUGGING)
                        r = unplug_start(s->t, a, s->op->request_id);
        }
        return r ? r : step_unplug_last(s);
}

int step_unplug_own(void *subject)
{
        struct subject *s = subject;
        struct attachment *a = view_get(&s->t->view, T_ATTACHMENT, s->op->attachment_id);
        int r = 0;

        if (a && a->plug != PLUG_NONE)
                r = unplug_start(s->t, a, s->op->request_id);
        return r ? r : step_plugs_settled(s);
}

/* Why the ports are not as wanted, in words for the tenant. */
static void reason_of_ports(struct subject *s)
{
        for (int side = 0; side < SIDE_N; side++) {
                const struct vport *p = s->ports[side];
                const struct attachment *a = subject_attachment(s, side);
                bool settled =
                        p && p->confirmed_generation == p->generation && p->present == p->wanted;
                const char *why = !p ? "" : p->reason[0] ? p->reason : a ? a->reason : "";

                if (!p || (settled && !*why) || s->op->reason[0])
                        continue;
                if (s->l->wan_domain[0] && !settled && (p->reason[0] || !*why))
                        snprintf(s->op->reason, sizeof s->op->reason, "WAN %s: %.420s",
                                 s->l->wan_domain,
                                 *why ? why : "Its driver did not answer in time.");
                else if (*why)
                        snprintf(s->op->reason, sizeof s->op->reason, "%s: %.440s", p->site_name,
                                 why);
                else
                        snprintf(s->op->reason, sizeof s->op->reason,
                                 "The agent of site %s did not answer in time.", p->site_name);
        }
}

static void reason_of_plugs(struct subject *s)
{
        for (int side = 0; side < SIDE_N; side++) {
                const struct attachment *a = subject_attachment(s, side);

                if (!concerns(s, side) || s->op->reason[0] ||
                    (a->plug != PLUG_PLUGGING && a->plug != PLUG_UNPLUGGING))
                        continue;
                if (a->plug_reason[0])
                        snprintf(s->op->reason, sizeof s->op->reason, "%s: %.440s", a->site_name,
                                 a->plug_reason);
                else
                        snprintf(s->op->reason, sizeof s->op->reason,
                                 "The agent of site %s did not finish plugging in time.",
                                 a->site_name);
        }
}

int step_ask_ports_again(void *subject)
{
        struct subject *s = subject;
        int settled = step_ports_settled(s);

        if (settled)
                return settled;
        if (s->op->retries++) {
                reason_of_ports(s);
                return EV_GAVE_UP;
        }
        if (s->l->wan_domain[0] && circuit_again(s->t, s->l->id) < 0)
                return err_raise(-ENOMEM);
        for (int side = 0; side < SIDE_N; side++) {
                int r = s->ports[side] ? gate_hurry(s->t, s->ports[side]) : 0;

                if (r < 0)
                        return r;
        }
        return 0;
}

int step_ask_plugs_again(void *subject)
{
        struct subject *s = subject;
        int r = step_plugs_settled(s);

        if (r)
                return r;
        if (s->op->retries++) {
                reason_of_plugs(s);
                return EV_GAVE_UP;
        }
        for (int side = 0; side < SIDE_N && r == 0; side++) {
                const struct attachment *a = subject_attachment(s, side);

                if (concerns(s, side))
                        r = plug_hurry(s->t, a->id);
        }
        return r;
}

void subject_reason_at_least(struct subject *s)
{
        subject_reason(s);
        if (s->l) {
                reason_of_ports(s);
                reason_of_plugs(s);
        }
        if (!s->op->reason[0])
                TEXT_SET(s->op->reason, "The sites did not answer in time.");
}

static int finish(struct subject *s, enum operation_result result)
{
        s->op->result = result;
        if (result == OP_DONE)
                s->op->reason[0] = '\0';
        s->op->finished_ms = s->t->now_ms;
        view_dirty(s->op);
        for (int side = 0; side < SIDE_N; side++) {
                struct attachment *a = subject_attachment(s, side);

                if (a && text_equal(a->operation_id, s->op->id)) {
                        a->operation_id[0] = '\0';
                        view_dirty(a);
                }
        }
        s->l->operation_id[0] = '\0';
        s->l->revision_number++;
        s->l->updated_ms = s->t->now_ms;
        view_dirty(s->l);
        return work_part_ended(s->t, s->op);
}

int step_settle_off(struct turn *t, struct vlink *l, struct vport *const ports[SIDE_N])
{
        int r = resource_settle(t, l, ports);

        if (r || (l->operating == OPER_OFFLINE && !l->status_reason[0]))
                return r;
        l->operating = OPER_OFFLINE;
        l->status_reason[0] = '\0';
        l->verified_ms = t->now_ms;
        view_dirty(l);
        return 0;
}

/* An end that was confirmed may have been lost while the networks were plugged, and refused since. */
static int tell_lost_ends(struct subject *s)
{
        int r = 0;

        for (int side = 0; side < SIDE_N && r == 0; side++) {
                const struct vport *p = s->ports[side];

                if (p && p->reason[0] &&
                    (p->confirmed_generation != p->generation || p->present != p->wanted))
                        r = work_port_failed(s->t, s->l, p->site_name, p->reason);
        }
        return r;
}

int end_online(void *subject)
{
        struct subject *s = subject;
        int r = resource_settle(s->t, s->l, s->ports);

        if (r)
                return r;
        s->l->operating = OPER_ONLINE;
        s->l->status_reason[0] = '\0';
        s->l->verified_ms = s->t->now_ms;
        r = end_active(s);
        return r ? r : tell_lost_ends(s);
}

int end_active(void *subject)
{
        struct subject *s = subject;
        int r;

        s->l->provisioning = PROV_ACTIVE;
        r = finish(s, OP_DONE);
        return r ? r : work_settle(s->t, s->l);
}

int end_kept(void *subject)
{
        struct subject *s = subject;
        int r;

        subject_reason_at_least(s);
        s->l->provisioning = PROV_ACTIVE;
        r = finish(s, OP_FAILED);
        return r ? r : work_settle(s->t, s->l);
}

int end_error(void *subject)
{
        struct subject *s = subject;
        bool absent = s->ports[SIDE_A] && !s->ports[SIDE_A]->wanted && s->ports[SIDE_Z] &&
                      !s->ports[SIDE_Z]->wanted && step_ports_settled(s) == EV_PORTS_OK;
        int r = absent ? resource_release_link(s->t, s->l, s->ports) : 0;

        if (r < 0)
                return r;
        subject_reason_at_least(s);
        s->l->provisioning = PROV_ERROR;
        s->l->operating = OPER_OFFLINE;
        TEXT_SET(s->l->status_reason, s->op->reason);
        return finish(s, OP_FAILED);
}

int end_gone(void *subject)
{
        struct subject *s = subject;
        struct vport *ports[SIDE_N] = { s->ports[SIDE_A], s->ports[SIDE_Z] };
        int r = resource_release_link(s->t, s->l, ports);

        if (r < 0)
                return r;
        r = finish(s, OP_DONE);
        for (int side = 0; side < SIDE_N && r == 0; side++)
                if (ports[side]) {
                        r = exchange_forget(s->t, ports[side]);
                        r = r ? r : view_remove(&s->t->view, T_VPORT, ports[side]);
                }
        return r ? r : view_remove(&s->t->view, T_VLINK, s->l);
}
