/* SPDX-License-Identifier: Apache-2.0 */
/* Changing and deleting a link, and how links and ports are shown in replies. */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"
#include "conductor/request.h"
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

/* The link, locked and the caller's, or NULL with a 404. */
static struct vlink *link_of_caller(struct turn *t, const struct caller *who, const char *id,
                                    struct fault *why)
{
        struct vlink *l = view_get(&t->view, T_VLINK, id);

        if (l && (who->is_admin || text_equal(l->project_id, who->project_id)))
                return l;
        refuse_unknown(why, "Virtual link", id);
        return NULL;
}

/* True when 'l' is held by this very request: it came twice. */
static bool is_repeat(struct turn *t, const struct vlink *l, const struct caller *who,
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
        int64_t more_there = a_to_z_kbps > l->a_to_z_kbps ? a_to_z_kbps : l->a_to_z_kbps;
        int64_t more_back = z_to_a_kbps > l->z_to_a_kbps ? z_to_a_kbps : l->z_to_a_kbps;
        int r;

        if (!ports[SIDE_A] || !ports[SIDE_Z])
                return err_raise(-ENOENT);
        r = resource_reserve(t, l, ports, more_there, more_back, why);
        if (r)
                return r;
        l->goal_a_to_z_kbps = a_to_z_kbps;
        l->goal_z_to_a_kbps = z_to_a_kbps;
        l->provisioning = PROV_PENDING_UPDATE;
        return work_start(t, l, OP_UPDATE, who->request_id, "", NULL);
}

int link_update(struct turn *t, const struct input *in, struct fault *why)
{
        const json_t *j = json_object_get(in->request->args, "virtual_link");
        const json_t *bandwidth = json_object_get(j, "bandwidth");
        struct caller who;
        struct vlink changed, *l;
        int64_t there, back;
        int r = 0;

        if (!caller_of(in, &who, why))
                return why->code;
        l = link_of_caller(t, &who, link_id_of(in), why);
        if (!l)
                return why->code;
        if (is_repeat(t, l, &who, OP_UPDATE))
                return reply_link(t, l);
        changed = *l;
        there = l->a_to_z_kbps;
        back = l->z_to_a_kbps;
        if (revision_check(in, "Virtual link", l->id, l->revision_number, why) ||
            tags_change(changed.tags, j, why) ||
            !json_read_text(j, "name", JSON_OPTIONAL, changed.name, sizeof changed.name, why) ||
            !json_read_text(j, "description", JSON_OPTIONAL, changed.description,
                            sizeof changed.description, why) ||
            (bandwidth &&
             (!json_read_int(bandwidth, "a_to_z_kbps", JSON_OPTIONAL, 1, KBPS_MAX, &there, why) ||
              !json_read_int(bandwidth, "z_to_a_kbps", JSON_OPTIONAL, 1, KBPS_MAX, &back, why))))
                return why->code;
        if (bandwidth && (l->operation_id[0] || l->provisioning != PROV_ACTIVE))
                return l->operation_id[0]
                               ? refuse_busy(why, l)
                               : fault_set(why, 409, "link.not_active",
                                           "Virtual link %s is in ERROR; delete it.", l->id);
        if (bandwidth && l->operating != OPER_ONLINE) {
                fault_set(
                        why, 409, "link.degraded",
                        "The ends of virtual link %s have not confirmed its last change yet; wait for them, or delete it.",
                        l->id);
                why->retry_after_ms = 5000;
                return why->code;
        }
        if (there != l->a_to_z_kbps || back != l->z_to_a_kbps)
                r = work_admit(t, who.project_id, why);
        if (r)
                return r;
        *l = changed;
        l->revision_number++;
        l->updated_ms = t->now_ms;
        view_dirty(l);
        if (there != l->a_to_z_kbps || back != l->z_to_a_kbps)
                r = bandwidth_start(t, l, &who, there, back, why);
        return r ? r : reply_link(t, l);
}

int link_delete(struct turn *t, const struct input *in, struct fault *why)
{
        struct operation *op;
        struct caller who;
        struct vlink *l;
        size_t reply;
        int r;

        if (!caller_of(in, &who, why))
                return why->code;
        l = link_of_caller(t, &who, link_id_of(in), why);
        if (!l)
                return why->code;
        op = view_get(&t->view, T_OPERATION, l->operation_id);
        if (op && op->kind == OP_DELETE && op->result == OP_RUNNING)
                return reply_link(t, l);
        if (revision_check(in, "Virtual link", l->id, l->revision_number, why))
                return why->code;
        r = work_preempt(t, l);
        if (r < 0)
                return r;
        l->provisioning = PROV_PENDING_DELETE;
        l->revision_number++;
        l->updated_ms = t->now_ms;
        view_dirty(l);
        /* Shown before the workflow runs: a link without a trace at its gateways is gone at once.
         */
        TEXT_SET(l->operation_id, "");
        reply = t->outs->n; /* what the workflow casts comes behind it */
        r = reply_link(t, l);
        if (r < 0)
                return r;
        r = work_start(t, l, OP_DELETE, who.request_id, "", &op);
        if (r < 0)
                return r;
        return json_object_set_new(json_object_get(t->outs->outs[reply].body, "virtual_link"),
                                   "operation_id", json_string(op->id)) < 0
                       ? err_raise(-ENOMEM)
                       : 0;
}
