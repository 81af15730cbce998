/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's brakes: a freeze under which nothing is sent to gateways and networks, and the
 * word that lets a halted repair of a gateway go. While frozen, what would need the sites is
 * refused, and what runs waits without losing time. */
#include <errno.h>

#include "base/err.h"
#include "base/text.h"
#include "base/uuid.h"
#include "conductor/request.h"
#include "model/json.h"

/* Read without a lock: what others have committed by then leaves after the freeze's answer anyway. */
const struct control *freeze_of(const struct turn *t)
{
        const struct control *c = view_get(&t->view, T_CONTROL, CONTROL_FREEZE);

        return c && c->is_on ? c : NULL;
}

int freeze_refuse(const struct turn *t, struct fault *why)
{
        const struct control *c = freeze_of(t);

        if (!c)
                return 0;
        fault_set(why, 503, "service.frozen",
                  "An operator has frozen all changes%s%.300s; try again later.",
                  c->reason[0] ? ": " : "", c->reason);
        why->retry_after_ms = 60000;
        return why->code;
}

static int operator_event(struct turn *t, const struct caller *who, const char *type,
                          const struct gateway *g, const char *reason)
{
        struct event e = { 0 };

        TEXT_SET(e.object_type, g ? "gateway" : "control");
        TEXT_SET(e.object_id, g ? g->id : "");
        TEXT_SET(e.site, g ? g->site_name : "");
        TEXT_SET(e.request_id, who->request_id);
        TEXT_SET(e.type, type);
        TEXT_SET(e.reason, reason);
        return event_put(t, &e);
}

static int reply_freeze(struct turn *t, const struct control *c)
{
        return out_reply(t, "freeze", freeze_to_json(c));
}

static int set_freeze(struct turn *t, const struct input *in, bool is_on, struct fault *why)
{
        const struct control *before = view_get(&t->view, T_CONTROL, CONTROL_FREEZE);
        struct control row = { .name = CONTROL_FREEZE, .is_on = is_on, .since_ms = t->now_ms };
        const char *user = request_context(in->request, "user_id");
        struct caller who;
        int r;

        if (!operator_of(in, &who, why) ||
            !json_read_text(in->request->args, "reason", JSON_OPTIONAL, row.reason,
                            sizeof row.reason, why))
                return why->code;
        if (before && before->is_on == is_on)
                return reply_freeze(t, before);
        TEXT_SET(row.user_id, user);
        if (!view_put(&t->view, T_CONTROL, &row))
                return err_raise(-ENOMEM);
        r = operator_event(t, &who, is_on ? "control.frozen" : "control.unfrozen", NULL,
                           row.reason);
        return r ? r : reply_freeze(t, &row);
}

int freeze_start(struct turn *t, const struct input *in, struct fault *why)
{
        return set_freeze(t, in, true, why);
}

int freeze_end(struct turn *t, const struct input *in, struct fault *why)
{
        return set_freeze(t, in, false, why);
}

/* ---- a gateway whose repair was halted ---- */

int gateway_plan(struct turn *t, const struct input *in)
{
        const char *id = input_text(in, "gateway_id");

        return uuid_valid(id) ? idset_add(&t->plan.gateways, id) : 0;
}

int gateway_release(struct turn *t, const struct input *in, struct fault *why)
{
        struct gateway *g = view_get(&t->view, T_GATEWAY, input_text(in, "gateway_id"));
        struct caller who;
        int r = 0;

        if (!operator_of(in, &who, why))
                return why->code;
        if (!g)
                return refuse_unknown(why, "Gateway", input_text(in, "gateway_id"));
        if (g->brake == BRAKE_HALTED) {
                g->brake = BRAKE_RELEASED;
                g->audit_wanted = true;
                view_dirty(g);
                r = operator_event(t, &who, "gateway.released", g,
                                   "An operator lets the repair go.");
                r = r ? r : idset_add(&t->pump, g->id);
        }
        return r ? r : out_reply(t, "gateway",
                                 gateway_to_json(g, (struct gateway_around){ .frozen = freeze_of(t) }, true));
}
