/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cell.h"

#include <stdlib.h>
#include <string.h>

#include "cli/bandwidth.h"

/* Objects that hold one bandwidth for each direction. */
static const char *const pairs[][2] = {
        { "a_to_z_kbps", "z_to_a_kbps" },
        { "to_wan_kbps", "from_wan_kbps" },
};

static json_t *step_into(const json_t *value, const char *key)
{
        long long i;

        if (json_is_array(value) && text_to_int(key, 0, 1000000, &i))
                return json_array_get(value, (size_t)i);
        return json_object_get(value, key);
}

json_t *cell_find(const json_t *object, const char *path)
{
        json_t *value = step_into(object, path);
        const char *dot;
        char key[64];

        if (value)
                return value;
        dot = strchr(path, '.');
        if (!dot || (size_t)(dot - path) >= sizeof key)
                return NULL;
        memcpy(key, path, (size_t)(dot - path));
        key[dot - path] = '\0';
        value = step_into(object, key);
        return value ? cell_find(value, dot + 1) : NULL;
}

static void add_json(struct text *to, const json_t *value)
{
        char *bytes = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

        if (!bytes)
                to->failed = true;
        else
                text_add(to, bytes);
        free(bytes);
}

static bool add_pair(struct text *to, const json_t *value)
{
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs && json_object_size(value) == 2; i++) {
                const json_t *first = json_object_get(value, pairs[i][0]);
                const json_t *second = json_object_get(value, pairs[i][1]);

                if (!json_is_integer(first) || !json_is_integer(second))
                        continue;
                bandwidth_add_pair(to, json_integer_value(first), json_integer_value(second));
                return true;
        }
        return false;
}

static bool is_plain(const json_t *list)
{
        const json_t *item;
        size_t i;

        json_array_foreach (list, i, item) {
                if (json_is_array(item) || json_is_object(item))
                        return false;
        }
        return json_is_array(list);
}

void cell_add(struct text *to, const json_t *value)
{
        const json_t *item;
        size_t i;

        if (!value || json_is_null(value)) {
                text_add(to, "");
        } else if (json_is_string(value)) {
                text_add_n(to, json_string_value(value), json_string_length(value));
        } else if (is_plain(value)) {
                text_add(to, "");
                json_array_foreach (value, i, item) {
                        text_add(to, i ? "," : "");
                        cell_add(to, item);
                }
        } else if (!add_pair(to, value)) {
                add_json(to, value);
        }
}
