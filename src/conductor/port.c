/* SPDX-License-Identifier: Apache-2.0 */
/* Plugging a link's end into a tenant's network, and taking it out. It acts on the attachment that
 * all ports of the VPN share at that gateway. */
#include <errno.h>

#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"
#include "conductor/request.h"
#include "model/json.h"

int port_plan(struct turn *t, const struct input *in)
{
        const char *id = input_text(in, "virtual_port_id");

        return uuid_valid(id) ? idset_add(&t->plan.ports, id) : 0;
}

int port_refine(struct turn *t, const struct input *in)
{
        const struct vport *p = view_get(&t->view, T_VPORT, input_text(in, "virtual_port_id"));
        const char *network_id = input_text(in, "network_id");
        char key[KEY_SIZE];

        if (!p || !uuid_valid(network_id))
                return 0;
        net_key_of(p->project_id, p->site_id, network_id, key);
        return idset_add(&t->plan.net_keys, key);
}

/* The port with its link and attachment, the caller's, or a 404. */
static int port_of_caller(struct turn *t, const struct input *in, struct caller *who,
                          struct vport **ret_port, struct vlink **ret_link,
                          struct attachment **ret_attachment, struct fault *why)
{
        const char *id = input_text(in, "virtual_port_id");
        struct vport *p = view_get(&t->view, T_VPORT, id);
        struct vlink *l = p ? view_get(&t->view, T_VLINK, p->link_id) : NULL;

        if (!caller_of(in, who, why))
                return why->code;
        if (!l || (!who->is_admin && !text_equal(l->project_id, who->project_id)))
                return refuse_unknown(why, "Virtual port", id);
        *ret_port = p;
        *ret_link = l;
        return lock_attachment(t, p->attachment_id, ret_attachment);
}

static bool is_repeat(struct turn *t, const struct vlink *l, const struct caller *who)
{
        const struct operation *op = view_get(&t->view, T_OPERATION, l->operation_id);

        return op && who->request_id[0] && text_equal(op->request_id, who->request_id);
}

static int refuse_moving(const struct attachment *a, struct fault *why)
{
        fault_set(why, 409, "attachment.busy",
                  "VPN %s is just being plugged or unplugged at site %s.", a->vpn_id, a->site_name);
        why->retry_after_ms = 1000;
        return why->code;
}

static int refuse_unready(const struct turn *t, const struct vlink *l, const struct attachment *a,
                          struct fault *why)
{
        if (l->operation_id[0])
                return refuse_busy(why, l);
        if (restore_refuse(t, l, why))
                return why->code;
        if (l->provisioning != PROV_ACTIVE || !a)
                return fault_set(why, 409, "link.not_active", "Virtual link %s is not active.",
                                 l->id);
        return a->operation_id[0] ? refuse_moving(a, why) : 0;
}

int attach_start(struct turn *t, struct vlink *l, struct attachment *a, const char *network_id,
                 const char *port_id, const char *request_id, struct fault *why)
{
        struct operation *op = NULL;
        int r;

        if (network_enter(t, a, network_id, why))
                return why->code;
        TEXT_SET(a->port_id, port_id);
        l->provisioning = PROV_PENDING_UPDATE;
        r = work_start(t, l, OP_ATTACH, request_id, a->id, &op);
        if (r == 0 && op->result == OP_RUNNING)
                TEXT_SET(a->operation_id, op->id);
        return r;
}

static void port_asked(struct vport *p, const char *network_id, const char *port_id)
{
        TEXT_SET(p->asked_network_id, network_id);
        TEXT_SET(p->asked_port_id, port_id);
        view_dirty(p);
}

int port_attach(struct turn *t, const struct input *in, struct fault *why)
{
        char network_id[ID_SIZE] = "", port_id[ID_SIZE] = "";
        struct attachment *a = NULL;
        struct caller who;
        struct vport *p;
        struct vlink *l;
        int r = port_of_caller(t, in, &who, &p, &l, &a, why);

        if (r)
                return r;
        if (!json_read_id(in->request->args, "network_id", JSON_OPTIONAL, network_id, why) ||
            !json_read_id(in->request->args, "port_id", JSON_OPTIONAL, port_id, why))
                return why->code;
        if (!network_id[0] == !port_id[0])
                return fault_set(why, 400, "request.invalid", "Name either network_id or port_id.");
        if (is_repeat(t, l, &who))
                return reply_port(t, p);
        r = refuse_unready(t, l, a, why);
        if (r)
                return r;
        if (a->plug == PLUG_PLUGGING || a->plug == PLUG_UNPLUGGING)
                return refuse_moving(a, why);
        if (a->plug == PLUG_PLUGGED) {
                if (network_id[0] ? text_equal(a->network_id, network_id)
                                  : text_equal(a->neutron_port_id, port_id))
                        return reply_port(t, p);
                return fault_set(
                        why, 409, "attachment.in_use",
                        "VPN %s is plugged into network %s at site %s already; detach it first.",
                        a->vpn_id, a->network_id, a->site_name);
        }
        r = work_admit(t, who.project_id, why);
        r = r ? r : attach_start(t, l, a, network_id, port_id, who.request_id, why);
        if (r)
                return r;
        port_asked(p, network_id, port_id);
        return reply_port(t, p);
}

int port_detach(struct turn *t, const struct input *in, struct fault *why)
{
        struct attachment *a = NULL;
        struct operation *op = NULL;
        struct caller who;
        struct vport *p;
        struct vlink *l;
        int r = port_of_caller(t, in, &who, &p, &l, &a, why);

        if (r)
                return r;
        if (is_repeat(t, l, &who))
                return reply_port(t, p);
        r = refuse_unready(t, l, a, why);
        if (r)
                return r;
        if (a->plug == PLUG_NONE)
                return reply_port(t, p);
        r = work_admit(t, who.project_id, why);
        if (r)
                return r;
        port_asked(p, "", "");
        l->provisioning = PROV_PENDING_UPDATE;
        r = work_start(t, l, OP_DETACH, who.request_id, a->id, &op);
        if (r < 0)
                return r;
        if (op->result == OP_RUNNING)
                TEXT_SET(a->operation_id, op->id);
        return reply_port(t, p);
}
