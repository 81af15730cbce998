#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting for a service that offers no event to wait for. */

#include <stdbool.h>
#include <stdint.h>

/* Waits 'ms' and returns true; false, at once, when the deadline would pass meanwhile. */
bool pause_ms(int64_t ms, int64_t deadline_mono_ms);
