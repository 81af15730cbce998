/* SPDX-License-Identifier: Apache-2.0 */
/* The calls we answer, and what their handlers share. */
#include "conductor/request.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/text.h"
#include "base/uuid.h"
#include "model/json.h"

/* clang-format off */
const struct method request_methods[] = {
        /* name                   kind           plan              refine              handle, needs_sites */
        { "create_vpn",           INPUT_REQUEST, vpn_plan,         NULL,               vpn_create, false },
        { "update_vpn",           INPUT_REQUEST, vpn_plan,         NULL,               vpn_update, false },
        { "delete_vpn",           INPUT_REQUEST, vpn_plan,         NULL,               vpn_delete, false },
        { "add_site",             INPUT_REQUEST, vpn_site_plan,    vpn_site_refine,    vpn_add_site, false },
        { "remove_site",          INPUT_REQUEST, vpn_site_plan,    vpn_site_refine,    vpn_remove_site, false },
        { "create_virtual_link",  INPUT_REQUEST, link_create_plan, link_create_refine, link_create, true },
        { "create_connection",    INPUT_REQUEST, connection_plan,  connection_refine,  connection_create, true },
        { "create_virtual_links", INPUT_REQUEST, links_create_plan, links_create_refine, links_create, true },
        { "update_virtual_link",  INPUT_REQUEST, link_plan,        NULL,               link_update, false },
        { "delete_virtual_link",  INPUT_REQUEST, link_plan,        NULL,               link_delete, true },
        { "retry_virtual_link",   INPUT_REQUEST, link_plan,        NULL,               link_retry, true },
        { "attach_virtual_port",  INPUT_REQUEST, port_plan,        port_refine,        port_attach, true },
        { "detach_virtual_port",  INPUT_REQUEST, port_plan,        port_refine,        port_detach, true },
        { "show_quota",           INPUT_REQUEST, quota_show_plan,  NULL,               quota_show, false },
        { "update_quota",         INPUT_REQUEST, quota_show_plan,  NULL,               quota_update, false },
        { "delete_quota",         INPUT_REQUEST, quota_show_plan,  NULL,               quota_delete, false },
        { "freeze",               INPUT_REQUEST, NULL,             NULL,               freeze_start, false },
        { "unfreeze",             INPUT_REQUEST, NULL,             NULL,               freeze_end, false },
        { "release_gateway",      INPUT_REQUEST, gateway_plan,     NULL,               gateway_release, false },
        { "adopt_virtual_link",   INPUT_REQUEST, found_plan,       NULL,               found_adopt, true },
        { "discard_virtual_link", INPUT_REQUEST, found_plan,       NULL,               found_discard, true },
        { 0 },
};
/* clang-format on */

bool caller_of(const struct input *in, struct caller *ret, struct fault *why)
{
        const char *project = request_context(in->request, "project_id");
        const char *request = request_context(in->request, "request_id");

        if (!project || !*project || text_utf8_length(project) > 255) {
                fault_set(why, 400, "request.no_project", "The request names no project.");
                return false;
        }
        *ret = (struct caller){
                .project_id = project,
                .request_id = request ? request : "",
                .is_admin = json_is_true(json_object_get(in->request->context, "is_admin")),
        };
        return true;
}

bool operator_of(const struct input *in, struct caller *ret, struct fault *why)
{
        if (!caller_of(in, ret, why))
                return false;
        if (!ret->is_admin)
                fault_set(why, 403, "request.forbidden", "Only an operator may do that.");
        return ret->is_admin;
}

int refuse_unknown(struct fault *why, const char *noun, const char *id)
{
        return fault_set(why, 404, "not_found", "%s %.100s could not be found.", noun, id);
}

int revision_check(const struct input *in, const char *noun, const char *id, int64_t revision,
                   struct fault *why)
{
        int64_t asked = revision;

        if (!json_read_int(in->request->args, "revision_number", JSON_OPTIONAL, 0, INT64_MAX,
                           &asked, why))
                return why->code;
        if (asked == revision)
                return 0;
        fault_set(why, 412, "revision_mismatch",
                  "%s %s has revision_number %lld, not %lld; read it again, then decide.", noun, id,
                  (long long)revision, (long long)asked);
        fault_details(why, "{\"revision_number\": %lld}", (long long)revision);
        return why->code;
}

int refuse_busy(struct fault *why, const struct vlink *l)
{
        fault_set(why, 409, "link.busy",
                  "An operation is under way on virtual link %s; wait for it, or delete the link.",
                  l->id);
        fault_details(why, "{\"operation_id\": \"%s\"}", l->operation_id);
        why->retry_after_ms = 1000;
        return why->code;
}

struct vpn *vpn_of_caller(struct turn *t, const struct caller *who, const char *id,
                          struct fault *why)
{
        struct vpn *v = view_get(&t->view, T_VPN, id);

        if (v && view_is_locked(&t->view, T_VPN, id) &&
            (who->is_admin || text_equal(v->project_id, who->project_id)))
                return v;
        refuse_unknown(why, "VPN", id);
        return NULL;
}

const struct site *site_find(struct turn *t, const char *id_or_name)
{
        const struct site *s = view_get(&t->view, T_SITE, id_or_name);
        size_t at = 0;

        if (s)
                return s;
        while ((s = view_next(&t->view, T_SITE, &at)))
                if (text_equal(s->name, id_or_name))
                        return s;
        return NULL;
}

int plan_site(struct turn *t, const char *id_or_name)
{
        if (!text_utf8_valid(id_or_name, strlen(id_or_name)))
                return 0;
        return idset_add(uuid_valid(id_or_name) ? &t->plan.site_ids : &t->plan.site_names,
                         id_or_name);
}

bool vpn_has_site(struct turn *t, const char *vpn_id, const char *site_id)
{
        char key[2 * ID_SIZE + 1];

        snprintf(key, sizeof key, "%s/%s", vpn_id, site_id);
        return view_get(&t->view, T_VPN_SITE, key) != NULL;
}

void net_key_of(const char *project_id, const char *site_id, const char *network_id,
                char ret[KEY_SIZE])
{
        /* A project id may be as long as the whole key: its digest stands for it there. */
        char digest[DIGEST_SIZE];

        digest_format(digest_text(project_id), digest);
        snprintf(ret, KEY_SIZE, "%s:%s:%s", digest, site_id, network_id);
}
