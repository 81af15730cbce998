#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The dead letters, one after the other, for an operator. While they are looked at they are held;
 * what was not dropped by then goes back to its place when the look ends, however it ends. */

#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"
#include "base/own.h"
#include "bus/bus.h"

enum { BUS_DEAD_ID_SIZE = 65 };

struct bus_dead_letter {
        char id[BUS_DEAD_ID_SIZE]; /* of the program that buried it, else a digest */
        char queue[256];           /* it was taken from */
        char key[256];             /* it was sent with */
        char writer[256];          /* the key it was buried with: names the site, or the queue */
        char reason[512], time[32];
        const void *body; /* lent until the next one */
        size_t n;
};

struct bus_dead;
/* Functions return 0, BUS_DEAD_AWAY with 'why', or a negative error. */
enum { BUS_DEAD_OK, BUS_DEAD_END, BUS_DEAD_AWAY };
int bus_dead_open(const struct bus_settings *settings, struct bus_dead **ret, struct fault *why);
struct bus_dead *bus_dead_free(struct bus_dead *d);
OWN_DEFINE(struct bus_dead *, bus_dead_free)

/* The next one. BUS_DEAD_END: that were all there were when the look began. */
int bus_dead_next(struct bus_dead *d, struct bus_dead_letter *ret, struct fault *why);
/* The last one that came, for good. */
int bus_dead_drop(struct bus_dead *d, struct fault *why);
/* The last one that came, as it was first sent: confirmed by the broker before it is dropped here.
 */
int bus_dead_replay(struct bus_dead *d, struct fault *why);
