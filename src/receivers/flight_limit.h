/* SPDX-License-Identifier: Apache-2.0 */
/* flight_limit.h -- how many bytes may be on their way to the disk at a time, while somebody who
 * says little waits for the same disk: as many as it makes durable in little more time than a lone
 * event takes anyway.  While nobody waits it is the maximum.
 *
 * The limit follows how long batches take: a lone small one tells what the disk costs in itself
 * (`base_ns`); when batches take over twice as long and a bit, there is too much; when they do not,
 * and somebody was held back, there may be more.
 *
 * Threads: one owner at a time.  Time is an argument: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flight_limit {
    size_t limit, min, max; /* bytes; the first while it is shared */
    uint64_t base_ns;       /* what a small batch takes; 0: not known yet */
    uint64_t shortest_ns;   /* of the last small_count small batches */
    unsigned int small_count;
    uint64_t slow_shortest_ns; /* of the last slow_count that took far too long at the minimum */
    unsigned int slow_count;
    uint64_t changed_ns; /* when the limit was changed */
};

/* Batches of up to this many bytes, with nothing before them, tell what the disk costs. */
enum { FLIGHT_LIMIT_SMALL = 16 * 1024 };
/* How long a batch may take beside twice what a lone small one takes: twice, for it waits for the
 * commit before its own. */
#define FLIGHT_LIMIT_EXTRA_NS UINT64_C(100000)

void flight_limit_init(struct flight_limit *limit, size_t min, size_t max);

/* A batch has landed.  `bytes` were on their way when it was submitted, itself included. */
struct flight_landing {
    size_t bytes;
    uint64_t submitted_ns, landed_ns;
    bool held_back; /* somebody had to wait for the limit */
    bool is_shared; /* somebody light waits for the same disk */
};
void flight_limit_note(struct flight_limit *limit, const struct flight_landing *landing);

static inline size_t flight_limit_bytes(const struct flight_limit *limit, bool is_shared)
{
    return is_shared ? limit->limit : limit->max;
}
