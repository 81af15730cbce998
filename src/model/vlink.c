/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual links and virtual ports as REST shows them. */
#include "model/vlink.h"

#include <stdlib.h>
#include <string.h>

#include "model/json.h"
#include "model/json_out.h"

const char *const plug_state_name[] = {
        [PLUG_NONE] = "unplugged",
        [PLUG_PLUGGING] = "plugging",
        [PLUG_PLUGGED] = "plugged",
        [PLUG_UNPLUGGING] = "unplugging",
};
_Static_assert(sizeof plug_state_name / sizeof *plug_state_name == PLUG_N, "name each");

/* What is plugged: Neutron's port, else the one that the tenant named. */
static const char *plugged_port(const struct attachment *a)
{
        return *a->neutron_port_id ? a->neutron_port_id : a->port_id;
}

static void endpoint(struct text *t, const struct vport *p, const struct attachment *a)
{
        out_open(t, NULL, '{');
        out_text(t, "site_id", p->site_id);
        out_text(t, "gateway_id", p->gateway_id);
        out_text(t, "virtual_port_id", p->id);
        out_text_or_null(t, "network_id", a ? a->network_id : NULL);
        out_text_or_null(t, "port_id", a ? plugged_port(a) : NULL);
        out_close(t, '}');
}

/* What a row holds as JSON; a list that is none is shown as empty. */
static void list_or_empty(struct text *t, const char *key, const char *list)
{
        json_auto_t *json = strcmp(list, "[]") == 0 ? NULL : json_loads(list, 0, NULL);
        char *bytes = json_is_array(json) ? json_dumps(json, JSON_COMPACT) : NULL;

        out_json(t, key, bytes ? bytes : "[]");
        free(bytes);
}

static void tags(struct text *t, const char *list)
{
        char tag[sizeof((struct vlink *)0)->tags];

        out_open(t, "tags", '[');
        for (size_t n; *list; list += n + (list[n] == ',')) {
                n = strcspn(list, ",");
                memcpy(tag, list, n);
                tag[n] = '\0';
                out_text(t, NULL, tag);
        }
        out_close(t, ']');
}

void vlink_write(const struct vlink *l, const struct vport ports[SIDE_N],
                 const struct attachment *const attachments[SIDE_N], bool site_silent,
                 struct text *t)
{
        out_open(t, NULL, '{');
        out_text(t, "id", l->id);
        out_text(t, "name", l->name);
        out_text(t, "description", l->description);
        out_text(t, "project_id", l->project_id);
        out_text(t, "tenant_id", l->project_id);
        out_text(t, "vpn_id", l->vpn_id);
        out_open(t, "endpoints", '[');
        endpoint(t, &ports[SIDE_A], attachments ? attachments[SIDE_A] : NULL);
        endpoint(t, &ports[SIDE_Z], attachments ? attachments[SIDE_Z] : NULL);
        out_close(t, ']');
        out_open(t, "bandwidth", '{');
        out_int(t, "a_to_z_kbps", l->a_to_z_kbps);
        out_int(t, "z_to_a_kbps", l->z_to_a_kbps);
        out_close(t, '}');
        out_int(t, "mtu", l->mtu);
        out_text(t, "status", status_derived((int)l->provisioning, (int)l->operating, site_silent));
        out_text(t, "provisioning_status", provisioning_name[l->provisioning]);
        out_text(t, "operating_status", site_silent ? "UNKNOWN" : operating_name[l->operating]);
        out_text_or_null(t, "status_reason", l->status_reason);
        out_bool(t, "admin_state_up", l->admin_state_up);
        out_text_or_null(t, "operation_id", l->operation_id);
        list_or_empty(t, "ignored_parameters", l->ignored);
        out_text_or_null(t, "wan_domain", l->wan_domain);
        tags(t, l->tags);
        out_int(t, "revision_number", l->revision_number);
        out_time_or_null(t, "verified_at", l->verified_ms);
        out_time_or_null(t, "created_at", l->created_ms);
        out_time_or_null(t, "updated_at", l->updated_ms);
        out_close(t, '}');
}

json_t *vlink_to_json(const struct vlink *l, const struct vport ports[SIDE_N],
                      const struct attachment *const attachments[SIDE_N], bool site_silent)
{
        OWN(text_done) struct text t = { 0 };

        vlink_write(l, ports, attachments, site_silent, &t);
        return t.failed ? NULL : json_loadb(t.bytes, t.n, 0, NULL);
}

json_t *vport_to_json(const struct vport *p, const struct attachment *a, bool operator_view)
{
        json_t *port = json_pack("{ss ss ss ss ss ss ss so so so ss so ss so so}", "id", p->id,
                                 "virtual_link_id", p->link_id, "project_id", p->project_id,
                                 "tenant_id", p->project_id, "side", p->side == SIDE_A ? "a" : "z",
                                 "site_id", p->site_id, "gateway_id", p->gateway_id, "vif_id",
                                 json_text_or_null(a ? a->vif_id : NULL), "network_id",
                                 json_text_or_null(a ? a->network_id : NULL), "port_id",
                                 json_text_or_null(a ? plugged_port(a) : NULL), "plug_status",
                                 plug_state_name[a ? a->plug : PLUG_NONE], "operation_id",
                                 json_text_or_null(a ? a->operation_id : NULL), "status",
                                 p->present ? "ACTIVE" : "DOWN", "status_reason",
                                 json_text_or_null(*p->reason || !a ? p->reason
                                                   : *a->reason     ? a->reason
                                                                    : a->plug_reason),
                                 "verified_at", json_time_or_null(p->verified_ms));

        if (!port || !operator_view)
                return port;
        if (json_object_set_new(port, "label", json_integer(p->label)) != 0 ||
            json_object_set_new(port, "tag", a ? json_integer(a->tag) : json_null()) != 0 ||
            json_object_set_new(port, "tx_kbps", json_integer(p->tx_kbps)) != 0 ||
            json_object_set_new(port, "rx_kbps", json_integer(p->rx_kbps)) != 0 ||
            json_object_set_new(port, "generation", json_integer(p->generation)) != 0) {
                json_decref(port);
                return NULL;
        }
        return port;
}
