/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request of the API: its route, its query as a question to the database, its body against the route's
 * table, its traceparent. What is refused is refused with a fault that can be shown. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api-server/body.h"
#include "api-server/problem.h"
#include "api-server/query.h"
#include "api-server/routes.h"
#include "http/parse.h"
#include "messages/trace.h"
#include "store/reader_sql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fault(const struct fault *why)
{
        OWN(text_done) struct text shown = { 0 };
        json_auto_t *j = NULL;

        problem_render(why, "req-x", &shown);
        j = json_loadb(shown.bytes, shown.n, JSON_REJECT_DUPLICATES, NULL);
        if ((why->code != 400 && why->code != 403) || !j ||
            !json_is_object(json_object_get(json_object_get(j, "error"), "details")))
                abort();
}

/* An accepted query is one that the database can be asked. */
static void check_query(char *text, const struct resource *r)
{
        static const struct caller who = { .project_id = "red" };
        struct query *q = malloc(sizeof *q);
        struct reader_question asked;
        struct reader_select select;
        struct fault why = { 0 };

        if (!q)
                abort();
        if (query_read(text, r, &who, q, &why) != QUERY_OK) {
                check_fault(&why);
        } else if (!q->nothing) {
                for (size_t i = 0; i + 1 < q->n_order; i++)
                        q->order[i].after = q->marker ? "1" : NULL;
                asked = (struct reader_question){ .table = &store_tables[r->table], .where = q->where,
                                                  .n_where = q->n_where, .limit = q->limit,
                                                  .by = q->order, .n_by = q->n_order };
                if (reader_select_make(&asked, &select) == 0)
                        reader_select_done(&select);
                else if (!query_needs_marker(q))
                        abort();
        }
        free(q);
}

static void check_body(const struct http_message *m, const struct route *r)
{
        const char *envelope = r->flags & ROUTE_ENVELOPE ? r->resource->name : NULL;
        unsigned verb = m->method == HTTP_PUT && envelope ? IN_PUT : IN_POST;
        struct fault why = { 0 };
        json_t *object = NULL;

        if (body_read(m->body, m->n_body, envelope, r->body, verb, &object, &why) != BODY_OK)
                check_fault(&why);
        else if (!json_is_object(object))
                abort();
        json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct http_parse p = { 0 };
        struct route_match match = { 0 };
        char *bytes = malloc(size + 1), saved, trace[TRACEPARENT];
        const char *why;
        size_t used;

        if (!bytes)
                abort();
        memcpy(bytes, data, size);
        if (size > 0 && http_parse(&p, bytes, size, &used, &saved, &why) == HTTP_DONE) {
                const struct http_message *m = &p.message;

                traceparent_new(http_message_field(m, "traceparent"), "req-x", trace);
                if (!traceparent_valid(trace))
                        abort();
                if (route_find(m->method, m->path, &match) == ROUTE_OK) {
                        if (match.route->resource && m->method == HTTP_GET)
                                check_query(m->query, match.route->resource);
                        if (match.route->body)
                                check_body(m, match.route);
                }
        }
        free(bytes);
        return 0;
}
