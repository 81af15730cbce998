#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The gateway's half of plugging into the site's network: an attachment's interface in the
 * integration bridge, with the ids by which the site's own agent wires it. Each verb reads back
 * what Open vSwitch then holds. */

#include <jansson.h>

/* Requests, each with an optional "timeout_ms" (default 10000), and their answers:
 *   {"verb": "plug", "interface", "bridge", "iface_id", "mac", "attachment"}
 *       -> {"interface", "present": true, "attachment", "iface_id", "mac"}
 *   {"verb": "unplug", "interface", "bridge", "attachment"}
 *       -> {"interface", "present": false}; another attachment's interface of that name is left
 * alone
 *   {"verb": "plugged"}
 *       -> {"plugged": [{"interface", "present": true, "attachment", "iface_id", "mac"}, …]}
 * or {"fault": {…}}, 400 "message.invalid" for a bad request. A new reference, or NULL without
 * memory. */
json_t *helper_plug(const json_t *request);
