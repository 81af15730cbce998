/* SPDX-License-Identifier: Apache-2.0 */
/* The batch's rows. A row stands behind a slot header that says what became of it. */
#include "conductor/view.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/own.h"
#include "base/text.h"

enum { ROW_KEY_SIZE = 576 };

struct slot {
        struct view *view;
        enum store_table_id table;
        bool locked, dirty, removed;
        char *key;
        _Alignas(16) char row[];
};

static struct slot *slot_of(const void *row)
{
        return (struct slot *)((uintptr_t)row - offsetof(struct slot, row));
}

static void row_key(const struct store_table *t, const void *row, char ret[ROW_KEY_SIZE])
{
        size_t n = 0;

        ret[0] = '\0';
        for (size_t i = 0; i < t->n_key && n < ROW_KEY_SIZE; i++) {
                const struct store_column *c = &t->columns[i];
                const char *field = (const char *)row + c->offset;
                const char *slash = i ? "/" : "";

                if (c->kind == STORE_INT)
                        n += (size_t)snprintf(ret + n, ROW_KEY_SIZE - n, "%s%lld", slash,
                                              (long long)*(const int64_t *)(const void *)field);
                else
                        n += (size_t)snprintf(ret + n, ROW_KEY_SIZE - n, "%s%s", slash, field);
        }
}

static int slots_push(struct view *v, struct slot *s)
{
        if (v->n_slots == v->room) {
                size_t room = v->room ? v->room * 2 : 256;
                void **slots = realloc(v->slots, room * sizeof *slots);

                if (!slots)
                        return err_raise(-ENOMEM);
                v->slots = slots;
                v->room = room;
        }
        v->slots[v->n_slots++] = s;
        return 0;
}

static int port_index(struct view *v, struct vport *p)
{
        struct vport **pair = map_get(&v->ports_of_link, p->link_id);

        if (!pair) {
                int r;

                pair = calloc(SIDE_N, sizeof *pair);
                r = pair ? map_set(&v->ports_of_link, p->link_id, pair) : -ENOMEM;
                if (r < 0) {
                        free(pair);
                        return err_raise(r);
                }
        }
        pair[p->side == SIDE_Z] = p;
        return 0;
}

/* A slot for 'row', new or the one its key has. */
static int slot_take(struct view *v, enum store_table_id t, const void *row, struct slot **ret)
{
        const struct store_table *table = &store_tables[t];
        char key[ROW_KEY_SIZE];
        struct slot *s = NULL;
        int r = 0;

        row_key(table, row, key);
        if (!table->append_only)
                s = map_get(&v->rows[t], key);
        if (!s) {
                s = calloc(1, sizeof *s + table->row_size);
                if (s)
                        s->key = strdup(key);
                if (!s || !s->key) {
                        free(s);
                        return err_raise(-ENOMEM);
                }
                s->view = v;
                s->table = t;
                r = slots_push(v, s);
                if (r < 0) {
                        free(s->key);
                        free(s);
                        return r;
                }
                if (!table->append_only)
                        r = map_set(&v->rows[t], s->key, s);
        }
        memcpy(s->row, row, table->row_size);
        s->removed = false;
        if (r == 0 && t == T_VPORT)
                r = port_index(v, (struct vport *)(void *)s->row);
        *ret = s;
        return r;
}

int view_load(struct view *v, enum store_table_id t, const struct store_rows *rows, bool locked)
{
        const struct store_table *table = &store_tables[t];

        for (size_t i = 0; i < rows->n; i++) {
                const void *row = (const char *)rows->rows + i * table->row_size;
                struct slot *s = NULL;
                int r = slot_take(v, t, row, &s);

                if (r < 0)
                        return err_pass(r);
                s->locked |= locked;
        }
        return 0;
}

void *view_get(const struct view *v, enum store_table_id t, const char *key)
{
        struct slot *s = key ? map_get(&v->rows[t], key) : NULL;

        return s && !s->removed ? s->row : NULL;
}

bool view_is_locked(const struct view *v, enum store_table_id t, const char *key)
{
        const struct slot *s = map_get(&v->rows[t], key);

        return s && s->locked;
}

void *view_put(struct view *v, enum store_table_id t, const void *row)
{
        struct slot *s = NULL;

        if (slot_take(v, t, row, &s) < 0)
                return NULL;
        s->dirty = true;
        s->locked = true;
        v->n_changes++;
        return s->row;
}

void view_dirty(void *row)
{
        struct slot *s = slot_of(row);

        s->dirty = true;
        s->view->n_changes++;
}

int view_remove(struct view *v, enum store_table_id t, const void *row)
{
        char key[ROW_KEY_SIZE];
        struct slot *s;
        int r;

        row_key(&store_tables[t], row, key);
        s = map_get(&v->rows[t], key);
        if (!s) {
                r = slot_take(v, t, row, &s);
                if (r < 0)
                        return err_pass(r);
        }
        if (t == T_VPORT) {
                const struct vport *p = (const struct vport *)(const void *)s->row;
                struct vport **pair = map_get(&v->ports_of_link, p->link_id);

                if (pair)
                        pair[p->side == SIDE_Z] = NULL;
        }
        s->removed = s->dirty = true;
        v->n_changes++;
        return 0;
}

struct vport *const *view_ports(const struct view *v, const char *link_id)
{
        static struct vport *const none[SIDE_N];
        struct vport **pair = map_get(&v->ports_of_link, link_id);

        return pair ? pair : none;
}

void *view_next(const struct view *v, enum store_table_id t, size_t *at)
{
        while (*at < v->n_slots) {
                struct slot *s = v->slots[(*at)++];

                if (s->table == t && !s->removed)
                        return s->row;
        }
        return NULL;
}

int view_write(const struct view *v, struct store *store)
{
        OWN(mem_free) void *memory = calloc(v->n_slots * 2 + 1, sizeof(void *));
        const void **rows = memory;
        int r = 0;

        if (!rows)
                return err_raise(-ENOMEM);
        for (int t = 0; t < T_N && r == 0; t++) {
                const void **gone = rows + v->n_slots;
                size_t n_kept = 0, n_gone = 0;

                for (size_t i = 0; i < v->n_slots; i++) {
                        struct slot *s = v->slots[i];

                        if ((int)s->table != t || !s->dirty)
                                continue;
                        if (s->removed)
                                gone[n_gone++] = s->row;
                        else
                                rows[n_kept++] = s->row;
                }
                /* Removals first: a unique text may move from a row that goes to one that comes. */
                if (n_gone)
                        r = store_remove(store, &store_tables[t], gone, n_gone);
                if (r == 0 && n_kept)
                        r = store_put(store, &store_tables[t], rows, n_kept);
        }
        return r;
}

void view_done(struct view *v)
{
        size_t at = 0;
        void *pair;

        while ((pair = map_next(&v->ports_of_link, &at, NULL)))
                free(pair);
        map_done(&v->ports_of_link);
        for (int t = 0; t < T_N; t++)
                map_done(&v->rows[t]);
        for (size_t i = 0; i < v->n_slots; i++) {
                struct slot *s = v->slots[i];

                free(s->key);
                free(s);
        }
        free(v->slots);
        *v = (struct view){ 0 };
}
