#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of a WAN driver: one NMS or controller that makes whole circuits between the access
 * sides of two gateways, so that the sites' agents have nothing to set up on the WAN. A handle is
 * worked by one thread at a time, and nobody else works on the same circuit meanwhile; other
 * handles work on others. A driver knows neither the queue nor the database.
 *
 * A call may take minutes, and its caller may die in it: so every verb is idempotent, joins what is
 * under way for the same circuit instead of beginning it again, begins nothing after
 * 'deadline_mono_ms' (another may be at it by then), and ends before; after a crash the WAN is
 * asked, not assumed. */

#include <stdint.h>

#include "base/config.h"
#include "base/fault.h"
#include "model/circuit.h"

enum wan_can {
        WAN_CAN_LIMIT = 1,  /* holds each direction to its bandwidth */
        WAN_CAN_CHANGE = 2, /* changes the bandwidth of a circuit that carries traffic */
};

struct wan_handle; /* a driver's own */

struct wan_driver {
        const char *name;               /* `driver = NAME` in a [wan:DOMAIN] section */
        const struct setting *settings; /* its own keys of that section */

        /* Opens a handle from the section 'domain' of 'file'; no connection is made yet. Positive:
         * CONFIG_BAD with 'why'. */
        int (*open)(const struct config_file *file, const char *domain, struct wan_handle **ret,
                    struct fault *why);
        void (*close)(struct wan_handle *h);
        uint32_t (*can)(const struct wan_handle *h); /* enum wan_can */
        /* The circuit is there with all that 'want' says. 0, or WAN_FAILED with 'why'
         * (retry_after_ms > 0: trying again may help). */
        int (*ensure)(struct wan_handle *h, const struct circuit_want *want,
                      int64_t deadline_mono_ms, struct fault *why);
        /* Nothing of the link's circuit is left. */
        int (*absent)(struct wan_handle *h, const struct circuit_want *want,
                      int64_t deadline_mono_ms, struct fault *why);
        /* What is there now; the same answers. */
        int (*read)(struct wan_handle *h, const char *link_id, int64_t deadline_mono_ms,
                    struct circuit_state *ret, struct fault *why);
};
enum { WAN_DONE, WAN_FAILED };

/* NULL-terminated: all drivers built in. */
extern const struct wan_driver *const wan_drivers[];
const struct wan_driver *wan_driver_find(const char *name);

/* Brings a circuit to what 'want' says: asks, does what is missing, and believes only what it then
 * reads. 0 ('*ret_changed': something was missing), WAN_FAILED with 'why', or negative when out of
 * memory. */
int wan_apply(const struct wan_driver *driver, struct wan_handle *h,
              const struct circuit_want *want, int64_t deadline_mono_ms, bool *ret_changed,
              struct fault *why);
