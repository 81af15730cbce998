/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual links and virtual ports as REST shows them. */
#include "model/vlink.h"

#include "model/json.h"

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

static json_t *endpoint(const struct vport *p, const struct attachment *a)
{
        return json_pack("{ss ss ss so so}", "site_id", p->site_id, "gateway_id", p->gateway_id,
                         "virtual_port_id", p->id, "network_id",
                         json_text_or_null(a ? a->network_id : NULL), "port_id",
                         json_text_or_null(a ? plugged_port(a) : NULL));
}

static json_t *list_or_empty(const char *text)
{
        json_t *list = json_loads(text, 0, NULL);

        return list ? list : json_array();
}

json_t *vlink_to_json(const struct vlink *l, const struct vport ports[SIDE_N],
                      const struct attachment *const attachments[SIDE_N], bool site_silent)
{
        const char *operating = site_silent ? "UNKNOWN" : operating_name[l->operating];

        return json_pack(
                "{ss ss ss ss ss ss s[oo] s{sI sI} sI ss ss ss so sb so so so sI so so so}", "id",
                l->id, "name", l->name, "description", l->description, "project_id", l->project_id,
                "tenant_id", l->project_id, "vpn_id", l->vpn_id, "endpoints",
                endpoint(&ports[SIDE_A], attachments ? attachments[SIDE_A] : NULL),
                endpoint(&ports[SIDE_Z], attachments ? attachments[SIDE_Z] : NULL), "bandwidth",
                "a_to_z_kbps", (json_int_t)l->a_to_z_kbps, "z_to_a_kbps",
                (json_int_t)l->z_to_a_kbps, "mtu", (json_int_t)l->mtu, "status",
                status_derived((int)l->provisioning, (int)l->operating, site_silent),
                "provisioning_status", provisioning_name[l->provisioning], "operating_status",
                operating, "status_reason", json_text_or_null(l->status_reason), "admin_state_up",
                l->admin_state_up, "operation_id", json_text_or_null(l->operation_id),
                "ignored_parameters", list_or_empty(l->ignored), "tags", tags_to_json(l->tags),
                "revision_number", (json_int_t)l->revision_number, "verified_at",
                json_time_or_null(l->verified_ms), "created_at", json_time_or_null(l->created_ms),
                "updated_at", json_time_or_null(l->updated_ms));
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
