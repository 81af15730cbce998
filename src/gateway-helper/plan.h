#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The difference between what is wanted and what was found, as steps for the gateway's tools. A
 * pure function: no clock, no process. It is called again after its steps were carried out, on what
 * is found then, until it has nothing left to say; so a crash at any place is just another thing
 * found. */

#include "gateway-helper/found.h"
#include "model/want.h"

/* The order in which steps are carried out: what is taken away lets go of its traffic first, what
 * is made gets its traffic last. Each phase is one batch of one tool. */
enum phase {
        PHASE_UNFLOW, /* ovs-ofctl bundle */
        PHASE_UNPORT, /* ovs-vsctl */
        PHASE_UNLINK, /* ip -batch */
        PHASE_LINK,   /* ip -batch */
        PHASE_SEAL,   /* an interface's name, for seal() */
        PHASE_SHAPE,  /* tc -batch */
        PHASE_UP,     /* ip -batch */
        PHASE_PORT,   /* ovs-vsctl */
        PHASE_FLOW,   /* ovs-ofctl bundle */
        PHASE_N,
};
struct step {
        enum phase phase;
        size_t owner; /* index of a verdict, or OWNER_HOUSE */
        char *text;   /* one line of the phase's batch; of ovs-vsctl: one command, words apart by
                         blanks */
};
#define OWNER_HOUSE SIZE_MAX /* tidying up what belongs to nobody */

/* What became of each wanted object: ports first, then attachments. */
struct verdict {
        bool settled;  /* is as wanted */
        bool given_up; /* refused, or a step of it failed: no more steps */
        struct fault fault;
};
struct plan {
        struct step *steps;
        size_t n, room;
        bool failed; /* out of memory */
};
void plan_done(struct plan *p);
static inline void own_plan_done(struct plan *p)
{
        plan_done(p);
}

/* 'verdicts': want->n_ports + want->n_attachments of them, zeroed before the first round. 'bridge'
 * is Open vSwitch's. Negative: no memory. */
int plan_make(const struct apply_want *want, const struct found *found, const char *bridge,
              struct verdict *verdicts, struct plan *ret);
/* Whether what the record of 'd' describes is really there, whole; for reading. */
int plan_is_whole(const struct found *found, const struct device *d, bool *ret);
