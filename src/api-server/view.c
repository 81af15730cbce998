/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "api-server/resource.h"

const void *view_find(const struct view *v, int set, size_t row_size, size_t offset,
                      const char *key, size_t *ret_n)
{
        const char *rows = v->sets[set].rows;
        size_t low = 0, high = v->sets[set].n, n = 0;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (strcmp(rows + middle * row_size + offset, key) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        while (low + n < v->sets[set].n && strcmp(rows + (low + n) * row_size + offset, key) == 0)
                n++;
        *ret_n = n;
        return n ? rows + low * row_size : NULL;
}
