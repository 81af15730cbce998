/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/routes.h"

#include "support/unit.h"

static void each_path_finds_its_route(void **state)
{
        static const struct {
                enum http_method method;
                const char *path;
                int answer;
                const char *pattern, *id;
        } cases[] = {
                /* clang-format off */
                { HTTP_GET,    "/",                               ROUTE_OK,      "/",                             "" },
                { HTTP_GET,    "/v1",                             ROUTE_OK,      "/v1",                           "" },
                { HTTP_HEAD,   "/v1/",                            ROUTE_OK,      "/v1",                           "" },
                { HTTP_GET,    "/v1/sites",                       ROUTE_OK,      "/v1/sites",                     "" },
                { HTTP_GET,    "/v1/sites/",                      ROUTE_OK,      "/v1/sites",                     "" },
                { HTTP_GET,    "/v1/sites.json",                  ROUTE_OK,      "/v1/sites",                     "" },
                { HTTP_GET,    "/v1/sites/site-a",                ROUTE_OK,      "/v1/sites/{id}",                "site-a" },
                { HTTP_GET,    "/v1/sites/a.json",                ROUTE_OK,      "/v1/sites/{id}",                "a" },
                { HTTP_GET,    "/v1/sites/a%2fb",                 ROUTE_OK,      "/v1/sites/{id}",                "a/b" },
                { HTTP_PUT,    "/v1/vpns/x/add_site",             ROUTE_OK,      "/v1/vpns/{id}/add_site",        "x" },
                { HTTP_POST,   "/v1/virtual-ports/x/attach.json", ROUTE_OK,      "/v1/virtual-ports/{id}/attach", "x" },
                { HTTP_DELETE, "/v1/virtual-links/x",             ROUTE_OK,      "/v1/virtual-links/{id}",        "x" },
                { HTTP_GET,    "/v1/sites/a/b",                   ROUTE_UNKNOWN, NULL, NULL },
                { HTTP_GET,    "/v1/sitesx",                      ROUTE_UNKNOWN, NULL, NULL },
                { HTTP_GET,    "/v2/sites",                       ROUTE_UNKNOWN, NULL, NULL },
                { HTTP_GET,    "/v1/virtual_links",               ROUTE_UNKNOWN, NULL, NULL },
                { HTTP_PUT,    "/v1/vpns//add_site",              ROUTE_UNKNOWN, NULL, NULL },
                { HTTP_GET,    "/v1/sites/%zz",                   ROUTE_UNKNOWN, NULL, NULL },
                { HTTP_GET,    "/v1/sites/%00",                   ROUTE_UNKNOWN, NULL, NULL },
                { HTTP_GET,    "/v1/sites/%ff",                   ROUTE_UNKNOWN, NULL, NULL },
                { HTTP_POST,   "/v1/sites",                       ROUTE_METHOD,  "GET, HEAD", NULL },
                { HTTP_PATCH,  "/v1/vpns/x",                      ROUTE_METHOD,  "GET, HEAD, PUT, DELETE", NULL },
                { HTTP_OTHER,  "/v1/virtual-links",               ROUTE_METHOD,  "GET, HEAD, POST", NULL },
                { HTTP_GET,    "/v1/virtual-ports/x/attach",      ROUTE_METHOD,  "POST", NULL },
                /* clang-format on */
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                struct route_match match = { 0 };
                int answer = route_find(cases[i].method, cases[i].path, &match);

                if (answer != cases[i].answer)
                        fail_msg("%s: %d", cases[i].path, answer);
                if (answer == ROUTE_OK) {
                        assert_string_equal(match.route->pattern, cases[i].pattern);
                        assert_string_equal(match.id, cases[i].id);
                } else if (answer == ROUTE_METHOD) {
                        assert_string_equal(match.allow, cases[i].pattern);
                }
        }
}

static void a_tag_is_a_segment_of_its_own(void **state)
{
        struct route_match match = { 0 };

        (void)state;
        assert_int_equal(route_find(HTTP_PUT, "/v1/vpns/x/tags/gr%C3%BCn%2Frot", &match), ROUTE_OK);
        assert_string_equal(match.route->pattern, "/v1/vpns/{id}/tags/{tag}");
        assert_string_equal(match.id, "x");
        assert_string_equal(match.tag, "gr\xc3\xbcn/rot");
        match = (struct route_match){ 0 };
        assert_int_equal(route_find(HTTP_GET, "/v1/vpns/x/tags/", &match), ROUTE_OK);
        assert_string_equal(match.route->pattern, "/v1/vpns/{id}/tags");
        assert_string_equal(match.tag, "");
}

static void an_id_that_does_not_fit_is_unknown(void **state)
{
        char path[400] = "/v1/vpns/";
        struct route_match match = { 0 };

        (void)state;
        memset(path + 9, 'a', 200);
        assert_int_equal(route_find(HTTP_GET, path, &match), ROUTE_UNKNOWN);
}

/* What reading asks the store for has to be there. */
static void every_resource_names_columns_of_its_tables(void **state)
{
        (void)state;
        for (const struct route *route = routes; route->pattern; route++) {
                const struct resource *r = route->resource;
                const struct store_column *c;

                if (!r)
                        continue;
                for (const struct filter *f = r->filters; f->name; f++) {
                        if (!f->column || (r->serial && strcmp(f->column, "id") == 0))
                                continue;
                        for (c = store_tables[r->table].columns;
                             c->name && strcmp(c->name, f->column) != 0; c++)
                                ;
                        if (!c->name)
                                fail_msg("%s has no column %s", store_tables[r->table].name,
                                         f->column);
                        assert_int_equal(c->kind == STORE_UUID, f->kind == FILTER_ID);
                        assert_int_equal(c->kind == STORE_BOOL, f->kind == FILTER_BOOL);
                        assert_int_equal(c->kind == STORE_INT, f->kind == FILTER_INT ||
                                                                       f->kind == FILTER_WORD ||
                                                                       f->kind == FILTER_TIME);
                        assert_true(f->n_words <= 10);
                }
                for (const struct related *rel = r->related;
                     rel < r->related + RELATED_MAX && rel->column; rel++) {
                        for (c = store_tables[rel->table].columns;
                             c->name && strcmp(c->name, rel->column) != 0; c++)
                                ;
                        assert_non_null(c->name);
                }
        }
}

UNIT_MAIN(UNIT(each_path_finds_its_route), UNIT(a_tag_is_a_segment_of_its_own), UNIT(an_id_that_does_not_fit_is_unknown),
          UNIT(every_resource_names_columns_of_its_tables))
