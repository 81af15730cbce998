/* SPDX-License-Identifier: Apache-2.0 */
/* `plugged` and `unplugged`: what became of an attachment in its site's network. */
#include <errno.h>
#include <stdio.h>

#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"
#include "conductor/event.h"
#include "conductor/request.h"
#include "model/want.h"

int plugged_plan(struct turn *t, const struct input *in)
{
        const char *id = input_text(in, "attachment_id");
        int r;

        if (!uuid_valid(id))
                return 0;
        r = idset_add(&t->plan.attachments, id);
        return r ? r : idset_add(&t->plan.ports_of_attachment, id);
}

/* An attachment plugged by port id learns its network only now: that network may belong to another
 * VPN already. */
int plugged_refine(struct turn *t, const struct input *in)
{
        const char *id = input_text(in, "attachment_id"),
                   *network_id = input_text(in, "network_id");
        const struct vport *p;
        char key[KEY_SIZE];
        size_t at = 0;

        if (!uuid_valid(network_id))
                return 0;
        while ((p = view_next(&t->view, T_VPORT, &at)))
                if (text_equal(p->attachment_id, id)) {
                        net_key_of(p->project_id, p->site_id, network_id, key);
                        return idset_add(&t->plan.net_keys, key);
                }
        return 0;
}

/* What came of a command, for the operations of the attachment's links. */
enum outcome { PLUG_DONE, PLUG_REFUSED, UNPLUG_DONE, UNPLUG_REFUSED };

/* A link that is being plugged when its attachment is taken out has failed, whoever took it out;
 * one that goes does not mind whether others could be plugged. */
static enum work_event event_of(const struct operation *op, enum outcome outcome)
{
        bool plugs = text_equal(op->state, "PLUG");

        if (outcome == PLUG_REFUSED)
                return plugs ? EV_PLUG_FAILED : EV_NONE;
        if (outcome == UNPLUG_DONE)
                return plugs ? EV_PLUG_FAILED : EV_PLUGS_OK;
        return outcome == PLUG_DONE ? EV_PLUGS_OK : EV_PLUG_FAILED;
}

static int feed_all(struct turn *t, const struct attachment *a, enum outcome outcome,
                    const char *reason)
{
        OWN(idset_done) struct idset links = { 0 };
        const struct vport *p;
        size_t at = 0;
        int r = 0;

        while (r == 0 && (p = view_next(&t->view, T_VPORT, &at)))
                if (text_equal(p->attachment_id, a->id))
                        r = idset_add(&links, p->link_id);
        for (size_t i = 0; i < links.n && r == 0; i++) {
                struct vlink *l = view_get(&t->view, T_VLINK, links.texts[i]);
                const struct operation *op =
                        l ? view_get(&t->view, T_OPERATION, l->operation_id) : NULL;
                enum work_event event = EV_NONE;

                if (op && !work_is_left_alone(t, l->id) && work_concerns(t, l, a))
                        event = event_of(op, outcome);
                if (event == EV_PLUGS_OK)
                        r = work_alone(t, l->id, work_look(t, l));
                else if (event == EV_PLUG_FAILED)
                        r = work_alone(t, l->id, work_feed(t, l, event, a->site_name, reason));
        }
        return r;
}

/* The attachment that waited for this answer; NULL: nobody waits for it any more. */
static int answered(struct turn *t, const struct input *in, enum plug_state state,
                    struct attachment **ret)
{
        struct attachment *a = view_get(&t->view, T_ATTACHMENT, input_text(in, "attachment_id"));
        int64_t generation = json_integer_value(json_object_get(in->request->args, "generation"));
        bool newest = false;
        int r = 0;

        if (a && text_equal(a->site_name, in->site))
                r = plug_answered(t, a, generation, &newest);
        *ret = newest && a->plug == (int64_t)state ? a : NULL;
        return r;
}

/* What could not be plugged is taken out to be sure: an earlier attempt may have come through. */
static int plug_failed(struct turn *t, struct attachment *a)
{
        char reason[REASON_SIZE];
        int r = unplug_start(t, a, "");

        TEXT_SET(reason, a->plug_reason);
        return r ? r : feed_all(t, a, PLUG_REFUSED, reason);
}

int plugged_handle(struct turn *t, const struct input *in, struct fault *why)
{
        const char *network_id = input_text(in, "network_id");
        struct attachment *a = NULL;
        struct fault f = { 0 };
        int r = answered(t, in, PLUG_PLUGGING, &a);

        (void)why;
        if (r || !a)
                return r;
        if (fault_from_json(json_object_get(in->request->args, "fault"), &f)) {
                TEXT_SET(a->plug_reason, f.message);
                view_dirty(a);
                return f.retry_after_ms > 0 ? plug_pause(t, a, f.retry_after_ms)
                                            : plug_failed(t, a);
        }
        view_dirty(a);
        if (uuid_valid(network_id) && network_enter(t, a, network_id, &f)) {
                TEXT_SET(a->plug_reason, f.message);
                return plug_failed(t, a);
        }
        a->plug = PLUG_PLUGGED;
        a->plug_reason[0] = '\0';
        TEXT_SET(a->neutron_port_id, input_text(in, "neutron_port_id"));
        r = timer_clear(t, TIMER_PLUG, a->id);
        return r ? r : feed_all(t, a, PLUG_DONE, NULL);
}

int unplugged_handle(struct turn *t, const struct input *in, struct fault *why)
{
        struct attachment *a = NULL;
        struct fault f = { 0 };
        int r = answered(t, in, PLUG_UNPLUGGING, &a);

        (void)why;
        if (r || !a)
                return r;
        if (fault_from_json(json_object_get(in->request->args, "fault"), &f)) {
                TEXT_SET(a->plug_reason, f.message);
                view_dirty(a);
                if (f.retry_after_ms > 0)
                        return plug_pause(t, a, f.retry_after_ms);
                /* An earlier attempt may have come through: it is tried on, slowly, until it is
                 * known to be out. */
                r = plug_pause(t, a, t->c->timing.audit_ms);
                return r ? r : feed_all(t, a, UNPLUG_REFUSED, a->plug_reason);
        }
        TEXT_SET(a->left_port_id, a->port_id);
        attachment_forget(a);
        r = timer_clear(t, TIMER_PLUG, a->id);
        if (r == 0 && a->n_ports == 0)
                r = attachment_leave(t, a, "");
        return r ? r : feed_all(t, a, UNPLUG_DONE, "The network was taken out meanwhile.");
}
