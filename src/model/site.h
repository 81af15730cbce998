#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* A site: a cloud and its agents. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "model/limits.h"

enum { SITE_SILENT_AFTER_MS = 30000 };

struct site {
        char id[ID_SIZE];
        char name[SITE_SIZE];
        char description[DESCRIPTION_SIZE];
        int64_t last_seen_ms; /* 0: never; stored at most every 10 s */
        int64_t created_ms;
};
bool site_name_valid(const char *name); /* [a-z0-9-]{1,63} */
bool site_is_silent(const struct site *s, int64_t now_ms);
json_t *site_to_json(const struct site *s, int64_t now_ms); /* as REST shows it */
