#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The conductor's core: takes a batch of inputs, folds them into rows in one transaction, and says
 * what shall be sent. No threads, no bus, no clock: `now` and the store are given. The program
 * (main.c, service.c) and the simulation run this same code. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/map.h"
#include "messages/envelope.h"
#include "store/store.h"
#include "store/tables.h"

struct conductor_timing {
        int64_t step_percent;     /* scales the deadlines of all workflow steps; 100 */
        int64_t apply_timeout_ms; /* what an agent may take for one apply, audit, plug or unplug */
        int64_t answer_margin_ms; /* on the way there and back; then a command is sent again */
        int64_t retry_first_ms, retry_limit_ms; /* backoff of a gateway that fails */
        int64_t audit_ms;                       /* between full reads of a gateway */
        int64_t quarantine_ms;                  /* before a released integer is handed out again */
        int64_t brake_percent, brake_least; /* a repair of more than both waits for an operator */
};

/* A WAN domain whose circuits a driver makes. */
struct wan_domain {
        const char *name;
        uint32_t can;        /* enum wan_can */
        int64_t deadline_ms; /* of one call of its driver */
};

struct conductor {
        struct store *store; /* lent */
        int64_t number;      /* our life sign's number */
        struct conductor_timing timing;
        int64_t open_max;          /* operations a project may have under way; 0: any number */
        bool notifies;             /* what it did comes out as notices, too */
        const struct wan_domain *wans; /* lent */
        size_t n_wans;
        struct quota_limits quota; /* of projects for which none was set */
        void (*new_id)(char ret[ID_SIZE]); /* uuid_new, or seeded in the simulation */
        struct map gateway_ids;            /* "site/gateway" → id; names never change */
        bool unsure; /* a COMMIT's answer was lost, and its batch has not been run again yet */
};
void conductor_init(struct conductor *c, struct store *store, int64_t number);
void conductor_done(struct conductor *c);

/* What can come in. */
enum input_kind {
        INPUT_REQUEST, /* a call or cast of API, CLI, Python peers */
        INPUT_EVENT,   /* of a site's agents */
        INPUT_TIMER,   /* a row of the timer table that is due */
        INPUT_CIRCUIT, /* what a WAN driver did, from the driver host */
        INPUT_LOST,    /* a command that never reached the agent: its gate is due at once */
};
struct input {
        enum input_kind kind;
        const struct request *request; /* REQUEST, EVENT: lent */
        char site[SITE_SIZE];          /* EVENT: from the routing key; CIRCUIT: the WAN's domain */
        struct timer timer;            /* TIMER, LOST (ref_id and kind) */
        char again[KEY_SIZE]; /* it came again, and is counted under this name; "": the first time
                               */
        void *user;           /* the caller's */
};

/* What shall go out after COMMIT. */
enum out_kind { OUT_CAST, OUT_REPLY, OUT_FAULT, OUT_NOTICE };
struct out {
        enum out_kind kind;
        const char *topic;    /* CAST */
        char site[SITE_SIZE]; /* CAST: to the agents of this site, or the driver hosts of this WAN */
        const char *method;   /* CAST */
        json_t *body;         /* CAST: args; REPLY: result; NOTICE: payload; owned */
        json_t *context;      /* NOTICE; owned */
        char event_type[80];  /* NOTICE */
        const char *priority; /* NOTICE */
        char request_id[REQUEST_ID_SIZE];
        int64_t expiration_ms;     /* CAST */
        struct timer timer;        /* CAST: what to report as INPUT_LOST if it cannot be sent */
        const struct input *input; /* REPLY, FAULT: whom to answer */
        struct fault fault;
};
struct outs {
        struct out *outs;
        size_t n, room;
};
void outs_done(struct outs *o);
static inline void own_outs_done(struct outs *o)
{
        outs_done(o);
}

/* One transaction over all inputs. 0: committed, '*ret' (emptied first) is to be sent. Answers: */
enum {
        CONDUCTOR_OK,
        CONDUCTOR_RETRY,   /* lost a race or a connection before COMMIT: the same batch again */
        CONDUCTOR_BAD,     /* one input is at fault: halve */
        CONDUCTOR_LATER,   /* the store is away: wait, then the same again */
        CONDUCTOR_UNKNOWN, /* COMMIT's answer was lost: the same again, handlers find what is done
                            */
};
int conductor_batch(struct conductor *c, const struct input *const *inputs, size_t n,
                    int64_t now_ms, struct outs *ret);

/* Batches with retries and halving: every input is either done ('sent' is called with what goes
 * out) or bad
 * ('bad' is called for exactly that input). Returns CONDUCTOR_OK, or CONDUCTOR_LATER with the
 * inputs from '*ret_done' on untouched. */
struct conductor_sink {
        void (*sent)(void *user, struct outs *outs, const struct input *const *inputs, size_t n);
        void (*bad)(void *user, const struct input *input, const char *reason);
        int64_t (*now_ms)(void *user);
        void *user;
};
int conductor_work(struct conductor *c, const struct input *const *inputs, size_t n,
                   const struct conductor_sink *sink, size_t *ret_done);

/* All workflow tables, ended by NULL, for proofs and pictures. */
extern const struct flow *const conductor_flows[];
