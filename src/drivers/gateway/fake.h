#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A pretended gateway: keeps what it is told, refuses what a device would refuse, counts what must never
 * happen, and can be told to fail. From a [gateway:NAME] section, or made from C by tests and the
 * simulation. */

#include <stdbool.h>
#include <stdint.h>

#include "drivers/fake/injection.h"
#include "drivers/gateway/gateway_driver.h"

extern const struct gateway_driver gateway_fake;

struct fake_gateway_spec {
        const char *address;                       /* NULL: "fake" */
        const char *label_range, *tag_range;       /* "16-99,200-300"; NULL: the driver's defaults */
        const char *boot_id;                       /* NULL: a random one */
        int64_t capacity_to_wan_kbps, capacity_from_wan_kbps; /* 0: not checked */
        int64_t mtu;                               /* 0: 1500 */
        bool exchanges;                            /* each end makes an object for the other */
        bool real_time;                            /* latency and hanging take time */
};
/* In memory only. Texts are copied. Freed by gateway_fake.close(). */
int fake_gateway_new(const struct fake_gateway_spec *spec, struct gateway_handle **ret);
/* Lent; the next verb obeys it. A handle with a control file reads it over this. */
struct injection *fake_gateway_injection(struct gateway_handle *g);
/* The device lost its memory: empty, without fence, under a new boot id. */
void fake_gateway_forget(struct gateway_handle *g, const char *boot_id);
/* How often the device saw what must never be: two ports with one label, two attachments with one tag, more bandwidth
 * than it has. */
int64_t fake_gateway_violations(const struct gateway_handle *g);
/* What is there: the want last applied, or NULL. Lent until the next verb. */
const struct port_want *fake_gateway_port(const struct gateway_handle *g, const char *id);
const struct attachment_want *fake_gateway_attachment(const struct gateway_handle *g, const char *id);
/* What the device makes for the peer of this port: another one after it lost its memory. */
void fake_gateway_object(const struct gateway_handle *g, const char *id, char ret[OBJECT_SIZE]);
size_t fake_gateway_count(const struct gateway_handle *g); /* ports and attachments */
