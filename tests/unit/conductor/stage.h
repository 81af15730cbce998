#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Two conductors on one database in memory, and a test that plays everybody else: it hands them requests and events, and
 * sees what they would send. Two sites "a" and "z" with one gateway each, a VPN over both. */

#include "conductor/conductor.h"
#include "sim/sim_store.h"
#include "support/unit.h"

enum { STAGE_INPUTS = 16, STAGE_CASTS = 64 };

struct stage;
struct stage_conductor {
        struct stage *stage;
        struct sim_store_hooks hooks;
        struct store *store;
        struct conductor core;
};
/* What was said last under each input, and every command since stage_forget(). */
struct stage {
        struct sim_db db;
        struct stage_conductor conductors[2];
        int64_t now_ms;
        uint64_t next_id;
        /* What the next transaction suffers at its COMMIT, and what happens before its first lock; both once. */
        enum sim_store_fate commit_fate;
        void (*between)(struct stage *s);
        json_t *casts[STAGE_CASTS]; /* {"site", "method", "args"} */
        size_t n_casts;
        json_t *reply;              /* the last answer */
        struct fault fault;         /* or refusal */
        size_t n_answers;
        bool is_tenant;  /* who asks, else an operator */
        const char *project; /* of who asks; NULL: "red" */
        const char *exchanges; /* gateways can, and their answers bring an object each: "<this>-<site>" */
};
int stage_setup(void **state);
int stage_teardown(void **state);
#define STAGED(test) cmocka_unit_test_setup_teardown(test, stage_setup, stage_teardown)

/* What comes in: texts of JSON. Kept until played. */
struct stage_input {
        const char *site; /* NULL: a request of project "red" */
        const char *method;
        char args[2000];
        int kind, timer_kind; /* 0: a message; INPUT_CIRCUIT: of a driver host; else INPUT_TIMER or INPUT_LOST of this timer */
        const char *ref_id;
};
/* One batch of conductor 'who'; the broker keeps nothing back: what is bad fails the test. */
void stage_play(struct stage *s, int who, const struct stage_input *inputs, size_t n);
void stage_forget(struct stage *s);

/* Ready-made inputs. */
struct stage_input stage_ask(const char *method, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct stage_input stage_tell(const char *site, const char *method, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* The answer of a gateway that did all that the command (an element of casts) says. */
struct stage_input stage_done(const json_t *cast);
void stage_discover(struct stage *s); /* both sites tell of their gateways once more */
struct stage_input stage_due(enum timer_kind kind, const char *ref_id);
struct stage_input stage_create(const char *link_id, const char *key);

/* The last command of this method to 'site' since stage_forget(), or NULL. */
const json_t *stage_cast(const struct stage *s, const char *site, const char *method);
const struct vlink *stage_link(const struct stage *s, const char *id);
const struct gateway *stage_gateway(const struct stage *s, const char *site);
const struct vport *stage_port(const struct stage *s, const char *link_id, enum side side);
/* How often this row of a workflow ran, by the history. */
size_t stage_rows(const struct stage *s, int64_t row);
/* A link that is ACTIVE. */
void stage_active(struct stage *s, const char *link_id);

#define STAGE_VPN "00000000-0000-4000-8000-0000000000f1"
#define LINK_1 "00000000-0000-4000-8000-000000000001"
#define LINK_2 "00000000-0000-4000-8000-000000000002"
