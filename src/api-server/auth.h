#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Before a request is carried out: who asks, and whether a rule lets him. */

#include "api-server/settings.h"
#include "base/fault.h"
#include "base/own.h"

struct call;
struct auth;      /* of the program */
struct auth_loop; /* of a loop */

/* Answers: AUTH_BAD with a fault about the settings. */
enum { AUTH_OK, AUTH_BAD };
int auth_new(const struct api_config *config, struct auth **ret, struct fault *why);
/* Ends what is being asked, whose answers are posted: before the loops' last posts run. */
void auth_stop(struct auth *a);
struct auth *auth_free(struct auth *a);
OWN_DEFINE(struct auth *, auth_free)

int auth_loop_new(struct auth *a, struct auth_loop **ret);
/* When no post of its loop is to come any more. */
struct auth_loop *auth_loop_free(struct auth_loop *l);

/* Fills in c->who and calls 'then', at once or later, in the loop; or refuses the call. */
void auth_admit(struct call *c, void (*then)(struct call *c));
