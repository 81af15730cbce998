/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/cloud/neutron_api.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/err.h"
#include "base/text.h"

enum { IDS_PER_QUERY = 40 /* a query stays below 8 KiB */ };

/* The answer to a driver's caller: whose fault it is, in codes that a tenant may see. */
static int answer(int r, struct fault *why)
{
        switch (r) {
        case OPENSTACK_OK:
                return NEUTRON_OK;
        case OPENSTACK_NOT_FOUND:
                return NEUTRON_GONE;
        case OPENSTACK_CONFLICT:
                TEXT_SET(why->type, "cloud.refused");
                return NEUTRON_CHANGED;
        case OPENSTACK_UNAVAILABLE:
                TEXT_SET(why->type, "cloud.unavailable");
                return NEUTRON_FAILED;
        default:
                TEXT_SET(why->type, why->code == 401 ? "cloud.credentials" : "cloud.refused");
                why->code = why->code == 401 ? 500 : why->code;
                return NEUTRON_FAILED;
        }
}

/* One call; '*ret' (may be NULL) gets what stands under 'key'. */
static int call(struct neutron *n, const char *key, const struct openstack_call *c, json_t **ret,
                struct fault *why)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        json_t *value;
        int r = openstack_call(n->session, c, &reply, why);

        if (r)
                return r < 0 ? err_pass(r) : answer(r, why);
        if (!ret)
                return NEUTRON_OK;
        value = json_object_get(reply.body, key);
        if (!value) {
                fault_set(why, 502, "cloud.bad_answer", "Neutron's answer has no %s.", key);
                why->retry_after_ms = 2000;
                return NEUTRON_FAILED;
        }
        *ret = json_incref(value);
        return NEUTRON_OK;
}

static int by_id(struct neutron *n, const char *method, const char *collection, const char *key,
                 const char *id, const json_t *body, const char *const *headers,
                 int64_t deadline_mono_ms, json_t **ret, struct fault *why)
{
        char path[128];

        snprintf(path, sizeof path, "/v2.0/%s/%s", collection, id);
        return call(n, key,
                    &(struct openstack_call){ .method = method,
                                              .path = path,
                                              .body = body,
                                              .headers = headers,
                                              .deadline_mono_ms = deadline_mono_ms },
                    ret, why);
}

int neutron_port_get(struct neutron *n, const char *id, int64_t deadline_mono_ms, json_t **ret,
                     struct fault *why)
{
        return by_id(n, "GET", "ports", "port", id, NULL, NULL, deadline_mono_ms, ret, why);
}

int neutron_network_get(struct neutron *n, const char *id, int64_t deadline_mono_ms, json_t **ret,
                        struct fault *why)
{
        return by_id(n, "GET", "networks", "network", id, NULL, NULL, deadline_mono_ms, ret, why);
}

int neutron_port_post(struct neutron *n, const json_t *body, int64_t deadline_mono_ms, json_t **ret,
                      struct fault *why)
{
        return call(n, "port",
                    &(struct openstack_call){ .method = "POST",
                                              .path = "/v2.0/ports",
                                              .body = body,
                                              .deadline_mono_ms = deadline_mono_ms },
                    ret, why);
}

int neutron_port_put(struct neutron *n, const char *id, int64_t revision, const json_t *body,
                     int64_t deadline_mono_ms, json_t **ret, struct fault *why)
{
        char if_match[64];
        const char *const headers[] = { if_match, NULL };

        snprintf(if_match, sizeof if_match, "If-Match: revision_number=%" PRId64, revision);
        return by_id(n, "PUT", "ports", "port", id, body, revision > 0 ? headers : NULL,
                     deadline_mono_ms, ret, why);
}

int neutron_port_delete(struct neutron *n, const char *id, int64_t deadline_mono_ms,
                        struct fault *why)
{
        int r = by_id(n, "DELETE", "ports", "port", id, NULL, NULL, deadline_mono_ms, NULL, why);

        return r == NEUTRON_GONE ? NEUTRON_OK : r;
}

static void add_escaped(struct text *t, const char *value)
{
        for (; *value; value++) {
                if (isalnum((unsigned char)*value) || *value == '-' || *value == '.' || *value == '_')
                        text_add_n(t, value, 1);
                else
                        text_addf(t, "%%%02X", (unsigned char)*value);
        }
}

static bool has_more(const json_t *links)
{
        size_t i;
        json_t *link;

        json_array_foreach(links, i, link) {
                const char *rel = json_string_value(json_object_get(link, "rel"));

                if (text_equal(rel, "next"))
                        return true;
        }
        return false;
}

/* A page after the port 'marker' ("" for the first); '*ret_more' says whether there is another one. */
static int page(struct neutron *n, const char *query, const char *marker, int64_t deadline_mono_ms,
                json_t *ports, bool *ret_more, struct fault *why)
{
        OWN(openstack_reply_done) struct openstack_reply reply = { 0 };
        OWN(text_done) struct text path = { 0 };
        json_t *found;
        int r;

        text_addf(&path, "/v2.0/ports?%s", query);
        if (marker[0])
                text_add(&path, "&marker=");
        add_escaped(&path, marker);
        if (path.failed)
                return err_raise(-ENOMEM);
        r = openstack_call(n->session,
                           &(struct openstack_call){ .method = "GET",
                                                     .path = path.bytes,
                                                     .deadline_mono_ms = deadline_mono_ms },
                           &reply, why);
        if (r)
                return r < 0 ? err_pass(r) : answer(r, why);
        found = json_object_get(reply.body, "ports");
        if (!json_is_array(found)) {
                fault_set(why, 502, "cloud.bad_answer", "Neutron's answer has no list of ports.");
                why->retry_after_ms = 2000;
                return NEUTRON_FAILED;
        }
        *ret_more = json_array_size(found) > 0 && has_more(json_object_get(reply.body, "ports_links"));
        return json_array_extend(ports, found) == 0 ? NEUTRON_OK : err_raise(-ENOMEM);
}

static int query_all(struct neutron *n, const char *query, int64_t deadline_mono_ms, json_t *ports,
                     struct fault *why)
{
        char marker[64] = "";
        bool more = false;
        int r;

        do {
                const json_t *last;

                r = page(n, query, marker, deadline_mono_ms, ports, &more, why);
                last = json_array_get(ports, json_array_size(ports) - 1);
                TEXT_SET(marker, json_string_value(json_object_get(last, "id")));
        } while (r == NEUTRON_OK && more && marker[0]);
        return r < 0 ? err_pass(r) : r;
}

int neutron_ports_by_device(struct neutron *n, const char *const *device_ids, size_t n_ids,
                            int64_t deadline_mono_ms, json_t **ret, struct fault *why)
{
        json_auto_t *ports = json_array();
        int r = ports ? NEUTRON_OK : err_raise(-ENOMEM);

        for (size_t from = 0; r == NEUTRON_OK && from < n_ids; from += IDS_PER_QUERY) {
                OWN(text_done) struct text query = { 0 };

                for (size_t i = from; i < n_ids && i < from + IDS_PER_QUERY; i++) {
                        text_add(&query, i > from ? "&device_id=" : "device_id=");
                        add_escaped(&query, device_ids[i]);
                }
                r = query.failed ? err_raise(-ENOMEM) :
                                   query_all(n, query.bytes, deadline_mono_ms, ports, why);
        }
        if (r)
                return r < 0 ? err_pass(r) : r;
        *ret = TAKE(ports);
        return NEUTRON_OK;
}

int neutron_has_port_security(struct neutron *n, int64_t deadline_mono_ms, bool *ret,
                              struct fault *why)
{
        int r = NEUTRON_OK;

        if (n->port_security == 0) {
                r = by_id(n, "GET", "extensions", "extension", "port-security", NULL, NULL,
                          deadline_mono_ms, NULL, why);
                if (r == NEUTRON_OK || r == NEUTRON_GONE)
                        n->port_security = r == NEUTRON_OK ? 1 : -1;
        }
        *ret = n->port_security > 0;
        return r == NEUTRON_GONE ? NEUTRON_OK : r;
}
