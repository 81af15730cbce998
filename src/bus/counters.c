/* SPDX-License-Identifier: Apache-2.0 */
#include "bus/counters.h"

/* clang-format off */
struct metric bus_published = METRIC(METRIC_COUNTER, "atlas_bus_published_total", NULL, "Messages written to the broker");
struct metric bus_confirmed = METRIC(METRIC_COUNTER, "atlas_bus_confirmed_total", NULL, "Messages the broker confirmed");
struct metric bus_returned = METRIC(METRIC_COUNTER, "atlas_bus_returned_total", NULL, "Messages no queue took");
struct metric bus_lost = METRIC(METRIC_COUNTER, "atlas_bus_lost_total", NULL, "Messages whose confirm did not come: refused, or the connection went");
struct metric bus_expired = METRIC(METRIC_COUNTER, "atlas_bus_expired_total", NULL, "Messages not sent before their deadline");
struct metric bus_in_flight = METRIC(METRIC_GAUGE, "atlas_bus_in_flight", NULL, "Messages waiting for their confirm");
struct metric bus_delivered = METRIC(METRIC_COUNTER, "atlas_bus_delivered_total", NULL, "Messages taken from queues");
struct metric bus_redelivered = METRIC(METRIC_COUNTER, "atlas_bus_redelivered_total", NULL, "Messages taken that were delivered before");
struct metric bus_dead_lettered = METRIC(METRIC_COUNTER, "atlas_bus_dead_lettered_total", NULL, "Messages put into the dead-letter queue");
struct metric bus_reconnects = METRIC(METRIC_COUNTER, "atlas_bus_reconnects_total", NULL, "Connections to the broker that were lost");
struct metric bus_duplicates = METRIC(METRIC_COUNTER, "atlas_bus_duplicates_total", NULL, "Messages dropped because they had been carried out before");
struct metric bus_refused = METRIC(METRIC_COUNTER, "atlas_bus_refused_total", NULL, "Messages of a version or namespace that is not served");
struct metric bus_queue_ms = METRIC(METRIC_HISTOGRAM, "atlas_bus_queue_ms", NULL, "From publishing to delivery, of messages of ours");
struct metric bus_send_ms = METRIC(METRIC_HISTOGRAM, "atlas_bus_send_ms", NULL, "From acceptance to the broker's confirm");
struct metric bus_hold_ms = METRIC(METRIC_HISTOGRAM, "atlas_bus_hold_ms", NULL, "From delivery to settlement");
/* clang-format on */
