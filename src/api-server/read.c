/* SPDX-License-Identifier: Apache-2.0 */
/* Reading objects: their rows, then the rows that belong to them, all in the loop and without
 * waiting; then JSON. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api-server/api.h"
#include "api-server/handlers.h"
#include "api-server/problem.h"
#include "api-server/query.h"
#include "api-server/routes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/uuid.h"
#include "model/json_out.h"

enum { READ_DEADLINE_MS = 1500 /* also what a client waits while the database is away */ };

struct reading;
struct part { /* of a reading: which set an answer is for */
        struct reading *reading;
        int set;
};
struct reading {
        struct call *call;
        const struct resource *r;
        struct view view;
        struct query *query;                             /* of a list, else NULL */
        char marker[QUERY_SORTS_MAX][QUERY_NUMBER_SIZE]; /* its row's numbers */
        struct part parts[SETS_MAX];
        bool asked[SETS_MAX], here[SETS_MAX];
        int pending;
        int error; /* the first failure, negative */
        void (*on_object)(struct call *c, int error, json_t *object); /* of read_object() */
        struct reading *next_waiting;
};

static void reading_step(struct reading *g);

static struct reading *reading_free(struct reading *g)
{
        if (!g)
                return NULL;
        for (int i = 0; i < SETS_MAX; i++)
                free(g->view.sets[i].rows);
        free(g->view.serials);
        free(g->query);
        free(g);
        return NULL;
}
OWN_DEFINE(struct reading *, reading_free)

static void refuse_error(struct call *c, int error)
{
        struct fault why;

        if (error == -ENOMEM || error == -EINVAL)
                problem_internal(&why);
        else
                problem_unavailable(&why, "database");
        call_refuse(c, &why);
}

/* ---- rows in ---- */

static int copy_rows(struct reading *g, int set, const struct store_rows *rows,
                     const int64_t *serials, size_t row_size)
{
        struct store_rows *to = &g->view.sets[set];

        if (rows->n == 0)
                return 0;
        to->rows = malloc(rows->n * row_size);
        if (!to->rows)
                return -ENOMEM;
        memcpy(to->rows, rows->rows, rows->n * row_size);
        to->n = to->room = rows->n;
        if (set != 0 || !serials)
                return 0;
        g->view.serials = malloc(rows->n * sizeof *serials);
        if (!g->view.serials)
                return -ENOMEM;
        memcpy(g->view.serials, serials, rows->n * sizeof *serials);
        return 0;
}

static enum store_table_id table_of(const struct reading *g, int set)
{
        return set == 0 ? g->r->table : g->r->related[set - 1].table;
}

static void on_part(int r, const struct store_rows *rows, const int64_t *serials, void *user)
{
        struct part *part = user;
        struct reading *g = part->reading;

        if (r == 0)
                r = copy_rows(g, part->set, rows, serials,
                              store_tables[table_of(g, part->set)].row_size);
        if (r != 0 && g->error == 0)
                g->error = r;
        g->here[part->set] = true;
        g->pending--;
        reading_step(g);
}

static void ask(struct reading *g, int set, const struct store_where *where, size_t n_where,
                const char *order, size_t limit)
{
        struct api_loop *loop = g->call->loop;
        int r;

        g->asked[set] = true;
        g->parts[set] = (struct part){ g, set };
        g->pending++;
        r = store_reader_select(loop->reader, &store_tables[table_of(g, set)], where, n_where,
                                order, false, limit, READ_DEADLINE_MS, on_part, &g->parts[set]);
        if (r != 0) {
                g->pending--;
                g->error = g->error ? g->error : r;
        }
        api_kick_reader(loop);
}

/* ---- sites ---- */

static void on_sites(int r, const struct store_rows *rows, const int64_t *serials, void *user)
{
        struct api_loop *loop = user;
        struct reading *g = TAKE(loop->waiting);

        (void)serials;
        if (r == 0)
                r = site_cache_set(&loop->sites, rows, clock_mono_ms(), clock_wall_ms());
        loop->sites.reading = false;
        while (g) {
                struct reading *next = g->next_waiting;

                if (r != 0 && g->error == 0)
                        g->error = r;
                g->pending--;
                reading_step(g);
                g = next;
        }
}

static void want_sites(struct reading *g)
{
        struct api_loop *loop = g->call->loop;
        bool wait;

        if (!g->r->needs_sites || !site_cache_stale(&loop->sites, clock_mono_ms(), &wait))
                return;
        if (wait) {
                g->next_waiting = loop->waiting;
                loop->waiting = g;
                g->pending++;
        }
        if (loop->sites.reading)
                return;
        loop->sites.reading = true;
        if (store_reader_select(loop->reader, &store_tables[T_SITE], NULL, 0, NULL, false, 0,
                                READ_DEADLINE_MS, on_sites, loop) != 0)
                on_sites(-EIO, NULL, NULL, loop);
        api_kick_reader(loop);
}

/* ---- what belongs to the rows ---- */

/* The texts at 'offset' of a set's rows: each once when they are next to each other, without "". */
static size_t keys_of(const struct reading *g, const struct related *rel, const char **ret)
{
        const struct store_rows *rows = &g->view.sets[rel->from];
        size_t row_size = store_tables[table_of(g, rel->from)].row_size, n = 0;

        for (size_t i = 0; i < rows->n; i++) {
                const char *key = (const char *)rows->rows + i * row_size + rel->offset;

                if (*key && (n == 0 || strcmp(ret[n - 1], key) != 0))
                        ret[n++] = key;
        }
        return n;
}

static void ask_related(struct reading *g, int set)
{
        const struct related *rel = &g->r->related[set - 1];
        const struct store_table *t = &store_tables[rel->table];
        const char **keys;
        size_t n;

        if (rel->one_only && !g->view.one) {
                g->asked[set] = g->here[set] = true;
                return;
        }
        keys = malloc((g->view.sets[rel->from].n + 1) * sizeof *keys);
        if (!keys) {
                g->error = -ENOMEM;
                return;
        }
        n = rel->value ? 1 : keys_of(g, rel, keys);
        if (rel->value)
                keys[0] = rel->value;
        if (n == 0)
                g->asked[set] = g->here[set] = true;
        else
                ask(g, set, &(struct store_where){ rel->column, STORE_IS, keys, n }, 1,
                    t->append_only ? "id" : rel->column, 0);
        free(keys);
}

/* ---- JSON out ---- */

static bool may_see(const struct reading *g, const void *row)
{
        return g->r->shared || g->view.who->all_projects ||
               strcmp((const char *)row + g->r->project_offset, g->view.who->project_id) == 0;
}

/* Whether the rows can go straight into text. */
static bool is_plain(const struct reading *g)
{
        return g->r->write && !g->on_object && !(g->call->route->flags & ROUTE_TAGS) &&
               (!g->query || query_is_plain(g->query));
}

static bool is_whole(const struct reading *g, size_t i)
{
        return !g->r->whole || g->r->whole(&g->view, i);
}

static void finish_one_plain(struct reading *g)
{
        OWN(text_done) struct text body = { 0 };

        out_open(&body, NULL, '{');
        text_addf(&body, "\"%s\":", g->r->name);
        g->r->write(&g->view, 0, &body);
        out_close(&body, '}');
        call_answer_text(g->call, 200, &body);
}

static void finish_one(struct reading *g)
{
        bool found =
                g->view.sets[0].n > 0 && may_see(g, g->view.sets[0].rows) && is_whole(g, 0);
        bool plain = found && is_plain(g);
        json_t *object = found && !plain ? g->r->render(&g->view, 0) : NULL;
        struct call *c = g->call;
        struct fault why;

        if (plain) {
                finish_one_plain(g);
        } else if (g->on_object) {
                g->on_object(c, found && !object ? -ENOMEM : 0, object);
        } else if (!found) {
                problem_unknown(&why, g->r->noun, c->id);
                call_refuse(c, &why);
        } else if (c->route->flags & ROUTE_TAGS) {
                tags_show(c, object);
        } else {
                if (g->query && object)
                        query_trim(g->query, object);
                call_answer(c, 200, object ? json_pack("{so}", g->r->name, object) : NULL, NULL);
        }
}

static void add_link(const struct reading *g, json_t *links, const char *rel, const char *marker)
{
        OWN(text_done) struct text href = { 0 };
        char base[CALL_BASE_SIZE];

        call_base(g->call, base, sizeof base);
        text_addf(&href, "%s%s?", base, g->r->path);
        query_page(g->query, marker, strcmp(rel, "previous") == 0, &href);
        if (!href.failed)
                json_array_append_new(links, json_pack("{ss ss}", "rel", rel, "href", href.bytes));
}

/* "<collection>_links": where there are more rows than the page shows, and where it came from. */
static void add_links(const struct reading *g, json_t *body, const char ends[2][ID_SIZE], bool more)
{
        const struct query *q = g->query;
        bool next = q->reverse ? q->marker != NULL : more;
        bool previous = q->reverse ? more : q->marker != NULL;
        json_t *links = json_array();
        char key[64];

        if (next && *ends[1])
                add_link(g, links, "next", ends[1]);
        if (previous && *ends[0])
                add_link(g, links, "previous", ends[0]);
        snprintf(key, sizeof key, "%s_links", g->r->collection);
        if (json_array_size(links) > 0)
                json_object_set(body, key, links);
        json_decref(links);
}

/* A row's id as a marker; rows begin with it. */
static void marker_at(const struct reading *g, size_t i, char ret[ID_SIZE])
{
        text_copy(ret, ID_SIZE,
                  (const char *)g->view.sets[0].rows + i * store_tables[g->r->table].row_size);
}

static void finish_list_plain(struct reading *g)
{
        size_t n = g->view.sets[0].n;
        bool more = n > g->query->limit;
        OWN(text_done) struct text body = { 0 };
        json_auto_t *links = json_object();
        char ends[2][ID_SIZE] = { "", "" }, *bytes = NULL;

        n = more ? g->query->limit : n;
        out_open(&body, NULL, '{');
        out_open(&body, g->r->collection, '[');
        for (size_t i = 0; i < n; i++) {
                size_t at = g->query->reverse ? n - 1 - i : i;

                if (is_whole(g, at))
                        g->r->write(&g->view, at, &body);
                if (i == 0)
                        marker_at(g, at, ends[0]);
                if (i == n - 1)
                        marker_at(g, at, ends[1]);
        }
        out_close(&body, ']');
        add_links(g, links, ends, more);
        if (json_object_size(links) > 0)
                bytes = json_dumps(links, JSON_COMPACT);
        if (bytes) {
                text_add(&body, ",");
                text_add(&body, bytes + 1);
        } else {
                out_close(&body, '}');
        }
        free(bytes);
        call_answer_text(g->call, 200, &body);
}

static void finish_list(struct reading *g)
{
        size_t n = g->view.sets[0].n;
        bool more = n > g->query->limit;
        json_t *list = json_array(), *body = json_object();
        char ends[2][ID_SIZE] = { "", "" }; /* the page's first and last, seen or not */
        int r = list && body ? 0 : -ENOMEM;

        n = more ? g->query->limit : n;
        for (size_t i = 0; i < n && r == 0; i++) {
                size_t at = g->query->reverse ? n - 1 - i : i;
                json_t *object = g->r->render(&g->view, at);

                if (!object) {
                        r = -ENOMEM;
                        break;
                }
                if (i == 0)
                        TEXT_SET(ends[0], json_string_value(json_object_get(object, "id")));
                if (i == n - 1)
                        TEXT_SET(ends[1], json_string_value(json_object_get(object, "id")));
                if (!is_whole(g, at) || !query_shows(g->query, object)) {
                        json_decref(object);
                        continue;
                }
                query_trim(g->query, object);
                r = json_array_append_new(list, object);
        }
        if (r != 0 || json_object_set_new(body, g->r->collection, list) != 0) {
                json_decref(body);
                refuse_error(g->call, -ENOMEM);
                return;
        }
        add_links(g, body, ends, more);
        call_answer(g->call, 200, body, NULL);
}

/* Asks for what can be asked for by now; answers when all is here. */
static void reading_step(struct reading *g)
{
        struct call *c = g->call;

        g->pending++; /* answers that come at once must not end it from below */
        for (int set = 1; set < SETS_MAX && g->error == 0; set++)
                if (g->r->related[set - 1].column && !g->asked[set] &&
                    g->here[g->r->related[set - 1].from])
                        ask_related(g, set);
        if (--g->pending > 0)
                return;
        for (int set = 1; set < SETS_MAX && g->error == 0; set++)
                if (g->r->related[set - 1].column && !g->here[set])
                        return reading_step(g);
        g->view.now_ms = clock_wall_ms();
        if (g->error != 0) {
                if (g->on_object)
                        g->on_object(c, g->error, NULL);
                else
                        refuse_error(c, g->error);
        } else if (g->view.one) {
                finish_one(g);
        } else if (is_plain(g)) {
                finish_list_plain(g);
        } else {
                finish_list(g);
        }
        reading_free(g);
}

/* ---- beginnings ---- */

static struct reading *reading_new(struct call *c, const struct resource *r)
{
        struct reading *g = calloc(1, sizeof *g);

        if (!g)
                return NULL;
        g->call = c;
        g->r = r;
        g->view.who = &c->who;
        g->view.sites = &c->loop->sites;
        g->pending = 1; /* until everything was asked */
        return g;
}

static bool id_possible(const struct resource *r, const char *id)
{
        long long n;

        if (r->serial)
                return text_to_int(id, 1, INT64_MAX, &n);
        return uuid_valid(id) || (r->by_name && site_name_valid(id));
}

/* The row, and at once with it what belongs to it by the same id. */
static void ask_by_id(struct reading *g, const char *id)
{
        const char *column = g->r->by_name && !uuid_valid(id) ? "name" : "id";
        struct store_where where = { column, STORE_IS, &id, 1 };

        g->view.one = true;
        ask(g, 0, &where, 1, NULL, 1);
        for (int set = 1; set < SETS_MAX; set++) {
                const struct related *rel = &g->r->related[set - 1];

                where.column = rel->column;
                if (rel->column && !rel->value && rel->from == 0 && rel->offset == 0)
                        ask(g, set, &where, 1,
                            store_tables[rel->table].append_only ? "id" : rel->column, 0);
        }
        want_sites(g);
        g->pending--;
        reading_step(g);
}

void read_one(struct call *c)
{
        const struct resource *r = c->route->resource;
        OWN(reading_free) struct reading *g = NULL;
        struct fault why;

        if (!id_possible(r, c->id)) {
                problem_unknown(&why, r->noun, c->id);
                call_refuse(c, &why);
                return;
        }
        g = reading_new(c, r);
        if (!g) {
                refuse_error(c, -ENOMEM);
                return;
        }
        if (c->q->message.query[0]) {
                g->query = malloc(sizeof *g->query);
                if (!g->query ||
                    query_read(c->q->message.query, r, &c->who, g->query, &why) != QUERY_OK) {
                        if (!g->query)
                                problem_internal(&why);
                        call_refuse(c, &why);
                        return;
                }
        }
        ask_by_id(TAKE(g), c->id);
}

static void ask_list(struct reading *g)
{
        const struct query *q = g->query;
        const struct store_page page = {
                .table = &store_tables[g->r->table],
                .where = q->where,
                .n_where = q->n_where,
                .order = q->order,
                .n_order = q->n_order,
                .limit = q->limit + 1,
        };
        int r;

        g->asked[0] = true;
        g->parts[0] = (struct part){ g, 0 };
        g->pending++;
        r = store_reader_page(g->call->loop->reader, &page, READ_DEADLINE_MS, on_part,
                              &g->parts[0]);
        if (r != 0) {
                g->pending--;
                g->error = g->error ? g->error : r;
        }
        api_kick_reader(g->call->loop);
        want_sites(g);
}

/* A marker that is gone, or another project's, is no place in the order. */
static void on_marker(int r, const struct store_rows *rows, const int64_t *serials, void *user)
{
        struct reading *g = user;
        struct fault why;

        (void)serials;
        if (r == 0 && (rows->n == 0 || !may_see(g, rows->rows))) {
                problem_unknown(&why, "The marker", g->query->marker);
                call_refuse(g->call, &why);
                reading_free(g);
                return;
        }
        if (r == 0) {
                query_start_after(g->query, g->r, rows->rows, g->marker);
                ask_list(g);
        } else {
                g->error = r;
        }
        g->pending--;
        reading_step(g);
}

static void ask_marker(struct reading *g)
{
        const struct store_where where = { "id", STORE_IS, &g->query->marker, 1 };
        struct api_loop *loop = g->call->loop;
        int r = store_reader_select(loop->reader, &store_tables[g->r->table], &where, 1, NULL,
                                    false, 1, READ_DEADLINE_MS, on_marker, g);

        if (r != 0)
                on_marker(r, NULL, NULL, g);
        else
                api_kick_reader(loop);
}

void read_list(struct call *c)
{
        const struct resource *r = c->route->resource;
        OWN(reading_free) struct reading *g = NULL;
        struct reading *list;
        struct fault why;

        g = reading_new(c, r);
        if (g)
                g->query = malloc(sizeof *g->query);
        if (!g || !g->query) {
                refuse_error(c, -ENOMEM);
                return;
        }
        if (query_read(c->q->message.query, r, &c->who, g->query, &why) != QUERY_OK) {
                call_refuse(c, &why);
                return;
        }
        list = TAKE(g);
        if (!list->query->nothing && query_needs_marker(list->query)) {
                ask_marker(list);
                return;
        }
        if (list->query->nothing)
                list->asked[0] = list->here[0] = true;
        else
                ask_list(list);
        list->pending--;
        reading_step(list);
}

void read_object(struct call *c, const struct resource *r, const char *id,
                 void (*on_object)(struct call *c, int error, json_t *object))
{
        struct reading *g = api_can_read(c->loop) ? reading_new(c, r) : NULL;

        if (!g) {
                on_object(c, -ENOMEM, NULL);
                return;
        }
        g->on_object = on_object;
        ask_by_id(g, id);
}
