/* SPDX-License-Identifier: Apache-2.0 */
/* Read, change the difference, read back: the same for every WAN driver. */
#include "base/err.h"
#include "drivers/wan/wan_driver.h"

enum { AGAIN_MS = 1000 };

int wan_apply(const struct wan_driver *driver, struct wan_handle *h,
              const struct circuit_want *want, int64_t deadline_mono_ms, bool *ret_changed,
              struct fault *why)
{
        struct circuit_state found = { 0 };
        int r = driver->read(h, want->link_id, deadline_mono_ms, &found, why);

        *ret_changed = false;
        if (r || circuit_is(&found, want))
                return r < 0 ? err_pass(r) : r;
        r = (want->present ? driver->ensure : driver->absent)(h, want, deadline_mono_ms, why);
        found = (struct circuit_state){ 0 };
        r = r ? r : driver->read(h, want->link_id, deadline_mono_ms, &found, why);
        if (r)
                return r < 0 ? err_pass(r) : r;
        *ret_changed = true;
        if (circuit_is(&found, want))
                return WAN_DONE;
        fault_set(why, 503, "wan.unconfirmed",
                  "It was said to be done, and what is read is something else.");
        why->retry_after_ms = AGAIN_MS;
        return WAN_FAILED;
}
