/* SPDX-License-Identifier: Apache-2.0 */
/* Changing and deleting a link, and how links and ports are shown in replies. */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"
#include "conductor/request.h"
#include "drivers/wan/wan_driver.h"
#include "model/json.h"

static const char *link_id_of(const struct input *in)
{
        return input_text(in, "virtual_link_id");
}

int link_plan(struct turn *t, const struct input *in)
{
        const char *id = link_id_of(in);

        return uuid_valid(id) ? idset_add(&t->plan.links, id) : 0;
}

int reply_link(struct turn *t, const struct vlink *l)
{
        struct vport *const *ports = view_ports(&t->view, l->id);
        struct vport copies[SIDE_N] = { 0 };
        const struct attachment *attachments[SIDE_N] = { NULL };

        for (int side = 0; side < SIDE_N; side++) {
                if (!ports[side])
                        continue;
                copies[side] = *ports[side];
                attachments[side] = view_get(&t->view, T_ATTACHMENT, ports[side]->attachment_id);
        }
        return out_reply(t, "virtual_link", vlink_to_json(l, copies, attachments, false));
}

int reply_port(struct turn *t, const struct vport *p)
{
        const struct attachment *a = view_get(&t->view, T_ATTACHMENT, p->attachment_id);
        const struct vlink *l = view_get(&t->view, T_VLINK, p->link_id);
        json_t *j = vport_to_json(p, a, false);

        if (j && json_set_text(j, "operation_id", l ? l->operation_id : "") < 0) {
                json_decref(j);
                j = NULL;
        }
        return out_reply(t, "virtual_port", j);
}

struct vlink *link_of_caller(struct turn *t, const struct caller *who, const char *id,
                             struct fault *why)
{
        struct vlink *l = view_get(&t->view, T_VLINK, id);

        if (l && (who->is_admin || text_equal(l->project_id, who->project_id)))
                return l;
        refuse_unknown(why, "Virtual link", id);
        return NULL;
}

bool link_is_repeat(struct turn *t, const struct vlink *l, const struct caller *who,
                    enum operation_kind kind)
{
        const struct operation *op = view_get(&t->view, T_OPERATION, l->operation_id);

        return op && op->kind == kind && who->request_id[0] &&
               text_equal(op->request_id, who->request_id);
}

static int bandwidth_start(struct turn *t, struct vlink *l, const struct caller *who,
                           int64_t a_to_z_kbps, int64_t z_to_a_kbps, struct fault *why)
{
        struct vport *const *ports = view_ports(&t->view, l->id);
        const struct wan_domain *wan = circuit_wan(t, l->wan_domain);
        int64_t more_there = a_to_z_kbps > l->a_to_z_kbps ? a_to_z_kbps : l->a_to_z_kbps;
        int64_t more_back = z_to_a_kbps > l->z_to_a_kbps ? z_to_a_kbps : l->z_to_a_kbps;
        int64_t most = more_there > more_back ? more_there : more_back;
        int64_t had = l->a_to_z_kbps > l->z_to_a_kbps ? l->a_to_z_kbps : l->z_to_a_kbps;
        int r;

        if (!ports[SIDE_A] || !ports[SIDE_Z])
                return err_raise(-ENOENT);
        if (wan && !(wan->can & WAN_CAN_CHANGE))
                return fault_set(
                        why, 409, "link.bandwidth_fixed",
                        "The WAN %s cannot change the bandwidth of a link that works; make "
                        "another link in its place.",
                        wan->name);
        r = quota_take(t, l->project_id, &(struct quota_limits){ .kbps = most - had }, why);
        if (r)
                return r;
        r = resource_reserve(t, l, ports, more_there, more_back, why);
        if (r)
                return r;
        l->goal_a_to_z_kbps = a_to_z_kbps;
        l->goal_z_to_a_kbps = z_to_a_kbps;
        l->provisioning = PROV_PENDING_UPDATE;
        return work_start(t, l, OP_UPDATE, who->request_id, "", NULL);
}

/* What a request changes that needs the ends. */
struct change {
        bool bandwidth; /* named */
        int64_t there, back;
        bool up;
};

static bool change_read(const json_t *j, const struct vlink *l, struct change *ret,
                        struct fault *why)
{
        const json_t *bandwidth = json_object_get(j, "bandwidth");

        *ret = (struct change){
                .bandwidth = bandwidth != NULL,
                .there = l->a_to_z_kbps,
                .back = l->z_to_a_kbps,
                .up = l->admin_state_up,
        };
        return json_read_bool(j, "admin_state_up", JSON_OPTIONAL, &ret->up, why) &&
               (!bandwidth || (json_read_int(bandwidth, "a_to_z_kbps", JSON_OPTIONAL, 1, KBPS_MAX,
                                             &ret->there, why) &&
                               json_read_int(bandwidth, "z_to_a_kbps", JSON_OPTIONAL, 1, KBPS_MAX,
                                             &ret->back, why)));
}

static bool change_shapes(const struct change *c, const struct vlink *l)
{
        return c->there != l->a_to_z_kbps || c->back != l->z_to_a_kbps;
}

static int change_refuse(const struct change *c, const struct vlink *l, struct fault *why)
{
        if (!c->bandwidth && c->up == l->admin_state_up)
                return 0;
        if (l->operation_id[0])
                return refuse_busy(why, l);
        if (l->provisioning != PROV_ACTIVE)
                return fault_set(why, 409, "link.not_active",
                                 "Virtual link %s is in ERROR; delete it.", l->id);
        if (c->up != l->admin_state_up)
                return change_shapes(c, l)
                               ? fault_set(why, 400, "request.invalid",
                                           "Change admin_state_up and bandwidth one by one.")
                               : 0;
        if (!l->admin_state_up && change_shapes(c, l))
                return fault_set(why, 409, "link.admin_down",
                                 "Virtual link %s is switched off; set admin_state_up first.",
                                 l->id);
        if (l->operating == OPER_ONLINE || !l->admin_state_up)
                return 0;
        fault_set(
                why, 409, "link.degraded",
                "The ends of virtual link %s have not confirmed its last change yet; wait for them, or delete it.",
                l->id);
        why->retry_after_ms = 5000;
        return why->code;
}

static int change_start(struct turn *t, struct vlink *l, const struct caller *who,
                        const struct change *c, struct fault *why)
{
        if (c->up != l->admin_state_up) {
                l->admin_state_up = c->up;
                l->provisioning = PROV_PENDING_UPDATE;
                return work_start(t, l, c->up ? OP_ENABLE : OP_DISABLE, who->request_id, "", NULL);
        }
        return change_shapes(c, l) ? bandwidth_start(t, l, who, c->there, c->back, why) : 0;
}

int link_update(struct turn *t, const struct input *in, struct fault *why)
{
        const json_t *j = json_object_get(in->request->args, "virtual_link");
        struct vlink changed, *l;
        struct change change;
        struct caller who;
        int r;

        if (!caller_of(in, &who, why))
                return why->code;
        l = link_of_caller(t, &who, link_id_of(in), why);
        if (!l)
                return why->code;
        if (link_is_repeat(t, l, &who, OP_UPDATE) || link_is_repeat(t, l, &who, OP_ENABLE) ||
            link_is_repeat(t, l, &who, OP_DISABLE))
                return reply_link(t, l);
        changed = *l;
        if (revision_check(in, "Virtual link", l->id, l->revision_number, why) ||
            tags_change(changed.tags, j, why) ||
            !json_read_text(j, "name", JSON_OPTIONAL, changed.name, sizeof changed.name, why) ||
            !json_read_text(j, "description", JSON_OPTIONAL, changed.description,
                            sizeof changed.description, why) ||
            !change_read(j, l, &change, why))
                return why->code;
        r = change_refuse(&change, l, why);
        if (r == 0 && (change_shapes(&change, l) || change.up != l->admin_state_up))
                r = freeze_refuse(t, why) || restore_refuse(t, l, why)
                            ? why->code
                            : work_admit(t, who.project_id, why);
        if (r)
                return r;
        *l = changed;
        l->revision_number++;
        l->updated_ms = t->now_ms;
        view_dirty(l);
        r = change_start(t, l, &who, &change, why);
        if (r == 0 && !l->operation_id[0])
                r = link_event(t, l, &who, "virtual_link.update", "", "");
        return r ? r : reply_link(t, l);
}

/* What it does ends here; a delete is to be started. */
static int begin_to_go(struct turn *t, struct vlink *l)
{
        int r = work_preempt(t, l, "A delete took over.");

        l->provisioning = PROV_PENDING_DELETE;
        l->revision_number++;
        l->updated_ms = t->now_ms;
        TEXT_SET(l->operation_id, "");
        view_dirty(l);
        return r;
}

static bool is_going(struct turn *t, const struct vlink *l)
{
        const struct operation *op = view_get(&t->view, T_OPERATION, l->operation_id);

        return op && op->kind == OP_DELETE && op->result == OP_RUNNING;
}

int link_take_back(struct turn *t, struct vlink *l, const struct operation *op)
{
        struct operation *going = view_get(&t->view, T_OPERATION, l->operation_id);
        int r;

        if (is_going(t, l)) { /* whoever asked for it: its end is told here, too */
                TEXT_SET(going->parent_id, op->id);
                view_dirty(going);
                return 0;
        }
        r = begin_to_go(t, l);
        TEXT_SET(t->parent_id, op->id);
        r = r ? r : work_start(t, l, OP_DELETE, op->request_id, "", NULL);
        t->parent_id[0] = '\0';
        return r;
}

int link_delete(struct turn *t, const struct input *in, struct fault *why)
{
        bool force = json_is_true(json_object_get(in->request->args, "force"));
        struct operation *op;
        struct caller who;
        struct vlink *l;
        size_t reply;
        int r;

        if (force ? !operator_of(in, &who, why) : !caller_of(in, &who, why))
                return why->code;
        l = link_of_caller(t, &who, link_id_of(in), why);
        if (!l)
                return why->code;
        if (is_going(t, l) && !force)
                return reply_link(t, l);
        if (revision_check(in, "Virtual link", l->id, l->revision_number, why) ||
            restore_refuse(t, l, why))
                return why->code;
        r = begin_to_go(t, l);
        if (r < 0)
                return r;
        /* Shown before the workflow runs: a link without a trace at its gateways is gone at once.
         */
        reply = t->outs->n; /* what the workflow casts comes behind it */
        r = reply_link(t, l);
        if (r < 0)
                return r;
        r = work_start_on(t, l, OP_DELETE, force ? EV_FORCED : EV_GO, who.request_id, "", &op);
        if (r < 0)
                return r;
        return json_object_set_new(json_object_get(t->outs->outs[reply].body, "virtual_link"),
                                   "operation_id", json_string(op->id)) < 0
                       ? err_raise(-ENOMEM)
                       : 0;
}
