#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The query string of a list: filters (equal; repeated: any of them), tags, changed_since, fields,
 * sort_key, sort_dir, limit, marker, page_reverse, all_projects. */

#include "api-server/resource.h"
#include "base/text.h"
#include "store/reader.h"

enum { QUERY_PAIRS_MAX = 64, QUERY_LIMIT_MAX = 1000, QUERY_SORTS_MAX = 4 };

struct query_pair {
        char *name, *value; /* decoded */
};
/* A filter that is compared with what is shown. */
struct query_shown {
        const struct filter *filter;
        const char **values;
        size_t n_values;
};
struct query {
        struct query_pair pairs[QUERY_PAIRS_MAX];
        size_t n_pairs;
        const char *values[QUERY_PAIRS_MAX + 4]; /* the filters' values, each filter's together */
        size_t n_values;
        struct store_where where[QUERY_PAIRS_MAX + 4];
        size_t n_where;
        struct query_shown shown[QUERY_PAIRS_MAX];
        size_t n_shown;
        char since[24]; /* changed_since, as the column has it */
        /* By what the page is sorted, last the id; in the direction in which it is read. */
        struct store_order order[QUERY_SORTS_MAX + 1];
        size_t n_order;
        size_t limit;       /* rows of a page */
        const char *marker; /* the id the page starts after, or NULL */
        bool reverse;       /* the page ends before the marker: it is read backwards */
        bool all_projects;
        bool nothing; /* no row can match */
};
/* Answers: QUERY_INVALID with a fault. 'text' is decoded in place, and it and 'who' must live as
 * long as '*ret'. */
enum { QUERY_OK, QUERY_INVALID };
int query_read(char *text, const struct resource *r, const struct caller *who, struct query *ret,
               struct fault *why);
/* The shown object passes the filters that have no column. */
bool query_shows(const struct query *q, const json_t *object);
/* Every row is shown, with all its fields: the next two have nothing to do. */
bool query_is_plain(const struct query *q);
/* Leaves only the fields that were asked for. */
void query_trim(const struct query *q, json_t *object);
/* Besides the id the page is sorted by something: the row of the marker has to be read, for
 * query_start_after(). */
bool query_needs_marker(const struct query *q);
/* The page starts after this row of the resource's table. 'room' holds its numbers, and must live
 * as long as 'q'. */
enum { QUERY_NUMBER_SIZE = 24 };
void query_start_after(struct query *q, const struct resource *r, const void *row,
                       char room[QUERY_SORTS_MAX][QUERY_NUMBER_SIZE]);
/* The same query, its page starting after 'marker', or, in 'reverse', ending before it. */
void query_page(const struct query *q, const char *marker, bool reverse, struct text *ret);
