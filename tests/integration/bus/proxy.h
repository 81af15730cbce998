#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP proxy before the broker that can stop forwarding without closing anything, as a network
 * that drops packets does, or close everything and refuse what comes. */

#include "bus/bus.h"

enum proxy_mode { PROXY_PASSES, PROXY_SWALLOWS, PROXY_REFUSES };

struct proxy;
/* To 'port' of 127.0.0.1; NULL: it did not start. */
struct proxy *proxy_new(int port);
struct proxy *proxy_free(struct proxy *p);
OWN_DEFINE(struct proxy *, proxy_free)
int proxy_port(const struct proxy *p);
void proxy_set(struct proxy *p, enum proxy_mode mode);
int proxy_connections(const struct proxy *p); /* that it took so far */
