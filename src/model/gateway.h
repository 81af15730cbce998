#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway: where a site meets the WAN. What agents report of it, and what the conductor keeps. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "model/limits.h"

enum { RANGES_SIZE = 512, CAPABILITIES_SIZE = 256 };

/* The integers a gateway hands out, by kind. */
enum integer_kind { INTEGER_LABEL, INTEGER_TAG, INTEGER_KIND_N };
extern const char *const integer_kind_name[INTEGER_KIND_N]; /* "label", "tag" */

/* A repair that would touch much of a gateway waits for an operator, unless one has let it go or
 * the gateway is known to have lost its memory. */
enum brake { BRAKE_ARMED, BRAKE_HALTED, BRAKE_RELEASED, BRAKE_N };
extern const char *const brake_name[BRAKE_N]; /* "armed", "halted", "released" */

struct gateway {
        char id[ID_SIZE];
        char site_id[ID_SIZE];
        char site_name[SITE_SIZE];
        char name[GATEWAY_NAME_SIZE];
        char type[TYPE_SIZE];
        char domain[DOMAIN_SIZE];
        char address[ADDRESS_SIZE]; /* how peers reach it over the WAN */
        int64_t capacity_to_wan_kbps, capacity_from_wan_kbps;
        int64_t reserved_to_wan_kbps, reserved_from_wan_kbps; /* sums of its reservations */
        int64_t mtu;                                          /* what a link over it can carry */
        char ranges[RANGES_SIZE]; /* JSON: {"label": [[16, 99999]], "tag": [[1, 4094]]} */
        char capabilities[CAPABILITIES_SIZE]; /* JSON list: ["bandwidth"] */
        char fence[8];                        /* device, session, none */
        char boot_id[64];
        bool reachable;
        int64_t cursor_label, cursor_tag; /* last value handed out of each kind; 0: none yet */
        int64_t verified_ms;              /* last audit or equal digest */
        int64_t held_digest; /* XOR over objects read back as present, as heartbeats carry it */
        /* The gate: at most one command outstanding. */
        int64_t epoch, seq;   /* of the last command sent */
        int64_t inflight_seq; /* 0: the gate is open; > 0: an apply is out, or a pause; < 0: an
                                 audit */
        int64_t inflight_by;  /* conductor that sent it */
        int64_t attempts;     /* commands in a row without a useful answer */
        bool audit_wanted;
        int64_t created_ms;
        int64_t brake; /* enum brake */
        char reason[REASON_SIZE]; /* why its last command came to nothing, or "" */
        bool observe_only;        /* its site looks at it and changes nothing */
};

/* What an agent reports of a gateway: the fields of contracts.md, into the matching fields of 'ret'
 * ((epoch, seq) is the pair of the device's fence then; ids, reservations and the rest of the gate
 * stay as they are). What only a device can tell is left alone when it is out of reach. Checked
 * like tenant input. 0 or GATEWAY_INVALID. */
enum { GATEWAY_OK, GATEWAY_INVALID };
int gateway_from_report(const json_t *report, struct gateway *ret, struct fault *why);
bool gateway_can(const struct gateway *g, const char *capability);
/* First value of 'kind' above 'after' inside the ranges, or 0 at their end. */
int64_t gateway_range_next(const struct gateway *g, enum integer_kind kind, int64_t after);
/* What the row itself does not know. */
struct gateway_around {
        bool site_silent, frozen;
};
json_t *gateway_to_json(const struct gateway *g, struct gateway_around around, bool operator_view);
