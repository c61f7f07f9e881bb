/* SPDX-License-Identifier: Apache-2.0 */
/* hook_clock.h -- how long the agent may still be kept waiting.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdint.h>
#include <time.h>

static inline uint64_t hook_clock_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now); /* fails for no clock that there is */
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static inline uint64_t hook_clock_ms(void)
{
    return hook_clock_ns(CLOCK_MONOTONIC) / 1000000;
}

/* For poll(2): milliseconds until `deadline_ms`, 0 when it has passed. */
static inline int hook_clock_left(uint64_t deadline_ms)
{
    uint64_t now = hook_clock_ms();
    return deadline_ms > now ? (int)(deadline_ms - now) : 0;
}
