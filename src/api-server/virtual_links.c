/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual links: asked for here, done by a workflow that the answer's operation_id follows. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api-server/api.h"
#include "api-server/body.h"
#include "api-server/handlers.h"
#include "api-server/problem.h"
#include "api-server/routes.h"
#include "base/uuid.h"

/* clang-format off */
static const struct filter filters[] = {
        FILTERS_OF_A_PROJECT,
        FILTERS_OF_A_NAME,
        FILTERS_OF_CHANGE,
        FILTER("vpn_id",              "vpn_id",          FILTER_ID),
        FILTER("mtu",                 "mtu",             FILTER_INT),
        FILTER("status",              NULL,              FILTER_TEXT),
        FILTER_WORDS("provisioning_status", "provisioning",    provisioning_name, PROV_N),
        FILTER("operating_status",    NULL,              FILTER_TEXT),
        FILTER("status_reason",       "status_reason",   FILTER_TEXT),
        FILTER("admin_state_up",      "admin_state_up",  FILTER_BOOL),
        FILTER("operation_id",        "operation_id",    FILTER_ID),
        { 0 },
};
static const struct attribute endpoint_attributes[] = {
        { "site_id",    ATTR_SITE, IN_POST | NEEDED, 0, NULL },
        { "gateway_id", ATTR_ID,   IN_POST,          0, NULL },
        { "network_id", ATTR_ID,   IN_POST,          0, NULL },
        { "port_id",    ATTR_ID,   IN_POST,          0, NULL },
        { 0 },
};
static const struct attribute bandwidth_attributes[] = {
        { "a_to_z_kbps", ATTR_KBPS, IN_POST | IN_PUT | NEEDED, 0, NULL },
        { "z_to_a_kbps", ATTR_KBPS, IN_POST | IN_PUT | NEEDED, 0, NULL },
        { 0 },
};
static const struct attribute attributes[] = {
        { "name",        ATTR_TEXT,   IN_POST | IN_PUT,          255, NULL },
        { "description", ATTR_TEXT,   IN_POST | IN_PUT,          255, NULL },
        { "vpn_id",      ATTR_ID,     IN_POST | NEEDED,          0,   NULL },
        { "endpoints",   ATTR_LIST,   IN_POST | NEEDED,          2,   endpoint_attributes },
        { "bandwidth",   ATTR_OBJECT, IN_POST | IN_PUT | NEEDED, 0,   bandwidth_attributes },
        { "project_id",  ATTR_WORD,   IN_POST,                   255, NULL },
        { "tenant_id",   ATTR_WORD,   IN_POST,                   255, NULL },
        { 0 },
};
static const struct write creating = { "create_virtual_link", &virtual_link_resource, 202, true };
static const struct write renaming = { "update_virtual_link", &virtual_link_resource, 200, false };
static const struct write changing = { "update_virtual_link", &virtual_link_resource, 202, false };
static const struct write deleting = { "delete_virtual_link", &virtual_link_resource, 202, false };
/* clang-format on */

static json_t *render(const struct view *v, size_t i)
{
        const struct vlink *row = (const struct vlink *)v->sets[0].rows + i;
        static const struct vport none;
        struct vport ends[SIDE_N] = { none, none };
        const struct attachment *attachments[SIDE_N] = { NULL };
        size_t n, m;
        const struct vport *ports =
                view_find(v, 1, sizeof *ports, offsetof(struct vport, link_id), row->id, &n);
        bool silent = false;

        for (size_t j = 0; j < n; j++) {
                enum side side = ports[j].side == SIDE_Z ? SIDE_Z : SIDE_A;

                ends[side] = ports[j];
                attachments[side] =
                        view_find(v, 2, sizeof(struct attachment), offsetof(struct attachment, id),
                                  ports[j].attachment_id, &m);
                silent = silent || site_cache_silent(v->sites, ports[j].site_id, v->now_ms);
        }
        return vlink_to_json(row, ends, attachments, silent);
}

const struct resource virtual_link_resource = {
        .name = "virtual_link",
        .collection = "virtual_links",
        .path = "/v1/virtual-links",
        .noun = "Virtual link",
        .table = T_VLINK,
        .needs_sites = true,
        .tagged = true,
        .project_offset = offsetof(struct vlink, project_id),
        .filters = filters,
        .related = { { T_VPORT, "link_id", 0, offsetof(struct vlink, id), false },
                     { T_ATTACHMENT, "id", 1, offsetof(struct vport, attachment_id), false } },
        .render = render,
};

/* SHA-256 of who asks for what: the same key with another hash is another request. */
static bool request_hash(const struct call *c, const json_t *body, char ret[65])
{
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned n = 0;
        OWN(text_done) struct text all = { 0 };
        char *canonical = json_dumps(body, JSON_SORT_KEYS | JSON_COMPACT);

        text_addf(&all, "%s\n%s\n", c->who.project_id, c->q->message.path);
        text_add(&all, canonical ? canonical : "");
        if (!canonical || all.failed ||
            EVP_Digest(all.bytes, all.n, digest, &n, EVP_sha256(), NULL) != 1)
                n = 0;
        free(canonical);
        for (unsigned i = 0; i < n; i++)
                snprintf(ret + 2 * i, 3, "%02x", digest[i]);
        return n == 32;
}

/* Idempotency-Key, if there is one, into 'args'. */
static bool add_key(struct call *c, const json_t *link, json_t *args, struct fault *why)
{
        const char *key = http_message_field(&c->q->message, "idempotency-key");
        char hash[65];

        if (!key)
                return true;
        if (!*key || strlen(key) >= KEY_SIZE || !text_utf8_valid(key, strlen(key))) {
                fault_set(why, 400, "request.invalid_header",
                          "The header Idempotency-Key is not a text of 1 to 255 bytes of UTF-8.");
                fault_details(why, "{\"header\": \"Idempotency-Key\"}");
                return false;
        }
        if (!request_hash(c, link, hash)) {
                problem_internal(why);
                return false;
        }
        json_object_set_new(args, "idempotency_key", json_string(key));
        json_object_set_new(args, "request_hash", json_string(hash));
        return true;
}

static bool one_plug_each(const json_t *link, struct fault *why)
{
        json_t *endpoints = json_object_get(link, "endpoints"), *end;
        char name[64];
        size_t i;

        json_array_foreach (endpoints, i, end) {
                snprintf(name, sizeof name, "virtual_link.endpoints[%zu]", i);
                if (json_object_get(end, "network_id") && json_object_get(end, "port_id")) {
                        body_refuse(why, name,
                                    "either network_id or port_id can be given, not both.");
                        return false;
                }
        }
        return true;
}

void virtual_link_create(struct call *c)
{
        json_t *link = call_body(c, "virtual_link", attributes, IN_POST);
        json_auto_t *args = json_object();
        char id[UUID_TEXT];
        struct fault why;

        if (!link || !call_owns(c, &link))
                return;
        json_object_set(args, "virtual_link", link);
        if (!one_plug_each(link, &why) || !add_key(c, link, args, &why)) {
                json_decref(link);
                call_refuse(c, &why);
                return;
        }
        uuid_new(id);
        json_object_set_new(link, "id", json_string(id));
        json_decref(link);
        write_send(c, &creating, json_incref(args), id);
}

/* "revision_number=7" of If-Match into '*ret', -1 when there is none. */
static bool read_if_match(const struct call *c, json_int_t *ret, struct fault *why)
{
        const char *match = http_message_field(&c->q->message, "if-match");
        long long n = -1;

        if (match && (!text_starts(match, "revision_number=") ||
                      !text_to_int(match + strlen("revision_number="), 0, INT64_MAX, &n))) {
                fault_set(why, 400, "request.invalid_header",
                          "The header If-Match has to read revision_number=N.");
                fault_details(why, "{\"header\": \"If-Match\"}");
                return false;
        }
        *ret = n;
        return true;
}

void virtual_link_update(struct call *c)
{
        json_t *link = call_body(c, "virtual_link", attributes, IN_PUT), *args;
        bool shapes = json_object_get(link, "bandwidth") != NULL;
        json_int_t revision;
        struct fault why;

        if (!link)
                return;
        if (!read_if_match(c, &revision, &why)) {
                json_decref(link);
                call_refuse(c, &why);
                return;
        }
        args = json_pack("{ss so}", "virtual_link_id", c->id, "virtual_link", link);
        if (revision >= 0)
                json_object_set_new(args, "revision_number", json_integer(revision));
        write_send(c, shapes ? &changing : &renaming, args, c->id);
}

void virtual_link_delete(struct call *c)
{
        write_send(c, &deleting, json_pack("{ss}", "virtual_link_id", c->id), c->id);
}
