/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const int bucket_limit_ms[METRIC_BUCKETS] = { /* the last takes everything */
        1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 60000, 0,
};
/* clang-format on */

static const char *const kind_name[] = {
        [METRIC_COUNTER] = "counter",
        [METRIC_GAUGE] = "gauge",
        [METRIC_HISTOGRAM] = "histogram",
};

static _Atomic(struct metric *) registry;

static void list(struct metric *m)
{
        if (atomic_load_explicit(&m->listed, memory_order_relaxed) ||
            atomic_exchange(&m->listed, 1))
                return;
        m->next = atomic_load(&registry);
        while (!atomic_compare_exchange_weak(&registry, &m->next, m))
                ;
}

void metric_add(struct metric *m, int64_t n)
{
        list(m);
        atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}

void metric_set(struct metric *m, int64_t value)
{
        list(m);
        atomic_store_explicit(&m->value, value, memory_order_relaxed);
}

void metric_observe_ms(struct metric *m, int64_t ms)
{
        int i = 0;

        list(m);
        while (i < METRIC_BUCKETS - 1 && ms > bucket_limit_ms[i])
                i++;
        atomic_fetch_add_explicit(&m->buckets[i], 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&m->sum, ms, memory_order_relaxed);
}

static int64_t value_of(_Atomic int64_t *value)
{
        return atomic_load_explicit(value, memory_order_relaxed);
}

static void render_histogram(struct metric *m, struct text *to)
{
        const char *labels = m->labels ? m->labels : "", *comma = m->labels ? "," : "";
        int64_t n = 0;

        for (int i = 0; i < METRIC_BUCKETS; i++) {
                n += value_of(&m->buckets[i]);
                text_addf(to, "%s_bucket{%s%sle=\"", m->name, labels, comma);
                if (i < METRIC_BUCKETS - 1)
                        text_addf(to, "%d\"} %" PRId64 "\n", bucket_limit_ms[i], n);
                else
                        text_addf(to, "+Inf\"} %" PRId64 "\n", n);
        }
        for (int i = 0; i < 2; i++)
                text_addf(to, "%s_%s%s%s%s %" PRId64 "\n", m->name, i ? "count" : "sum",
                          m->labels ? "{" : "", labels, m->labels ? "}" : "",
                          i ? n : value_of(&m->sum));
}

static void render(struct metric *m, struct text *to)
{
        if (m->kind == METRIC_HISTOGRAM)
                render_histogram(m, to);
        else
                text_addf(to, "%s%s%s%s %" PRId64 "\n", m->name, m->labels ? "{" : "",
                          m->labels ? m->labels : "", m->labels ? "}" : "", value_of(&m->value));
}

static int by_name_and_labels(const void *a, const void *b)
{
        const struct metric *x = *(struct metric *const *)a, *y = *(struct metric *const *)b;
        int order = strcmp(x->name, y->name);

        return order ? order : strcmp(x->labels ? x->labels : "", y->labels ? y->labels : "");
}

void metrics_render(struct text *ret)
{
        struct metric *first = atomic_load(&registry), **sorted;
        size_t n = 0;

        for (struct metric *m = first; m; m = m->next)
                n++;
        sorted = calloc(n + 1, sizeof *sorted);
        if (!sorted) {
                ret->failed = true;
                return;
        }
        n = 0;
        for (struct metric *m = first; m; m = m->next)
                sorted[n++] = m;
        qsort(sorted, n, sizeof *sorted, by_name_and_labels);
        for (size_t i = 0; i < n; i++) {
                if (i == 0 || strcmp(sorted[i]->name, sorted[i - 1]->name) != 0)
                        text_addf(ret, "# HELP %s %s\n# TYPE %s %s\n", sorted[i]->name,
                                  sorted[i]->help, sorted[i]->name, kind_name[sorted[i]->kind]);
                render(sorted[i], ret);
        }
        free(sorted);
}
