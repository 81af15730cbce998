/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/gateway/ranges.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/config.h"
#include "base/err.h"
#include "base/text.h"

/* A new list of pairs, or NULL. */
static json_t *range_list(const char *text)
{
        json_auto_t *list = json_array();
        char *end = NULL;

        for (; *text; text = *end == ',' ? end + 1 : end) {
                long long first = strtoll(text, &end, 10), last = first;

                if (end == text)
                        return NULL;
                if (*end == '-')
                        last = strtoll(end + 1, &end, 10);
                if ((*end != ',' && *end != '\0') || first < 1 || last < first)
                        return NULL;
                json_array_append_new(list, json_pack("[II]", (json_int_t)first, (json_int_t)last));
        }
        return json_array_size(list) ? TAKE(list) : NULL;
}

int ranges_to_json(const char *labels, const char *tags, char *ret, size_t size, struct fault *why)
{
        json_auto_t *ranges = json_pack("{so* so*}", "label", range_list(labels), "tag", range_list(tags));
        OWN(mem_free) char *text = json_dumps(ranges, JSON_COMPACT);

        if (!text)
                return err_raise(-ENOMEM);
        if (json_object_size(ranges) == 2 && text_copy(ret, size, text))
                return CONFIG_OK;
        fault_set(why, 400, "config.value", "label_range and tag_range must be like 16-99,200-300.");
        return CONFIG_BAD;
}
