/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/order.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cell.h"

struct entry {
        json_t *object; /* lent */
        size_t at;      /* where it was */
};

bool order_next(const char **keys, char *ret, size_t size, bool *down)
{
        const char *at = *keys ? *keys : "";
        size_t n;

        at += strspn(at, ",");
        *down = *at == '-';
        at += *down;
        n = strcspn(at, ",");
        *keys = at + n;
        snprintf(ret, size, "%.*s", (int)n, at);
        return n > 0;
}

/* What a value is compared by: a number, or the first one of an object, such as a bandwidth. */
static bool number_of(const json_t *value, double *ret)
{
        json_t *own = (json_t *)(uintptr_t)value;

        if (json_is_object(value))
                own = json_object_iter_value(json_object_iter(own));
        *ret = json_number_value(own);
        return json_is_number(own);
}

static int compare_values(const json_t *a, const json_t *b)
{
        OWN(text_done) struct text x = { 0 }, y = { 0 };
        double m, n;

        if (number_of(a, &m) && number_of(b, &n))
                return m < n ? -1 : m > n;
        cell_add(&x, a);
        cell_add(&y, b);
        return strcmp(x.bytes ? x.bytes : "", y.bytes ? y.bytes : "");
}

static int compare(const void *a, const void *b, void *keys)
{
        const struct entry *x = a, *y = b;
        const char *left = keys;
        char path[64];
        bool down;

        while (order_next(&left, path, sizeof path, &down)) {
                int order = compare_values(cell_find(x->object, path), cell_find(y->object, path));

                if (order)
                        return down ? -order : order;
        }
        return x->at < y->at ? -1 : x->at > y->at;
}

json_t *order_list(const json_t *list, const char *keys)
{
        size_t n = json_array_size(list);
        OWN(mem_free) struct entry *entries = calloc(n + 1, sizeof *entries);
        json_auto_t *ret = json_array();

        if (!entries || !ret)
                return NULL;
        for (size_t i = 0; i < n; i++)
                entries[i] = (struct entry){ json_array_get(list, i), i };
        qsort_r(entries, n, sizeof *entries, compare, (void *)(uintptr_t)keys);
        for (size_t i = 0; i < n; i++)
                if (json_array_append(ret, entries[i].object) != 0)
                        return NULL;
        return TAKE(ret);
}
