#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper: finds what nobody will tell us: timers that are due, commands of conductors that
 * died, commands that went down with a broker connection. Inner header of the conductor. */

#include "bus/bus.h"
#include "conductor/service.h"
#include "conductor/worker.h"

struct keeper_spec {
        struct bus *bus;
        const struct bus_consumer *consumer;
        const struct conductor_settings *settings;
        struct worker *const *workers;
        size_t n_workers;
        _Atomic int64_t *number; /* of our life sign; the keeper makes the sign and changes it */
};
struct keeper;
/* Takes a life sign: '*spec->number' is set when this returns 0. Timers rest until keeper_start().
 */
int keeper_new(const struct conductor_settings *settings, _Atomic int64_t *number,
               struct keeper **ret, struct fault *why);
int keeper_start(struct keeper *k, const struct keeper_spec *spec);
/* No more jobs; those that workers still hold count down in 'k', which must outlive them. */
void keeper_stop(struct keeper *k);
struct keeper *keeper_free(struct keeper *k);
OWN_DEFINE(struct keeper *, keeper_free)
