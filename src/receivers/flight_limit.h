/* SPDX-License-Identifier: Apache-2.0 */
/* flight_limit.h -- how many bytes may be on their way to the disk at a time, while somebody who
 * says little waits for the same disk: as many as it makes durable in little more time than a lone
 * event takes anyway.  While nobody waits it is the maximum.
 *
 * The limit follows how long commits take: a small one tells what the disk costs in itself
 * (`base_ns`); when one takes over a quarter longer and a bit, there is too much; when it does not,
 * was as large as the limit lets it be, and somebody was held back, there may be more.  It falls
 * faster than it rises, so that most commits keep within that time and not only half of them.
 *
 * Threads: one owner at a time.  Time is an argument: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flight_limit {
    size_t limit, min, max; /* bytes; the first while it is shared */
    uint64_t base_ns;       /* what a small commit takes; 0: not known yet */
    uint64_t shortest_ns;   /* of the last small_count small ones */
    unsigned int small_count;
    uint64_t slow_shortest_ns; /* of the last slow_count that took far too long at the minimum */
    unsigned int slow_count;
    uint64_t changed_ns; /* when the limit was changed */
};

/* Commits of up to this many bytes tell what the disk costs. */
enum { FLIGHT_LIMIT_SMALL = 16 * 1024 };
/* How long a commit may take beside a quarter more than a small one. */
#define FLIGHT_LIMIT_EXTRA_NS UINT64_C(50000)

void flight_limit_init(struct flight_limit *limit, size_t min, size_t max);

/* A batch has landed. */
struct flight_landing {
    size_t bytes;                 /* of its commit */
    uint64_t begun_ns, landed_ns; /* of its commit */
    bool held_back;               /* somebody had to wait for the limit */
    bool is_shared;               /* somebody light waits for the same disk */
};
void flight_limit_note(struct flight_limit *limit, const struct flight_landing *landing);

static inline size_t flight_limit_bytes(const struct flight_limit *limit, bool is_shared)
{
    return is_shared ? limit->limit : limit->max;
}
