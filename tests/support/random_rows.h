#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of any table, drawn from a seed: legal for the database, and as awkward as that allows. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

uint64_t random_next(uint64_t *seed);
uint64_t random_below(uint64_t *seed, uint64_t n);

void random_row(uint64_t *seed, const struct store_table *t, void *row);
/* 'n' of them with keys and unique columns of their own; caller frees. */
void *random_rows(uint64_t *seed, const struct store_table *t, size_t n);
void random_column(uint64_t *seed, const struct store_table *t, const struct store_column *c,
                   void *row);

/* The value of 'c' in 'row' as store_select() takes it. */
void row_text(const struct store_column *c, const void *row, char *ret, size_t size);
bool rows_equal(const struct store_table *t, const void *a, const void *b);
int rows_compare_keys(const struct store_table *t, const void *a, const void *b);
