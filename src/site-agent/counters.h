#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's metrics. */

#include <stdint.h>

#include "site-agent/port_work.h"

void counters_command(const char *method, const struct port_event *event, int64_t took_ms);
void counters_open_work(int change);
void counters_gateways(int n, int n_reachable);
