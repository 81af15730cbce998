/* SPDX-License-Identifier: Apache-2.0 */
/* Plugging an attachment into its site's network: one command outstanding per attachment, apart from the gateway's
 * gate, so that a slow Neutron never holds up a gateway. */
#include "conductor/turn.h"

#include <errno.h>

#include "base/err.h"
#include "base/text.h"
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

static int send(struct turn *t, struct attachment *a, const char *method, const char *request_id)
{
        const struct conductor_timing *timing = &t->c->timing;
        struct plug_want want = { .generation = a->plug_generation, .tag = a->tag };
        struct timer timer = { .kind = TIMER_PLUG };
        json_t *args;
        int r;

        TEXT_SET(timer.ref_id, a->id);
        TEXT_SET(want.id, a->id);
        TEXT_SET(want.vpn_id, a->vpn_id);
        TEXT_SET(want.project_id, a->project_id);
        TEXT_SET(want.vif_id, a->vif_id);
        TEXT_SET(want.network_id, a->port_id[0] ? "" : a->network_id);
        TEXT_SET(want.port_id, a->port_id);
        TEXT_SET(want.neutron_port_id, a->neutron_port_id);
        want.mtu = attachment_mtu(t, a);
        args = json_pack("{s:s, s:I, s:o}", "gateway", a->gateway_name, "timeout_ms",
                         (json_int_t)timing->apply_timeout_ms, "attachment", plug_want_to_json(&want));
        r = out_cast(t, a->site_name, method, args, request_id, timing->apply_timeout_ms, &timer);
        return r ? r
                 : timer_set(t, TIMER_PLUG, a->id,
                             t->now_ms + timing->apply_timeout_ms + timing->answer_margin_ms);
}

int plug_start(struct turn *t, struct attachment *a, const char *request_id)
{
        a->plug = PLUG_PLUGGING;
        a->plug_generation++;
        a->plug_reason[0] = '\0';
        view_dirty(a);
        return send(t, a, "plug", request_id);
}

int unplug_start(struct turn *t, struct attachment *a, const char *request_id)
{
        a->plug = PLUG_UNPLUGGING;
        a->plug_generation++;
        a->plug_reason[0] = '\0';
        view_dirty(a);
        return send(t, a, "unplug", request_id);
}

int plug_due(struct turn *t, const char *attachment_id)
{
        struct attachment *a = view_get(&t->view, T_ATTACHMENT, attachment_id);

        if (a && a->plug == PLUG_PLUGGING)
                return send(t, a, "plug", "");
        if (a && a->plug == PLUG_UNPLUGGING)
                return send(t, a, "unplug", "");
        return timer_clear(t, TIMER_PLUG, attachment_id);
}

int plug_stop(struct turn *t, struct attachment *a)
{
        return timer_clear(t, TIMER_PLUG, a->id);
}
