#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A private RabbitMQ for a test program, by tests/support/broker.sh. */

#include "bus/bus.h"

struct broker {
        char dir[64];
        char url[128];
};
/* In a folder of its own; false: it did not start. */
bool broker_new(struct broker *ret);
void broker_remove(struct broker *b);
bool broker_start(struct broker *b);
bool broker_stop(struct broker *b);
bool broker_kill(struct broker *b);
/* rabbitmqctl with up to six words, the last one NULL. */
bool broker_ctl(struct broker *b, ...) __attribute__((sentinel));

/* What a program's file would say, for this broker. Lent texts. */
struct bus_settings broker_settings(const struct broker *b);

/* Waits until 'holds(arg)', at most 'timeout_ms'. */
bool wait_until(bool (*holds)(void *arg), void *arg, int timeout_ms);
