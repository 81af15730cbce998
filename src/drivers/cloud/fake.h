#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A pretended Quantum: remembers what was plugged where, and can be told to fail. All handles that one process opens
 * from its file share one cloud; tests and the simulation make their own. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "drivers/cloud/cloud_driver.h"
#include "drivers/fake/injection.h"

extern const struct cloud_driver cloud_fake;

/* In memory only. Freed by cloud_fake.close(). */
int fake_cloud_new(bool real_time, struct cloud_handle **ret);
/* What a control file says; replaces what was said before. Besides the injections:
 *   "networks": {"<network>": "<project>"}      whose it is; others belong to whoever asks
 *   "mtus": {"<network>": n}
 *   "ports": {"<port>": {"network_id", "project_id", "device_id"?}}    tenants' own ports
 * Positive: CONTROL_BAD with 'why'. */
int fake_cloud_control(struct cloud_handle *c, const json_t *doc, struct fault *why);
/* Somebody deletes its port behind everybody's back. */
void fake_cloud_lose(struct cloud_handle *c, const char *attachment_id);
size_t fake_cloud_count(struct cloud_handle *c); /* attachments that are plugged */
/* The network that 'attachment_id' is plugged into: false when it is not. */
bool fake_cloud_plugged(struct cloud_handle *c, const char *attachment_id, char ret_network[ID_SIZE]);
/* How often one network was plugged into two VPNs. */
int64_t fake_cloud_violations(struct cloud_handle *c);
