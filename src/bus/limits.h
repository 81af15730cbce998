#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers that bound the bus: sizes, windows, waits. Inner header. */

enum {
        BUS_BODY_BYTES = 1 << 20, /* the audit of a gateway with some 5 000 objects */
        BUS_CAST_WAITS_MS = 30000,
        BUS_REPLY_WAITS_MS = 60000, /* for a caller's queue that is not there */
        BUS_DEAD_WAITS_MS = 60000,
};

#define SENT_HEADER "atlas-sent-ms" /* when it was published, wall clock: to measure queues */
