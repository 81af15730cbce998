/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway-helper/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

enum {
        LABEL_MIN = 16,
        LABEL_MAX = 1048575,
        BURST_MIN = 256 * 1024,
        GSO_BYTES = 64 * 1024,
        LATENCY_MS = 300
};
#define QUEUE_MAX (64 * 1024 * 1024ULL)

/* One call of plan_make(). */
struct planner {
        const struct apply_want *want;
        const struct found *found;
        const char *bridge;
        struct verdict *verdicts;
        struct map claimed; /* interface names that wanted objects take, to the object's verdict */
        char (*names)[INTERFACE_SIZE]; /* keeps the keys of 'claimed' */
        size_t n_names;
        struct map going; /* interfaces that this plan removes, to their device */
        struct plan *plan;
};

void plan_done(struct plan *p)
{
        for (size_t i = 0; i < p->n; i++)
                free(p->steps[i].text);
        free(p->steps);
        *p = (struct plan){ 0 };
}

static void __attribute__((format(printf, 4, 5)))
step(struct planner *p, enum phase phase, size_t owner, const char *format, ...)
{
        struct plan *plan = p->plan;
        struct step s = { .phase = phase, .owner = owner };
        va_list args;

        if (plan->n == plan->room) {
                size_t room = plan->room ? 2 * plan->room : 64;
                struct step *steps = realloc(plan->steps, room * sizeof *steps);

                if (!steps) {
                        plan->failed = true;
                        return;
                }
                plan->steps = steps;
                plan->room = room;
        }
        va_start(args, format);
        if (vasprintf(&s.text, format, args) >= 0)
                plan->steps[plan->n++] = s;
        else
                plan->failed = true;
        va_end(args);
}

static void note(struct planner *p, struct map *map, const char *key, const void *value)
{
        if (map_set(map, key, (void *)(uintptr_t)value) != 0)
                p->plan->failed = true;
}

/* ---- taking away ---- */

static void remove_pair(struct planner *p, const struct device *d, size_t owner)
{
        const struct device *other = found_partner(p->found, d);

        if (map_get(&p->going, d->name))
                return;
        note(p, &p->going, d->name, d);
        if (d->record.kind == RECORD_PORT)
                step(p, PHASE_UNFLOW, owner, "delete cookie=0x%" PRIx64 "/-1",
                     flow_cookie(d->record.id));
        if (other->in_ovs)
                step(p, PHASE_UNPORT, owner, "--if-exists del-port %s", other->name);
        step(p, PHASE_UNLINK, owner, "link del dev %s", d->name);
}

static void remove_id(struct planner *p, enum record_kind kind, const char *id, const char *but,
                      size_t owner)
{
        for (size_t i = 0; i < p->found->n; i++) {
                const struct device *d = p->found->devices[i];

                if (d->record.kind == kind && !strcmp(d->record.id, id) &&
                    strcmp(d->name, but) != 0)
                        remove_pair(p, d, owner);
        }
}

/* What a crash can leave, and what lost its other half: pairs without a record, ports of Open
 * vSwitch without a device, flows of no port. Nobody else makes things of these names while we hold
 * the gateway's lock. */
static void sweep_devices(struct planner *p)
{
        for (size_t i = 0; i < p->found->n; i++) {
                const struct device *d = p->found->devices[i];
                bool pair = d->role == ROLE_PORT || d->role == ROLE_ATTACHMENT;

                if (pair && d->exists && !d->foreign && d->record.kind == RECORD_NONE)
                        remove_pair(p, d, OWNER_HOUSE);
                if (d->role == ROLE_WAN && d->in_bridge && !d->exists)
                        step(p, PHASE_UNPORT, OWNER_HOUSE, "--if-exists del-port %s %s", p->bridge,
                             d->name);
        }
}

static bool cookie_has_record(const struct planner *p, uint64_t cookie)
{
        for (size_t i = 0; i < p->found->n; i++)
                if (p->found->devices[i]->record.kind == RECORD_PORT &&
                    flow_cookie(p->found->devices[i]->record.id) == cookie)
                        return true;
        return false;
}

static void sweep_flows(struct planner *p)
{
        for (size_t i = 0; i < p->found->n_flows; i++) {
                const struct flow_difference *d = &p->found->flows[i];

                if (!d->missing && flow_cookie_is_ours(d->cookie) &&
                    !cookie_has_record(p, d->cookie))
                        step(p, PHASE_UNFLOW, OWNER_HOUSE, "delete cookie=0x%" PRIx64 "/-1",
                             d->cookie);
        }
}

static size_t n_going_of(const struct planner *p, const char *bridge)
{
        const struct device *d;
        size_t n = 0, at = 0;

        while ((d = map_next(&p->going, &at, NULL)))
                n += !strcmp(d->master, bridge);
        return n;
}

/* A VPN's bridge goes with the last thing in it. */
static void sweep_bridges(struct planner *p)
{
        for (size_t i = 0; i < p->found->n; i++) {
                const struct device *d = p->found->devices[i];

                if (d->role == ROLE_BRIDGE && d->exists && !d->foreign &&
                    !map_get(&p->claimed, d->name) && d->n_slaves == n_going_of(p, d->name))
                        step(p, PHASE_UNLINK, OWNER_HOUSE, "link del dev %s", d->name);
        }
}

/* ---- making ---- */

#define REFUSE(p, owner, code, type, ...)                                                          \
        ((p)->verdicts[owner].given_up = true,                                                     \
         fault_set(&(p)->verdicts[owner].fault, (code), (type), __VA_ARGS__))

static void claim(struct planner *p, const char *name, size_t owner)
{
        char *key = p->names[p->n_names];

        if (map_get(&p->claimed, name))
                return;
        text_copy(key, INTERFACE_SIZE, name);
        p->n_names++;
        note(p, &p->claimed, key, &p->verdicts[owner]);
}

static bool is_leaving(const struct planner *p, const char *id)
{
        for (size_t i = 0; i < p->want->n_ports; i++)
                if (!p->want->ports[i].present && !strcmp(p->want->ports[i].id, id))
                        return true;
        for (size_t i = 0; i < p->want->n_attachments; i++)
                if (!p->want->attachments[i].present && !strcmp(p->want->attachments[i].id, id))
                        return true;
        return false;
}

enum { FREE, SOON, TAKEN };
/* Whether interface 'name' may become, or is, object 'id'. SOON: what is there leaves in this
 * round. */
static int availability(const struct planner *p, const char *name, const char *id, size_t owner)
{
        const struct device *d = found_device(p->found, name);
        const struct verdict *claimant = map_get(&p->claimed, name);
        bool other = d->record.kind != RECORD_NONE && strcmp(d->record.id, id) != 0;

        if ((claimant && claimant != &p->verdicts[owner]) || d->foreign)
                return TAKEN;
        if (other)
                return is_leaving(p, d->record.id) ? SOON : TAKEN;
        return d->exists && d->record.kind == RECORD_NONE ? SOON : FREE;
}

/* False when it is somebody else's. Its steps are the first owner's; but no owner is settled before
 * it is whole. */
static bool ensure_bridge(struct planner *p, const char *name, const char *vpn_id, size_t owner)
{
        const struct device *d = found_device(p->found, name);
        struct record record;
        char alias[RECORD_TEXT_SIZE];

        if (d->foreign || (d->record.kind == RECORD_VPN && strcmp(d->record.id, vpn_id) != 0))
                return false;
        if (!d->exists || d->record.kind != RECORD_VPN || !d->quiet || !d->tuned || !d->sealed ||
            !d->up)
                p->verdicts[owner].settled = false;
        if (map_get(&p->claimed, name))
                return true;
        claim(p, name, owner);
        record_of_vpn(vpn_id, &record);
        record_format(&record, alias);
        if (!d->exists)
                step(p, PHASE_LINK, owner,
                     "link add name %s type bridge stp_state 0 mcast_snooping 0", name);
        else if (!d->tuned)
                step(p, PHASE_LINK, owner,
                     "link set dev %s type bridge stp_state 0 mcast_snooping 0", name);
        if (d->record.kind != RECORD_VPN)
                step(p, PHASE_LINK, owner, "link set dev %s alias %s", name, alias);
        if (!d->quiet)
                step(p, PHASE_LINK, owner, "link set dev %s addrgenmode none", name);
        if (!d->sealed)
                step(p, PHASE_SEAL, owner, "%s", name);
        if (!d->up)
                step(p, PHASE_UP, owner, "link set dev %s up", name);
        return true;
}

/* A veth pair: 'near' in the VPN's bridge, 'far' where the traffic comes from or goes to. */
struct pair {
        const struct record *record;
        const struct device *near_found, *far_found;
        char near[INTERFACE_SIZE], far[INTERFACE_SIZE], bridge[INTERFACE_SIZE];
        int64_t number, mtu;
};

static void pair_of(const struct found *f, const struct record *record, int64_t number,
                    struct pair *ret)
{
        bool is_port = record->kind == RECORD_PORT;

        *ret = (struct pair){ .record = record,
                              .number = number,
                              .mtu = is_port ? record->mtu : found_link_mtu(f) };
        role_name(is_port ? ROLE_PORT : ROLE_ATTACHMENT, number, ret->near);
        role_name(is_port ? ROLE_WAN : ROLE_ACCESS, number, ret->far);
        bridge_name(record->vpn_id, ret->bridge);
        ret->near_found = found_device(f, ret->near);
        ret->far_found = found_device(f, ret->far);
}

/* What both ends have alike. The far end is up before it has a flow, the near one not before it is
 * isolated. */
static void ensure_ends(struct planner *p, const struct pair *pair, size_t owner)
{
        const struct device *const ends[] = { pair->near_found, pair->far_found };
        const char *const names[] = { pair->near, pair->far };

        for (int i = 0; i < 2; i++) {
                if (ends[i]->exists && ends[i]->mtu != pair->mtu)
                        step(p, PHASE_LINK, owner, "link set dev %s mtu %" PRId64, names[i],
                             pair->mtu);
                if (!ends[i]->quiet)
                        step(p, PHASE_LINK, owner, "link set dev %s addrgenmode none", names[i]);
                if (!ends[i]->sealed)
                        step(p, PHASE_SEAL, owner, "%s", names[i]);
                if (!ends[i]->up)
                        step(p, PHASE_UP, owner, "link set dev %s up", names[i]);
        }
}

static void ensure_pair(struct planner *p, const struct pair *pair, size_t owner)
{
        const struct device *near = pair->near_found;
        bool isolated = pair->record->kind == RECORD_PORT;
        char alias[RECORD_TEXT_SIZE];

        if (!near->exists)
                step(p, PHASE_LINK, owner,
                     "link add name %s mtu %" PRId64 " type veth peer name %s mtu %" PRId64,
                     pair->near, pair->mtu, pair->far, pair->mtu);
        if (!record_equal(&near->record, pair->record)) {
                record_format(pair->record, alias);
                step(p, PHASE_LINK, owner, "link set dev %s alias %s", pair->near, alias);
        }
        if (strcmp(near->master, pair->bridge) != 0)
                step(p, PHASE_LINK, owner, "link set dev %s master %s", pair->near, pair->bridge);
        if (near->isolated != isolated)
                step(p, PHASE_LINK, owner, "link set dev %s type bridge_slave isolated %s",
                     pair->near, isolated ? "on" : "off");
        ensure_ends(p, pair, owner);
}

/* Changed in place where there is a shaper already: nothing that waits in it is lost. */
static void ensure_shape(struct planner *p, const struct device *d, const char *name, int64_t kbps,
                         size_t owner)
{
        uint64_t rate = (uint64_t)kbps * 125, burst = rate / 100 + GSO_BYTES, queue;

        if (d->rate == rate)
                return;
        if (rate == 0) {
                step(p, PHASE_SHAPE, owner, "qdisc del dev %s root", name);
                return;
        }
        burst = burst > BURST_MIN ? burst : BURST_MIN;
        queue = rate * LATENCY_MS / 1000;
        queue = burst + (queue < QUEUE_MAX ? queue : QUEUE_MAX);
        step(p, PHASE_SHAPE, owner,
             "qdisc %s dev %s root tbf rate %" PRId64 "kbit burst %" PRIu64 " limit %" PRIu64,
             d->rate ? "change" : "replace", name, kbps, burst, queue);
}

static void ensure_in_switch(struct planner *p, const struct pair *pair, size_t owner)
{
        const struct device *far = pair->far_found;

        if (!far->in_bridge)
                step(p, PHASE_PORT, owner,
                     "add-port %s %s -- set interface %s external_ids:atlas-port=%s external_ids:atlas-link=%s",
                     p->bridge, pair->far, pair->far, pair->record->id, pair->record->link_id);
        else if (far->ofport <= 0 && far->exists)
                /* Open vSwitch gave up on it: let it look again. */
                step(p, PHASE_UNPORT, owner, "--if-exists del-port %s %s", p->bridge, pair->far);
}

/* Asked only of ports that Open vSwitch has opened: in the round that makes one, its flows cannot
 * be told yet. */
static void ensure_flows(struct planner *p, const struct pair *pair, size_t owner)
{
        uint64_t cookie = flow_cookie(pair->record->id);
        OWN(text_done) struct text lines = { 0 };
        struct flow_place at;
        char *rest, *line;
        bool differs = false;

        for (size_t i = 0; i < p->found->n_flows; i++) {
                const struct flow_difference *d = &p->found->flows[i];

                if (d->cookie != cookie)
                        continue;
                differs = true;
                if (!d->missing)
                        step(p, PHASE_FLOW, owner, "delete_strict %s,cookie=0x%" PRIx64 "/-1",
                             d->match, cookie);
        }
        if (!differs || !found_flow_place(p->found, pair->near_found, &at))
                return;
        flow_lines(pair->record, &at, "add ", &lines);
        p->plan->failed = p->plan->failed || lines.failed;
        for (rest = lines.bytes; rest && (line = strsep(&rest, "\n")) && *line;)
                step(p, PHASE_FLOW, owner, "%s", line);
}

/* Plans the object of 'record'; it is settled when that takes no step. */
static void ensure(struct planner *p, const struct record *record, int64_t number, size_t owner)
{
        struct verdict *v = &p->verdicts[owner];
        size_t before = p->plan->n;
        struct pair pair;

        pair_of(p->found, record, number, &pair);
        remove_id(p, record->kind, record->id, pair.near, owner);
        switch (availability(p, pair.near, record->id, owner)) {
        case TAKEN:
                REFUSE(p, owner, 409, "gateway.occupied",
                       "Interface %s of the gateway belongs to something else, which is not overwritten.",
                       pair.near);
                return;
        case SOON:
                claim(p, pair.near, owner);
                return;
        default:
                claim(p, pair.near, owner);
        }
        /* Another VPN's bridge: leave the old one first, with all it knows. */
        if (pair.near_found->exists &&
            strcmp(pair.near_found->record.vpn_id, record->vpn_id) != 0) {
                remove_pair(p, pair.near_found, owner);
                return;
        }
        v->settled = true;
        if (!ensure_bridge(p, pair.bridge, record->vpn_id, owner)) {
                REFUSE(p, owner, 409, "gateway.occupied",
                       "Bridge %s of the gateway belongs to something else, which is not overwritten.",
                       pair.bridge);
                v->settled = false;
                return;
        }
        ensure_pair(p, &pair, owner);
        if (record->kind == RECORD_PORT) {
                ensure_shape(p, pair.near_found, pair.near, record->tx_kbps, owner);
                ensure_shape(p, pair.far_found, pair.far, record->rx_kbps, owner);
                ensure_in_switch(p, &pair, owner);
                ensure_flows(p, &pair, owner);
        }
        v->settled = v->settled && p->plan->n == before;
}

static void ensure_absent(struct planner *p, enum record_kind kind, const char *id, size_t owner)
{
        size_t before = p->plan->n;

        remove_id(p, kind, id, "", owner);
        p->verdicts[owner].settled = p->plan->n == before;
}

static bool port_is_sound(struct planner *p, const struct port_want *w, size_t owner)
{
        const struct {
                const char *name;
                int64_t value;
        } labels[] = { { "local_label", w->local_label }, { "peer_label", w->peer_label } };

        for (int i = 0; i < 2; i++)
                if (labels[i].value < LABEL_MIN || labels[i].value > LABEL_MAX) {
                        REFUSE(p, owner, 400, "gateway.invalid",
                               "%s must be a label from %d to %d.", labels[i].name, LABEL_MIN,
                               LABEL_MAX);
                        return false;
                }
        if (!mac_valid(w->peer_address)) {
                REFUSE(p, owner, 400, "gateway.invalid",
                       "The other gateway's address must be an Ethernet address like 0a:00:00:00:00:01.");
                return false;
        }
        if (w->mtu > found_link_mtu(p->found)) {
                REFUSE(p, owner, 409, "gateway.mtu",
                       "The gateway's WAN port carries links of an MTU of at most %" PRId64
                       ", not %" PRId64 ".",
                       found_link_mtu(p->found), w->mtu);
                return false;
        }
        return true;
}

static void plan_port(struct planner *p, const struct port_want *w, size_t owner)
{
        struct record record;

        if (!w->present) {
                ensure_absent(p, RECORD_PORT, w->id, owner);
        } else if (port_is_sound(p, w, owner)) {
                record_of_port(w, p->want->epoch, p->want->seq, &record);
                ensure(p, &record, w->local_label, owner);
        }
}

static void plan_attachment(struct planner *p, const struct attachment_want *w, size_t owner)
{
        struct record record;

        if (!w->present) {
                ensure_absent(p, RECORD_ATTACHMENT, w->id, owner);
                return;
        }
        record_of_attachment(w, p->want->epoch, p->want->seq, &record);
        ensure(p, &record, w->tag, owner);
}

static int planner_start(struct planner *p, size_t n_owners)
{
        p->names = calloc(2 * n_owners + 1, sizeof *p->names);
        return p->names ? 0 : err_raise(-ENOMEM);
}

static int planner_end(struct planner *p)
{
        map_done(&p->claimed);
        map_done(&p->going);
        free(p->names);
        return p->plan->failed ? err_raise(-ENOMEM) : 0;
}

int plan_make(const struct apply_want *want, const struct found *found, const char *bridge,
              struct verdict *verdicts, struct plan *ret)
{
        struct planner p = {
                .want = want, .found = found, .bridge = bridge, .verdicts = verdicts, .plan = ret
        };
        int r = planner_start(&p, want->n_ports + want->n_attachments);

        if (r != 0)
                return err_pass(r);
        for (size_t i = 0; i < want->n_ports; i++) {
                verdicts[i].settled = false;
                if (!verdicts[i].given_up)
                        plan_port(&p, &want->ports[i], i);
        }
        for (size_t i = 0, owner; i < want->n_attachments; i++) {
                owner = want->n_ports + i;
                verdicts[owner].settled = false;
                if (!verdicts[owner].given_up)
                        plan_attachment(&p, &want->attachments[i], owner);
        }
        sweep_devices(&p);
        sweep_flows(&p);
        sweep_bridges(&p);
        return planner_end(&p);
}

int plan_is_whole(const struct found *found, const struct device *d, bool *ret)
{
        OWN(plan_done) struct plan plan = { 0 };
        const struct apply_want nothing = { 0 };
        struct verdict verdict = { 0 };
        struct planner p = {
                .want = &nothing, .found = found, .bridge = "", .verdicts = &verdict, .plan = &plan
        };
        int r = planner_start(&p, 1);

        if (r != 0)
                return err_pass(r);
        ensure(&p, &d->record, d->number, 0);
        *ret = verdict.settled;
        return planner_end(&p);
}
