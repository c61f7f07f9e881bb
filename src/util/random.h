/* SPDX-License-Identifier: Apache-2.0 */
/* random.h -- numbers that others should not foresee, but that no secret hangs on: seeds of hash
 * tables, jitter.
 *
 * Threads: any; nothing is shared.
 */
#pragma once

#include <stdint.h>
#include <sys/random.h>

#include "util/clock.h"

/* 64 bits from the kernel.  Never blocks: early in a boot, when it has none yet, the clock must
 * do. */
static inline uint64_t random_bits(void)
{
    uint64_t bits;

    if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != (ssize_t)sizeof(bits))
        bits = clock_monotonic_ns() * UINT64_C(0x9E3779B97F4A7C15);
    return bits;
}
