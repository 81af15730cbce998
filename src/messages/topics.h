#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Names on the bus. Topology is owned by `atlas-manage bus sync`; agents declare passively. */

#define ATLAS_EXCHANGE  "atlas"           /* topic exchange, durable */
#define TOPIC_CONDUCTOR "atlas-conductor" /* queue and key: calls and casts of API, CLI, peers */
#define TOPIC_API       "atlas-api" /* fanout to all: "committed" hints that there are new events */
#define TOPIC_AGENT     "atlas-agent" /* directed: queue and key "atlas-agent.<site>" */
#define TOPIC_WAN       "atlas-wan"   /* directed: "atlas-wan.<domain>" */
#define TOPIC_EVENT                                                                                \
        "atlas-event" /* queue; bound with "atlas-event.*"; key "atlas-event.<site>"               \
                       */
#define TOPIC_HEARTBEAT "atlas-heartbeat" /* queue; bound with "atlas-heartbeat.*" */
#define QUEUE_DEAD                                                                                 \
        "atlas-dead" /* dead letters, durable, delivery mode 2; bound with "atlas-dead.#",         \
                      * written with "atlas-dead.<site, or the queue>" */
#define MESSAGE_VERSION "1.0" /* of our namespace-less methods */
