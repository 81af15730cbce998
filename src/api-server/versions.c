/* SPDX-License-Identifier: Apache-2.0 */
/* Version documents, for discovery; anybody may read them. */
#include <stdio.h>
#include <string.h>

#include "api-server/api.h"
#include "api-server/handlers.h"

static json_t *version(const struct call *c)
{
        char href[CALL_BASE_SIZE + 8];

        call_base(c, href, CALL_BASE_SIZE);
        snprintf(href + strlen(href), 8, "/v1/");
        return json_pack("{ss ss ss ss ss s[{ss ss}]}", "id", "v1.0", "status", "CURRENT",
                         "version", "1.0", "min_version", "1.0", "max_version", "1.0", "links",
                         "rel", "self", "href", href);
}

void show_versions(struct call *c)
{
        call_answer(c, 200, json_pack("{s[o]}", "versions", version(c)), NULL);
}

void show_version(struct call *c)
{
        call_answer(c, 200, json_pack("{so}", "version", version(c)), NULL);
}
