#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* One simulated world: the real cores of conductor and agent, fake gateways and clouds, and in between a bus, a database
 * and a clock that are ours. One thread; all that happens follows from the seed. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "conductor/conductor.h"
#include "drivers/cloud/fake.h"
#include "drivers/gateway/fake.h"
#include "drivers/wan/fake.h"
#include "sim/sim_store.h"
#include "site-agent/port_work.h"

enum {
        SITES = 3,
        GATEWAYS = 4,
        AGENTS = 5,       /* some sites have two */
        CONDUCTORS = 2,
        PROJECTS = 2,
        NETWORKS = 3,     /* of each project at each site */
        OWN_PORTS = 1,    /* tenants' own ports, of each project at each site */
        VPNS_MAX = 4,
        LINKS_MAX = 64,
        BATCH_MAX = 6,
        WAN_CALLS = 3,    /* that a conductor's driver host does at the same time */
        TRACE_LINES = 60,
        BEAT_MS = 5000,
        KEPT_MAX = 64,
        SETTLE_MS = 600000,
};

#define SIM_DOMAIN "wan" /* where all gateways are */

/* ---- chance ---- */

struct random {
        uint64_t state;
};
uint64_t random_next(struct random *r);
/* Evenly from [0, n). */
static inline size_t random_below(struct random *r, size_t n)
{
        return n ? (size_t)(random_next(r) % n) : 0;
}
static inline bool random_chance(struct random *r, int percent)
{
        return (int)(random_next(r) % 100) < percent;
}

/* ---- the bus ---- */

enum queue { QUEUE_REQUESTS, QUEUE_EVENTS, QUEUE_HEARTBEATS, QUEUE_CIRCUITS, QUEUE_SITE, QUEUE_WAN, QUEUE_N };
struct message {
        enum queue queue;
        int site;             /* SITE: to; EVENTS, HEARTBEATS: from */
        int64_t at_ms;        /* there from then on */
        int64_t expires_ms;   /* 0: never */
        char *bytes;          /* the envelope; owned */
        size_t n;
        char method[32];
        int64_t number;       /* for the trace */
        struct timer timer;   /* SITE: what to report when it is lost */
        int64_t seq;          /* SITE: of an apply or audit, else 0 */
        int gateway;          /* SITE: that it is for, or -1 */
        int call;             /* REQUESTS: of struct sim.calls, else -1 */
};

/* ---- who acts ---- */

struct sim;
struct sim_wan_call {
        struct message message;
        struct circuit_want want; /* its lock is held */
        int64_t ready_ms;
};
struct sim_conductor {
        struct sim *sim;
        struct sim_store_hooks hooks;
        struct store *store;
        struct conductor core;
        struct message held[BATCH_MAX]; /* taken, and paused with */
        size_t n_held;
        struct sim_wan_call calls[WAN_CALLS];
        size_t n_calls;
        int64_t resume_ms;
        bool frozen;          /* all was, when the transaction began */
        bool busy;            /* inside a transaction */
        enum sim_store_fate commit_fate; /* of the next commit */
        bool outs_lost;       /* dies between COMMIT and sending */
};
struct sim_command {
        struct message message;
        int64_t received_ms, ready_ms;
};
enum { HAND_MAX = 8 };
struct sim_agent {
        int site;
        char host[32];
        struct gateway_unit units[GATEWAYS]; /* those of its site are used */
        int64_t beat_ms;      /* next heartbeat */
        bool introduced;
        struct sim_command hand[HAND_MAX];
        size_t n_hand;
};
struct sim_gateway {
        int site;
        char name[GATEWAY_NAME_SIZE];
        struct gateway_handle *device;
        int64_t calm_ms;      /* its injections end then */
        int n_boots;
        bool lied;            /* it may keep what it said was gone */
};
struct sim_site {
        char id[ID_SIZE], name[SITE_SIZE];
        struct port_site rules;
        struct port_cloud cloud;
        char networks[PROJECTS][NETWORKS][ID_SIZE];
        char ports[PROJECTS][OWN_PORTS][ID_SIZE];
        char device_id[PROJECTS][OWN_PORTS][VIF_ID_SIZE];
        char refuse[64];
        bool unreachable, half;
        int64_t calm_ms, silent_until_ms;
};

/* A tenant's call, and what was answered. */
struct sim_call {
        char request_id[REQUEST_ID_SIZE];
        char method[32];
        int n_answers;
        int code; /* of the last answer; 0: done */
        bool nonsense; /* it must be refused */
        bool lost;     /* it never came to the broker */
        size_t twin;   /* one before it that was the same request under the same key; itself: none */
        char made[ID_SIZE]; /* the link that an accepting answer told of, or "" */
};

struct sim {
        uint64_t seed;
        struct random random, ids;
        int64_t now_ms;
        int fault_percent;    /* how bad the days are; 0: all works */
        bool liars;           /* devices may claim what is not so */
        bool lasting;         /* what fails does so for longer than operations wait */
        bool faults_over;
        bool braked;          /* repairs of more than one object may be halted */
        bool via_wan;         /* a WAN driver makes the way between gateways */
        bool exchanges;       /* the ends of links make objects for each other */
        bool nested;          /* a transaction within another's */
        struct sim_db db;
        int restore_steps;    /* a backup is made, and so many steps later it is restored; 0: never */
        struct sim_db backup;
        bool restored;
        char kept[KEPT_MAX][ID_SIZE]; /* links that no row of the backup knows: nobody cuts them */
        size_t n_kept;
        bool orphans[SITES];  /* a device lost its memory when no row knew what it held */
        struct sim_conductor conductors[CONDUCTORS];
        int64_t last_number;  /* of conductors that ever lived */
        struct sim_agent agents[AGENTS];
        struct sim_gateway gateways[GATEWAYS];
        struct sim_site sites[SITES];
        struct wan_domain wan;
        struct wan_handle *nms; /* NULL unless via_wan */
        int64_t nms_calm_ms;    /* its injections end then */
        struct message *queue;
        size_t n_queue, queue_room;
        struct timer *lost;   /* to be reported as INPUT_LOST */
        size_t n_lost, lost_room;
        struct sim_call *calls;
        size_t n_calls, calls_room;
        int64_t n_messages;
        char vpns[VPNS_MAX][ID_SIZE];
        int vpn_project[VPNS_MAX];
        size_t n_vpns;
        char links[LINKS_MAX][ID_SIZE];
        size_t n_links;
        size_t n_events_seen;
        char trace[TRACE_LINES][256];
        size_t n_trace;
        bool verbose;
        char broken[1024];    /* the first invariant that broke, or "" */
};

/* trace.c */
void sim_trace(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_trace_beat(struct sim *s, const char *who, const char *what); /* only when everything is told */
void sim_broken(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_trace_print(const struct sim *s);
void sim_new_id(struct sim *s, char ret[ID_SIZE]);
extern const char *const sim_projects[PROJECTS];

/* world.c */
void sim_init(struct sim *s, uint64_t seed, bool verbose);
void sim_done(struct sim *s);
void sim_cloud_tell(struct sim *s, struct sim_site *site);
int sim_gateway_find(const struct sim *s, int site, const char *name); /* -1: none */
bool sim_must(struct sim *s, int r, const char *what); /* false and broken on r != 0 */

/* bus.c */
void sim_send(struct sim *s, enum queue queue, int site, const char *method, const json_t *args,
              const json_t *context, int64_t expiration_ms, int call);
void sim_cast(struct sim *s, const struct out *o);
/* Takes the message at 'i' off the queue; the bytes are the caller's. */
struct message sim_take(struct sim *s, size_t i);
void sim_requeue(struct sim *s, const struct message *m); /* redelivered: takes the bytes */
/* Random among those that are there in 'queue' (in order, mostly); false: none. */
bool sim_pick(struct sim *s, enum queue queue, int site, size_t *ret);
void sim_lose(struct sim *s, const struct timer *t);

/* conductors.c */
void sim_conductor_init(struct sim *s, struct sim_conductor *c);
bool sim_conductor_step(struct sim *s, struct sim_conductor *c); /* false: nothing to do */
void sim_conductor_die(struct sim *s, struct sim_conductor *c);
bool sim_is_frozen(const struct sim *s);
int64_t sim_conductor_next_ms(const struct sim *s, const struct sim_conductor *c);

/* agents.c */
bool sim_agent_step(struct sim *s, struct sim_agent *a);
int64_t sim_agent_next_ms(const struct sim *s, const struct sim_agent *a);

/* wan.c */
void sim_wan_init(struct sim *s);
bool sim_wan_step(struct sim *s, struct sim_conductor *c); /* of its driver host */
void sim_wan_die(struct sim *s, struct sim_conductor *c);
int64_t sim_wan_next_ms(const struct sim_conductor *c);
void sim_wan_fault(struct sim *s);
void sim_wan_calm(struct sim *s);

/* tenant.c */
void sim_tenant_setup(struct sim *s); /* VPNs */
void sim_tenant_join(struct sim *s);  /* their sites */
void sim_tenant_step(struct sim *s);
void sim_operator_release(struct sim *s); /* all that waits for an operator */
void sim_operator_ask(struct sim *s, const char *method, json_t *take_args);
void sim_tenant_delete_links(struct sim *s);
void sim_tenant_delete_vpns(struct sim *s);
void sim_answered(struct sim *s, int call, const struct out *o);

/* faults.c */
void sim_fault_step(struct sim *s);
void sim_faults_expire(struct sim *s);
void sim_faults_end(struct sim *s);

/* restore.c */
void sim_restore_step(struct sim *s);  /* makes the backup, or restores it, when its time has come */
void sim_restore_found(struct sim *s); /* an operator decides about all that was found */
void sim_restore_cut(struct sim *s);   /* devices lost something: who knows what is kept */
bool sim_restore_orphans(const struct sim *s, int site); /* a port that nobody can know of may be in its cloud */
void sim_check_restored(struct sim *s);

/* schedule.c */
void sim_run_schedule(struct sim *s, int steps);

/* invariants.c */
void sim_check_step(struct sim *s);
void sim_check_quiet(struct sim *s);   /* after sim_is_quiet() held for a while */
void sim_check_empty(struct sim *s);   /* after all was deleted */
bool sim_is_quiet(struct sim *s);
/* Why it is not quiet, for the report. */
void sim_say_restless(struct sim *s);
