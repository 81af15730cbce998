#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* What the bus counts. */

#include "base/metrics.h"

extern struct metric bus_published, bus_confirmed, bus_returned, bus_lost, bus_expired,
        bus_in_flight, bus_delivered, bus_redelivered, bus_dead_lettered, bus_reconnects,
        bus_duplicates, bus_refused, bus_queue_ms, bus_send_ms, bus_hold_ms;
