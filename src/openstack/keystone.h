#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The words of Keystone v3: what is asked for a token, and what its answer says. Opens no
 * connection. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "openstack/settings.h"

enum { KEYSTONE_OK, KEYSTONE_BAD_ANSWER };

struct keystone_token {
        char *id;            /* secret */
        json_t *catalog;     /* list; empty when the token has none */
        int64_t lifetime_ms; /* between its two times, so that the hosts' clocks may differ */
};
void keystone_token_done(struct keystone_token *t);
static inline void own_keystone_token_done(struct keystone_token *t)
{
        keystone_token_done(t);
}

/* "<auth_url>/v3/auth/tokens", whether auth_url ends in /v3 or not. Caller frees; NULL without
 * memory. */
char *keystone_tokens_url(const char *auth_url);
/* The body to POST there. NULL without memory. */
json_t *keystone_auth_body(const struct openstack_settings *s);
/* 'id' is the header X-Subject-Token. */
int keystone_token_read(const char *id, const json_t *body, struct keystone_token *ret,
                        struct fault *why);
/* URL of a service: the first of the comma list 'interfaces' that the catalogue has for 'type' in
 * 'region' ("" any). Lent by the catalogue; NULL when there is none. */
const char *keystone_endpoint(const json_t *catalog, const char *type, const char *interfaces,
                              const char *region);
