/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/routes.h"

#include <stdio.h>
#include <string.h>

#include "api-server/api.h"
#include "api-server/events_stream.h"
#include "api-server/handlers.h"

/* clang-format off */
const struct route routes[] = {
        { HTTP_GET,    "/",                                 show_versions,       NULL,                   ROUTE_OPEN,                      200, NULL,                    "Which versions of the API there are" },
        { HTTP_GET,    "/v1",                               show_version,        NULL,                   ROUTE_OPEN,                      200, NULL,                    "This version" },
        { HTTP_GET,    "/healthcheck",                      healthcheck,         NULL,                   ROUTE_OPEN,                      200, NULL,                    "Whether requests can be served, and what is missing" },
        { HTTP_GET,    "/healthcheck/live",                 healthcheck_live,    NULL,                   ROUTE_OPEN,                      200, NULL,                    "Whether the program runs" },
        { HTTP_GET,    "/v1/openapi.json",                  show_openapi,        NULL,                   ROUTE_OPEN,                      200, NULL,                    "This document" },
        { HTTP_GET,    "/v1/extensions",                    list_extensions,     NULL,                   0,                               200, NULL,                    "What this service can do beyond the least" },
        { HTTP_GET,    "/v1/extensions/{id}",               show_extension,      NULL,                   0,                               200, NULL,                    "One extension" },
        { HTTP_GET,    "/v1/agents",                        read_list,           &agent_resource,        ROUTE_LIST,                      200, NULL,                    "List sites' agents" },
        { HTTP_GET,    "/v1/agents/{id}",                   read_one,            &agent_resource,        0,                               200, NULL,                    "Show a site's agents" },
        { HTTP_GET,    "/v1/sites",                         read_list,           &site_resource,         ROUTE_LIST,                      200, NULL,                    "List sites" },
        { HTTP_GET,    "/v1/sites/{id}",                    read_one,            &site_resource,         0,                               200, NULL,                    "Show a site" },
        { HTTP_GET,    "/v1/gateways",                      read_list,           &gateway_resource,      ROUTE_LIST,                      200, NULL,                    "List gateways" },
        { HTTP_GET,    "/v1/gateways/{id}",                 read_one,            &gateway_resource,      0,                               200, NULL,                    "Show a gateway" },
        { HTTP_POST,   "/v1/gateways/{id}/release",         gateway_release,     &gateway_resource,      0,                               200, no_attributes,           "Let the halted repair of a gateway go" },
        { HTTP_GET,    "/v1/freeze",                        freeze_show,         &freeze_resource,       0,                               200, NULL,                    "Whether all is frozen" },
        { HTTP_PUT,    "/v1/freeze",                        freeze_set,          &freeze_resource,       ROUTE_ENVELOPE,                  200, freeze_attributes,       "Freeze all that gateways and networks are asked for, or end that" },
        { HTTP_GET,    "/v1/vpns",                          read_list,           &vpn_resource,          ROUTE_LIST,                      200, NULL,                    "List VPNs" },
        { HTTP_POST,   "/v1/vpns",                          vpn_create,          &vpn_resource,          ROUTE_ENVELOPE,                  201, vpn_attributes,          "Create a VPN" },
        { HTTP_GET,    "/v1/vpns/{id}",                     read_one,            &vpn_resource,          0,                               200, NULL,                    "Show a VPN" },
        { HTTP_PUT,    "/v1/vpns/{id}",                     vpn_update,          &vpn_resource,          ROUTE_IF_MATCH | ROUTE_ENVELOPE, 200, vpn_attributes,          "Change a VPN" },
        { HTTP_DELETE, "/v1/vpns/{id}",                     vpn_delete,          &vpn_resource,          ROUTE_IF_MATCH,                  204, NULL,                    "Delete a VPN" },
        { HTTP_PUT,    "/v1/vpns/{id}/add_site",            vpn_add_site,        &vpn_resource,          ROUTE_IF_MATCH,                  200, vpn_site_attributes,     "Make a site a member of a VPN" },
        { HTTP_PUT,    "/v1/vpns/{id}/remove_site",         vpn_remove_site,     &vpn_resource,          ROUTE_IF_MATCH,                  200, vpn_site_attributes,     "Take a site out of a VPN" },
        { HTTP_GET,    "/v1/vpns/{id}/tags",                read_one,            &vpn_resource,          ROUTE_TAGS,                      200, NULL,                    "List a VPN's tags" },
        { HTTP_PUT,    "/v1/vpns/{id}/tags",                tags_replace,        &vpn_resource,          ROUTE_TAGS | ROUTE_IF_MATCH,     200, tags_attributes,         "Replace a VPN's tags" },
        { HTTP_POST,   "/v1/vpns/{id}/tags",                tags_add,            &vpn_resource,          ROUTE_TAGS,                      200, tags_attributes,         "Add tags to a VPN" },
        { HTTP_DELETE, "/v1/vpns/{id}/tags",                tags_clear,          &vpn_resource,          ROUTE_TAGS | ROUTE_IF_MATCH,     204, NULL,                    "Remove a VPN's tags" },
        { HTTP_GET,    "/v1/vpns/{id}/tags/{tag}",          read_one,            &vpn_resource,          ROUTE_TAGS,                      204, NULL,                    "Whether a VPN has a tag" },
        { HTTP_PUT,    "/v1/vpns/{id}/tags/{tag}",          tag_add,             &vpn_resource,          ROUTE_TAGS | ROUTE_IF_MATCH,     201, NULL,                    "Add a tag to a VPN" },
        { HTTP_DELETE, "/v1/vpns/{id}/tags/{tag}",          tag_remove,          &vpn_resource,          ROUTE_TAGS | ROUTE_IF_MATCH,     204, NULL,                    "Remove a tag from a VPN" },
        { HTTP_POST,   "/v1/connections",                   connection_create,   &connection_resource,   ROUTE_ENVELOPE,                  202, connection_attributes,   "Connect sites: a link between every two of them, in the named VPN or a new one; all or none" },
        { HTTP_GET,    "/v1/quotas/{id}",                   quota_show,          &quota_resource,        0,                               200, NULL,                    "Show a project's quotas" },
        { HTTP_PUT,    "/v1/quotas/{id}",                   quota_update,        &quota_resource,        ROUTE_ENVELOPE,                  200, quota_attributes,        "Set a project's quotas" },
        { HTTP_DELETE, "/v1/quotas/{id}",                   quota_delete,        &quota_resource,        0,                               204, NULL,                    "Return a project to the default quotas" },
        { HTTP_GET,    "/v1/quotas/{id}/details",           quota_details,       NULL,                   0,                               200, NULL,                    "Show a project's quotas with what is used of them" },
        { HTTP_GET,    "/v1/virtual-links",                 read_list,           &virtual_link_resource, ROUTE_LIST,                      200, NULL,                    "List virtual links" },
        { HTTP_POST,   "/v1/virtual-links",                 virtual_link_create, &virtual_link_resource, ROUTE_ENVELOPE | ROUTE_MANY,                  202, virtual_link_attributes, "Create a virtual link" },
        { HTTP_GET,    "/v1/virtual-links/{id}",            read_one,            &virtual_link_resource, 0,                               200, NULL,                    "Show a virtual link" },
        { HTTP_PUT,    "/v1/virtual-links/{id}",            virtual_link_update, &virtual_link_resource, ROUTE_IF_MATCH | ROUTE_ENVELOPE, 202, virtual_link_attributes, "Change a virtual link" },
        { HTTP_DELETE, "/v1/virtual-links/{id}",            virtual_link_delete, &virtual_link_resource, ROUTE_IF_MATCH,                  202, NULL,                    "Delete a virtual link" },
        { HTTP_POST,   "/v1/virtual-links/{id}/retry",      virtual_link_retry,  &virtual_link_resource, 0,                               202, no_attributes,           "Build a virtual link in ERROR again" },
        { HTTP_POST,   "/v1/virtual-links/{id}/force_delete", virtual_link_force_delete, &virtual_link_resource, 0,                       204, no_attributes,           "Forget a virtual link, whatever its gateways say" },
        { HTTP_GET,    "/v1/virtual-links/{id}/tags",       read_one,            &virtual_link_resource, ROUTE_TAGS,                      200, NULL,                    "List a virtual link's tags" },
        { HTTP_PUT,    "/v1/virtual-links/{id}/tags",       tags_replace,        &virtual_link_resource, ROUTE_TAGS | ROUTE_IF_MATCH,     200, tags_attributes,         "Replace a virtual link's tags" },
        { HTTP_POST,   "/v1/virtual-links/{id}/tags",       tags_add,            &virtual_link_resource, ROUTE_TAGS,                      200, tags_attributes,         "Add tags to a virtual link" },
        { HTTP_DELETE, "/v1/virtual-links/{id}/tags",       tags_clear,          &virtual_link_resource, ROUTE_TAGS | ROUTE_IF_MATCH,     204, NULL,                    "Remove a virtual link's tags" },
        { HTTP_GET,    "/v1/virtual-links/{id}/tags/{tag}", read_one,            &virtual_link_resource, ROUTE_TAGS,                      204, NULL,                    "Whether a virtual link has a tag" },
        { HTTP_PUT,    "/v1/virtual-links/{id}/tags/{tag}", tag_add,             &virtual_link_resource, ROUTE_TAGS | ROUTE_IF_MATCH,     201, NULL,                    "Add a tag to a virtual link" },
        { HTTP_DELETE, "/v1/virtual-links/{id}/tags/{tag}", tag_remove,          &virtual_link_resource, ROUTE_TAGS | ROUTE_IF_MATCH,     204, NULL,                    "Remove a tag from a virtual link" },
        { HTTP_GET,    "/v1/virtual-ports",                 read_list,           &virtual_port_resource, ROUTE_LIST,                      200, NULL,                    "List virtual ports" },
        { HTTP_GET,    "/v1/virtual-ports/{id}",            read_one,            &virtual_port_resource, 0,                               200, NULL,                    "Show a virtual port" },
        { HTTP_POST,   "/v1/virtual-ports/{id}/attach",     virtual_port_attach, &virtual_port_resource, 0,                               202, attach_attributes,       "Plug a virtual port into a network or port" },
        { HTTP_POST,   "/v1/virtual-ports/{id}/detach",     virtual_port_detach, &virtual_port_resource, 0,                               202, no_attributes,           "Unplug a virtual port" },
        { HTTP_GET,    "/v1/operations",                    read_list,           &operation_resource,    ROUTE_LIST,                      200, NULL,                    "List operations" },
        { HTTP_GET,    "/v1/operations/{id}",               read_one,            &operation_resource,    0,                               200, NULL,                    "Show an operation with its steps" },
        { HTTP_GET,    "/v1/events",                        events_list,          &event_resource,        ROUTE_LIST,                      200, NULL,                    "List events" },
        { HTTP_GET,    "/v1/events/{id}",                   read_one,            &event_resource,        0,                               200, NULL,                    "Show an event" },
        { 0 },
};
/* clang-format on */

/* Where the segments of a path stand that a pattern leaves open. */
struct open_segments {
        struct open_segment {
                const char *at;
                size_t n;
        } id, tag;
};

/* Compares segment by segment; a final '/' or ".json" of the path does not count. */
static bool matches(const char *pattern, const char *path, struct open_segments *ret)
{
        while (*pattern) {
                size_t n = strcspn(pattern, "{");
                struct open_segment *s =
                        strncmp(pattern + n, "{id}", 4) == 0 ? &ret->id : &ret->tag;

                if (strncmp(pattern, path, n) != 0)
                        return false;
                pattern += n;
                path += n;
                if (!*pattern)
                        break;
                pattern += strcspn(pattern, "}") + 1;
                s->at = path;
                s->n = strcspn(path, "/");
                if (!*pattern && s->n > 5 && strncmp(path + s->n - 5, ".json", 5) == 0)
                        s->n -= 5;
                if (s->n == 0)
                        return false;
                path += s->n;
        }
        return strcmp(path, "") == 0 || strcmp(path, "/") == 0 || strcmp(path, ".json") == 0;
}

static bool copy_segment(const struct open_segment *s, char *ret, size_t size)
{
        char raw[3 * 4 * TAG_LENGTH_MAX + 1];

        if (s->n >= sizeof raw)
                return false;
        memcpy(raw, s->at ? s->at : "", s->n);
        raw[s->n] = '\0';
        return http_percent_decode(raw, false) && text_utf8_valid(raw, strlen(raw)) &&
               text_copy(ret, size, raw);
}

int route_find(enum http_method method, const char *path, struct route_match *ret)
{
        struct open_segments found;
        size_t n_allow = 0;
        bool known = false;

        if (method == HTTP_HEAD)
                method = HTTP_GET;
        for (const struct route *r = routes; r->pattern; r++) {
                found = (struct open_segments){ 0 };
                if (!matches(r->pattern, path, &found))
                        continue;
                known = true;
                if (r->method == method) {
                        ret->route = r;
                        return copy_segment(&found.id, ret->id, sizeof ret->id) &&
                                               copy_segment(&found.tag, ret->tag, sizeof ret->tag)
                                       ? ROUTE_OK
                                       : ROUTE_UNKNOWN;
                }
                n_allow +=
                        (size_t)snprintf(ret->allow + n_allow, sizeof ret->allow - n_allow,
                                         "%s%s%s", n_allow ? ", " : "", http_method_name[r->method],
                                         r->method == HTTP_GET ? ", HEAD" : "");
        }
        return known ? ROUTE_METHOD : ROUTE_UNKNOWN;
}
