#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The workflow engine: a workflow is a table of numbered rows. Knows no noun, does no I/O, reads no
 * clock; so its tables can be proven, drawn and simulated. */

#include <stdint.h>

#include "base/text.h"

/* One row: in 'state', on 'event', go to 'next' and do 'act'. 'within_ms' > 0: 'next' waits, and a
 * TIMEOUT is due after that time; 0: 'next' is an end. 'act' may run twice in a crash: it checks,
 * then acts. It returns 0, an event to feed at once (> 0), or a negative error. Actions see the new
 * state. */
struct flow_row {
        int pos; /* unique over all workflows; stored with each event */
        int state, event;
        int (*act)(void *subject);
        const char *act_name;
        int next;
        int within_ms;
};
#define FLOW_DO(act) act, #act /* an action and its name, in a table */

struct flow {
        const char *name;
        const struct flow_row *rows; /* ended by pos 0 */
        const char *const *states;   /* texts, by number */
        int n_states;
        const char *const *events; /* texts, by number; 0 is no event */
        int n_events;
        int start;   /* state of a new subject */
        int timeout; /* the event that a passed deadline feeds */
};

/* Called for each row taken, before its action: stores the state, the deadline, the history. */
typedef int (*flow_on_row)(void *subject, const struct flow_row *row);

enum { FLOW_OK, FLOW_IGNORED /* no row for this event here: late or doubled, harmless */ };

/* Feeds 'event' in state '*state' and what the actions return, until nothing follows. */
int flow_feed(const struct flow *f, int *state, int event, flow_on_row on_row, void *subject);
const struct flow_row *flow_find(const struct flow *f, int state, int event);

/* Proves the table: unique numbers, one row for each (state, event), every state reachable, every
 * waiting state has a TIMEOUT row, no row leaves an end. 0, or 1 with the first offence in 'ret'.
 */
int flow_prove(const struct flow *f, struct text *ret);
/* The workflow as a page for readers: a picture (Mermaid) over its rows (Markdown). */
void flow_page(const struct flow *f, struct text *ret);
/* The same for programs: a JSON object with name, start and rows. */
void flow_json(const struct flow *f, struct text *ret);

/* Which rows have run in this process (for tests that prove coverage). */
unsigned long flow_row_count(int pos);
