/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/body.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/uuid.h"
#include "model/limits.h"
#include "model/site.h"
#include "model/tags.h"
#include "model/vlink.h"

enum { PATH_SIZE = 128, DEPTH_MAX = 16 /* objects and lists in each other */ };

int body_refuse(struct fault *why, const char *attribute, const char *reason)
{
        char name[PATH_SIZE];

        /* What the client wrote may stand in it: only what needs no quoting is repeated. */
        TEXT_SET(name, attribute);
        while (!text_utf8_valid(name, strlen(name)))
                name[strlen(name) - 1] = '\0'; /* a long path was cut inside a character */
        for (char *c = name; *c; c++)
                if ((unsigned char)*c < 0x20 || *c == '"' || *c == '\\' || *c == 0x7f)
                        *c = '?';
        if (*name)
                fault_set(why, 400, "request.invalid", "Invalid input for %s: %s", name, reason);
        else
                fault_set(why, 400, "request.invalid", "Invalid body: %s", reason);
        fault_details(why, "{\"attribute\": \"%s\"}", name);
        return BODY_INVALID;
}

/* ---- bytes to JSON ---- */

/* The last attribute whose name stands before 'position': what a syntax error is about. */
static void name_before(const char *bytes, size_t position, char ret[PATH_SIZE])
{
        size_t begin = 0, end = 0;
        bool inside = false;

        ret[0] = '\0';
        for (size_t i = 0; i < position; i++) {
                if (inside && bytes[i] == '\\') {
                        i++;
                } else if (bytes[i] == '"') {
                        if (!inside)
                                begin = i + 1;
                        else
                                end = i;
                        inside = !inside;
                } else if (!inside && bytes[i] == ':' && end > begin && end - begin < PATH_SIZE &&
                           text_utf8_valid(bytes + begin, end - begin)) {
                        memcpy(ret, bytes + begin, end - begin);
                        ret[end - begin] = '\0';
                }
        }
}

/* Where the first byte stands that is no UTF-8. */
static size_t valid_prefix(const char *bytes, size_t n)
{
        size_t at = 0;

        while (at < n) {
                size_t length = 1;

                while (length <= 4 && at + length <= n && !text_utf8_valid(bytes + at, length))
                        length++;
                if (length > 4 || at + length > n)
                        break;
                at += length;
        }
        return at;
}

/* Where the first bracket stands that opens too many at once; 'n': none does. */
static size_t too_deep(const char *bytes, size_t n)
{
        bool inside = false;
        int depth = 0;

        for (size_t i = 0; i < n; i++) {
                if (inside && bytes[i] == '\\')
                        i++;
                else if (bytes[i] == '"')
                        inside = !inside;
                else if (!inside && (bytes[i] == '{' || bytes[i] == '[') && ++depth > DEPTH_MAX)
                        return i;
                else if (!inside && (bytes[i] == '}' || bytes[i] == ']'))
                        depth--;
        }
        return n;
}

/* What jansson could not read, in words. */
static void refuse_syntax(const json_error_t *error, const char *name, struct fault *why)
{
        char reason[JSON_ERROR_TEXT_LENGTH + 64];

        if (json_error_code(error) == json_error_numeric_overflow) {
                body_refuse(why, name, "the number is larger than any that is taken here.");
                return;
        }
        snprintf(reason, sizeof reason, "malformed JSON at line %d, column %d: %s", error->line,
                 error->column,
                 text_utf8_valid(error->text, strlen(error->text)) ? error->text : "");
        body_refuse(why, name, reason);
}

static json_t *parse(const char *bytes, size_t n, struct fault *why)
{
        char name[PATH_SIZE];
        json_error_t error;
        json_t *root;
        size_t deep;

        if (n == 0) {
                body_refuse(why, "", "it is empty; a JSON object is needed.");
                return NULL;
        }
        if (memchr(bytes, '\0', n)) {
                name_before(bytes, (size_t)((const char *)memchr(bytes, '\0', n) - bytes), name);
                body_refuse(why, name, "it holds a NUL byte.");
                return NULL;
        }
        if (!text_utf8_valid(bytes, n)) {
                name_before(bytes, valid_prefix(bytes, n), name);
                body_refuse(why, name, "it is not valid UTF-8.");
                return NULL;
        }
        deep = too_deep(bytes, n);
        if (deep < n) {
                name_before(bytes, deep, name);
                body_refuse(why, name, "objects and lists are nested deeper than 16.");
                return NULL;
        }
        root = json_loadb(bytes, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (root)
                return root;
        name_before(bytes,
                    error.position > 0 && (size_t)error.position <= n ? (size_t)error.position : n,
                    name);
        if (json_error_code(&error) == json_error_duplicate_key) {
                /* jansson quotes the key at the end of its text. */
                const char *near = strstr(error.text, "near '\"");

                if (near)
                        snprintf(name, sizeof name, "%.*s", (int)strcspn(near + 7, "\""), near + 7);
                body_refuse(why, name, "the attribute is given twice.");
                return NULL;
        }
        refuse_syntax(&error, name, why);
        return NULL;
}

/* ---- JSON against a table ---- */

static const struct attribute *find(const struct attribute *attributes, const char *name)
{
        for (const struct attribute *a = attributes; a->name; a++)
                if (strcmp(a->name, name) == 0)
                        return a;
        return NULL;
}

static void path_join(char ret[PATH_SIZE], const char *path, const char *name)
{
        snprintf(ret, PATH_SIZE, "%s%s%s", path, *path ? "." : "", name);
}

static int check_text(const struct attribute *a, const json_t *value, const char *path,
                      struct fault *why)
{
        const char *text = json_string_value(value);
        char reason[80];

        if (!text)
                return body_refuse(why, path, "a string is needed.");
        if (strlen(text) != json_string_length(value))
                return body_refuse(why, path, "it holds U+0000.");
        if (a->kind == ATTR_ID)
                return uuid_valid(text) ? BODY_OK : body_refuse(why, path, "a UUID is needed.");
        if (a->kind == ATTR_SITE)
                return uuid_valid(text) || site_name_valid(text)
                               ? BODY_OK
                               : body_refuse(why, path, "a site's id or name is needed.");
        if (a->kind == ATTR_WORD && !*text)
                return body_refuse(why, path, "it is empty.");
        if (text_utf8_length(text) > a->max) {
                snprintf(reason, sizeof reason, "it is longer than %zu characters.", a->max);
                return body_refuse(why, path, reason);
        }
        return BODY_OK;
}

static int check_object(const struct attribute *attributes, json_t *object, unsigned verb,
                        const char *path, struct fault *why);

static int check_list(const struct attribute *a, json_t *value, unsigned verb, const char *path,
                      struct fault *why)
{
        char reason[80], item[PATH_SIZE + 24];
        size_t i;
        json_t *inner;
        int r = BODY_OK;

        if (a->kind == ATTR_SOME)
                snprintf(reason, sizeof reason, "a list of 2 to %zu objects is needed.", a->max);
        else
                snprintf(reason, sizeof reason, "a list of exactly %zu objects is needed.", a->max);
        if (!json_is_array(value) || json_array_size(value) > a->max ||
            json_array_size(value) < (a->kind == ATTR_SOME ? 2 : a->max))
                return body_refuse(why, path, reason);
        json_array_foreach (value, i, inner) {
                snprintf(item, sizeof item, "%s[%zu]", path, i);
                r = r ? r : check_object(a->inner, inner, verb, item, why);
        }
        return r;
}

static int check_tags(const json_t *value, const char *path, struct fault *why)
{
        char item[PATH_SIZE + 24];
        const json_t *tag;
        size_t i;

        if (!json_is_array(value) || json_array_size(value) > BODY_TAGS_MAX)
                return body_refuse(why, path, "a list of at most 100 tags is needed.");
        json_array_foreach (value, i, tag) {
                const char *text = json_string_value(tag);

                snprintf(item, sizeof item, "%s[%zu]", path, i);
                if (!text || strlen(text) != json_string_length(tag) || !tag_valid(text))
                        return body_refuse(
                                why, item,
                                "a tag is a text of 1 to 255 characters without ',' and '/'.");
        }
        return BODY_OK;
}

static int check_value(const struct attribute *a, json_t *value, unsigned verb, const char *path,
                       struct fault *why)
{
        json_int_t n = json_integer_value(value);

        switch (a->kind) {
        case ATTR_TEXT:
        case ATTR_WORD:
        case ATTR_ID:
        case ATTR_SITE:
                return check_text(a, value, path, why);
        case ATTR_KBPS:
                return json_is_integer(value) && n >= 1 && n <= KBPS_MAX
                               ? BODY_OK
                               : body_refuse(why, path,
                                             "a whole number from 1 to 2147483647 is needed.");
        case ATTR_LIMIT:
                return json_is_integer(value) && n >= -1 && n <= LIMIT_MAX
                               ? BODY_OK
                               : body_refuse(why, path,
                                             "a whole number is needed, or -1 for no limit.");
        case ATTR_BOOL:
                return json_is_boolean(value) ? BODY_OK
                                              : body_refuse(why, path, "true or false is needed.");
        case ATTR_OBJECT:
                return check_object(a->inner, value, verb, path, why);
        case ATTR_LIST:
        case ATTR_SOME:
                return check_list(a, value, verb, path, why);
        case ATTR_TAGS:
                return check_tags(value, path, why);
        }
        return BODY_OK;
}

static int check_object(const struct attribute *attributes, json_t *object, unsigned verb,
                        const char *path, struct fault *why)
{
        char inner[PATH_SIZE];
        const char *name;
        json_t *value;
        void *next;
        int r;

        if (!json_is_object(object))
                return body_refuse(why, path, "a JSON object is needed.");
        json_object_foreach_safe(object, next, name, value)
        {
                const struct attribute *a = find(attributes, name);

                path_join(inner, path, name);
                if (!a)
                        return body_refuse(why, inner, "the attribute is not known.");
                if (!(a->in & verb))
                        return body_refuse(why, inner,
                                           verb == IN_PUT ? "it cannot be changed."
                                                          : "it cannot be given.");
                if (a->kind == ATTR_ID && !(a->in & NEEDED) && json_is_null(value)) {
                        json_object_del(object, name);
                        continue;
                }
                r = check_value(a, value, verb, inner, why);
                if (r != BODY_OK)
                        return r;
        }
        for (const struct attribute *a = attributes; a->name && verb == IN_POST; a++) {
                path_join(inner, path, a->name);
                if ((a->in & NEEDED) && !json_object_get(object, a->name))
                        return body_refuse(why, inner, "it is required.");
        }
        return BODY_OK;
}

static int check_many(const struct attribute *attributes, json_t *list, unsigned verb,
                      const char *path, struct fault *why)
{
        char item[PATH_SIZE];
        json_t *object;
        int r = BODY_OK;
        size_t i;

        if (!json_is_array(list) || json_array_size(list) == 0 ||
            json_array_size(list) > BODY_BULK_MAX)
                return body_refuse(why, path, "a list of 1 to 100 objects is needed.");
        json_array_foreach (list, i, object) {
                snprintf(item, sizeof item, "%s[%zu]", path, i);
                r = r ? r : check_object(attributes, object, verb, item, why);
        }
        return r;
}

int body_read_many(const char *bytes, size_t n, const char *envelope, const char *many,
                   const struct attribute *attributes, unsigned verb, json_t **ret,
                   struct fault *why)
{
        json_auto_t *root = parse(bytes, n, why);
        json_t *list = many ? json_object_get(root, many) : NULL, *object = root;
        char reason[96];
        int r;

        if (!root)
                return BODY_INVALID;
        if (!json_is_object(root))
                return body_refuse(why, "", "a JSON object is needed.");
        if (envelope && !list)
                object = json_object_get(root, envelope);
        snprintf(reason, sizeof reason, "exactly {\"%s\": {...}} is needed.", envelope);
        if (!object || (envelope && json_object_size(root) != 1))
                return body_refuse(why, envelope, reason);
        r = list ? check_many(attributes, list, verb, many, why)
                 : check_object(attributes, object, verb, envelope ? envelope : "", why);
        if (r == BODY_OK)
                *ret = json_incref(list ? list : object);
        return r;
}

int body_read(const char *bytes, size_t n, const char *envelope, const struct attribute *attributes,
              unsigned verb, json_t **ret, struct fault *why)
{
        return body_read_many(bytes, n, envelope, NULL, attributes, verb, ret, why);
}
