/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.h -- counters and gauges, shown in Prometheus text.
 *
 * A metric is registered once, by the module that owns it, and lives until the process ends;
 * registering the same name and labels again gives the same metric, so that a reload keeps its
 * counts.  Counting is one relaxed atomic add.
 *
 * Threads: all functions, any thread.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "telltale/buf.h"
#include "telltale/error.h"

struct metric {
    _Atomic uint64_t value;
};

enum metric_type { METRIC_COUNTER, METRIC_GAUGE };

/* `name` as in "telltale_receiver_accepted_records_total"; `help` a sentence; both are literals.
 * `labels` is the inside of the braces, `receiver="unix",reason="too_large"`, or ""; it is
 * copied, and cut from the exposition if it has no place.  Never fails: past the limit of
 * METRICS_MAX a shared metric that is not shown is given back, and counted as such. */
struct metric *metric_register(enum metric_type type, const char *name, const char *help,
                               const char *labels);

enum { METRICS_MAX = 1024 };

static inline void metric_add(struct metric *metric, uint64_t count)
{
    atomic_fetch_add_explicit(&metric->value, count, memory_order_relaxed);
}

static inline void metric_set(struct metric *metric, uint64_t value)
{
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

static inline uint64_t metric_get(const struct metric *metric)
{
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}

/* Appends the whole exposition, text format 0.0.4. */
MUST_CHECK enum status metrics_write(struct buf *out, struct error *err);

/* Calls `visit` for every metric, in order of registration, under the registry's lock. */
void metrics_each(void (*visit)(void *context, const char *name, const char *labels,
                                uint64_t value),
                  void *context);
