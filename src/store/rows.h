#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* What implementations of the store share: growing arrays of rows, looking up columns. */

#include "store/store.h"

enum { STORE_COLUMNS_MAX = 40 };

void *store_rows_at(const struct store_rows *r, const struct store_table *t, size_t i);
/* One more row, zeroed, lent until the next addition; NULL without memory. */
void *store_rows_add(struct store_rows *r, const struct store_table *t);
/* Makes room for 'more' rows at once. */
int store_rows_expect(struct store_rows *r, const struct store_table *t, size_t more);

const struct store_column *store_column_find(const struct store_table *t, const char *name);
size_t store_column_count(const struct store_table *t);
