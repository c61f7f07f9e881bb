/* SPDX-License-Identifier: Apache-2.0 */
/* flight_limit.c -- see flight_limit.h.
 *
 * Batches that were being written before the last change say nothing about it, so they change
 * nothing: else one slow commit of many batches would count many times. */
#include "receivers/flight_limit.h"

#include "telltale/base.h"

enum { SMALL_PER_LOOK = 128, SLOW_TO_BELIEVE = 16 };

void flight_limit_init(struct flight_limit *limit, size_t min, size_t max)
{
    ASSERT(min > 0 && min <= max);
    *limit = (struct flight_limit){.limit = min, .min = min, .max = max};
}

/* What takes longer may have waited for company, or for somebody else's bytes: of many small
 * batches the shortest tells. */
static void learn_from_small(struct flight_limit *limit, uint64_t took_ns)
{
    if (limit->shortest_ns == 0 || took_ns < limit->shortest_ns)
        limit->shortest_ns = took_ns;
    if (limit->base_ns == 0)
        limit->base_ns = took_ns;
    else if (took_ns < limit->base_ns)
        limit->base_ns -= (limit->base_ns - took_ns) / 4;
    if (++limit->small_count < SMALL_PER_LOOK)
        return;
    if (limit->shortest_ns > limit->base_ns)
        limit->base_ns = limit->shortest_ns;
    limit->shortest_ns = 0;
    limit->small_count = 0;
}

static uint64_t longest(const struct flight_limit *limit)
{
    return limit->base_ns + limit->base_ns / 4 + FLIGHT_LIMIT_EXTRA_NS;
}

/* At the smallest limit, and still it takes far too long: if that goes on, that is what the disk
 * costs now.  Once or twice it is an accident. */
static void learn_from_slow(struct flight_limit *limit, uint64_t took_ns)
{
    if (took_ns < 2 * longest(limit)) {
        limit->slow_count = 0;
        return;
    }
    if (limit->slow_count == 0 || took_ns < limit->slow_shortest_ns)
        limit->slow_shortest_ns = took_ns;
    if (++limit->slow_count < SLOW_TO_BELIEVE)
        return;
    limit->base_ns = limit->slow_shortest_ns;
    limit->slow_count = 0;
}

static void set(struct flight_limit *limit, size_t bytes, uint64_t now_ns)
{
    limit->limit = bytes < limit->min ? limit->min : bytes > limit->max ? limit->max : bytes;
    limit->changed_ns = now_ns;
}

void flight_limit_note(struct flight_limit *limit, const struct flight_landing *landing)
{
    uint64_t begun_ns = landing->begun_ns;
    uint64_t landed_ns = landing->landed_ns;
    uint64_t took_ns = landed_ns > begun_ns ? landed_ns - begun_ns : 0;

    if (landing->bytes <= FLIGHT_LIMIT_SMALL || limit->base_ns == 0)
        learn_from_small(limit, took_ns);
    if (!landing->is_shared || begun_ns < limit->changed_ns || landing->bytes < limit->limit / 2)
        return;
    if (took_ns <= longest(limit)) {
        limit->slow_count = 0;
        if (landing->held_back)
            set(limit, limit->limit + limit->limit / 16, landed_ns);
    } else if (limit->limit > limit->min) {
        set(limit, limit->limit - limit->limit / 4, landed_ns);
    } else {
        learn_from_slow(limit, took_ns);
    }
}
