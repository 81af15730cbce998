#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* What the routes name: each handler answers its call, now or later; each table says what a body
 * may hold. */

#include <jansson.h>
#include <stdbool.h>

#include "api-server/body.h"

struct call;
void show_versions(struct call *c);
void show_version(struct call *c);
void show_openapi(struct call *c);
void list_extensions(struct call *c);
void show_extension(struct call *c);
void healthcheck(struct call *c);
void healthcheck_live(struct call *c);
void gateway_release(struct call *c);
void freeze_show(struct call *c);
void freeze_set(struct call *c);
void vpn_create(struct call *c);
void vpn_update(struct call *c);
void vpn_delete(struct call *c);
void vpn_add_site(struct call *c);
void vpn_remove_site(struct call *c);
void connection_create(struct call *c);
void quota_show(struct call *c);
void quota_update(struct call *c);
void quota_delete(struct call *c);
void quota_details(struct call *c);
void virtual_link_create(struct call *c);
void virtual_link_update(struct call *c);
void virtual_link_delete(struct call *c);
void virtual_link_retry(struct call *c);
void virtual_link_force_delete(struct call *c);
void virtual_port_attach(struct call *c);
void virtual_port_detach(struct call *c);
void tags_replace(struct call *c);
void tags_add(struct call *c);
void tags_clear(struct call *c);
void tag_add(struct call *c);
void tag_remove(struct call *c);
/* Answers a GET of tags, or of one, with those of 'object', which is taken; NULL: no memory. */
void tags_show(struct call *c, json_t *object);

extern const struct attribute vpn_attributes[], vpn_site_attributes[], virtual_link_attributes[],
        connection_attributes[], endpoint_attributes[], bandwidth_attributes[], quota_attributes[],
        attach_attributes[], no_attributes[], tags_attributes[], freeze_attributes[];
/* No endpoint of 'object', which is called 'path', names both a network and a port. */
bool endpoints_plug_once(const json_t *object, const char *path, struct fault *why);
