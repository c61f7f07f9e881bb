/* SPDX-License-Identifier: Apache-2.0 */
/* latency_histogram.c -- see latency_histogram.h.  A value's bucket is its highest set bit and
 * the five bits behind that; values below 64 have a bucket each. */
#include "support/latency_histogram.h"

enum { SUB_BITS = 5, SUB_COUNT = 1 << SUB_BITS };

static unsigned int bucket_of(uint64_t value)
{
    unsigned int shift = 0;

    if (value >= 2 * SUB_COUNT)
        shift = 63 - SUB_BITS - (unsigned int)__builtin_clzll(value);
    return shift * SUB_COUNT + (unsigned int)(value >> shift);
}

/* The largest value of a bucket. */
static uint64_t bucket_end(unsigned int bucket)
{
    if (bucket < 2 * SUB_COUNT)
        return bucket;
    unsigned int shift = bucket / SUB_COUNT - 1;
    uint64_t sub = bucket % SUB_COUNT + SUB_COUNT;
    return (sub << shift) + ((UINT64_C(1) << shift) - 1);
}

void latency_histogram_add(struct latency_histogram *histogram, uint64_t latency_ns, uint64_t times)
{
    histogram->counts[bucket_of(latency_ns)] += times;
    histogram->count += times;
    if (times > 0 && latency_ns > histogram->max_ns)
        histogram->max_ns = latency_ns;
}

void latency_histogram_merge(struct latency_histogram *into, const struct latency_histogram *from)
{
    for (unsigned int i = 0; i < LATENCY_BUCKETS; i++)
        into->counts[i] += from->counts[i];
    into->count += from->count;
    if (from->max_ns > into->max_ns)
        into->max_ns = from->max_ns;
}

uint64_t latency_histogram_quantile(const struct latency_histogram *histogram, double percent)
{
    uint64_t seen = 0;

    for (unsigned int i = 0; i < LATENCY_BUCKETS && histogram->count > 0; i++) {
        seen += histogram->counts[i];
        if ((double)seen * 100 >= percent * (double)histogram->count) {
            uint64_t end = bucket_end(i);
            return end < histogram->max_ns ? end : histogram->max_ns;
        }
    }
    return histogram->max_ns;
}

double latency_histogram_part_below(const struct latency_histogram *histogram, uint64_t limit_ns)
{
    uint64_t seen = 0;

    for (unsigned int i = 0; i < LATENCY_BUCKETS && bucket_end(i) < limit_ns; i++)
        seen += histogram->counts[i];
    return histogram->count > 0 ? (double)seen / (double)histogram->count : 0;
}
