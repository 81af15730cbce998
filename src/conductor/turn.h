#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* One batch in the making: its rows, what it will send, and what it found missing. Inner header of
 * the conductor. Functions return 0, a positive HTTP code with 'why' filled (a refusal), or a
 * negative error; -EAGAIN means that rows must be locked that were not: the batch is run again with
 * them. */

#include "conductor/conductor.h"
#include "conductor/view.h"

/* A set of texts. */
struct idset {
        struct map known;
        char **texts;
        size_t n, room;
};
int idset_add(struct idset *s, const char *text); /* "" and NULL are skipped */
void idset_done(struct idset *s);
static inline void own_idset_done(struct idset *s)
{
        idset_done(s);
}

/* What a batch must read and lock; grows while it is planned, and when a turn finds more. */
struct plan {
        struct idset sites;                /* site rows to lock, by name */
        struct idset site_ids, site_names; /* site rows to read */
        struct idset keys;                 /* idempotency keys */
        struct idset projects;             /* whose open work is counted */
        struct idset payers, limited;      /* projects that are added to; those with a quota */
        struct idset counted;              /* projects whose use is shown */
        struct idset vpns, vpn_members;    /* by id; members of these VPNs */
        struct idset gateways;             /* to lock, by id */
        struct idset choices;    /* VPNs whose links are read without a lock, to choose gateways */
        struct idset candidates; /* sites (id) whose gateways are read without a lock */
        struct idset gateways_of_site; /* the same by the site's name */
        struct idset domains;          /* gateways read without a lock: whether one is unread */
        struct idset attachments, attachments_of_gateway, vpn_keys, net_keys;
        struct idset links, pair_keys, links_of_vpn;
        struct idset ports; /* read: lead to links */
        struct idset ports_of_attachment, ports_of_gateway;
        struct idset operations; /* read: lead to links */
        struct idset parents;    /* operations whose parts are read: they lead to links, too */
        struct idset timers;     /* by ref_id */
        struct idset released;   /* gateways whose gate opens in this batch */
        struct idset pools;      /* integer pools that have run dry of fresh values */
        struct idset leftovers, leftovers_of_gateway, leftovers_of_peer;
        struct idset found, found_of_gateway, found_of_link, found_of_vpn, found_of_peer;
        struct idset circuits; /* links whose circuit is looked at, though they may be gone */
        struct idset controls; /* always the same: freeze and restore */
        struct idset left_alone; /* links and gateways that could not be folded: not in this batch */
};

struct turn {
        struct conductor *c;
        int64_t now_ms;
        struct view view;
        struct plan plan;
        struct outs *outs;
        struct idset pump;             /* gateways to look at after the last input */
        struct idset circuits;         /* links whose circuit is asked for then */
        struct idset unanswered;       /* of those, gateways whose last command nobody answered */
        struct idset chosen;           /* pairs of gateways that inputs being refined have chosen */
        struct store_rows project_use; /* of those with a quota, with what this batch adds */
        struct store_rows open_work;   /* of the plan's projects, with what this batch adds */
        struct idset loaded;           /* gateways whose waiting work is in the view */
        const struct input *input;     /* in hand */
        char parent_id[ID_SIZE]; /* the operation that what is made now is a part of, or "" */
};

/* One row of the method table. */
struct method {
        const char *name;
        enum input_kind kind;
        int (*plan)(struct turn *t, const struct input *in); /* names what to read and lock */
        int (*refine)(struct turn *t,
                      const struct input *in); /* again after each unlocked read; or NULL */
        int (*handle)(struct turn *t, const struct input *in, struct fault *why);
        bool needs_sites; /* refused while all is frozen */
};
extern const struct method request_methods[], event_methods[], circuit_methods[];

/* plan.c */
const char *input_text(const struct input *in,
                       const char *key); /* an argument that is text, or "" */
int plan_load(struct turn *t, const struct input *const *inputs, size_t n);
void plan_done(struct plan *p);
const struct method *method_find(const struct input *in);

/* out.c */
int out_cast_to(struct turn *t, const char *topic, const char *server, const char *method,
                json_t *take_args, const char *request_id, int64_t expiration_ms,
                const struct timer *timer);
int out_cast(struct turn *t, const char *site, const char *method, json_t *take_args,
             const char *request_id, int64_t expiration_ms, const struct timer *timer);
int out_reply(struct turn *t, const char *envelope, json_t *take_object);
int out_reply_whole(struct turn *t, json_t *take_body); /* with its envelope */
int out_fault(struct turn *t, const struct fault *why);
int out_notice(struct turn *t, const char *event_type, const char *priority, json_t *take_payload,
               json_t *take_context);
int event_put(struct turn *t, const struct event *e); /* at_ms is filled in */

/* once.c: answers kept under Idempotency-Keys */
int once_plan(struct turn *t, const struct input *in);
/* '*ret_done': it was accepted before, and its answer is out. */
int once_replay(struct turn *t, const struct input *in, bool *ret_done, struct fault *why);
/* Keeps what 'in' was answered since there were 'n_outs'. */
int once_remember(struct turn *t, const struct input *in, size_t n_outs);

/* Who asked for what is in hand: a user's id, or "" when nobody did. */
const char *turn_user(const struct turn *t);

/* notify.c: a notice for each event of a batch that was committed, from the rows that it held */
int notify_all(struct turn *t);

/* timers (out.c) */
int timer_set(struct turn *t, enum timer_kind kind, const char *ref_id, int64_t due_ms);
int timer_set_operation(struct turn *t, const struct operation *op, int64_t due_ms);
int timer_clear(struct turn *t, enum timer_kind kind, const char *ref_id);

/* lock.c: rows for changing; -EAGAIN when they are not locked yet. */
int lock_gateway(struct turn *t, const char *id, struct gateway **ret);
int lock_attachment(struct turn *t, const char *id,
                    struct attachment **ret); /* gone: *ret NULL, 0 */
int lock_work(struct turn *t,
              const char *gateway_id); /* all that waits for a locked gateway is in the view */

/* gate.c: the unit of sending is the gateway */
#define GATE_AUDIT(g) (-(g)->seq - 1) /* inflight_seq while an audit is out */
int gate_enqueue_port(struct turn *t, struct vlink *l, struct vport *p, const char *request_id);
int gate_enqueue_attachment(struct turn *t, struct attachment *a, const char *request_id);
int gate_enqueue_leftover(struct turn *t, const struct leftover *left);
int gate_open(struct turn *t, struct gateway *g); /* an answer came */
int gate_stale(struct turn *t,
               struct gateway *g); /* the device has seen what the row has not: a new epoch */
int gate_pause(struct turn *t, struct gateway *g, const struct fault *why);
/* The object alone is tried again later. */
void gate_postpone(struct turn *t, struct work *w, int64_t retry_after_ms);
int gate_due(struct turn *t, const char *gateway_id); /* no answer came in time */
int gate_pump(struct turn *t);                        /* sends for every gateway that may */
int gate_hurry(struct turn *t, const struct vport *p); /* ends a pause, of it or its gateway */

/* pick.c: what of that which waits for a gateway goes with its next command */
enum { APPLY_MAX = 128 /* objects in one command */ };
struct picked {
        const struct work *work[APPLY_MAX];
        size_t n;
        int64_t later_ms; /* when the first of those that are given a pause may go; 0: none is */
};
int gate_pick(struct turn *t, const char *gateway_id, struct picked *ret);

/* circuit.c: where a WAN driver makes the way between a link's gateways, it brings about both ends
 * in one call, and the ends wait for it as they else wait for their gateways. */
const struct wan_domain *circuit_wan(const struct turn *t, const char *domain); /* NULL: none */
int circuit_enqueue(struct turn *t, struct vlink *l, const char *request_id); /* as its ends are */
int circuit_again(struct turn *t, const char *link_id); /* what waits is asked for once more */
int circuit_pump(struct turn *t);

/* exchange.c: what the ends of a link make for each other. The link is one that exchanges. */
int exchange_give(struct turn *t, const struct vport *p, const struct vport *peer,
                  char ret[OBJECT_SIZE]); /* what 'p' is to be told with its next desire */
/* 'p' brought its object: if it is news, the other end is asked to take it. */
int exchange_take(struct turn *t, struct vlink *l, struct vport *p, const char *object);
int exchange_forget(struct turn *t, const struct vport *p); /* the end is gone, and what it made */
bool exchange_complete(struct turn *t, const struct vlink *l, struct vport *const ports[SIDE_N]);

/* freeze.c */
enum { FROZEN_LOOK_MS = 5000 }; /* what waits for the end of a freeze looks that often */
const struct control *freeze_of(const struct turn *t);      /* NULL: nothing is frozen */
int freeze_refuse(const struct turn *t, struct fault *why); /* 503 while frozen, else 0 */

/* restore.c: the database may be older than what the gateways hold, until they were read */
const struct control *restore_of(const struct turn *t); /* NULL: there never was a restore */
bool restore_runs(const struct turn *t);                /* some gateway is not read yet */
bool gateway_is_unread(const struct turn *t, const struct gateway *g);
bool restore_waits_for(const struct turn *t, const char *gateway_id); /* the same by id; "" is read */
void gateway_was_read(struct turn *t, struct gateway *g);
/* 'g' has seen what its row has not: all that is at gateways is read before it is changed. */
int restore_suspect(struct turn *t, struct gateway *g);
int restore_refuse(const struct turn *t, const struct vlink *l, struct fault *why); /* 503, or 0 */
/* Its access sides: what was sent to the network before the backup was made answers nothing. */
int restore_plugs(struct turn *t, const struct gateway *g);
/* The links at a gateway that has just been read: confirmed, taken as their gateways have them, or
 * set aside for an operator. */
int restore_judge(struct turn *t, struct gateway *g);
bool restore_judges(const struct turn *t, const struct vlink *l); /* both ends were read, or need not be */

/* plug.c: an attachment's own gate towards the site's network */
int plug_start(struct turn *t, struct attachment *a, const char *request_id);
int unplug_start(struct turn *t, struct attachment *a, const char *request_id);
/* An answer to the command of this generation came. '*ret_newest': it answers what is wanted now;
 * else that is sent at once. */
int plug_answered(struct turn *t, struct attachment *a, int64_t generation, bool *ret_newest);
int plug_pause(struct turn *t, struct attachment *a, int64_t pause_ms); /* then the same again */
int plug_due(struct turn *t,
             const char *attachment_id); /* no answer came in time, or a pause is over */
int plug_lost(struct turn *t, const char *attachment_id);  /* the command may never have left */
int plug_hurry(struct turn *t, const char *attachment_id); /* ends a pause */

/* Another attachment than 'own_id' that is in the network of this key, or NULL: those of the plan's
 * 'net_keys' are known. */
const struct attachment *network_holder(const struct turn *t, const char *net_key,
                                        const char *own_id);
/* It is, or shall be, in this network (or "": whichever the port is in); 409 when another VPN is. */
int network_enter(struct turn *t, struct attachment *a, const char *network_id, struct fault *why);

/* resource.c: bandwidth and integers */
int resource_reserve(struct turn *t, const struct vlink *l, struct vport *const ports[SIDE_N],
                     int64_t a_to_z_kbps, int64_t z_to_a_kbps,
                     struct fault *why); /* replaces what the link held */
int resource_release_link(struct turn *t, const struct vlink *l, struct vport *const ports[SIDE_N]);
/* Nothing of a change is wanted any more: only what the link has is counted. */
int resource_settle(struct turn *t, struct vlink *l, struct vport *const ports[SIDE_N]);
/* One end of a link that goes by force: what it holds is noted as left over, or given back. */
int resource_leave(struct turn *t, const struct vlink *l, struct vport *p, bool left);
int resource_gone(struct turn *t, const struct leftover *left); /* it was not left over after all */
int refuse_unread(const struct gateway *g, struct fault *why);   /* 503 */
/* The same whatever is left: so it is at the gateways. */
int resource_follow(struct turn *t, const struct vlink *l, struct vport *const ports[SIDE_N],
                    int64_t a_to_z_kbps, int64_t z_to_a_kbps);
/* 409 where what was followed is more than there is: what has its share, and is not there, waits. */
int resource_overbooked(const struct gateway *g, struct fault *why);
/* True when an object of ours that is there has it. */
bool resource_is_there(struct turn *t, const struct gateway *g, enum integer_kind kind,
                       int64_t value);
/* At the gateway the integer is 'owner's: no row of another has it any more. */
int resource_claim(struct turn *t, struct gateway *g, enum integer_kind kind, int64_t value,
                   const char *owner_id);
/* Bandwidth of what is no link of ours, under the id of what holds it. */
int resource_count(struct turn *t, struct gateway *g, const char *holder_id, int64_t tx_kbps,
                   int64_t rx_kbps);
int resource_uncount(struct turn *t, struct gateway *g, const char *holder_id, int64_t tx_kbps,
                     int64_t rx_kbps);
int resource_allocate(struct turn *t, struct gateway *g, enum integer_kind kind,
                      const char *owner_id, int64_t *ret, struct fault *why);
int resource_free(struct turn *t, const char *gateway_id, enum integer_kind kind, int64_t value);
int64_t resource_left(const struct gateway *g, enum direction d);

/* admit.c: a project's open work is bounded; to be asked before an operation is started */
/* quota.c: 'more' is what the project is to have more of; 409 when it may not. */
int quota_plan(struct turn *t, const struct input *in);
int quota_refine(struct turn *t); /* after the quotas were read */
int quota_count(struct turn *t);  /* under the projects' locks */
int quota_take(struct turn *t, const char *project_id, const struct quota_limits *more,
               struct fault *why);

int work_admit(struct turn *t, const char *project_id, struct fault *why);

/* work.c: an operation and its workflow */
enum work_event {
        EV_NONE,
        EV_GO,
        EV_PORTS_OK,
        EV_PORT_FAILED,
        EV_PLUGS_OK,
        EV_PLUG_FAILED,
        EV_TIMEOUT,
        EV_GAVE_UP,
        EV_FORCED,
        EV_LINKS_OK,
        EV_LINK_FAILED,
        EV_LINKS_GONE,
        EV_N,
};
struct subject { /* what the rows' actions work on */
        struct turn *t;
        struct operation *op;
        struct vlink *l;            /* NULL for one over several links */
        struct vport *const *ports; /* [SIDE_N] */
        const char *reason;         /* of the failure being fed, or NULL */
        const char *site;           /* where it happened, or NULL */
};
int work_start(struct turn *t, struct vlink *l, enum operation_kind kind, const char *request_id,
               const char *attachment_id, struct operation **ret);
/* The same with another first event than GO. */
int work_start_on(struct turn *t, struct vlink *l, enum operation_kind kind, enum work_event event,
                  const char *request_id, const char *attachment_id, struct operation **ret);
/* Feeds the workflow of 's->op'. */
int work_run(struct subject *s, enum work_event event);
/* The operation has ended: the one that it is a part of is to be looked at. */
int work_part_ended(struct turn *t, const struct operation *op);
int work_feed(struct turn *t, struct vlink *l, enum work_event event, const char *site,
              const char *reason);
/* Something at the link's ends changed: feeds what has come true, or settles a link at rest. */
int work_look(struct turn *t, struct vlink *l);
/* What came of folding something of link 'l', or of 'id': an error of ours is logged, and the batch
 * runs again and leaves it alone, so that its neighbours go on. */
int work_alone(struct turn *t, const char *id, int r);
bool work_is_left_alone(const struct turn *t, const char *id);
/* One end refused what was asked: the operation's matter, or that of a link that worked. */
int work_port_failed(struct turn *t, struct vlink *l, const char *site, const char *reason);
/* A link without an operation: a late answer may free what a failed operation had to keep, or mend
 * it. */
int work_settle(struct turn *t, struct vlink *l);
/* A link that shall work: its ends are compared with what it has, and asked for what differs. */
int work_mend(struct turn *t, struct vlink *l);
int work_preempt(struct turn *t, struct vlink *l, const char *reason);
/* True when the operation that holds 'l' has to do with 'a'. */
bool work_concerns(struct turn *t, struct vlink *l, const struct attachment *a);
int work_timeout(struct turn *t, const char *operation_id);
/* An access side goes with its VPN's last port: out of its network first, then off the gateway. */
void attachment_forget(struct attachment *a); /* it is in no network, and shall be in none */
int attachment_gone(struct turn *t, struct attachment *a); /* its gateway has confirmed that */
int attachment_leave(struct turn *t, struct attachment *a, const char *request_id);
struct attachment *subject_attachment(const struct subject *s, int side);

/* connect.c: a part of this operation has ended */
int connect_look(struct turn *t, const char *operation_id);

/* A request's resource as REST shows it. */
int reply_link(struct turn *t, const struct vlink *l);
int reply_port(struct turn *t, const struct vport *p);
