/* SPDX-License-Identifier: Apache-2.0 */
/* Sites: their names, when they count as silent, and how REST shows them. */
#include "model/site.h"

#include <string.h>

#include "model/json.h"

bool site_name_valid(const char *name)
{
        size_t n = strlen(name);

        return n > 0 && n < SITE_SIZE && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

bool site_is_silent(const struct site *s, int64_t now_ms)
{
        return s->last_seen_ms == 0 || now_ms - s->last_seen_ms > SITE_SILENT_AFTER_MS;
}

json_t *site_to_json(const struct site *s, int64_t now_ms)
{
        return json_pack("{ss ss ss sb so so}", "id", s->id, "name", s->name, "description",
                         s->description, "alive", !site_is_silent(s, now_ms), "last_seen_at",
                         json_time_or_null(s->last_seen_ms), "created_at",
                         json_time_or_null(s->created_ms));
}
