#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The SSH engine's functions without SSH: each ssh_run() is answered by a test's own function. Linked in place of
 * drivers/ssh. */

#include <jansson.h>

#include "drivers/ssh/ssh.h"

/* Answers one request: a new reference as the helper prints it; NULL: '*ret' is what ssh_run() answers, with 'why'. */
typedef json_t *fake_ssh_helper(const struct ssh_target *target, const json_t *request, int *ret,
                                struct fault *why);
extern fake_ssh_helper *fake_ssh;
