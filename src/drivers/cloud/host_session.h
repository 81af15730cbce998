#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway hosts of a site as a cloud driver sees them: one SSH session each, one request at a time on it, kept
 * open between requests. For any number of threads. */

#include <jansson.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/own.h"
#include "drivers/ssh/ssh.h"

enum { HOST_DONE, HOST_FAILED };

struct host_sessions;
int host_sessions_new(struct host_sessions **ret);
struct host_sessions *host_sessions_free(struct host_sessions *h);
OWN_DEFINE(struct host_sessions *, host_sessions_free)

/* Gives 'request' to 'command' (the gateway helper) on the host and takes its JSON answer, a new reference. A fault
 * in the answer is this call's: HOST_FAILED with 'why'. 'target' is copied at the host's first use. */
int host_request(struct host_sessions *h, const struct ssh_target *target, const char *command,
                 const json_t *request, int64_t deadline_mono_ms, json_t **ret, struct fault *why);
