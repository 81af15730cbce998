#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Neutron's calls that the driver makes, with its refusals turned into faults of ours. */

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "openstack/session.h"

/* GONE: there is no such thing (404). CHANGED: somebody else was faster (409, 412): read again. Each but OK has a
 * fault; FAILED may be tried again when the fault says so. */
enum { NEUTRON_OK, NEUTRON_GONE, NEUTRON_CHANGED, NEUTRON_FAILED };

struct neutron {
        struct openstack_session *session;
        _Atomic int port_security;      /* the extension: 0 not asked yet, 1 there, -1 not there */
};
/* Ids are checked by the caller to be UUIDs; '*ret' is a new reference. */
int neutron_port_get(struct neutron *n, const char *id, int64_t deadline_mono_ms, json_t **ret,
                     struct fault *why);
int neutron_network_get(struct neutron *n, const char *id, int64_t deadline_mono_ms, json_t **ret,
                        struct fault *why);
int neutron_port_post(struct neutron *n, const json_t *body, int64_t deadline_mono_ms, json_t **ret,
                      struct fault *why);
/* Only while the port has this revision (0: whatever it has). */
int neutron_port_put(struct neutron *n, const char *id, int64_t revision, const json_t *body,
                     int64_t deadline_mono_ms, json_t **ret, struct fault *why);
/* A port that is gone already is OK. */
int neutron_port_delete(struct neutron *n, const char *id, int64_t deadline_mono_ms,
                        struct fault *why);
/* All ports whose device_id is one of 'n_ids'. '*ret' is a new list. */
int neutron_ports_by_device(struct neutron *n, const char *const *device_ids, size_t n_ids,
                            int64_t deadline_mono_ms, json_t **ret, struct fault *why);
/* Whether ports know port_security_enabled; asked once. */
int neutron_has_port_security(struct neutron *n, int64_t deadline_mono_ms, bool *ret,
                              struct fault *why);
