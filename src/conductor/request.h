#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of requests share: who asks, and the refusals that many of them give. Inner
 * header of the conductor. */

#include "conductor/turn.h"

struct caller {
        const char *project_id, *request_id;
        bool is_admin;
};
/* False (fault 400) when the context names no project. */
bool caller_of(const struct input *in, struct caller *ret, struct fault *why);

/* The same for who must be an operator (403). */
bool operator_of(const struct input *in, struct caller *ret, struct fault *why);

int refuse_unknown(struct fault *why, const char *noun, const char *id); /* 404 */
/* 0, or 412 when the request was made for another revision ("revision_number") of the object. */
int revision_check(const struct input *in, const char *noun, const char *id, int64_t revision,
                   struct fault *why);
int refuse_busy(struct fault *why, const struct vlink *l); /* 409 */
/* The VPN, locked and the caller's, or NULL with a 404. */
struct vpn *vpn_of_caller(struct turn *t, const struct caller *who, const char *id,
                          struct fault *why);
/* By id or by name; NULL when not among the site rows that were read. */
const struct site *site_find(struct turn *t, const char *id_or_name);
int plan_site(struct turn *t, const char *id_or_name);
bool vpn_has_site(struct turn *t, const char *vpn_id, const char *site_id);

int vpn_plan(struct turn *t, const struct input *in);
int vpn_create(struct turn *t, const struct input *in, struct fault *why);
int vpn_update(struct turn *t, const struct input *in, struct fault *why);
int vpn_delete(struct turn *t, const struct input *in, struct fault *why);
int vpn_add_site(struct turn *t, const struct input *in, struct fault *why);
int vpn_remove_site(struct turn *t, const struct input *in, struct fault *why);
int vpn_site_plan(struct turn *t, const struct input *in);
int vpn_site_refine(struct turn *t, const struct input *in);

int link_create_plan(struct turn *t, const struct input *in);
int link_create_refine(struct turn *t, const struct input *in);
int link_create(struct turn *t, const struct input *in, struct fault *why);
int connection_plan(struct turn *t, const struct input *in);
int connection_refine(struct turn *t, const struct input *in);
int connection_create(struct turn *t, const struct input *in, struct fault *why);
/* What a connection made, when it fails: the link, whatever it does; the VPN and its members, where
 * nobody uses them. */
int link_take_back(struct turn *t, struct vlink *l, const struct operation *op);
int vpn_take_back(struct turn *t, const struct operation *op);
int links_create_plan(struct turn *t, const struct input *in);
int links_create_refine(struct turn *t, const struct input *in);
int links_create(struct turn *t, const struct input *in, struct fault *why);
int link_plan(struct turn *t, const struct input *in);
int link_update(struct turn *t, const struct input *in, struct fault *why);
int link_delete(struct turn *t, const struct input *in, struct fault *why);

int quota_show_plan(struct turn *t, const struct input *in);
int quota_show(struct turn *t, const struct input *in, struct fault *why);
int quota_update(struct turn *t, const struct input *in, struct fault *why);
int quota_delete(struct turn *t, const struct input *in, struct fault *why);

int freeze_start(struct turn *t, const struct input *in, struct fault *why);
int freeze_end(struct turn *t, const struct input *in, struct fault *why);
int gateway_plan(struct turn *t, const struct input *in);
int gateway_release(struct turn *t, const struct input *in, struct fault *why);

int found_plan(struct turn *t, const struct input *in);
int found_adopt(struct turn *t, const struct input *in, struct fault *why);
int found_discard(struct turn *t, const struct input *in, struct fault *why);
void pair_key_of(const char *vpn_id, const char *a, const char *b, char ret[KEY_SIZE]);

int link_retry(struct turn *t, const struct input *in, struct fault *why);
/* The link, locked and the caller's, or NULL with a 404. */
struct vlink *link_of_caller(struct turn *t, const struct caller *who, const char *id,
                             struct fault *why);
/* True when 'l' is held by this very request: it came twice. */
bool link_is_repeat(struct turn *t, const struct vlink *l, const struct caller *who,
                    enum operation_kind kind);
/* The VPN's access side at a gateway: there already, or new. */
int attachment_take(struct turn *t, const struct vpn *v, struct gateway *g, const struct site *s,
                    struct attachment **ret, struct fault *why);
/* The network or port that one of its ends shall be plugged into, as a wish of 'a'. */
int attachment_wish(struct turn *t, struct attachment *a, const char *network_id,
                    const char *port_id, struct fault *why);
int link_event(struct turn *t, const struct vlink *l, const struct caller *who, const char *type,
               const char *site, const char *reason);

int port_plan(struct turn *t, const struct input *in);
int port_refine(struct turn *t, const struct input *in);
int port_attach(struct turn *t, const struct input *in, struct fault *why);
int port_detach(struct turn *t, const struct input *in, struct fault *why);

/* Plugs 'a' into a network or port of the link's project: the checks, the row, the operation
 * (audits start it too). */
int attach_start(struct turn *t, struct vlink *l, struct attachment *a, const char *network_id,
                 const char *port_id, const char *request_id, struct fault *why);
/* "<project>:<site>:<network>" */
void net_key_of(const char *project_id, const char *site_id, const char *network_id,
                char ret[KEY_SIZE]);
