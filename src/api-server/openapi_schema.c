/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of attributes as JSON Schemas: what a body may hold, and what an answer holds. */
#include "api-server/openapi.h"

#include "model/tags.h"
#include "model/vlink.h"

#define UUID_PATTERN "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
#define TIME_PATTERN "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{3})?Z$"
#define TAG_PATTERN  "^[^,/\\u0000-\\u001f\\u007f]+$"
#define TEXT_PATTERN "^[^\\u0000]*$"

static json_t *text(size_t min, size_t max)
{
        return json_pack("{ss ss si sI}", "type", "string", "pattern", TEXT_PATTERN, "minLength",
                         (int)min, "maxLength", (json_int_t)max);
}

static json_t *pattern(const char *of)
{
        return json_pack("{ss ss}", "type", "string", "pattern", of);
}

static json_t *list_of(json_t *items)
{
        return json_pack("{ss so}", "type", "array", "items", items);
}

/* "type" becomes a list with "null", and so does an enumeration. */
static json_t *or_null(json_t *schema)
{
        json_t *words = json_object_get(schema, "enum");

        json_object_set_new(schema, "type",
                            json_pack("[Os]", json_object_get(schema, "type"), "null"));
        if (words)
                json_array_append_new(words, json_null());
        return schema;
}

static json_t *sent_value(const struct attribute *a, unsigned verb)
{
        switch (a->kind) {
        case ATTR_TEXT:
                return text(0, a->max);
        case ATTR_WORD:
                return text(1, a->max);
        case ATTR_ID:
                return a->in & NEEDED ? pattern(UUID_PATTERN) : or_null(pattern(UUID_PATTERN));
        case ATTR_SITE:
                return pattern("^[a-z0-9-]{1,63}$");
        case ATTR_KBPS:
                return json_pack("{ss si sI}", "type", "integer", "minimum", 1, "maximum",
                                 (json_int_t)KBPS_MAX);
        case ATTR_LIMIT:
                return json_pack("{ss si sI}", "type", "integer", "minimum", -1, "maximum",
                                 (json_int_t)LIMIT_MAX);
        case ATTR_BOOL:
                return json_pack("{ss}", "type", "boolean");
        case ATTR_OBJECT:
                return schema_of_body(a->inner, verb);
        case ATTR_LIST:
        case ATTR_SOME:
                return json_pack("{ss so sI sI}", "type", "array", "items",
                                 schema_of_body(a->inner, verb), "minItems",
                                 (json_int_t)(a->kind == ATTR_SOME ? 2 : a->max), "maxItems",
                                 (json_int_t)a->max);
        case ATTR_TAGS:
                return json_pack("{ss s{ss ss si si} si}", "type", "array", "items", "type",
                                 "string", "pattern", TAG_PATTERN, "minLength", 1, "maxLength",
                                 TAG_LENGTH_MAX, "maxItems", BODY_TAGS_MAX);
        }
        return NULL;
}

/* No more keys than these, and at least the required ones. */
static json_t *closed(json_t *properties, json_t *required)
{
        json_t *schema = json_pack("{ss so sb}", "type", "object", "properties", properties,
                                   "additionalProperties", 0);

        if (json_array_size(required) > 0)
                json_object_set(schema, "required", required);
        json_decref(required);
        return schema;
}

json_t *schema_of_body(const struct attribute *attributes, unsigned verb)
{
        json_t *properties = json_object(), *required = json_array();

        for (const struct attribute *a = attributes; a->name; a++) {
                if (!(a->in & verb))
                        continue;
                json_object_set_new(properties, a->name, sent_value(a, verb));
                if ((a->in & NEEDED) && verb == IN_POST)
                        json_array_append_new(required, json_string(a->name));
        }
        return closed(properties, required);
}

static json_t *words(const char *const *of)
{
        json_t *list = json_array();

        for (; *of; of++)
                json_array_append_new(list, json_string(*of));
        return json_pack("{ss so}", "type", "string", "enum", list);
}

static json_t *shown_value(const struct shown *s)
{
        switch (s->kind) {
        case SHOWN_ID:
                return pattern(UUID_PATTERN);
        case SHOWN_TEXT:
                return json_pack("{ss}", "type", "string");
        case SHOWN_WORD:
                return words(s->words);
        case SHOWN_INT:
                return json_pack("{ss}", "type", "integer");
        case SHOWN_BOOL:
                return json_pack("{ss}", "type", "boolean");
        case SHOWN_TIME:
                return pattern(TIME_PATTERN);
        case SHOWN_TEXTS:
                return list_of(json_pack("{ss}", "type", "string"));
        case SHOWN_IDS:
                return list_of(pattern(UUID_PATTERN));
        case SHOWN_OBJECT:
                return schema_of_shown(s->inner);
        case SHOWN_OBJECTS:
                return list_of(schema_of_shown(s->inner));
        case SHOWN_MAP:
                return json_pack("{ss}", "type", "object");
        }
        return NULL;
}

json_t *schema_of_shown(const struct shown *shown)
{
        json_t *properties = json_object(), *required = json_array();

        for (const struct shown *s = shown; s->name; s++) {
                json_t *value = shown_value(s);

                json_object_set_new(properties, s->name,
                                    s->flags & MAY_BE_NULL ? or_null(value) : value);
                if (!(s->flags & (TO_OPERATORS | SHOWN_ALONE)))
                        json_array_append_new(required, json_string(s->name));
        }
        return closed(properties, required);
}
