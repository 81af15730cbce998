#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Which handler a method and path belong to. */

#include <stdbool.h>
#include <stddef.h>

#include "api-server/resource.h"
#include "http/parse.h"

struct call;
enum { ROUTE_OPEN = 1 /* needs no caller */, ROUTE_IF_MATCH = 2 /* takes that header */ };
struct route {
        enum http_method method;
        const char *pattern; /* "{id}" stands for one segment */
        void (*handle)(struct call *c);
        const struct resource *resource;
        unsigned flags;
};
extern const struct route routes[];

/* The route of a request; HEAD goes where GET goes. '*ret_id' is the {id}, decoded ("" if none).
 * ROUTE_UNKNOWN: no such path (or an id that is malformed or does not fit); ROUTE_METHOD:
 * 'ret_allow' has the path's methods. */
enum { ROUTE_OK, ROUTE_UNKNOWN, ROUTE_METHOD };
int route_find(enum http_method method, const char *path, const struct route **ret, char *ret_id,
               size_t id_size, char *ret_allow, size_t allow_size);
