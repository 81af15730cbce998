#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A virtual link, its two ports, and the attachments its VPN has at gateways. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "model/limits.h"
#include "model/status.h"
#include "model/tags.h"

enum side { SIDE_A, SIDE_Z, SIDE_N };
enum { KBPS_MAX = 2147483647, IGNORED_SIZE = 128 };

struct vlink {
        char id[ID_SIZE];
        char project_id[PROJECT_SIZE];
        char vpn_id[ID_SIZE];
        char pair_key[KEY_SIZE]; /* "<vpn>:<lower gateway>:<higher gateway>", unique */
        char name[NAME_SIZE];
        char description[DESCRIPTION_SIZE];
        int64_t a_to_z_kbps, z_to_a_kbps;           /* what the tenant has */
        int64_t goal_a_to_z_kbps, goal_z_to_a_kbps; /* what a running change wants; else equal */
        int64_t mtu;
        int64_t provisioning; /* enum provisioning */
        int64_t operating;    /* enum operating */
        char status_reason[REASON_SIZE];
        bool admin_state_up;
        char ignored[IGNORED_SIZE]; /* JSON list of parameters that the type cannot honour */
        char operation_id[ID_SIZE]; /* the operation that holds it, or "" */
        int64_t revision_number;
        int64_t verified_ms;
        int64_t created_ms, updated_ms;
        char tags[TAGS_SIZE];
        bool exchange; /* its two ends hand each other what they make */
        char wan_domain[DOMAIN_SIZE]; /* whose WAN driver makes its circuit; "": its gateways do */
};

/* The link's end at one gateway. Written under the link's lock. */
struct vport {
        char id[ID_SIZE];
        char link_id[ID_SIZE];
        char project_id[PROJECT_SIZE];
        int64_t side; /* enum side */
        char site_id[ID_SIZE];
        char site_name[SITE_SIZE];
        char gateway_id[ID_SIZE];
        char attachment_id[ID_SIZE];
        int64_t label;                /* incoming; 0 once given back */
        int64_t generation;           /* of the newest desire */
        int64_t confirmed_generation; /* of the last answer read back from the device */
        bool wanted;                  /* newest desire: present or absent */
        bool present;                 /* last read back */
        int64_t tx_kbps, rx_kbps;     /* newest desire */
        char reason[REASON_SIZE];     /* last failure at this end, or "" */
        int64_t verified_ms;
        int64_t created_ms;
        bool holds; /* its attachment: it is not on its way out, though it may be switched off */
        /* What the tenant wants it plugged into, or "": kept when the link fails, for a retry. */
        char asked_network_id[ID_SIZE], asked_port_id[ID_SIZE];
};

/* What a VPN has at one gateway: its access side, shared by the VPN's ports there. */
enum plug_state { PLUG_NONE, PLUG_PLUGGING, PLUG_PLUGGED, PLUG_UNPLUGGING, PLUG_N };
extern const char
        *const plug_state_name[PLUG_N]; /* "unplugged", "plugging", "plugged", "unplugging" */

struct attachment {
        char id[ID_SIZE];
        char project_id[PROJECT_SIZE];
        char vpn_id[ID_SIZE];
        char vpn_key[KEY_SIZE]; /* "<vpn>:<gateway>", unique */
        char site_id[ID_SIZE];
        char gateway_id[ID_SIZE];
        char gateway_name[GATEWAY_NAME_SIZE];
        char site_name[SITE_SIZE];
        int64_t tag;
        int64_t n_ports;          /* ports that hold it */
        char vif_id[VIF_ID_SIZE]; /* "" until the agent made it */
        int64_t generation, confirmed_generation;
        bool wanted, present;
        char reason[REASON_SIZE];
        /* Plugging into the site's Neutron: a gate of its own. */
        int64_t plug; /* enum plug_state */
        int64_t plug_generation;
        int64_t plug_sent;             /* generation of the command that is out; 0: none */
        int64_t plug_clear_ms;         /* until then one that was sent twice may still be at work */
        char network_id[ID_SIZE];      /* wanted or plugged; "" none */
        char port_id[ID_SIZE];         /* the tenant's own port, if it named one */
        char neutron_port_id[ID_SIZE]; /* what is plugged */
        char left_port_id[ID_SIZE]; /* the tenant's own port that it detached: audits leave it alone
                                     */
        char net_key[KEY_SIZE];     /* "<project>:<site>:<network>", unique, NULL when "" */
        char plug_reason[REASON_SIZE];
        char operation_id[ID_SIZE]; /* the plugging operation that holds it, or "" */
        int64_t created_ms;
};

/* As REST shows them. ports[], attachments[] by side; attachments may be NULL. */
json_t *vlink_to_json(const struct vlink *l, const struct vport ports[SIDE_N],
                      const struct attachment *const attachments[SIDE_N], bool site_silent);
/* The same, straight into text. */
void vlink_write(const struct vlink *l, const struct vport ports[SIDE_N],
                 const struct attachment *const attachments[SIDE_N], bool site_silent,
                 struct text *ret);
json_t *vport_to_json(const struct vport *p, const struct attachment *a, bool operator_view);
