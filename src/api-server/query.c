/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/query.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/uuid.h"

static const char *const digits[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" };

static int refuse(struct fault *why, const char *name, const char *reason)
{
        /* An unknown name may hold anything. */
        fault_set(why, 400, "request.invalid_query", "Invalid query parameter %.64s: %s", name,
                  reason);
        return QUERY_INVALID;
}

static int split(char *text, struct query *q, struct fault *why)
{
        char *rest = text, *pair;

        while ((pair = strsep(&rest, "&"))) {
                char *value = strchr(pair, '=');

                if (!*pair)
                        continue;
                if (q->n_pairs == QUERY_PAIRS_MAX)
                        return refuse(why, "", "there are more than 64.");
                if (value)
                        *value++ = '\0';
                else
                        value = pair + strlen(pair);
                if (!http_percent_decode(pair, true) || !http_percent_decode(value, true) ||
                    !text_utf8_valid(pair, strlen(pair)) || !text_utf8_valid(value, strlen(value)))
                        return refuse(why, "", "it is not percent-encoded UTF-8.");
                q->pairs[q->n_pairs++] = (struct query_pair){ pair, value };
        }
        return QUERY_OK;
}

static bool read_bool(const char *value, bool *ret)
{
        bool yes = strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0;

        if (!yes && strcasecmp(value, "false") != 0 && strcmp(value, "0") != 0)
                return false;
        *ret = yes;
        return true;
}

/* ---- what is no filter ---- */

struct reading {
        const struct resource *r;
        const struct caller *who;
        struct query *q;
};

static int read_limit(const struct reading *g, const struct query_pair *p, struct fault *why)
{
        long long n;

        if (!text_to_int(p->value, 0, INT32_MAX, &n))
                return refuse(why, p->name, "a whole number from 0 is needed.");
        g->q->limit = n > 0 && n < QUERY_LIMIT_MAX ? (size_t)n : QUERY_LIMIT_MAX;
        return QUERY_OK;
}

static int read_marker(const struct reading *g, const struct query_pair *p, struct fault *why)
{
        long long n;

        if (g->r->serial ? !text_to_int(p->value, 0, INT64_MAX, &n) : !uuid_valid(p->value))
                return refuse(why, p->name, "the id of the last object before the page is needed.");
        g->q->marker = p->value;
        return QUERY_OK;
}

static int read_all_projects(const struct reading *g, const struct query_pair *p, struct fault *why)
{
        if (!read_bool(p->value, &g->q->all_projects))
                return refuse(why, p->name, "true or false is needed.");
        if (g->q->all_projects && !g->who->all_projects) {
                fault_set(why, 403, "policy.forbidden", "Only the role admin sees all projects.");
                return QUERY_INVALID;
        }
        return QUERY_OK;
}

static int read_reverse(const struct reading *g, const struct query_pair *p, struct fault *why)
{
        if (!read_bool(p->value, &g->q->reverse))
                return refuse(why, p->name, "true or false is needed.");
        return QUERY_OK;
}

static int read_fields(const struct reading *g, const struct query_pair *p, struct fault *why)
{
        (void)g;
        return *p->value ? QUERY_OK : refuse(why, p->name, "the name of an attribute is needed.");
}

static const struct filter *find_filter(const struct resource *r, const char *name)
{
        for (const struct filter *f = r->filters; f->name; f++)
                if (strcmp(f->name, name) == 0)
                        return f;
        return NULL;
}

static int read_since(const struct reading *g, const struct query_pair *p, struct fault *why)
{
        const struct filter *updated = find_filter(g->r, "updated_at");
        struct query *q = g->q;
        int64_t since_ms;

        if (!updated)
                return refuse(why, p->name, "these objects do not say when they were changed.");
        if (!clock_parse(p->value, &since_ms))
                return refuse(why, p->name, "a time as YYYY-MM-DDTHH:MM:SSZ is needed.");
        snprintf(q->since, sizeof q->since, "%" PRId64, since_ms);
        q->values[q->n_values] = q->since;
        q->where[q->n_where++] = (struct store_where){ updated->column, STORE_AT_LEAST,
                                                       &q->values[q->n_values++], 1 };
        return QUERY_OK;
}

/* "sort_key" and "sort_dir" belong together by their order. */
static int read_sort_key(const struct reading *g, const struct query_pair *p, struct fault *why)
{
        const struct filter *f = find_filter(g->r, p->value);
        const char *column = f ? filter_sort_column(f) : NULL;
        struct query *q = g->q;

        if (!column || (g->r->serial && strcmp(column, "id") != 0))
                return refuse(why, p->name, "it is no attribute that lists can be sorted by.");
        if (q->n_order == QUERY_SORTS_MAX)
                return refuse(why, p->name, "there are more than 4.");
        q->order[q->n_order++].column = column;
        return QUERY_OK;
}

static int read_sort_dir(const struct reading *g, const struct query_pair *p, struct fault *why)
{
        (void)g;
        return strcmp(p->value, "asc") == 0 || strcmp(p->value, "desc") == 0
                       ? QUERY_OK
                       : refuse(why, p->name, "asc or desc is needed.");
}

/* Comma-separated, as Neutron has it. */
static int read_tags(const struct reading *g, const struct query_pair *p,
                     enum store_compare compare, struct fault *why)
{
        struct query *q = g->q;

        if (!g->r->tagged)
                return refuse(why, p->name, "these objects have no tags.");
        if (!*p->value)
                return refuse(why, p->name, "a tag is needed.");
        q->values[q->n_values] = p->value;
        q->where[q->n_where++] =
                (struct store_where){ "tags", compare, &q->values[q->n_values++], 1 };
        return QUERY_OK;
}

static int read_tags_all(const struct reading *g, const struct query_pair *p, struct fault *why)
{
        return read_tags(g, p, STORE_HAS_ALL, why);
}

static int read_tags_any(const struct reading *g, const struct query_pair *p, struct fault *why)
{
        return read_tags(g, p, STORE_HAS_ANY, why);
}

static int read_not_tags(const struct reading *g, const struct query_pair *p, struct fault *why)
{
        return read_tags(g, p, STORE_LACKS_SOME, why);
}

static int read_not_tags_any(const struct reading *g, const struct query_pair *p, struct fault *why)
{
        return read_tags(g, p, STORE_LACKS_ALL, why);
}

/* clang-format off */
static const struct {
        const char *name;
        int (*read)(const struct reading *g, const struct query_pair *p, struct fault *why);
} reserved[] = {
        { "limit",         read_limit },
        { "marker",        read_marker },
        { "page_reverse",  read_reverse },
        { "sort_key",      read_sort_key },
        { "sort_dir",      read_sort_dir },
        { "fields",        read_fields },
        { "changed_since", read_since },
        { "tags",          read_tags_all },
        { "tags-any",      read_tags_any },
        { "not-tags",      read_not_tags },
        { "not-tags-any",  read_not_tags_any },
        { "all_projects",  read_all_projects },
};
/* clang-format on */

static int read_pair(const struct reading *g, const struct query_pair *p, struct fault *why)
{
        for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
                if (strcmp(reserved[i].name, p->name) == 0)
                        return reserved[i].read(g, p, why);
        return find_filter(g->r, p->name)
                       ? QUERY_OK
                       : refuse(why, p->name, "it is no attribute that lists can be filtered by.");
}

/* Directions to keys, and the id last: so the order is that of all rows, and a marker is a place.
 */
static int settle_order(struct query *q, struct fault *why)
{
        bool by_id = false;
        size_t n = 0;

        for (size_t i = 0; i < q->n_pairs; i++)
                if (strcmp(q->pairs[i].name, "sort_dir") == 0 && n++ < q->n_order)
                        q->order[n - 1].descending = strcmp(q->pairs[i].value, "desc") == 0;
        if (n != 0 && n != q->n_order)
                return refuse(why, "sort_dir", "as many as sort_key are needed.");
        for (size_t i = 0; i < q->n_order && !by_id; i++)
                if (strcmp(q->order[i].column, "id") == 0) {
                        by_id = true;
                        q->n_order = i + 1; /* what follows decides nothing */
                }
        if (!by_id)
                q->order[q->n_order++].column = "id";
        for (size_t i = 0; i < q->n_order; i++)
                q->order[i].descending = q->order[i].descending != q->reverse;
        q->order[q->n_order - 1].after = q->marker;
        return QUERY_OK;
}

bool query_needs_marker(const struct query *q)
{
        return q->marker && q->n_order > 1;
}

static const struct store_column *column_of(const struct resource *r, const char *name)
{
        const struct store_column *c = store_tables[r->table].columns;

        while (c->name && strcmp(c->name, name) != 0)
                c++;
        return c;
}

void query_start_after(struct query *q, const struct resource *r, const void *row,
                       char room[QUERY_SORTS_MAX][QUERY_NUMBER_SIZE])
{
        for (size_t i = 0; i + 1 < q->n_order; i++) {
                const struct store_column *c = column_of(r, q->order[i].column);
                const char *at = (const char *)row + c->offset;

                if (c->kind == STORE_INT) {
                        snprintf(room[i], QUERY_NUMBER_SIZE, "%" PRId64,
                                 *(const int64_t *)(const void *)at);
                        at = room[i];
                } else if (c->kind == STORE_BOOL) {
                        at = *(const bool *)(const void *)at ? "true" : "false";
                }
                q->order[i].after = at;
        }
}

/* ---- filters ---- */

/* What the database is asked for, or NULL when no row can have it. Sets '*bad' when the value has
 * the wrong form. */
static const char *column_value(const struct filter *f, const char *value, bool *bad)
{
        long long n;
        bool yes = false;

        switch (f->kind) {
        case FILTER_TEXT:
                return value;
        case FILTER_ID:
                return uuid_valid(value) ? value : NULL;
        case FILTER_TIME:
                break; /* compared as it is shown */
        case FILTER_INT:
                *bad = *bad || !text_to_int(value, INT64_MIN, INT64_MAX, &n);
                return value;
        case FILTER_BOOL:
                *bad = *bad || !read_bool(value, &yes);
                return yes ? "true" : "false";
        case FILTER_WORD:
                for (int i = 0; i < f->n_words; i++)
                        if (strcmp(f->words[i], value) == 0)
                                return digits[i];
                return NULL;
        }
        return NULL;
}

static int add_filter(const struct filter *f, struct query *q, struct fault *why)
{
        const char **values = &q->values[q->n_values];
        size_t n = 0;
        bool asked = false, bad = false, in_column = f->column && f->kind != FILTER_TIME;

        for (size_t i = 0; i < q->n_pairs; i++) {
                const char *value = q->pairs[i].value;

                if (strcmp(q->pairs[i].name, f->name) != 0)
                        continue;
                asked = true;
                value = in_column ? column_value(f, value, &bad) : value;
                if (bad)
                        return refuse(why, f->name, "its value has not the form of the attribute.");
                if (value)
                        values[n++] = value;
        }
        if (!asked)
                return QUERY_OK;
        q->n_values += n;
        q->nothing = q->nothing || n == 0;
        if (n > 0 && in_column)
                q->where[q->n_where++] = (struct store_where){ f->column, STORE_IS, values, n };
        else if (n > 0)
                q->shown[q->n_shown++] = (struct query_shown){ f, values, n };
        return QUERY_OK;
}

int query_read(char *text, const struct resource *r, const struct caller *who, struct query *ret,
               struct fault *why)
{
        struct query *q = ret;
        const struct reading g = { r, who, q };
        int result;

        memset(q, 0, sizeof *q);
        q->limit = QUERY_LIMIT_MAX;
        result = split(text, q, why);
        for (size_t i = 0; i < q->n_pairs && result == QUERY_OK; i++)
                result = read_pair(&g, &q->pairs[i], why);
        for (const struct filter *f = r->filters; f->name && result == QUERY_OK; f++)
                result = add_filter(f, q, why);
        if (result == QUERY_OK)
                result = settle_order(q, why);
        if (result != QUERY_OK)
                return result;
        if (!r->shared && !q->all_projects) {
                q->values[q->n_values] = who->project_id;
                q->where[q->n_where++] = (struct store_where){ "project_id", STORE_IS,
                                                               &q->values[q->n_values++], 1 };
        }
        return QUERY_OK;
}

const char *filter_sort_column(const struct filter *f)
{
        bool total = f->kind == FILTER_TEXT || f->kind == FILTER_INT || f->kind == FILTER_BOOL ||
                     f->kind == FILTER_TIME || (f->column && strcmp(f->column, "id") == 0);

        return total ? f->column : NULL;
}

/* An attribute as text the way a query writes it. */
static const char *shown_text(const json_t *value, char room[32])
{
        if (json_is_string(value))
                return json_string_value(value);
        if (json_is_boolean(value))
                return json_is_true(value) ? "true" : "false";
        if (!json_is_integer(value))
                return "";
        snprintf(room, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return room;
}

bool query_shows(const struct query *q, const json_t *object)
{
        for (size_t i = 0; i < q->n_shown; i++) {
                const struct query_shown *s = &q->shown[i];
                char room[32];
                const char *text = shown_text(json_object_get(object, s->filter->name), room);
                bool found = false;

                for (size_t j = 0; j < s->n_values; j++)
                        found = found || strcmp(s->values[j], text) == 0;
                if (!found)
                        return false;
        }
        return true;
}

static bool is_wanted(const struct query *q, const char *name, bool *ret_any)
{
        bool wanted = false;

        for (size_t i = 0; i < q->n_pairs; i++) {
                if (strcmp(q->pairs[i].name, "fields") != 0)
                        continue;
                *ret_any = true;
                wanted = wanted || strcmp(q->pairs[i].value, name) == 0;
        }
        return wanted;
}

bool query_is_plain(const struct query *q)
{
        bool any = false;

        is_wanted(q, "", &any);
        return !any && q->n_shown == 0;
}

void query_trim(const struct query *q, json_t *object)
{
        const char *name;
        json_t *value;
        void *next;
        bool any = false;

        json_object_foreach_safe(object, next, name, value)
        {
                if (!is_wanted(q, name, &any) && any)
                        json_object_del(object, name);
                else if (!any)
                        return;
        }
}

static void add_encoded(struct text *to, const char *text)
{
        static const char plain[] =
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:";

        for (; *text; text++) {
                if (strchr(plain, *text))
                        text_add_n(to, text, 1);
                else
                        text_addf(to, "%%%02X", (unsigned)(unsigned char)*text);
        }
}

static bool is_place(const char *name)
{
        return strcmp(name, "limit") == 0 || strcmp(name, "marker") == 0 ||
               strcmp(name, "page_reverse") == 0;
}

void query_page(const struct query *q, const char *marker, bool reverse, struct text *ret)
{
        for (size_t i = 0; i < q->n_pairs; i++) {
                const struct query_pair *p = &q->pairs[i];

                if (is_place(p->name))
                        continue;
                add_encoded(ret, p->name);
                text_add(ret, "=");
                add_encoded(ret, p->value);
                text_add(ret, "&");
        }
        text_addf(ret, "limit=%zu&%smarker=", q->limit, reverse ? "page_reverse=True&" : "");
        add_encoded(ret, marker);
}
