#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of bus_consumer_…() of bus.h. */

#include "bus/bus.h"
#include "bus/line.h"
#include "bus/publisher.h"

int consumer_new(const struct line_net *net, struct publisher *publisher,
                 const struct bus_consumer_spec *spec, struct bus_consumer **ret);
