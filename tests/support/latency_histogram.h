/* SPDX-License-Identifier: Apache-2.0 */
/* latency_histogram.h -- how long many things took, in a fixed room: 32 buckets for each power of
 * two of nanoseconds, so that a value that comes out is at most 3 % above the one that went in.
 *
 * Zeroed memory is an empty histogram.  Threads: one owner at a time.
 */
#pragma once

#include <stdint.h>

enum { LATENCY_BUCKETS = 1920 };

struct latency_histogram {
    uint64_t counts[LATENCY_BUCKETS];
    uint64_t count;
    uint64_t max_ns; /* exact */
};

/* `times` things took so long each. */
void latency_histogram_add(struct latency_histogram *histogram, uint64_t latency_ns,
                           uint64_t times);
void latency_histogram_merge(struct latency_histogram *into, const struct latency_histogram *from);

/* The time that `percent` of them stayed within, as in 99.9; 0 when there are none. */
uint64_t latency_histogram_quantile(const struct latency_histogram *histogram, double percent);

/* The part of them that took less than `limit_ns`, to the width of a bucket. */
double latency_histogram_part_below(const struct latency_histogram *histogram, uint64_t limit_ns);
