/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/cloud/neutron_port.h"

#include <ctype.h>

#include "base/text.h"
#include "base/uuid.h"

/* In binding:profile: {"attachment", "made", "host_id" (ours), "vif_id" (ours), "former": {"device_id", "device_owner", "host_id"}}. */
static const char MARK[] = "cloud-atlas";

static const char *text_of(const json_t *object, const char *key)
{
        const char *value = json_string_value(json_object_get(object, key));

        return value ? value : "";
}

static bool mac_valid(const char *mac)
{
        for (size_t i = 0; i < 17; i++)
                if (i % 3 == 2 ? mac[i] != ':' : !isxdigit((unsigned char)mac[i]))
                        return false;
        return mac[17] == '\0';
}

bool neutron_port_read(const json_t *j, struct neutron_port *ret)
{
        const json_t *profile = json_object_get(j, "binding:profile");
        const json_t *mark = json_object_get(profile, MARK);

        *ret = (struct neutron_port){
                .id = text_of(j, "id"),
                .network_id = text_of(j, "network_id"),
                .project_id = text_of(j, "project_id"),
                .device_id = text_of(j, "device_id"),
                .device_owner = text_of(j, "device_owner"),
                .mac = text_of(j, "mac_address"),
                .status = text_of(j, "status"),
                .created_at = text_of(j, "created_at"),
                .host_id = text_of(j, "binding:host_id"),
                .vif_type = text_of(j, "binding:vif_type"),
                .admin_state_up = !json_is_false(json_object_get(j, "admin_state_up")),
                .revision = json_integer_value(json_object_get(j, "revision_number")),
                .profile = json_is_object(profile) ? profile : NULL,
                .mark = json_is_object(mark) ? mark : NULL,
        };
        if (!ret->project_id[0])
                ret->project_id = text_of(j, "tenant_id");
        return uuid_valid(ret->id) && uuid_valid(ret->network_id) && ret->project_id[0] &&
               mac_valid(ret->mac);
}

bool neutron_port_is_marked(const struct neutron_port *p, const char *attachment_id)
{
        return p->mark && text_equal(text_of(p->mark, "attachment"), attachment_id);
}

bool neutron_port_is_made(const struct neutron_port *p)
{
        return json_is_true(json_object_get(p->mark, "made"));
}

bool neutron_port_is_ready(const struct neutron_port *p, const struct plug_want *want,
                           const char *host)
{
        return neutron_port_is_marked(p, want->id) && text_equal(p->device_id, want->vif_id) &&
               text_equal(p->device_owner, NEUTRON_DEVICE_OWNER) && text_equal(p->host_id, host) &&
               p->vif_type[0] && !text_equal(p->vif_type, "unbound") &&
               !text_equal(p->vif_type, "binding_failed");
}

json_t *neutron_port_make(const struct plug_want *want, const char *host, bool port_security)
{
        char name[sizeof "atlas:" + ID_SIZE];
        json_t *port;

        TEXT_SET(name, "atlas:");
        text_copy(name + 6, sizeof name - 6, want->id);
        port = json_pack("{s:s, s:s, s:s, s:s, s:s, s:[], s:b, s:s, s:{s:{s:s, s:b, s:s, s:s}}}",
                         "network_id", want->network_id, "project_id", want->project_id, "name",
                         name, "device_owner", NEUTRON_DEVICE_OWNER, "device_id", want->vif_id,
                         "fixed_ips", "admin_state_up", 1, "binding:host_id", host,
                         "binding:profile", MARK, "attachment", want->id, "made", 1, "host_id",
                         host, "vif_id", want->vif_id);
        if (port && port_security &&
            json_object_set_new(port, "port_security_enabled", json_false()) != 0) {
                json_decref(port);
                return NULL;
        }
        return json_pack("{s:o}", "port", port);
}

/* The profile with 'mark' (stolen) in the place of the one it has; NULL: without any. */
static json_t *profile_with(const struct neutron_port *p, json_t *mark, bool want_mark)
{
        json_t *profile = p->profile ? json_copy((json_t *)(uintptr_t)p->profile) : json_object();

        if (!profile || (want_mark && !mark) ||
            (want_mark && json_object_set(profile, MARK, mark) != 0)) {
                json_decref(profile);
                profile = NULL;
        } else if (!want_mark) {
                json_object_del(profile, MARK);
        }
        json_decref(mark);
        return profile;
}

json_t *neutron_port_take(const struct neutron_port *p, const struct plug_want *want,
                          const char *host)
{
        json_t *mark;

        if (p->mark) {
                mark = json_copy((json_t *)(uintptr_t)p->mark);
                if (json_object_set_new(mark, "host_id", json_string(host)) != 0) {
                        json_decref(mark);
                        return NULL;
                }
        } else {
                mark = json_pack("{s:s, s:b, s:s, s:s, s:{s:s, s:s, s:s}}", "attachment", want->id,
                                 "made", 0, "host_id", host, "vif_id", want->vif_id, "former",
                                 "device_id", p->device_id, "device_owner", p->device_owner,
                                 "host_id", p->host_id);
        }
        return json_pack("{s:{s:s, s:s, s:s, s:o}}", "port", "device_id", want->vif_id,
                         "device_owner", NEUTRON_DEVICE_OWNER, "binding:host_id", host,
                         "binding:profile", profile_with(p, mark, true));
}

static int restore(json_t *port, const char *key, const char *is, const char *ours,
                   const char *former)
{
        return text_equal(is, ours) && !text_equal(is, former) ?
                       json_object_set_new(port, key, json_string(former)) :
                       0;
}

json_t *neutron_port_give_back(const struct neutron_port *p)
{
        const json_t *former = json_object_get(p->mark, "former");
        json_t *port = json_pack("{s:o}", "binding:profile", profile_with(p, NULL, false));

        if (port &&
            (restore(port, "device_id", p->device_id, text_of(p->mark, "vif_id"),
                     text_of(former, "device_id")) != 0 ||
             restore(port, "device_owner", p->device_owner, NEUTRON_DEVICE_OWNER,
                     text_of(former, "device_owner")) != 0 ||
             restore(port, "binding:host_id", p->host_id, text_of(p->mark, "host_id"),
                     text_of(former, "host_id")) != 0)) {
                json_decref(port);
                return NULL;
        }
        return json_pack("{s:o}", "port", port);
}
