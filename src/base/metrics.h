#pragma once
/* SPDX-License-Identifier: Apache-2.0 */
/* Counters, gauges and histograms in Prometheus text. Declared as statics, linked into one registry
 * at first use, updated with relaxed atomics; a thread of its own serves them over HTTP. */

#include <stdint.h>

#include "base/own.h"
#include "base/text.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
enum { METRIC_BUCKETS = 16 };

/* A histogram counts milliseconds in buckets of 1, 2, 5, 10, … up to 60 000. */
struct metric {
        const char *name;   /* "atlas_bus_published_total" */
        const char *labels; /* "result=\"ok\"" or NULL */
        const char *help;
        enum metric_kind kind;
        _Atomic int64_t value;
        _Atomic int64_t buckets[METRIC_BUCKETS];
        _Atomic int64_t sum;
        _Atomic int listed;
        struct metric *next;
};
#define METRIC(kind_, name_, labels_, help_)                                                       \
        {                                                                                          \
                .name = name_, .labels = labels_, .help = help_, .kind = kind_                     \
        }

void metric_add(struct metric *m, int64_t n);
void metric_set(struct metric *m, int64_t value);
void metric_observe_ms(struct metric *m, int64_t ms);
void metrics_render(struct text *ret);

/* Serves GET /metrics (and GET /healthz: 200 "ok") on 'host':'port' in a thread of its own until
 * freed. Port 0 picks a free one. */
struct metrics_server;
int metrics_server_new(const char *host, int port, struct metrics_server **ret);
int metrics_server_port(const struct metrics_server *s);
struct metrics_server *metrics_server_free(struct metrics_server *s);
OWN_DEFINE(struct metrics_server *, metrics_server_free)
