/* SPDX-License-Identifier: Apache-2.0 */
/* Plugging an attachment into its site's network: one command outstanding per attachment, apart
 * from the gateway's gate, so that a slow Neutron never holds up a gateway. */
#include "conductor/turn.h"

#include <errno.h>

#include "base/err.h"
#include "base/text.h"
#include "conductor/request.h"
#include "model/want.h"

/* The smallest MTU of the links that come out of 'a'; 0 when none is loaded. */
static int64_t attachment_mtu(struct turn *t, const struct attachment *a)
{
        const struct vport *p;
        size_t at = 0;
        int64_t mtu = 0;

        while ((p = view_next(&t->view, T_VPORT, &at))) {
                const struct vlink *l = view_get(&t->view, T_VLINK, p->link_id);

                if (l && text_equal(p->attachment_id, a->id) && (!mtu || l->mtu < mtu))
                        mtu = l->mtu;
        }
        return mtu;
}

/* How long a command can live: it waits in the queue, then it is at work. */
static int64_t life_ms(const struct turn *t)
{
        return 2 * t->c->timing.apply_timeout_ms + t->c->timing.answer_margin_ms;
}

/* The command for what is wanted now, under a number of its own: an earlier attempt's answer does
 * not end it. It is out until its answer comes or its life is over. */
static int send(struct turn *t, struct attachment *a, const char *request_id)
{
        const struct conductor_timing *timing = &t->c->timing;
        struct plug_want want = { .tag = a->tag };
        struct timer timer = { .kind = TIMER_PLUG };
        json_t *args;
        int r;

        if (freeze_of(t) || restore_waits_for(t, a->gateway_id))
                return timer_set(t, TIMER_PLUG, a->id, t->now_ms + FROZEN_LOOK_MS);
        want.generation = ++a->plug_generation;
        TEXT_SET(timer.ref_id, a->id);
        TEXT_SET(want.id, a->id);
        TEXT_SET(want.vpn_id, a->vpn_id);
        TEXT_SET(want.project_id, a->project_id);
        TEXT_SET(want.vif_id, a->vif_id);
        TEXT_SET(want.network_id, a->port_id[0] ? "" : a->network_id);
        TEXT_SET(want.port_id, a->port_id);
        TEXT_SET(want.neutron_port_id, a->neutron_port_id);
        want.mtu = attachment_mtu(t, a);
        if (!want.mtu)
                want.mtu = 1500; /* its last link was deleted by force: unplugging needs none */
        args = json_pack("{s:s, s:I, s:o}", "gateway", a->gateway_name, "timeout_ms",
                         (json_int_t)timing->apply_timeout_ms, "attachment",
                         plug_want_to_json(&want));
        a->plug_sent = a->plug_generation;
        view_dirty(a);
        r = out_cast(t, a->site_name, a->plug == PLUG_PLUGGING ? "plug" : "unplug", args,
                     request_id, timing->apply_timeout_ms, &timer);
        return r ? r : timer_set(t, TIMER_PLUG, a->id, t->now_ms + life_ms(t));
}

static bool is_moving(const struct attachment *a)
{
        return a->plug == PLUG_PLUGGING || a->plug == PLUG_UNPLUGGING;
}

static int send_when_clear(struct turn *t, struct attachment *a, const char *request_id)
{
        return t->now_ms < a->plug_clear_ms ? timer_set(t, TIMER_PLUG, a->id, a->plug_clear_ms)
                                            : send(t, a, request_id);
}

/* A new desire waits for the answer to the older one, for the network has no fence: a plug that
 * comes late would undo an unplug. */
static int want(struct turn *t, struct attachment *a, enum plug_state state, const char *request_id)
{
        a->plug = (int64_t)state;
        a->plug_generation++;
        view_dirty(a);
        return a->plug_sent ? 0 : send_when_clear(t, a, request_id);
}

int plug_start(struct turn *t, struct attachment *a, const char *request_id)
{
        a->plug_reason[0] = '\0';
        return want(t, a, PLUG_PLUGGING, request_id);
}

int unplug_start(struct turn *t, struct attachment *a, const char *request_id)
{
        return a->plug == PLUG_UNPLUGGING ? plug_hurry(t, a->id)
                                          : want(t, a, PLUG_UNPLUGGING, request_id);
}

int plug_answered(struct turn *t, struct attachment *a, int64_t generation, bool *ret_newest)
{
        bool ended = a->plug_sent && a->plug_sent == generation;

        *ret_newest = is_moving(a) && a->plug_generation == generation;
        if (!ended)
                return 0;
        a->plug_sent = 0;
        view_dirty(a);
        if (*ret_newest || !is_moving(a))
                return timer_clear(t, TIMER_PLUG, a->id);
        return send_when_clear(t, a, "");
}

int plug_pause(struct turn *t, struct attachment *a, int64_t pause_ms)
{
        int64_t least = t->c->timing.retry_first_ms;

        a->plug_sent = 0;
        view_dirty(a);
        return timer_set(t, TIMER_PLUG, a->id, t->now_ms + (pause_ms < least ? least : pause_ms));
}

int plug_due(struct turn *t, const char *attachment_id)
{
        struct attachment *a = view_get(&t->view, T_ATTACHMENT, attachment_id);

        if (a && is_moving(a))
                return send(t, a, "");
        return timer_clear(t, TIMER_PLUG, attachment_id);
}

int plug_lost(struct turn *t, const char *attachment_id)
{
        struct attachment *a = view_get(&t->view, T_ATTACHMENT, attachment_id);

        /* Whether it came to an agent is not known: only the same again is safe before its life is
         * over. */
        if (!a || !is_moving(a) || a->plug_sent != a->plug_generation)
                return 0;
        a->plug_clear_ms = t->now_ms + life_ms(t);
        return send(t, a, "");
}

int plug_hurry(struct turn *t, const char *attachment_id)
{
        struct attachment *a = view_get(&t->view, T_ATTACHMENT, attachment_id);

        return a && is_moving(a) && !a->plug_sent ? send_when_clear(t, a, "") : 0;
}

const struct attachment *network_holder(const struct turn *t, const char *net_key,
                                        const char *own_id)
{
        const struct attachment *other;
        size_t at = 0;

        while ((other = view_next(&t->view, T_ATTACHMENT, &at)))
                if (text_equal(other->net_key, net_key) && !text_equal(other->id, own_id))
                        return other;
        return NULL;
}

int network_enter(struct turn *t, struct attachment *a, const char *network_id, struct fault *why)
{
        const struct attachment *holder;
        char key[KEY_SIZE] = "";

        if (network_id[0]) {
                net_key_of(a->project_id, a->site_id, network_id, key);
                holder = network_holder(t, key, a->id);
                if (holder)
                        return fault_set(why, 409, "network.in_use",
                                         "Network %s at site %s is attached to VPN %s already.",
                                         network_id, a->site_name, holder->vpn_id);
        }
        TEXT_SET(a->network_id, network_id);
        TEXT_SET(a->net_key, key);
        view_dirty(a);
        return 0;
}
