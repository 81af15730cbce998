/* SPDX-License-Identifier: Apache-2.0 */
#include "openstack/pause.h"

#include <poll.h>

#include "base/clock.h"

bool pause_ms(int64_t ms, int64_t deadline_mono_ms)
{
        int64_t until = clock_mono_ms() + ms;

        if (until >= deadline_mono_ms)
                return false;
        for (int64_t left = ms; left > 0; left = until - clock_mono_ms())
                poll(NULL, 0, (int)left);
        return true;
}
