#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* The rows that one batch works on: loaded once, changed in memory, written once. Row pointers stay
 * valid until view_done(). */

#include <stdbool.h>
#include <stddef.h>

#include "base/map.h"
#include "store/tables.h"

struct view_table {
        struct map rows;     /* key text → slot */
        struct slot **slots; /* in the order they came */
        size_t n, room;
};
struct view {
        struct view_table tables[T_N];
        struct map ports_of_link; /* link id → struct vport *[2] */
        struct map pairs;         /* pair_key → struct vlink * */
        struct map accesses;      /* vpn_key → struct attachment * */
        size_t n_changes;         /* grows with every put, dirty and remove */
};

/* Takes over copies of 'rows'. 'locked' rows replace what was loaded before without a lock. */
int view_load(struct view *v, enum store_table_id t, const struct store_rows *rows, bool locked);
/* The row with this primary key, or NULL (not loaded, or removed in this batch). Lent. Composite
 * keys are given as "first/second". */
void *view_get(const struct view *v, enum store_table_id t, const char *key);
bool view_is_locked(const struct view *v, enum store_table_id t, const char *key);
/* Copies 'row' in as new or replacing; it will be written. NULL without memory. */
void *view_put(struct view *v, enum store_table_id t, const void *row);
/* 'row' came from this view and was changed: it will be written. */
void view_dirty(void *row);
/* It will be deleted by its key; other columns of 'row' do not matter. It may not have been loaded.
 */
int view_remove(struct view *v, enum store_table_id t, const void *row);
/* 'row' came from this view and turned out not to be there any more: nothing is written for it. */
void view_forget(void *row);
/* The loaded ports of a link: two pointers, each may be NULL. Never NULL itself. Lent. */
struct vport *const *view_ports(const struct view *v, const char *link_id);
/* The link between a pair of gateways, a VPN's access side at a gateway: by their unique texts.
 * NULL when not loaded, or removed. Lent. */
struct vlink *view_link_of_pair(const struct view *v, const char *pair_key);
struct attachment *view_attachment_of(const struct view *v, const char *vpn_key);
/* Walks live rows of a table in the order they came: start with *at = 0; NULL at the end. */
void *view_next(const struct view *v, enum store_table_id t, size_t *at);
/* Walks, in the same way, rows that this batch removes: as they were. */
const void *view_next_gone(const struct view *v, enum store_table_id t, size_t *at);
/* Queues every changed row on 'store'. */
int view_write(const struct view *v, struct store *store);
void view_done(struct view *v);
