/* SPDX-License-Identifier: Apache-2.0 */
#include "api-server/query.h"

#include <stdio.h>
#include <string.h>

#include "base/uuid.h"

static const char *const reserved[] = { "limit",    "marker",   "fields",       "all_projects",
                                        "sort_key", "sort_dir", "page_reverse", NULL };
static const char *const digits[] = { "0", "1", "2", "3", "4", "5", "6", "7", "8", "9" };

static int refuse(struct fault *why, const char *name, const char *reason)
{
        /* An unknown name may hold anything. */
        fault_set(why, 400, "request.invalid_query", "Invalid query parameter %.64s: %s", name,
                  reason);
        return QUERY_INVALID;
}

static bool is_reserved(const char *name)
{
        for (const char *const *r = reserved; *r; r++)
                if (strcmp(*r, name) == 0)
                        return true;
        return false;
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

static int read_reserved(const struct query_pair *p, const struct resource *r,
                         const struct caller *who, struct query *q, struct fault *why)
{
        long long n;
        bool yes = false;

        if (strcmp(p->name, "limit") == 0) {
                if (!text_to_int(p->value, 0, INT32_MAX, &n))
                        return refuse(why, p->name, "a whole number from 0 is needed.");
                q->limit = n > 0 && n < QUERY_LIMIT_MAX ? (size_t)n : QUERY_LIMIT_MAX;
        } else if (strcmp(p->name, "marker") == 0) {
                if (r->serial ? !text_to_int(p->value, 0, INT64_MAX, &n) : !uuid_valid(p->value))
                        return refuse(why, p->name,
                                      "the id of the last object before the page is needed.");
                q->marker = p->value;
        } else if (strcmp(p->name, "all_projects") == 0) {
                if (!read_bool(p->value, &yes))
                        return refuse(why, p->name, "true or false is needed.");
                if (yes && !who->all_projects) {
                        fault_set(why, 403, "policy.forbidden",
                                  "Only the role admin sees all projects.");
                        return QUERY_INVALID;
                }
                q->all_projects = yes;
        } else if (strcmp(p->name, "sort_key") == 0) {
                if (strcmp(p->value, "id") != 0)
                        return refuse(why, p->name, "lists are sorted by id only.");
        } else if (strcmp(p->name, "sort_dir") == 0) {
                if (strcmp(p->value, "asc") != 0)
                        return refuse(why, p->name, "lists are sorted in ascending order only.");
        } else if (strcmp(p->name, "page_reverse") == 0) {
                if (!read_bool(p->value, &yes) || yes)
                        return refuse(why, p->name, "pages run forward only.");
        }
        return QUERY_OK;
}

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
        bool asked = false, bad = false;

        for (size_t i = 0; i < q->n_pairs; i++) {
                const char *value = q->pairs[i].value;

                if (strcmp(q->pairs[i].name, f->name) != 0)
                        continue;
                asked = true;
                value = f->column ? column_value(f, value, &bad) : value;
                if (bad)
                        return refuse(why, f->name, "its value has not the form of the attribute.");
                if (value)
                        values[n++] = value;
        }
        if (!asked)
                return QUERY_OK;
        q->n_values += n;
        q->nothing = q->nothing || n == 0;
        if (n > 0 && f->column)
                q->where[q->n_where++] = (struct store_where){ f->column, STORE_IS, values, n };
        else if (n > 0)
                q->shown[q->n_shown++] = (struct query_shown){ f, values, n };
        return QUERY_OK;
}

static bool is_filter(const struct resource *r, const char *name)
{
        for (const struct filter *f = r->filters; f->name; f++)
                if (strcmp(f->name, name) == 0)
                        return true;
        return false;
}

int query_read(char *text, const struct resource *r, const struct caller *who, struct query *ret,
               struct fault *why)
{
        struct query *q = ret;
        int result;

        memset(q, 0, sizeof *q);
        q->limit = QUERY_LIMIT_MAX;
        result = split(text, q, why);
        for (size_t i = 0; i < q->n_pairs && result == QUERY_OK; i++) {
                if (is_reserved(q->pairs[i].name))
                        result = read_reserved(&q->pairs[i], r, who, q, why);
                else if (!is_filter(r, q->pairs[i].name))
                        result = refuse(why, q->pairs[i].name,
                                        "it is no attribute that lists can be filtered by.");
        }
        for (const struct filter *f = r->filters; f->name && result == QUERY_OK; f++)
                result = add_filter(f, q, why);
        if (result != QUERY_OK)
                return result;
        if (!r->shared && !q->all_projects) {
                q->values[q->n_values] = who->project_id;
                q->where[q->n_where++] = (struct store_where){ "project_id", STORE_IS,
                                                               &q->values[q->n_values++], 1 };
        }
        if (q->marker) {
                q->values[q->n_values] = q->marker;
                q->where[q->n_where++] =
                        (struct store_where){ "id", STORE_AFTER, &q->values[q->n_values++], 1 };
        }
        return QUERY_OK;
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

void query_next(const struct query *q, const char *marker, struct text *ret)
{
        for (size_t i = 0; i < q->n_pairs; i++) {
                const struct query_pair *p = &q->pairs[i];

                if (strcmp(p->name, "limit") == 0 || strcmp(p->name, "marker") == 0)
                        continue;
                add_encoded(ret, p->name);
                text_add(ret, "=");
                add_encoded(ret, p->value);
                text_add(ret, "&");
        }
        text_addf(ret, "limit=%zu&marker=", q->limit);
        add_encoded(ret, marker);
}
