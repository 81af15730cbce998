#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* What the routes name: each answers its call, now or later. */

struct call;
void show_versions(struct call *c);
void show_version(struct call *c);
void healthcheck(struct call *c);
void vpn_create(struct call *c);
void vpn_update(struct call *c);
void vpn_delete(struct call *c);
void vpn_add_site(struct call *c);
void vpn_remove_site(struct call *c);
void virtual_link_create(struct call *c);
void virtual_link_update(struct call *c);
void virtual_link_delete(struct call *c);
void virtual_port_attach(struct call *c);
void virtual_port_detach(struct call *c);
