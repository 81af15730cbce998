#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The same exchange of messages with rabbitmq-c alone, as the measure of the bus: a client and a
 * server thread, each with a connection to consume and one to publish; mandatory, confirmed,
 * delivery mode 1, acknowledged by hand. Bodies are opaque bytes; nothing is decoded. */

#include <stddef.h>

/* Calls per second with 'outstanding' of them, over 'n' calls with these bodies. */
double bare_rpc(int port, const char *queue, const void *request, size_t n_request,
                const void *reply, size_t n_reply, int outstanding, int n);
