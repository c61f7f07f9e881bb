/* SPDX-License-Identifier: Apache-2.0 */
/* recent_bytes.h -- how much somebody has sent lately: a sum that is halved every
 * RECENT_HALF_NS, so that what is long ago does not count.
 *
 * With it the last of the journal is shared: while less than a quarter of it is free, who has sent
 * more lately than is still free is refused.  So one who floods leaves room for those who do not,
 * and how much that is follows from how fast the destinations take it.
 *
 * Threads: one owner at a time.  Time is an argument: pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct recent_bytes {
    uint64_t bytes;
    uint64_t since_ns; /* when it was halved last */
};

#define RECENT_HALF_NS UINT64_C(4000000000)

static inline void recent_bytes_add(struct recent_bytes *recent, uint64_t bytes, uint64_t now_ns)
{
    uint64_t halvings = (now_ns - recent->since_ns) / RECENT_HALF_NS;

    recent->bytes = halvings < 64 ? recent->bytes >> halvings : 0;
    recent->since_ns += halvings * RECENT_HALF_NS;
    recent->bytes += bytes;
}

/* `room` of `size_max` bytes is left in the journal. */
static inline bool recent_bytes_is_too_much(const struct recent_bytes *recent, uint64_t room,
                                            uint64_t size_max)
{
    return room < size_max / 4 && recent->bytes > room;
}
