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

static const char *arg(const struct input *in, const char *key)
{
        const char *text = json_string_value(json_object_get(in->request->args, key));

        return text ? text : "";
}

int plugged_plan(struct turn *t, const struct input *in)
{
        const char *id = arg(in, "attachment_id");
        int r;

        if (!uuid_valid(id))
                return 0;
        r = idset_add(&t->plan.attachments, id);
        return r ? r : idset_add(&t->plan.ports_of_attachment, id);
}

/* An attachment plugged by port id learns its network only now: that network may belong to another VPN already. */
int plugged_refine(struct turn *t, const struct input *in)
{
        const char *id = arg(in, "attachment_id"), *network_id = arg(in, "network_id");
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

/* Feeds all operations of the attachment's links. */
static int feed_all(struct turn *t, const struct attachment *a, enum work_event event, const char *reason)
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
                const struct operation *op = l ? view_get(&t->view, T_OPERATION, l->operation_id) : NULL;

                if (!op || (op->attachment_id[0] && !text_equal(op->attachment_id, a->id)))
                        continue;
                r = event == EV_PLUG_FAILED ? work_feed(t, l, event, a->site_name, reason) : work_look(t, l);
        }
        return r;
}

static void forget_network(struct attachment *a)
{
        a->plug = PLUG_NONE;
        a->network_id[0] = a->port_id[0] = a->neutron_port_id[0] = a->net_key[0] = '\0';
}

/* The answer that 'a' waits for, or NULL. */
static struct attachment *awaited(struct turn *t, const struct input *in, enum plug_state state)
{
        struct attachment *a = view_get(&t->view, T_ATTACHMENT, arg(in, "attachment_id"));
        int64_t generation = json_integer_value(json_object_get(in->request->args, "generation"));

        if (!a || !text_equal(a->site_name, in->site) || a->plug != (int64_t)state || a->plug_generation != generation)
                return NULL;
        return a;
}

/* A fault that may pass: the same again after a while. The operation's own deadline ends it. */
static int pause_plug(struct turn *t, struct attachment *a, const struct fault *f)
{
        int64_t wait = f->retry_after_ms < t->c->timing.retry_first_ms ? t->c->timing.retry_first_ms : f->retry_after_ms;

        TEXT_SET(a->plug_reason, f->message);
        view_dirty(a);
        return timer_set(t, TIMER_PLUG, a->id, t->now_ms + wait);
}

static const struct attachment *network_holder(struct turn *t, const struct attachment *a, const char *key)
{
        const struct attachment *other;
        size_t at = 0;

        while ((other = view_next(&t->view, T_ATTACHMENT, &at)))
                if (text_equal(other->net_key, key) && !text_equal(other->id, a->id))
                        return other;
        return NULL;
}

int plugged_handle(struct turn *t, const struct input *in, struct fault *why)
{
        struct attachment *a = awaited(t, in, PLUG_PLUGGING);
        const struct attachment *other;
        const char *network_id = arg(in, "network_id");
        struct fault f = { 0 };
        char key[KEY_SIZE];
        int r;

        (void)why;
        if (!a)
                return 0;
        if (fault_from_json(json_object_get(in->request->args, "fault"), &f)) {
                if (f.retry_after_ms > 0)
                        return pause_plug(t, a, &f);
                forget_network(a);
                TEXT_SET(a->plug_reason, f.message);
                view_dirty(a);
                r = timer_clear(t, TIMER_PLUG, a->id);
                return r ? r : feed_all(t, a, EV_PLUG_FAILED, a->plug_reason);
        }
        r = timer_clear(t, TIMER_PLUG, a->id);
        a->plug = PLUG_PLUGGED;
        TEXT_SET(a->neutron_port_id, arg(in, "neutron_port_id"));
        view_dirty(a);
        if (uuid_valid(network_id)) {
                net_key_of(a->project_id, a->site_id, network_id, key);
                other = network_holder(t, a, key);
                if (other) {
                        snprintf(a->plug_reason, sizeof a->plug_reason, "Network %s at site %s is attached to VPN %s already.",
                                 network_id, a->site_name, other->vpn_id);
                        return r ? r : feed_all(t, a, EV_PLUG_FAILED, a->plug_reason);
                }
                TEXT_SET(a->network_id, network_id);
                TEXT_SET(a->net_key, key);
        }
        return r ? r : feed_all(t, a, EV_PLUGS_OK, NULL);
}

int unplugged_handle(struct turn *t, const struct input *in, struct fault *why)
{
        struct attachment *a = awaited(t, in, PLUG_UNPLUGGING);
        struct fault f = { 0 };
        int r;

        (void)why;
        if (!a)
                return 0;
        if (fault_from_json(json_object_get(in->request->args, "fault"), &f)) {
                if (f.retry_after_ms > 0)
                        return pause_plug(t, a, &f);
                TEXT_SET(a->plug_reason, f.message);
                a->plug = PLUG_PLUGGED; /* as far as we know; a detach or delete may try again */
                view_dirty(a);
                r = timer_clear(t, TIMER_PLUG, a->id);
                return r ? r : feed_all(t, a, EV_PLUG_FAILED, a->plug_reason);
        }
        TEXT_SET(a->left_port_id, a->port_id);
        forget_network(a);
        view_dirty(a);
        r = timer_clear(t, TIMER_PLUG, a->id);
        return r ? r : feed_all(t, a, EV_PLUGS_OK, NULL);
}
