/* SPDX-License-Identifier: Apache-2.0 */
/* VPNs as REST shows them. */
#include "model/vpn.h"

#include "model/json.h"

json_t *vpn_to_json(const struct vpn *v, const json_t *site_ids)
{
        return json_pack(
                "{ss ss ss ss ss ss so so sI so so}", "id", v->id, "name", v->name, "description",
                v->description, "project_id", v->project_id, "tenant_id", v->project_id, "type",
                v->type, "site_ids", json_deep_copy(site_ids), "tags", tags_to_json(v->tags),
                "revision_number", (json_int_t)v->revision_number, "created_at",
                json_time_or_null(v->created_ms), "updated_at", json_time_or_null(v->updated_ms));
}
