/* SPDX-License-Identifier: Apache-2.0 */
#include "model/tags.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

bool tag_valid(const char *tag)
{
        size_t n = strlen(tag);

        for (size_t i = 0; i < n; i++)
                if ((unsigned char)tag[i] < 0x20 || tag[i] == 0x7f || strchr(",/", tag[i]))
                        return false;
        return n > 0 && text_utf8_valid(tag, n) && text_utf8_length(tag) <= TAG_LENGTH_MAX;
}

json_t *tags_to_json(const char *tags)
{
        json_t *list = json_array();

        for (size_t n; *tags; tags += n + (tags[n] == ',')) {
                n = strcspn(tags, ",");
                json_array_append_new(list, json_stringn(tags, n));
        }
        return list;
}

bool tags_have(const char *tags, const char *tag)
{
        size_t n_tag = strlen(tag);

        for (size_t n; *tags; tags += n + (tags[n] == ',')) {
                n = strcspn(tags, ",");
                if (n == n_tag && memcmp(tags, tag, n) == 0)
                        return true;
        }
        return false;
}

/* Adds each of 'list' to the keys of 'set', or takes it away. */
static int apply(json_t *set, const json_t *list, bool add, struct fault *why)
{
        const json_t *item;
        size_t i;

        if (list && !json_is_array(list))
                return fault_set(why, 400, "request.invalid", "Tags have to be a list of texts.");
        json_array_foreach (list, i, item) {
                const char *tag = json_string_value(item);

                if (!tag || strlen(tag) != json_string_length(item) || !tag_valid(tag))
                        return fault_set(why, 400, "request.invalid",
                                         "A tag is a text of 1 to %d characters without ',' and "
                                         "'/'.",
                                         TAG_LENGTH_MAX);
                if (add)
                        json_object_set_new(set, tag, json_true());
                else if (json_object_del(set, tag) != 0)
                        return fault_set(why, 404, "not_found", "Tag %.255s could not be found.",
                                         tag);
        }
        return 0;
}

static int by_bytes(const void *a, const void *b)
{
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int join(json_t *set, char tags[TAGS_SIZE], struct fault *why)
{
        size_t n = json_object_size(set), i = 0;
        const char **names = calloc(n + 1, sizeof *names);
        OWN(text_done) struct text all = { 0 };
        const char *name;
        json_t *value;

        if (!names)
                return fault_set(why, 500, "internal", "Out of memory.");
        json_object_foreach (set, name, value)
                names[i++] = name;
        qsort(names, n, sizeof *names, by_bytes);
        for (i = 0; i < n; i++)
                text_addf(&all, "%s%s", i ? "," : "", names[i]);
        free(names);
        if (all.failed || all.n >= TAGS_SIZE)
                return fault_set(why, 409, "tags.too_many",
                                 "The tags of one object have at most %d bytes together; remove "
                                 "some first.",
                                 TAGS_SIZE - 1);
        text_copy(tags, TAGS_SIZE, all.bytes);
        return 0;
}

int tags_change(char tags[TAGS_SIZE], const json_t *change, struct fault *why)
{
        const json_t *all = json_object_get(change, "tags");
        json_auto_t *set = json_object(), *old = tags_to_json(tags);
        int r = apply(set, all ? all : old, true, why);

        r = r ? r : apply(set, json_object_get(change, "add_tags"), true, why);
        r = r ? r : apply(set, json_object_get(change, "remove_tags"), false, why);
        return r ? r : join(set, tags, why);
}
