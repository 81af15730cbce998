#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Adds to objects what people read sooner than ids: names of sites and gateways, steps as
 * sentences. */

#include <jansson.h>

struct cli;
int dress_gateway(struct cli *c, json_t *gateway); /* site */
int dress_vpn(struct cli *c, json_t *vpn);         /* sites */
int dress_link(struct cli *c,
               json_t *vlink); /* a_site, a_gateway, a_port, a_network, and z_ of each */
int dress_port(struct cli *c, json_t *vport);  /* site, gateway */
int dress_event(struct cli *c, json_t *event); /* what */
