#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A VPN: a type and the sites that may be linked in it. */

#include <jansson.h>
#include <stdint.h>

#include "model/limits.h"
#include "model/tags.h"

struct vpn {
        char id[ID_SIZE];
        char project_id[PROJECT_SIZE];
        char name[NAME_SIZE];
        char description[DESCRIPTION_SIZE];
        char type[TYPE_SIZE];
        int64_t revision_number;
        int64_t created_ms, updated_ms;
        char tags[TAGS_SIZE];
        char made_by[ID_SIZE]; /* the connection's operation that made it, or "" */
};
struct vpn_site { /* a member */
        char vpn_id[ID_SIZE];
        char site_id[ID_SIZE];
        int64_t created_ms;
        char made_by[ID_SIZE]; /* the same */
};
/* 'site_ids': JSON list, borrowed. */
json_t *vpn_to_json(const struct vpn *v, const json_t *site_ids);
