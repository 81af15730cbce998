#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* One gateway as its agent has it: the settings, the driver's handle, and what was last seen of the
 * device. Worked by one thread at a time; knows no threads and no bus. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "drivers/gateway/gateway_driver.h"

/* The keys that every [gateway:NAME] section has; the drivers' own come with the drivers. */
struct gateway_settings {
        char *driver, *type, *domain;
        int64_t capacity_to_wan_kbps, capacity_from_wan_kbps;
        int64_t mtu; /* 0: what the driver says */
        int64_t probe_interval_s;
        bool observe_only;
        char *agent_host; /* Neutron's name of the gateway host; "": the gateway's name */
};
extern const struct setting gateway_unit_settings[];

/* What was last seen: the report's fields, with (epoch, seq) of the device's fence. */
struct gateway_seen {
        struct gateway gateway;
        char digest[DIGEST_SIZE];
        bool looked; /* since we started: only then is there anything to tell */
        bool described;
};

enum { QUARANTINE_AFTER = 3 };
struct gateway_unit {
        char name[GATEWAY_NAME_SIZE];
        struct gateway_settings settings;
        const struct gateway_driver *driver;
        struct gateway_handle *handle;
        struct gateway_seen seen;
        int n_unanswered;     /* commands in a row without an answer of the device */
        int quarantine_after; /* then it is only looked at; 0: never */
};
/* Reads the section "gateway:NAME" of 'file' and opens its driver. Positive: CONFIG_BAD. */
int gateway_unit_open(const struct config_file *file, const char *name, struct gateway_unit *ret,
                      struct fault *why);
void gateway_unit_close(struct gateway_unit *u);

/* Asks the device what it is and what it holds, and remembers it as seen. */
void gateway_unit_look(struct gateway_unit *u, int64_t deadline_mono_ms);
/* Remembers a state that was read for another reason. */
void gateway_unit_saw(struct gateway_unit *u, const struct gateway_state *state);
/* Counts an answer of the device, or its silence. */
void gateway_unit_answered(struct gateway_unit *u, const struct fault *fault);

json_t *gateway_seen_to_report(const struct gateway_seen *seen);    /* of `discovered` */
json_t *gateway_seen_to_heartbeat(const struct gateway_seen *seen); /* of `heartbeat` */
