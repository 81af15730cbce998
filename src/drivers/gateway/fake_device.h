#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The pretended device itself: objects by id and by integer, the fence, and its file form. */

#include <jansson.h>
#include <stdint.h>

#include "base/map.h"
#include "model/want.h"

struct fake_device {
        char boot_id[64];
        int64_t epoch, seq;
        struct map ports, attachments;  /* by id: struct fake_port, struct fake_attachment, owned */
        struct map labels, tags;        /* the same, by integer */
        int64_t tx_kbps, rx_kbps;       /* sums over ports */
        int64_t violations;
};
struct fake_port {
        struct port_want want;
        char label[24];
};
struct fake_attachment {
        struct attachment_want want;
        char tag[24];
};
void fake_device_init(struct fake_device *d, const char *boot_id); /* NULL: a random one */
void fake_device_done(struct fake_device *d);

/* Ensures what 'want' says, present or absent. A taken integer is a violation and DEVICE_TAKEN; nothing
 * is changed then. */
enum { DEVICE_OK, DEVICE_TAKEN };
int fake_device_port(struct fake_device *d, const struct port_want *want);
int fake_device_attachment(struct fake_device *d, const struct attachment_want *want);

json_t *fake_device_to_json(const struct fake_device *d);
/* Replaces all that is there. */
int fake_device_from_json(struct fake_device *d, const json_t *doc);
