/* SPDX-License-Identifier: Apache-2.0 */
/* The text form of a VIF-ID; parsing accepts exactly what formatting writes. */
#include "model/vif_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/uuid.h"
#include "model/site.h"

void vif_id_format(const struct vif_id *v, char ret[VIF_ID_SIZE])
{
        snprintf(ret, VIF_ID_SIZE, "ca1:%s:%s:%" PRId64 ":%s", v->driver, v->gateway, v->tag,
                 v->attachment_id);
}

/* Moves the text up to the next ':' (or the end) out of '*rest'; false when it does not fit. */
static bool next_part(const char **rest, char *ret, size_t size)
{
        size_t n = strcspn(*rest, ":");

        if (n >= size)
                return false;
        memcpy(ret, *rest, n);
        ret[n] = '\0';
        *rest += n + ((*rest)[n] == ':');
        return true;
}

bool vif_id_parse(const char *text, struct vif_id *ret)
{
        struct vif_id v;
        char prefix[4], tag[5], again[VIF_ID_SIZE];
        const char *rest = text;
        long long number;

        if (!text || !next_part(&rest, prefix, sizeof prefix) ||
            !next_part(&rest, v.driver, sizeof v.driver) ||
            !next_part(&rest, v.gateway, sizeof v.gateway) || !next_part(&rest, tag, sizeof tag) ||
            !next_part(&rest, v.attachment_id, sizeof v.attachment_id))
                return false;
        if (!site_name_valid(v.driver) || !site_name_valid(v.gateway) ||
            !uuid_valid(v.attachment_id) || !text_to_int(tag, 1, 4094, &number))
                return false;
        v.tag = number;
        vif_id_format(&v, again);
        if (strcmp(again, text) != 0)
                return false;
        *ret = v;
        return true;
}
