#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Which handler a method and path belong to. */

#include <stdbool.h>
#include <stddef.h>

#include "api-server/resource.h"
#include "http/parse.h"
#include "model/tags.h"

struct call;
struct attribute;
enum {
        ROUTE_OPEN = 1,      /* needs no caller */
        ROUTE_IF_MATCH = 2,  /* takes that header */
        ROUTE_TAGS = 4,      /* is about the object's tags */
        ROUTE_LIST = 8,      /* shows many objects */
        ROUTE_MANY = 32,     /* … or many in its collection's */
        ROUTE_ENVELOPE = 16, /* the body is in the resource's envelope */
};
struct route {
        enum http_method method;
        const char *pattern; /* "{id}" and "{tag}" stand for one segment each */
        void (*handle)(struct call *c);
        const struct resource *resource;
        unsigned flags;
        int status;                   /* of success */
        const struct attribute *body; /* what is sent, or NULL */
        const char *summary;          /* for people */
};
extern const struct route routes[];

/* The route of a request; HEAD goes where GET goes. ROUTE_UNKNOWN: no such path (or a segment that
 * is malformed or does not fit); ROUTE_METHOD: 'allow' has the path's methods. */
enum { ROUTE_OK, ROUTE_UNKNOWN, ROUTE_METHOD };
struct route_match {
        const struct route *route;
        char id[128], tag[4 * TAG_LENGTH_MAX + 1]; /* decoded; "" if none */
        char allow[128];
};
int route_find(enum http_method method, const char *path, struct route_match *ret);
