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

enum { ROW_KEY_SIZE = 640 };

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

static int slots_push(struct view_table *of, struct slot *s)
{
        if (of->n == of->room) {
                size_t room = of->room ? of->room * 2 : 64;
                struct slot **slots = reallocarray(of->slots, room, sizeof(*slots));

                if (!slots)
                        return err_raise(-ENOMEM);
                of->slots = slots;
                of->room = room;
        }
        of->slots[of->n++] = s;
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

/* The texts that lead to a row besides its key never change while it lives. */
static int slot_index(struct view *v, struct slot *s)
{
        void *row = s->row;

        if (s->table == T_VPORT)
                return port_index(v, row);
        if (s->table == T_VLINK)
                return map_set(&v->pairs, ((struct vlink *)row)->pair_key, row);
        if (s->table == T_ATTACHMENT)
                return map_set(&v->accesses, ((struct attachment *)row)->vpn_key, row);
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
                s = map_get(&v->tables[t].rows, key);
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
                r = slots_push(&v->tables[t], s);
                if (r < 0) {
                        free(s->key);
                        free(s);
                        return r;
                }
                if (!table->append_only)
                        r = map_set(&v->tables[t].rows, s->key, s);
        }
        memcpy(s->row, row, table->row_size);
        s->removed = false;
        *ret = s;
        return r ? r : slot_index(v, s);
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
        struct slot *s = key ? map_get(&v->tables[t].rows, key) : NULL;

        return s && !s->removed ? s->row : NULL;
}

bool view_is_locked(const struct view *v, enum store_table_id t, const char *key)
{
        const struct slot *s = map_get(&v->tables[t].rows, key);

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

void view_forget(void *row)
{
        struct slot *s = slot_of(row);

        if (s->table == T_VPORT) {
                const struct vport *p = row;
                struct vport **pair = map_get(&s->view->ports_of_link, p->link_id);

                if (pair)
                        pair[p->side == SIDE_Z] = NULL;
        }
        s->removed = true;
}

int view_remove(struct view *v, enum store_table_id t, const void *row)
{
        char key[ROW_KEY_SIZE];
        struct slot *s;
        int r;

        row_key(&store_tables[t], row, key);
        s = map_get(&v->tables[t].rows, key);
        if (!s) {
                r = slot_take(v, t, row, &s);
                if (r < 0)
                        return err_pass(r);
        }
        view_forget(s->row);
        s->dirty = true;
        v->n_changes++;
        return 0;
}

struct vport *const *view_ports(const struct view *v, const char *link_id)
{
        static struct vport *const none[SIDE_N];
        struct vport **pair = map_get(&v->ports_of_link, link_id);

        return pair ? pair : none;
}

struct vlink *view_link_of_pair(const struct view *v, const char *pair_key)
{
        void *row = map_get(&v->pairs, pair_key);

        return row && !slot_of(row)->removed ? row : NULL;
}

struct attachment *view_attachment_of(const struct view *v, const char *vpn_key)
{
        void *row = map_get(&v->accesses, vpn_key);

        return row && !slot_of(row)->removed ? row : NULL;
}

void *view_next(const struct view *v, enum store_table_id t, size_t *at)
{
        while (*at < v->tables[t].n) {
                struct slot *s = v->tables[t].slots[(*at)++];

                if (!s->removed)
                        return s->row;
        }
        return NULL;
}

const void *view_next_gone(const struct view *v, enum store_table_id t, size_t *at)
{
        while (*at < v->tables[t].n) {
                const struct slot *s = v->tables[t].slots[(*at)++];

                if (s->removed && s->dirty)
                        return s->row;
        }
        return NULL;
}

static int table_write(const struct view_table *of, const struct store_table *t, const void **rows,
                       struct store *store)
{
        const void **gone = rows + of->n;
        size_t n_kept = 0, n_gone = 0;
        int r = 0;

        for (size_t i = 0; i < of->n; i++) {
                struct slot *s = of->slots[i];

                if (s->dirty && s->removed)
                        gone[n_gone++] = s->row;
                else if (s->dirty)
                        rows[n_kept++] = s->row;
        }
        /* Removals first: a unique text may move from a row that goes to one that comes. */
        if (n_gone)
                r = store_remove(store, t, gone, n_gone);
        if (r == 0 && n_kept)
                r = store_put(store, t, rows, n_kept);
        return r;
}

int view_write(const struct view *v, struct store *store)
{
        OWN(mem_free) void *memory = NULL;
        size_t most = 0;
        int r = 0;

        for (int t = 0; t < T_N; t++)
                most = v->tables[t].n > most ? v->tables[t].n : most;
        memory = calloc(most * 2 + 1, sizeof(void *));
        if (!memory)
                return err_raise(-ENOMEM);
        for (int t = 0; t < T_N && r == 0; t++)
                r = table_write(&v->tables[t], &store_tables[t], memory, store);
        return r;
}

static void table_done(struct view_table *of)
{
        map_done(&of->rows);
        for (size_t i = 0; i < of->n; i++) {
                free(of->slots[i]->key);
                free(of->slots[i]);
        }
        free(of->slots);
}

void view_done(struct view *v)
{
        size_t at = 0;
        void *pair;

        while ((pair = map_next(&v->ports_of_link, &at, NULL)))
                free(pair);
        map_done(&v->ports_of_link);
        map_done(&v->pairs);
        map_done(&v->accesses);
        for (int t = 0; t < T_N; t++)
                table_done(&v->tables[t]);
        *v = (struct view){ 0 };
}
