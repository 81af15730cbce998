#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of requests: JSON out of bytes, checked against tables of attributes. Whatever is wrong is
 * refused with 400, and the attribute at fault is named. */

#include <jansson.h>
#include <stddef.h>

#include "base/fault.h"

enum attribute_kind {
        ATTR_TEXT, /* at most 'max' characters */
        ATTR_WORD, /* the same, not empty */
        ATTR_ID,   /* a UUID; null counts as not given */
        ATTR_SITE, /* a site's id or name */
        ATTR_BOOL,
        ATTR_KBPS,   /* 1 … 2147483647 */
        ATTR_OBJECT, /* of 'inner' */
        ATTR_LIMIT,  /* -1 … LIMIT_MAX; -1: none */
        ATTR_LIST,   /* of exactly 'max' objects of 'inner' */
        ATTR_SOME,   /* the same, of 2 to 'max' */
        ATTR_TAGS,   /* a list of tags, see model/tags.h */
};
enum { BODY_TAGS_MAX = 100, CONNECTION_ENDS_MAX = 8 };
#define LIMIT_MAX 9007199254740991 /* what every reader of JSON keeps exact */
enum { IN_POST = 1, IN_PUT = 2, NEEDED = 4 /* in POST */ };
struct attribute {
        const char *name;
        enum attribute_kind kind;
        unsigned in;
        size_t max;
        const struct attribute *inner;
};

enum { BODY_OK, BODY_INVALID };
/* '*ret' is a new reference to the object: the envelope's inside when 'envelope' is not NULL.
 * 'verb' is IN_POST or IN_PUT. Attributes that were null and count as not given are gone from it.
 */
int body_read(const char *bytes, size_t n, const char *envelope, const struct attribute *attributes,
              unsigned verb, json_t **ret, struct fault *why);
/* The same, or {"<many>": [{…}, …]} of at most BODY_BULK_MAX: then '*ret' is the list. */
enum { BODY_BULK_MAX = 100 };
int body_read_many(const char *bytes, size_t n, const char *envelope, const char *many,
                   const struct attribute *attributes, unsigned verb, json_t **ret,
                   struct fault *why);
/* Fills 'why': Invalid input for 'attribute': 'reason'. */
int body_refuse(struct fault *why, const char *attribute, const char *reason);
