/* SPDX-License-Identifier: Apache-2.0 */
/* One operation per route, one schema per noun. */
#include "api-server/openapi.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "api-server/api.h"
#include "api-server/handlers.h"
#include "api-server/query.h"
#include "api-server/routes.h"

/* clang-format off */
static const char about[] =
        "Cloud Atlas extends a tenant's networks across the WAN: virtual links with guaranteed bandwidth "
        "between sites, joined in VPNs and plugged into the sites' own networks.";
static const char fixed_parameters[] = "{"
        "\"id\": {\"name\": \"id\", \"in\": \"path\", \"required\": true, \"description\": \"The object's id; a site's may be its name.\", \"schema\": {\"type\": \"string\"}},"
        "\"tag\": {\"name\": \"tag\", \"in\": \"path\", \"required\": true, \"description\": \"The tag.\", \"schema\": {\"type\": \"string\"}},"
        "\"idempotency_key\": {\"name\": \"Idempotency-Key\", \"in\": \"header\", \"description\": \"With it the request is done once, however often it is sent.\", \"schema\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 255}},"
        "\"if_match\": {\"name\": \"If-Match\", \"in\": \"header\", \"description\": \"The change is made to this revision of the object only.\", \"schema\": {\"type\": \"string\", \"pattern\": \"^revision_number=[0-9]+$\"}},"
        "\"prefer\": {\"name\": \"Prefer\", \"in\": \"header\", \"description\": \"wait=N: answered when the operation has ended, or after N seconds.\", \"schema\": {\"type\": \"string\"}},"
        "\"request_id\": {\"name\": \"X-Openstack-Request-Id\", \"in\": \"header\", \"description\": \"The client's own id of the request (req-UUID), logged beside ours.\", \"schema\": {\"type\": \"string\"}},"
        "\"traceparent\": {\"name\": \"traceparent\", \"in\": \"header\", \"description\": \"W3C Trace Context.\", \"schema\": {\"type\": \"string\"}},"
        "\"limit\": {\"name\": \"limit\", \"in\": \"query\", \"description\": \"Objects of a page; 0: as many as a page may have (1000).\", \"schema\": {\"type\": \"integer\", \"minimum\": 0, \"maximum\": 2147483647}},"
        "\"marker\": {\"name\": \"marker\", \"in\": \"query\", \"description\": \"Id of the last object before the page.\", \"schema\": {\"type\": \"string\"}},"
        "\"page_reverse\": {\"name\": \"page_reverse\", \"in\": \"query\", \"description\": \"The page ends before the marker.\", \"schema\": {\"type\": \"boolean\"}},"
        "\"sort_dir\": {\"name\": \"sort_dir\", \"in\": \"query\", \"description\": \"One for each sort_key.\", \"schema\": {\"type\": \"array\", \"items\": {\"type\": \"string\", \"enum\": [\"asc\", \"desc\"]}}},"
        "\"all_projects\": {\"name\": \"all_projects\", \"in\": \"query\", \"description\": \"Operators only.\", \"schema\": {\"type\": \"boolean\"}},"
        "\"changed_since\": {\"name\": \"changed_since\", \"in\": \"query\", \"description\": \"Changed then or later.\", \"schema\": {\"type\": \"string\", \"format\": \"date-time\"}},"
        "\"tags\": {\"name\": \"tags\", \"in\": \"query\", \"description\": \"Has all of these, separated by commas.\", \"schema\": {\"type\": \"string\"}},"
        "\"tags-any\": {\"name\": \"tags-any\", \"in\": \"query\", \"description\": \"Has any of these.\", \"schema\": {\"type\": \"string\"}},"
        "\"not-tags\": {\"name\": \"not-tags\", \"in\": \"query\", \"description\": \"Has not all of these.\", \"schema\": {\"type\": \"string\"}},"
        "\"not-tags-any\": {\"name\": \"not-tags-any\", \"in\": \"query\", \"description\": \"Has none of these.\", \"schema\": {\"type\": \"string\"}}}";
/* Answers that are no resource's. */
static const struct {
        const char *pattern, *schema;
} plain[] = {
        { "/", "{\"type\": \"object\", \"required\": [\"versions\"], \"properties\": {\"versions\": {\"type\": \"array\", \"items\": {\"$ref\": \"#/components/schemas/version\"}}}}" },
        { "/v1", "{\"type\": \"object\", \"required\": [\"version\"], \"properties\": {\"version\": {\"$ref\": \"#/components/schemas/version\"}}}" },
        { "/healthcheck", "{\"$ref\": \"#/components/schemas/health\"}" },
        { "/healthcheck/live", "{\"type\": \"object\", \"required\": [\"live\"], \"properties\": {\"live\": {\"type\": \"boolean\"}}, \"additionalProperties\": false}" },
        { "/v1/openapi.json", "{\"type\": \"object\", \"required\": [\"openapi\", \"paths\"]}" },
        { "/v1/quotas/{id}/details", "{\"type\": \"object\", \"required\": [\"quota\"], \"properties\": {\"quota\": {\"type\": \"object\", \"required\": [\"vpn\", \"virtual_link\", \"kbps\"], \"properties\":"
                " {\"vpn\": {\"$ref\": \"#/components/schemas/quota_detail\"}, \"virtual_link\": {\"$ref\": \"#/components/schemas/quota_detail\"}, \"kbps\": {\"$ref\": \"#/components/schemas/quota_detail\"}},"
                " \"additionalProperties\": false}}, \"additionalProperties\": false}" },
        { "/v1/extensions", "{\"type\": \"object\", \"required\": [\"extensions\"], \"properties\": {\"extensions\": {\"type\": \"array\", \"items\": {\"$ref\": \"#/components/schemas/extension\"}}}, \"additionalProperties\": false}" },
        { "/v1/extensions/{id}", "{\"type\": \"object\", \"required\": [\"extension\"], \"properties\": {\"extension\": {\"$ref\": \"#/components/schemas/extension\"}}, \"additionalProperties\": false}" },
};
static const char fixed_schemas[] = "{"
        "\"error\": {\"type\": \"object\", \"required\": [\"error\"], \"additionalProperties\": false, \"properties\": {\"error\": {\"type\": \"object\", \"additionalProperties\": false,"
        " \"required\": [\"code\", \"type\", \"title\", \"message\", \"detail\", \"details\", \"request_id\"], \"properties\": {"
        "\"code\": {\"type\": \"integer\", \"minimum\": 400, \"maximum\": 599}, \"type\": {\"type\": \"string\", \"pattern\": \"^[a-z_]+([.][a-z_]+)*$\"}, \"title\": {\"type\": \"string\", \"minLength\": 1},"
        "\"message\": {\"type\": \"string\", \"minLength\": 1}, \"detail\": {\"type\": \"string\"}, \"details\": {\"type\": \"object\"}, \"request_id\": {\"type\": \"string\", \"pattern\": \"^req-\"}}}}},"
        "\"version\": {\"type\": \"object\", \"required\": [\"id\", \"status\", \"links\"], \"properties\": {\"id\": {\"type\": \"string\"}, \"status\": {\"type\": \"string\"}, \"version\": {\"type\": \"string\"},"
        " \"min_version\": {\"type\": \"string\"}, \"max_version\": {\"type\": \"string\"}, \"links\": {\"$ref\": \"#/components/schemas/links\"}}, \"additionalProperties\": false},"
        "\"extension\": {\"type\": \"object\", \"required\": [\"alias\", \"name\", \"description\", \"updated\", \"links\"], \"properties\": {\"alias\": {\"type\": \"string\"}, \"name\": {\"type\": \"string\"},"
        " \"description\": {\"type\": \"string\"}, \"updated\": {\"type\": \"string\"}, \"links\": {\"$ref\": \"#/components/schemas/links\"}}, \"additionalProperties\": false},"
        "\"health\": {\"type\": \"object\", \"required\": [\"live\", \"ready\", \"failing\", \"dependencies\"], \"properties\": {\"live\": {\"type\": \"boolean\"}, \"ready\": {\"type\": \"boolean\"},"
        " \"failing\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}, \"dependencies\": {\"type\": \"object\"}}, \"additionalProperties\": false},"
        "\"links\": {\"type\": \"array\", \"items\": {\"type\": \"object\", \"required\": [\"rel\", \"href\"], \"properties\": {\"rel\": {\"type\": \"string\"}, \"href\": {\"type\": \"string\"}}, \"additionalProperties\": false}},"
        "\"quota_detail\": {\"type\": \"object\", \"required\": [\"limit\", \"used\", \"reserved\"], \"properties\": {\"limit\": {\"type\": \"integer\", \"minimum\": -1}, \"used\": {\"type\": \"integer\", \"minimum\": 0},"
        " \"reserved\": {\"type\": \"integer\", \"minimum\": 0}}, \"additionalProperties\": false},"
        "\"tag_list\": {\"type\": \"object\", \"required\": [\"tags\"], \"properties\": {\"tags\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}}}, \"additionalProperties\": false}}";
static const struct {
        int status;
        const char *says;
} errors[] = {
        { 400, "What was sent is malformed; the attribute, header or parameter at fault is named." },
        { 401, "It is not known who asks." },
        { 403, "This is not allowed to the caller." },
        { 404, "There is no such object, or it is another project's." },
        { 409, "It conflicts with what is there: capacity, state, or what is in use; `details` say what would be possible." },
        { 412, "The object has another revision_number than If-Match says." },
        { 413, "The body is too large." },
        { 414, "The address is too long." },
        { 422, "The Idempotency-Key was used for another request." },
        { 429, "Too much at once; Retry-After says when to come again." },
        { 431, "The header is too large." },
        { 500, "A failure of this service; the operator finds why under the request id." },
        { 503, "Something needed is away, or the outcome is unknown; the message says how to ask." },
};
/* clang-format on */

static json_t *loaded(const char *text)
{
        return json_loads(text, JSON_REJECT_DUPLICATES, NULL);
}

static json_t *ref(const char *kind, const char *name)
{
        char path[128];

        snprintf(path, sizeof path, "#/components/%s/%s", kind, name);
        return json_pack("{ss}", "$ref", path);
}

/* {"<key>": <schema>}, and nothing else but what 'more' says. */
static json_t *in_envelope(const char *key, json_t *schema)
{
        return json_pack("{ss s[s] s{so} sb}", "type", "object", "required", key, "properties", key,
                         schema, "additionalProperties", 0);
}

static json_t *one_or(json_t *one, json_t *other)
{
        return json_pack("{s[oo]}", "oneOf", one, other);
}

/* ---- parameters ---- */

static void add_parameter(json_t *list, const char *name)
{
        json_array_append_new(list, ref("parameters", name));
}

static json_t *texts(json_t *names)
{
        json_t *items = json_pack("{ss}", "type", "string");

        if (json_array_size(names) > 0)
                json_object_set(items, "enum", names);
        json_decref(names);
        return json_pack("{ss so}", "type", "array", "items", items);
}

static void add_names(json_t *list, const char *name, const char *says, json_t *names)
{
        json_array_append_new(list, json_pack("{ss ss ss so}", "name", name, "in", "query",
                                              "description", says, "schema", texts(names)));
}

static void add_list_parameters(json_t *list, const struct resource *r)
{
        static const char *const always[] = { "limit", "marker", "page_reverse", "sort_dir" };
        static const char *const of_tags[] = { "tags", "tags-any", "not-tags", "not-tags-any" };
        json_t *sortable = json_array();

        for (const struct filter *f = r->filters; f->name; f++) {
                const char *column = filter_sort_column(f);

                add_names(list, f->name, "Equal to this; repeated: to any of them.", json_array());
                if (strcmp(f->name, "updated_at") == 0)
                        add_parameter(list, "changed_since");
                if (column && (!r->serial || strcmp(column, "id") == 0))
                        json_array_append_new(sortable, json_string(f->name));
        }
        for (size_t i = 0; i < sizeof always / sizeof *always; i++)
                add_parameter(list, always[i]);
        add_names(list, "sort_key", "Attributes that the list is sorted by.", sortable);
        for (size_t i = 0; i < sizeof of_tags / sizeof *of_tags && r->tagged; i++)
                add_parameter(list, of_tags[i]);
        if (!r->shared)
                add_parameter(list, "all_projects");
}

static json_t *parameters_of(const struct route *r)
{
        json_t *list = json_array(), *names = json_array();

        if (strstr(r->pattern, "{id}"))
                add_parameter(list, "id");
        if (strstr(r->pattern, "{tag}"))
                add_parameter(list, "tag");
        if (r->flags & ROUTE_LIST)
                add_list_parameters(list, r->resource);
        if (r->method == HTTP_GET && r->resource && !(r->flags & ROUTE_TAGS)) {
                for (const struct shown *s = r->resource->shown; s->name; s++)
                        json_array_append_new(names, json_string(s->name));
                add_names(list, "fields", "Only these attributes are shown.", json_incref(names));
        }
        json_decref(names);
        if (r->method == HTTP_POST)
                add_parameter(list, "idempotency_key");
        if (r->status == 202)
                add_parameter(list, "prefer");
        if (r->flags & ROUTE_IF_MATCH)
                add_parameter(list, "if_match");
        if (!(r->flags & ROUTE_OPEN))
                add_parameter(list, "request_id");
        add_parameter(list, "traceparent");
        return list;
}

/* ---- bodies and answers ---- */

static json_t *content_of(json_t *schema)
{
        return json_pack("{s{so}}", "application/json", "schema", schema);
}

static json_t *body_of(const struct route *r)
{
        unsigned verb = r->method == HTTP_PUT && (r->flags & ROUTE_ENVELOPE) ? IN_PUT : IN_POST;
        json_t *schema = schema_of_body(r->body, verb), *many;

        if (r->flags & ROUTE_MANY) {
                many = json_pack("{ss sO si si}", "type", "array", "items", schema, "minItems", 1,
                                 "maxItems", BODY_BULK_MAX);
                schema = one_or(in_envelope(r->resource->name, schema),
                                in_envelope(r->resource->collection, many));
        } else if (r->flags & ROUTE_ENVELOPE) {
                schema = in_envelope(r->resource->name, schema);
        }
        return json_pack("{sb so}", "required", r->body != no_attributes, "content",
                         content_of(schema));
}

static json_t *answer_schema(const struct route *r)
{
        char links[64];
        json_t *schema, *one;

        for (size_t i = 0; i < sizeof plain / sizeof *plain && !r->resource; i++)
                if (strcmp(plain[i].pattern, r->pattern) == 0)
                        return loaded(plain[i].schema);
        if (r->flags & ROUTE_TAGS)
                return ref("schemas", "tag_list");
        one = in_envelope(r->resource->name, ref("schemas", r->resource->name));
        if (!(r->flags & (ROUTE_LIST | ROUTE_MANY)))
                return one;
        schema = in_envelope(r->resource->collection, json_pack("{ss so}", "type", "array", "items",
                                                                ref("schemas", r->resource->name)));
        if (r->flags & ROUTE_MANY)
                return one_or(one, schema);
        json_decref(one);
        snprintf(links, sizeof links, "%s_links", r->resource->collection);
        json_object_set_new(json_object_get(schema, "properties"), links, ref("schemas", "links"));
        return schema;
}

static void add_answer(json_t *responses, const struct route *r, int status, const char *says)
{
        char code[16];
        json_t *answer = json_pack("{ss}", "description", says);

        snprintf(code, sizeof code, "%d", status);
        if (status != 204)
                json_object_set_new(answer, "content", content_of(answer_schema(r)));
        if (r->resource == &event_resource && (r->flags & ROUTE_LIST))
                json_object_set_new(json_object_get(answer, "content"), "text/event-stream",
                                    json_pack("{s{ss}}", "schema", "type", "string"));
        json_object_set_new(responses, code, answer);
}

static bool can_fail_with(const struct route *r, int status)
{
        bool writes = r->method != HTTP_GET;

        switch (status) {
        case 401:
        case 403:
        case 429:
                return !(r->flags & ROUTE_OPEN);
        case 404:
                return strchr(r->pattern, '{') || writes || (r->flags & ROUTE_LIST);
        case 409:
        case 413:
                return writes;
        case 412:
                return r->flags & ROUTE_IF_MATCH;
        case 422:
                return r->method == HTTP_POST;
        default:
                return true;
        }
}

static json_t *responses_of(const struct route *r)
{
        json_t *responses = json_object();
        bool health = strcmp(r->pattern, "/healthcheck") == 0;
        char code[16];

        add_answer(responses, r, r->status,
                   r->status == 202 ? "Accepted; the operation follows." : "Done.");
        if (r->status == 202 && r->method == HTTP_POST && (r->flags & ROUTE_ENVELOPE))
                add_answer(responses, r, 201, "Waited for, and done.");
        else if (r->status == 202 && r->method != HTTP_DELETE)
                add_answer(responses, r, 200, "Done at once, or waited for.");
        if (r->status == 202 && r->method == HTTP_DELETE)
                add_answer(responses, r, 204, "It is gone already.");
        if (health)
                add_answer(responses, r, 503, "Not ready; `failing` names why.");
        for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
                if (!can_fail_with(r, errors[i].status) || (health && errors[i].status == 503))
                        continue;
                snprintf(code, sizeof code, "%d", errors[i].status);
                json_object_set_new(responses, code, ref("responses", code));
        }
        return responses;
}

/* ---- operations ---- */

/* "get_v1_vpns_id" */
static void operation_id_of(const struct route *r, char ret[96])
{
        size_t n = (size_t)snprintf(ret, 96, "%s", http_method_name[r->method]);

        for (const char *c = r->pattern; *c && n < 95; c++)
                if (strchr("/-.", *c))
                        ret[n++] = '_';
                else if (!strchr("{}", *c))
                        ret[n++] = *c;
        while (n > 0 && ret[n - 1] == '_')
                n--;
        ret[n] = '\0';
        for (char *c = ret; *c; c++)
                if (*c >= 'A' && *c <= 'Z')
                        *c = (char)(*c - 'A' + 'a');
}

static json_t *operation_of(const struct route *r)
{
        char id[96], says[128];
        json_t *operation;

        operation_id_of(r, id);
        snprintf(says, sizeof says, "%s.", r->summary);
        operation = json_pack("{ss ss ss s[s] so so}", "operationId", id, "summary", r->summary,
                              "description", says, "tags",
                              r->resource ? r->resource->collection : "service", "parameters",
                              parameters_of(r), "responses", responses_of(r));
        if (r->body)
                json_object_set_new(operation, "requestBody", body_of(r));
        if (r->flags & ROUTE_OPEN)
                json_object_set_new(operation, "security", json_array());
        return operation;
}

static json_t *paths(void)
{
        json_t *all = json_object();
        char method[16];

        for (const struct route *r = routes; r->pattern; r++) {
                json_t *path = json_object_get(all, r->pattern);

                if (!path) {
                        path = json_object();
                        json_object_set_new(all, r->pattern, path);
                }
                snprintf(method, sizeof method, "%s", http_method_name[r->method]);
                for (char *c = method; *c; c++)
                        *c = (char)(*c - 'A' + 'a');
                json_object_set_new(path, method, operation_of(r));
        }
        return all;
}

/* Each noun once: its schema, or its tag. */
static void add_nouns(json_t *schemas, json_t *tags)
{
        for (const struct route *r = routes; r->pattern; r++) {
                char says[80];

                if (!r->resource || json_object_get(schemas, r->resource->name))
                        continue;
                snprintf(says, sizeof says, "%s objects.", r->resource->noun);
                json_object_set_new(schemas, r->resource->name,
                                    schema_of_shown(r->resource->shown));
                json_array_append_new(tags, json_pack("{ss ss}", "name", r->resource->collection,
                                                      "description", says));
        }
}

static json_t *components(json_t *schemas)
{
        json_t *responses = json_object();
        char code[16];

        for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
                snprintf(code, sizeof code, "%d", errors[i].status);
                json_object_set_new(responses, code,
                                    json_pack("{ss so}", "description", errors[i].says, "content",
                                              content_of(ref("schemas", "error"))));
        }
        return json_pack("{so so so s{s{ss ss ss ss}}}", "schemas", schemas, "parameters",
                         loaded(fixed_parameters), "responses", responses, "securitySchemes",
                         "keystone", "type", "apiKey", "in", "header", "name", "X-Auth-Token",
                         "description", "A token of Keystone, scoped to a project.");
}

json_t *openapi_document(void)
{
        json_t *schemas = loaded(fixed_schemas);
        json_t *tags = json_pack("[{ss ss}]", "name", "service", "description",
                                 "The service itself: versions, health, extensions.");

        add_nouns(schemas, tags);
        return json_pack("{ss s{ss ss ss s{ss ss} s{ss}} s[{ss}] so s[{s[]}] so so}", "openapi",
                         "3.1.0", "info", "title", "Cloud Atlas", "version", "1.0", "description",
                         about, "license", "name", "Apache-2.0", "identifier", "Apache-2.0",
                         "contact", "name", "The operator of this service", "servers", "url", "/",
                         "tags", tags, "security", "keystone", "paths", paths(), "components",
                         components(schemas));
}

char *openapi_text(void)
{
        json_auto_t *document = openapi_document();

        return document ? json_dumps(document, JSON_INDENT(2)) : NULL;
}

static json_t *served;
static pthread_once_t serving = PTHREAD_ONCE_INIT;

static void make_served(void)
{
        served = openapi_document();
}

void show_openapi(struct call *c)
{
        pthread_once(&serving, make_served);
        call_answer(c, 200, json_incref(served), NULL);
}
