/* SPDX-License-Identifier: Apache-2.0 */
/* What a batch did, as OpenStack's services tell it each other. Only from the rows that the batch
 * held: nothing is read for it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "conductor/turn.h"

/* The words of history where others expect another. */
static const char *word_of(const char *word)
{
        /* clang-format off */
        static const struct {
                const char *ours, *told;
        } words[] = {
                { "enable",    "update" },
                { "disable",   "update" },
                { "preempted", "error" },
                { 0 },
        };
        /* clang-format on */

        for (size_t i = 0; words[i].ours; i++)
                if (text_equal(words[i].ours, word))
                        return words[i].told;
        return word;
}

struct notice {
        char noun[24], verb[24], phase[24];
};

static bool is_plug(const struct notice *n)
{
        return text_equal(n->verb, "attach") || text_equal(n->verb, "detach");
}

/* False: nothing to tell. */
static bool notice_of(const struct event *e, struct notice *ret)
{
        *ret = (struct notice){ 0 };
        if (sscanf(e->type, "%23[^.].%23[^.].%23s", ret->noun, ret->verb, ret->phase) < 2 ||
            text_equal(ret->phase, "step"))
                return false;
        if (is_plug(ret))
                TEXT_SET(ret->noun, "virtual_port");
        if (!ret->phase[0] && (text_equal(ret->noun, "vpn") || text_equal(ret->verb, "update")))
                TEXT_SET(ret->phase, "end"); /* of a record, changed at once */
        TEXT_SET(ret->verb, word_of(ret->verb));
        TEXT_SET(ret->phase, word_of(ret->phase));
        return true;
}

/* ---- what it is about ---- */

static const struct vlink *link_of(const struct view *v, const char *id)
{
        const struct vlink *l = view_get(v, T_VLINK, id);
        size_t at = 0;

        while (!l && (l = view_next_gone(v, T_VLINK, &at)))
                if (!text_equal(l->id, id))
                        l = NULL;
        return l;
}

static json_t *link_shown(const struct view *v, const struct event *e)
{
        const struct vlink *l = link_of(v, e->object_id);
        struct vport *const *there = view_ports(v, e->object_id);
        const struct attachment *attachments[SIDE_N] = { NULL };
        struct vport ports[SIDE_N] = { 0 };
        const struct vport *p;
        size_t at = 0;

        if (!l)
                return NULL;
        while ((p = view_next_gone(v, T_VPORT, &at)))
                if (text_equal(p->link_id, l->id))
                        ports[p->side == SIDE_Z] = *p;
        for (int side = 0; side < SIDE_N; side++) {
                if (there[side])
                        ports[side] = *there[side];
                attachments[side] = view_get(v, T_ATTACHMENT, ports[side].attachment_id);
        }
        return vlink_to_json(l, ports, attachments, false);
}

/* The port that the event names, or the link's that its operation is about. */
static json_t *port_shown(const struct view *v, const struct event *e)
{
        const struct operation *op = view_get(v, T_OPERATION, e->operation_id);
        struct vport *const *ends = view_ports(v, e->object_id);
        const struct vport *p = view_get(v, T_VPORT, e->object_id);

        for (int side = 0; side < SIDE_N && op && !p; side++)
                if (ends[side] && text_equal(ends[side]->attachment_id, op->attachment_id))
                        p = ends[side];
        return p ? vport_to_json(p, view_get(v, T_ATTACHMENT, p->attachment_id), false) : NULL;
}

static json_t *vpn_shown(const struct view *v, const struct event *e)
{
        const struct vpn *found = view_get(v, T_VPN, e->object_id);
        json_auto_t *sites = json_array();
        const struct vpn_site *m;
        size_t at = 0;

        while (!found && (found = view_next_gone(v, T_VPN, &at)))
                if (!text_equal(found->id, e->object_id))
                        found = NULL;
        at = 0;
        while ((m = view_next(v, T_VPN_SITE, &at)))
                if (text_equal(m->vpn_id, e->object_id))
                        json_array_append_new(sites, json_string(m->site_id));
        return found ? vpn_to_json(found, sites) : NULL;
}

/* As REST shows it; JSON null for what the batch did not hold. */
static json_t *shown(const struct view *v, const char *noun, const struct event *e)
{
        /* clang-format off */
        static const struct {
                const char *noun;
                json_t *(*shown)(const struct view *v, const struct event *e);
        } nouns[] = {
                { "virtual_link", link_shown },
                { "virtual_port", port_shown },
                { "vpn",          vpn_shown },
                { 0 },
        };
        /* clang-format on */
        json_t *j = NULL;

        for (size_t i = 0; nouns[i].noun; i++)
                if (text_equal(nouns[i].noun, noun))
                        j = nouns[i].shown(v, e);
        return j ? j : json_null();
}

static json_t *payload_of(const struct view *v, const struct notice *n, const struct event *e)
{
        json_t *j = event_to_json(e, "");

        if (!j || json_object_del(j, "id") < 0 ||
            json_object_set_new(j, n->noun, shown(v, n->noun, e)) < 0) {
                json_decref(j);
                return NULL;
        }
        return j;
}

int notify_all(struct turn *t)
{
        const struct event *e;
        size_t at = 0;
        int r = 0;

        t->input = NULL;
        while (r == 0 && (e = view_next(&t->view, T_EVENT, &at))) {
                struct notice n;
                char type[80];

                if (!notice_of(e, &n))
                        continue;
                snprintf(type, sizeof type, "%s.%s%s%s", n.noun, n.verb, n.phase[0] ? "." : "",
                         n.phase);
                r = out_notice(t, type, text_equal(n.phase, "error") ? "error" : "info",
                               payload_of(&t->view, &n, e),
                               json_pack("{ss ss}", "request_id", e->request_id, "project_id",
                                         e->project_id));
        }
        return r;
}
