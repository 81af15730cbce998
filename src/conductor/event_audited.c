/* SPDX-License-Identifier: Apache-2.0 */
/* `audited`: all that a gateway was read to hold, compared with what it should. What is missing is
 * sent again, what is unknown is reported and left alone. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/text.h"
#include "base/uuid.h"
#include "conductor/event.h"
#include "conductor/found.h"
#include "conductor/request.h"
#include "model/vif_id.h"
#include "model/want.h"

/* All that a gateway should hold. */
static int plan_all_of(struct turn *t, const char *id)
{
        int r = idset_add(&t->plan.released, id);

        r = r ? r : idset_add(&t->plan.ports_of_gateway, id);
        r = r ? r : idset_add(&t->plan.leftovers_of_gateway, id);
        r = r ? r : idset_add(&t->plan.found_of_gateway, id);
        return r ? r : idset_add(&t->plan.attachments_of_gateway, id);
}

int audited_plan(struct turn *t, const struct input *in)
{
        const json_t *args = in->request->args, *j;
        int r = event_plan_gateway(t, in, json_string_value(json_object_get(args, "gateway")));
        struct vif_id vif;
        size_t i;

        r = r ? r : plan_all_of(t, event_gateway_known(t, in));
        json_array_foreach (json_object_get(args, "gone"), i, j) {
                if (r == 0 && vif_id_parse(json_string_value(j), &vif)) {
                        r = idset_add(&t->plan.attachments, vif.attachment_id);
                        r = r ? r : idset_add(&t->plan.ports_of_attachment, vif.attachment_id);
                }
        }
        json_array_foreach (json_object_get(args, "found_ports"), i, j) {
                const char *project = json_string_value(json_object_get(j, "project_id"));

                if (r == 0 && project &&
                    vif_id_parse(json_string_value(json_object_get(j, "vif_id")), &vif)) {
                        r = idset_add(&t->plan.attachments, vif.attachment_id);
                        r = r ? r : idset_add(&t->plan.ports_of_attachment, vif.attachment_id);
                }
        }
        return r;
}

#define HALTED "The gateway does not hold it; the repair waits for an operator."

struct audit {
        struct turn *t;
        struct gateway *g;
        struct map there; /* id → generation + 1 as a pointer */
        int64_t n_missing, n_known, n_all;
        enum { COUNT, REPAIR, HALT } what; /* is done with what is missing or different */
        bool halts;                        /* it did not before */
        bool newer;                        /* something is there in a later state than its row's */
        bool reading;   /* for the first time after a restore: what is there goes before the rows */
        bool restarted; /* what is there may have been made since, under the generation it had
                           before */
};

static int take_list(struct audit *a, const json_t *list)
{
        const json_t *j;
        size_t i;
        int r = 0;

        json_array_foreach (list, i, j) {
                const char *id = json_string_value(json_object_get(j, "id"));
                int64_t generation = json_integer_value(json_object_get(j, "generation"));

                if (r == 0 && id)
                        r = map_set(&a->there, id, (void *)(uintptr_t)(generation + 1));
        }
        return r;
}

/* Corrects what the 'row' of 'id' says was read. True when the device holds it as wanted. */
static bool holds(struct audit *a, void *row, const char *id, bool wanted, int64_t generation,
                  bool *present, int64_t *confirmed)
{
        int64_t there = (int64_t)(uintptr_t)map_get(&a->there, id) - 1;
        bool is = there >= 0;

        a->n_known += is;
        a->newer |= there > generation;
        if (is != *present || (is && there != *confirmed && there <= generation)) {
                *present = is;
                *confirmed = is && there <= generation ? there : *confirmed;
                view_dirty(row);
        }
        return is == wanted && *confirmed == generation;
}

/* It is as wanted, though the last command was refused: the link works, if its other end does. What
 * it made for the other end before a restart may be something else by now: it is asked once more.
 */
static int audit_settle(struct audit *a, struct vlink *l, struct vport *p)
{
        if (view_get(&a->t->view, T_WORK, p->id))
                return 0;
        if (a->restarted && l->exchange && p->wanted)
                return work_alone(a->t, l->id, gate_enqueue_port(a->t, l, p, ""));
        if (!p->reason[0] || l->operation_id[0] || l->operating == OPER_ONLINE)
                return 0;
        p->reason[0] = '\0';
        view_dirty(p);
        return work_alone(a->t, l->id, work_settle(a->t, l));
}

/* With the gateway of its end a the circuit is looked at, and set again where it is not as it
 * should be. */
static int audit_circuit(struct audit *a, struct vlink *l, const struct vport *p)
{
        if (a->what != REPAIR || p->side != SIDE_A || !p->wanted || l->operation_id[0] ||
            view_get(&a->t->view, T_WORK, l->id))
                return 0;
        return work_alone(a->t, l->id, circuit_enqueue(a->t, l, ""));
}

/* Only what rests is repaired: what is under way is already being sent. What was refused before is
 * asked for again, unless an operation runs, which decides. */
static int audit_port(struct audit *a, struct vport *p)
{
        struct vlink *l = view_get(&a->t->view, T_VLINK, p->link_id);
        bool refused = p->confirmed_generation != p->generation;

        if (!l || !text_equal(p->gateway_id, a->g->id) || work_is_left_alone(a->t, l->id))
                return 0;
        if (l->wan_domain[0])
                return audit_circuit(a, l, p);
        a->n_all++;
        if (holds(a, p, p->id, p->wanted, p->generation, &p->present, &p->confirmed_generation))
                return a->what == REPAIR ? audit_settle(a, l, p) : 0;
        if (view_get(&a->t->view, T_WORK, p->id) || (refused && l->operation_id[0]) ||
            !restore_judges(a->t, l))
                return 0;
        a->n_missing++;
        if (a->what == COUNT)
                return 0;
        if (a->what == REPAIR)
                return work_alone(a->t, l->id, gate_enqueue_port(a->t, l, p, ""));
        TEXT_SET(p->reason, HALTED);
        view_dirty(p);
        return work_alone(a->t, l->id, work_port_failed(a->t, l, p->site_name, HALTED));
}

/* A later state than the row's: it is there for those that use it, and what the row
 * still asks for is over. */
static int attachment_as_there(struct audit *a, struct attachment *at)
{
        int64_t there = (int64_t)(uintptr_t)map_get(&a->there, at->id) - 1;
        struct work work = { 0 };

        if (there <= at->generation)
                return 0;
        TEXT_SET(work.object_id, at->id);
        at->wanted = at->n_ports > 0;
        at->generation = there + !at->wanted;
        at->confirmed_generation = there;
        at->reason[0] = '\0';
        view_dirty(at);
        return view_remove(&a->t->view, T_WORK, &work);
}

static int audit_attachment(struct audit *a, struct attachment *at)
{
        if (!text_equal(at->gateway_id, a->g->id))
                return 0;
        a->n_all++;
        if (a->reading && attachment_as_there(a, at) < 0)
                return -ENOMEM;
        bool held = holds(a, at, at->id, at->wanted, at->generation, &at->present,
                          &at->confirmed_generation);

        if ((held && (!at->wanted || at->vif_id[0])) || view_get(&a->t->view, T_WORK, at->id))
                return 0; /* it is right, and the agent named it; or that comes */
        a->n_missing++;
        return a->what == REPAIR ? gate_enqueue_attachment(a->t, at, "") : 0;
}

/* What was left behind and is still there is unknown to the rows, and counted so; it is asked once
 * more to go. */
static int audit_leftover(struct audit *a, const struct leftover *left)
{
        struct work waiting = { 0 };

        if (!text_equal(left->gateway_id, a->g->id) || left->attachment_id[0] || a->what == COUNT)
                return 0;
        if (map_get(&a->there, left->port_id))
                return view_get(&a->t->view, T_WORK, left->port_id)
                               ? 0
                               : gate_enqueue_leftover(a->t, left);
        TEXT_SET(waiting.object_id, left->port_id);
        return view_remove(&a->t->view, T_WORK, &waiting) < 0 ? -ENOMEM : resource_gone(a->t, left);
}

static int compare(struct audit *a, int what)
{
        const struct leftover *left;
        struct attachment *at;
        struct vport *p;
        size_t i = 0;
        int r = 0;

        a->what = what;
        a->n_missing = a->n_known = a->n_all = 0;
        while (r == 0 && (p = view_next(&a->t->view, T_VPORT, &i)))
                r = audit_port(a, p);
        i = 0;
        while (r == 0 && (at = view_next(&a->t->view, T_ATTACHMENT, &i)))
                r = audit_attachment(a, at);
        i = 0;
        while (r == 0 && (left = view_next(&a->t->view, T_LEFTOVER, &i)))
                r = audit_leftover(a, left);
        return r;
}

/* A repair that touches much of a gateway is more likely a mistake of ours or its than a repair. */
static int compare_and_repair(struct audit *a)
{
        const struct conductor_timing *timing = &a->t->c->timing;
        int r = compare(a, COUNT);
        bool much = a->n_missing > timing->brake_least &&
                    a->n_missing * 100 > a->n_all * timing->brake_percent;

        if (r)
                return r;
        a->restarted = a->g->brake == BRAKE_RELEASED; /* or an operator let it go: no harm */
        if (!much || a->g->brake == BRAKE_RELEASED) {
                a->g->brake = BRAKE_ARMED;
                return compare(a, REPAIR);
        }
        a->halts = a->g->brake != BRAKE_HALTED;
        a->g->brake = BRAKE_HALTED;
        return compare(a, HALT);
}

static int report(struct audit *a, int64_t n_unknown)
{
        struct event e = { 0 };
        bool halted = a->g->brake == BRAKE_HALTED;

        if (halted ? !a->halts : !a->n_missing && !n_unknown)
                return 0; /* nothing, or told before */
        TEXT_SET(e.object_type, "gateway");
        TEXT_SET(e.object_id, a->g->id);
        TEXT_SET(e.site, a->g->site_name);
        TEXT_SET(e.type, halted ? "gateway.halted" : "gateway.audited");
        snprintf(e.reason, sizeof e.reason,
                 "%" PRId64 " of %" PRId64 " objects were missing or different and %s; %" PRId64
                 " are unknown and left alone.",
                 a->n_missing, a->n_all,
                 halted ? "wait until an operator lets the repair go" : "are sent again",
                 n_unknown);
        return event_put(a->t, &e);
}

/* A port that the tenant gave one of our VIF-IDs: plugged as if it had asked for it. */
static int found_port(struct audit *a, const json_t *j)
{
        struct attachment *at = NULL;
        const struct vport *p;
        struct fault why = { 0 };
        struct vif_id vif;
        const char *port_id = json_string_value(json_object_get(j, "port_id"));
        const char *project = json_string_value(json_object_get(j, "project_id"));
        size_t i = 0;

        if (vif_id_parse(json_string_value(json_object_get(j, "vif_id")), &vif))
                at = view_get(&a->t->view, T_ATTACHMENT, vif.attachment_id);
        if (!at || !port_id || !uuid_valid(port_id) || at->plug != PLUG_NONE ||
            at->operation_id[0] || !text_equal(at->gateway_id, a->g->id) ||
            !text_equal(at->project_id, project) || text_equal(at->left_port_id, port_id))
                return 0;
        while ((p = view_next(&a->t->view, T_VPORT, &i))) {
                struct vlink *l = view_get(&a->t->view, T_VLINK, p->link_id);

                if (l && text_equal(p->attachment_id, at->id) && l->provisioning == PROV_ACTIVE &&
                    !l->operation_id[0]) {
                        int r = attach_start(a->t, l, at, "", port_id, "", &why);

                        return r > 0 ? 0 : r;
                }
        }
        return 0;
}

/* Somebody took a port of ours out of the site's network behind our back: a network is plugged
 * again, a tenant's own port that is gone is let go. */
static int gone_port(struct audit *a, const char *vif_id)
{
        struct event e = { 0 };
        struct attachment *at = NULL;
        const struct vport *p;
        struct vif_id vif;
        size_t i = 0;
        int r = 0;

        if (vif_id_parse(vif_id, &vif))
                at = view_get(&a->t->view, T_ATTACHMENT, vif.attachment_id);
        if (!at || at->plug != PLUG_PLUGGED || at->operation_id[0] ||
            !text_equal(at->gateway_id, a->g->id))
                return 0;
        TEXT_SET(e.project_id, at->project_id);
        TEXT_SET(e.object_type, "virtual_port");
        TEXT_SET(e.site, at->site_name);
        TEXT_SET(e.type, "virtual_port.port_gone");
        snprintf(e.reason, sizeof e.reason, "Port %s is gone from network %s; %s.",
                 at->neutron_port_id, at->network_id,
                 a->reading       ? "the database was restored, and it was detached since"
                 : at->port_id[0] ? "it was the tenant's own, so the end is unplugged"
                                  : "the network is plugged again");
        while (r == 0 && (p = view_next(&a->t->view, T_VPORT, &i)))
                if (text_equal(p->attachment_id, at->id)) {
                        TEXT_SET(e.object_id, p->id);
                        r = event_put(a->t, &e);
                }
        if (r)
                return r;
        if (a->reading) { /* somebody detached it after the backup was made */
                attachment_forget(at);
                return 0;
        }
        if (at->port_id[0])
                return unplug_start(a->t, at, "");
        at->neutron_port_id[0] = '\0';
        return plug_start(a->t, at, "");
}

/* The row knows of no port there; or, for the first time after a restore, of another. */
static bool is_new_port(const struct audit *a, const struct attachment *at, const char *port_id)
{
        return at->plug == PLUG_NONE || (a->reading && at->plug == PLUG_PLUGGED &&
                                         !text_equal(at->neutron_port_id, port_id));
}

/* A port that we made for an access side whose row does not know it: it is plugged. */
static int made_port(struct audit *a, const json_t *j)
{
        struct attachment *at = NULL;
        struct vif_id vif;
        char key[KEY_SIZE];
        const char *port_id = json_string_value(json_object_get(j, "port_id"));
        const char *network_id = json_string_value(json_object_get(j, "network_id"));
        struct found *f = NULL;

        if (!port_id || !uuid_valid(port_id) || !network_id || !uuid_valid(network_id))
                return 0;
        if (vif_id_parse(json_string_value(json_object_get(j, "vif_id")), &vif)) {
                at = view_get(&a->t->view, T_ATTACHMENT, vif.attachment_id);
                f = view_get(&a->t->view, T_FOUND, vif.attachment_id);
        }
        if (!at && f && f->kind == WORK_ATTACHMENT && text_equal(f->gateway_id, a->g->id)) {
                TEXT_SET(f->network_id, network_id);
                TEXT_SET(f->neutron_port_id, port_id);
                view_dirty(f);
        }
        if (!at || !is_new_port(a, at, port_id) || at->plug_sent || at->operation_id[0] ||
            !text_equal(at->gateway_id, a->g->id))
                return 0;
        net_key_of(at->project_id, at->site_id, network_id, key);
        if (!map_get(&a->t->plan.net_keys.known, key))
                return idset_add(&a->t->plan.net_keys, key) < 0 ? -ENOMEM : -EAGAIN;
        attachment_forget(at);
        TEXT_SET(at->network_id, network_id);
        TEXT_SET(at->neutron_port_id, port_id);
        /* None when two VPNs are in it: their tenant can tell why. */
        TEXT_SET(at->net_key, network_holder(a->t, key, at->id) ? "" : key);
        at->plug = PLUG_PLUGGED;
        at->plug_generation++;
        view_dirty(at);
        return at->n_ports ? 0 : attachment_leave(a->t, at, ""); /* nobody uses it any more */
}

/* What the agent tells of the site's network. */
static int take_ports(struct audit *a, const json_t *args)
{
        const json_t *j;
        size_t i;
        int r = 0;

        json_array_foreach (json_object_get(args, "found_ports"), i, j)
                r = r ? r : found_port(a, j);
        json_array_foreach (json_object_get(args, "made_ports"), i, j)
                r = r ? r : made_port(a, j);
        json_array_foreach (json_object_get(args, "gone"), i, j)
                r = r ? r : gone_port(a, json_string_value(j));
        return r;
}

/* All that is there is known by now, or is not: more is asked, once there is an answer to that. */
static int ask_on(struct audit *a, const json_t *described, size_t n_open, size_t n_asked)
{
        struct fault why = { 0 };

        fault_set(
                &why, 503, "gateway.not_described",
                "The site's agent does not tell what is at the gateway; it has to be a newer one.");
        if (n_open && (described || !n_asked)) {
                a->g->audit_wanted = true;
                return gate_open(a->t, a->g);
        }
        /* An agent that does not describe: now and then it is asked again, for it may be a newer
         * one. */
        return n_open && a->reading ? gate_pause(a->t, a->g, &why) : gate_open(a->t, a->g);
}

static size_t count_open(struct turn *t, const struct gateway *g)
{
        const struct found *f;
        size_t at = 0, n = 0;

        while ((f = view_next(&t->view, T_FOUND, &at)))
                n += text_equal(f->gateway_id, g->id) && !f->number;
        return n;
}

/* The rows against what was read; first after a restore the other way round. */
static int take_all(struct audit *a, const json_t *args)
{
        const json_t *described = json_object_get(args, "described");
        size_t n_asked = count_open(a->t, a->g), n_open = 0;
        struct fault unseen = { 0 };
        int r = take_list(a, json_object_get(args, "ports"));

        a->reading = gateway_is_unread(a->t, a->g);
        a->g->audit_wanted = false;
        r = r ? r : take_list(a, json_object_get(args, "attachments"));
        r = r ? r : compare(a, COUNT);
        if (r == 0 && a->newer && !a->reading)
                return restore_suspect(a->t, a->g) < 0 ? -ENOMEM : gate_open(a->t, a->g);
        r = r ? r : found_take(a->t, a->g, &a->there, described, &n_open);
        if (r == 0 && a->reading && fault_from_json(json_object_get(args, "cloud_fault"), &unseen))
                return gate_pause(a->t, a->g, &unseen); /* what is plugged has to be seen, too */
        r = r ? r : ask_on(a, described, n_open, n_asked);
        if (r || (a->reading && n_open))
                return r;
        if (a->reading) {
                gateway_was_read(a->t, a->g);
                r = restore_plugs(a->t, a->g);
                r = r ? r : take_ports(a, args);
                r = r ? r : restore_judge(a->t, a->g);
        }
        r = r ? r : compare_and_repair(a);
        r = r ? r
              : report(a, json_integer_value(json_object_get(args, "unknown")) +
                                  (int64_t)a->there.n - a->n_known);
        return r || a->reading ? r : take_ports(a, args);
}

int audited_handle(struct turn *t, const struct input *in, struct fault *why)
{
        const json_t *args = in->request->args;
        const char *boot_id = json_string_value(json_object_get(args, "boot_id"));
        const char *digest = json_string_value(json_object_get(args, "digest"));
        int64_t epoch = json_integer_value(json_object_get(args, "epoch"));
        int64_t seq = json_integer_value(json_object_get(args, "seq"));
        struct audit a = { .t = t };
        struct fault f = { 0 };
        int r = event_gateway(t, in, &a.g);

        (void)why;
        if (r || !a.g)
                return r;
        if (!map_get(&t->plan.ports_of_gateway.known, a.g->id)) /* its name was new */
                return plan_all_of(t, a.g->id) < 0 ? -ENOMEM : -EAGAIN;
        r = lock_work(t, a.g->id);
        if (r)
                return r;
        if (seq != a.g->seq || epoch != a.g->epoch || a.g->inflight_seq != GATE_AUDIT(a.g))
                return 0; /* read before a newer command: it proves nothing */
        if (fault_from_json(json_object_get(args, "fault"), &f))
                return text_equal(f.type, "gateway.stale") ? gate_stale(t, a.g)
                                                           : gate_pause(t, a.g, &f);
        if (boot_id && *boot_id && !text_equal(boot_id, a.g->boot_id))
                a.g->brake =
                        BRAKE_RELEASED; /* it restarted: that it holds nothing is no surprise */
        r = take_all(&a, args);
        a.g->held_digest = (int64_t)digest_parse(digest);
        if (boot_id)
                TEXT_SET(a.g->boot_id, boot_id);
        a.g->verified_ms = t->now_ms;
        view_dirty(a.g);
        map_done(&a.there);
        return r;
}
