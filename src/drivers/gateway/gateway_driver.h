#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of a gateway driver: one router, reached by one session, worked by one thread at a time. A driver
 * knows neither the queue nor the database. Every verb is idempotent, ends before 'deadline_mono_ms',
 * and after a crash we ask the device instead of assuming. */

#include <stdint.h>

#include "base/config.h"
#include "base/fault.h"
#include "model/gateway.h"
#include "model/want.h"

enum gateway_fence { GATEWAY_FENCE_NONE, GATEWAY_FENCE_SESSION, GATEWAY_FENCE_DEVICE };

/* What is on the device, read from it. Arrays owned; gateway_state_done() frees. */
struct gateway_state {
        char boot_id[64];
        int64_t epoch, seq;              /* the fence's last pair */
        struct want_result *ports;       /* id and generation of each present port */
        size_t n_ports;
        struct want_result *attachments;
        size_t n_attachments;
        size_t n_unknown;                /* objects of our naming that belong to no known id */
};
void gateway_state_done(struct gateway_state *s);
/* XOR over present objects of digest_text("<id> <generation>"). */
uint64_t gateway_state_digest(const struct gateway_state *s);

struct gateway_handle;                   /* a driver's own */

struct gateway_driver {
        const char *name;                /* `driver = NAME` in a [gateway:NAME] section */
        const struct setting *settings;  /* its own keys of that section, offsets into its own struct */
        enum gateway_fence fence;
        const char *capabilities;        /* JSON list text: ["bandwidth"] */

        /* Opens a handle from the section 'name' of 'file'; no connection is made yet. Positive: CONFIG_BAD with 'why'. */
        int (*open)(const struct config_file *file, const char *name, struct gateway_handle **ret,
                    struct fault *why);
        void (*close)(struct gateway_handle *g);
        /* The range, capability and address fields of 'ret' that the driver can tell by itself. */
        int (*describe)(struct gateway_handle *g, int64_t deadline_mono_ms, struct gateway *ret,
                        struct fault *why);
        /* Brings ports and attachments to what 'want' says, reading back each; refuses a pair (epoch, seq) lower than the
         * device has seen (fault type "gateway.stale"). 'ret' has a result for each wanted object, in order, unless ret->fault
         * is set. One bad port never fails its neighbours. Returns 0, or negative when out of memory. */
        int (*apply)(struct gateway_handle *g, const struct apply_want *want,
                     int64_t deadline_mono_ms, struct apply_result *ret);
        /* Reads all that is there. 0, or GATEWAY_FAILED with 'why'. */
        int (*read)(struct gateway_handle *g, int64_t deadline_mono_ms, struct gateway_state *ret,
                    struct fault *why);
        /* What those of 'ids' (n of them) are that are there: '*ret' is an array to free(), without VIF-IDs.
         * 0, or GATEWAY_FAILED with 'why'. */
        int (*details)(struct gateway_handle *g, const char *const *ids, size_t n,
                       int64_t deadline_mono_ms, struct object_detail **ret, size_t *ret_n,
                       struct fault *why);
        /* Name of the interface on the gateway host that stands for attachment tag 'tag' and is plugged
         * into the site's network; and the SSH target for a cloud driver that plugs there, or NULL. */
        void (*access_interface)(struct gateway_handle *g, int64_t tag, char ret[32]);
        const struct ssh_target *(*host)(struct gateway_handle *g);
};
enum { GATEWAY_DONE, GATEWAY_FAILED };

/* NULL-terminated: all drivers built in. */
extern const struct gateway_driver *const gateway_drivers[];
const struct gateway_driver *gateway_driver_find(const char *name);
