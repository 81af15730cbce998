#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* VIF-ID: the id under which a tenant plugs a link's end into its network,
 * "ca1:<driver>:<gateway>:<tag>:<attachment id>". */

#include <stdbool.h>
#include <stdint.h>

#include "model/limits.h"

struct vif_id {
        char driver[32]; /* [a-z0-9-]+ */
        char gateway[GATEWAY_NAME_SIZE];
        int64_t tag; /* 1..4094 */
        char attachment_id[ID_SIZE];
};
void vif_id_format(const struct vif_id *v, char ret[VIF_ID_SIZE]);
bool vif_id_parse(const char *text, struct vif_id *ret);
