#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP connection by a deadline, resolving the name included. */

#include <stddef.h>
#include <stdint.h>

/* CONNECT_FAILED: 'reason' says why, for people. */
enum { CONNECT_OK, CONNECT_FAILED };

/* '*ret_fd' is non-blocking, close-on-exec, and notices a peer that went away silently within about 20 s. */
int connect_tcp(const char *host, int64_t port, int64_t deadline_mono_ms, int *ret_fd,
                char *reason, size_t size);
