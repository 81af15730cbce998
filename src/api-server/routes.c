/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/routes.h"

#include <stdio.h>
#include <string.h>

#include "api-server/api.h"
#include "api-server/events_stream.h"
#include "api-server/handlers.h"

/* clang-format off */
const struct route routes[] = {
        { HTTP_GET,    "/",                             show_versions,        NULL, ROUTE_OPEN },
        { HTTP_GET,    "/v1",                           show_version,         NULL, ROUTE_OPEN },
        { HTTP_GET,    "/healthcheck",                  healthcheck,          NULL, ROUTE_OPEN },
        { HTTP_GET,    "/v1/sites",                     read_list,            &site_resource, 0 },
        { HTTP_GET,    "/v1/sites/{id}",                read_one,             &site_resource, 0 },
        { HTTP_GET,    "/v1/gateways",                  read_list,            &gateway_resource, 0 },
        { HTTP_GET,    "/v1/gateways/{id}",             read_one,             &gateway_resource, 0 },
        { HTTP_GET,    "/v1/vpns",                      read_list,            &vpn_resource, 0 },
        { HTTP_POST,   "/v1/vpns",                      vpn_create,           &vpn_resource, 0 },
        { HTTP_GET,    "/v1/vpns/{id}",                 read_one,             &vpn_resource, 0 },
        { HTTP_PUT,    "/v1/vpns/{id}",                 vpn_update,           &vpn_resource, 0 },
        { HTTP_DELETE, "/v1/vpns/{id}",                 vpn_delete,           &vpn_resource, 0 },
        { HTTP_PUT,    "/v1/vpns/{id}/add_site",        vpn_add_site,         &vpn_resource, 0 },
        { HTTP_PUT,    "/v1/vpns/{id}/remove_site",     vpn_remove_site,      &vpn_resource, 0 },
        { HTTP_GET,    "/v1/virtual-links",             read_list,            &virtual_link_resource, 0 },
        { HTTP_POST,   "/v1/virtual-links",             virtual_link_create,  &virtual_link_resource, 0 },
        { HTTP_GET,    "/v1/virtual-links/{id}",        read_one,             &virtual_link_resource, 0 },
        { HTTP_PUT,    "/v1/virtual-links/{id}",        virtual_link_update,  &virtual_link_resource, ROUTE_IF_MATCH },
        { HTTP_DELETE, "/v1/virtual-links/{id}",        virtual_link_delete,  &virtual_link_resource, 0 },
        { HTTP_GET,    "/v1/virtual-ports",             read_list,            &virtual_port_resource, 0 },
        { HTTP_GET,    "/v1/virtual-ports/{id}",        read_one,             &virtual_port_resource, 0 },
        { HTTP_POST,   "/v1/virtual-ports/{id}/attach", virtual_port_attach,  &virtual_port_resource, 0 },
        { HTTP_POST,   "/v1/virtual-ports/{id}/detach", virtual_port_detach,  &virtual_port_resource, 0 },
        { HTTP_GET,    "/v1/operations",                read_list,            &operation_resource, 0 },
        { HTTP_GET,    "/v1/operations/{id}",           read_one,             &operation_resource, 0 },
        { HTTP_GET,    "/v1/events",                    events_list,          &event_resource, 0 },
        { HTTP_GET,    "/v1/events/{id}",               read_one,             &event_resource, 0 },
        { 0 },
};
/* clang-format on */

/* Compares segment by segment; a final '/' or ".json" of the path does not count. */
static bool matches(const char *pattern, const char *path, const char **ret_id, size_t *ret_n)
{
        while (*pattern) {
                size_t n = strcspn(pattern, "{");

                if (strncmp(pattern, path, n) != 0)
                        return false;
                pattern += n;
                path += n;
                if (!*pattern)
                        break;
                pattern += strlen("{id}");
                *ret_id = path;
                *ret_n = strcspn(path, "/");
                if (!*pattern && *ret_n > 5 && strncmp(path + *ret_n - 5, ".json", 5) == 0)
                        *ret_n -= 5;
                if (*ret_n == 0)
                        return false;
                path += *ret_n;
        }
        return strcmp(path, "") == 0 || strcmp(path, "/") == 0 || strcmp(path, ".json") == 0;
}

static bool copy_id(const char *id, size_t n, char *ret, size_t size)
{
        if (n >= size)
                return false;
        memcpy(ret, id, n);
        ret[n] = '\0';
        return http_percent_decode(ret, false) && text_utf8_valid(ret, strlen(ret));
}

int route_find(enum http_method method, const char *path, const struct route **ret, char *ret_id,
               size_t id_size, char *ret_allow, size_t allow_size)
{
        const char *id = "";
        size_t n_id = 0, n_allow = 0;
        bool known = false;

        if (method == HTTP_HEAD)
                method = HTTP_GET;
        for (const struct route *r = routes; r->pattern; r++) {
                if (!matches(r->pattern, path, &id, &n_id))
                        continue;
                known = true;
                if (r->method == method) {
                        *ret = r;
                        return copy_id(id, n_id, ret_id, id_size) ? ROUTE_OK : ROUTE_UNKNOWN;
                }
                n_allow += (size_t)snprintf(ret_allow + n_allow, allow_size - n_allow, "%s%s%s",
                                            n_allow ? ", " : "", http_method_name[r->method],
                                            r->method == HTTP_GET ? ", HEAD" : "");
        }
        return known ? ROUTE_METHOD : ROUTE_UNKNOWN;
}
