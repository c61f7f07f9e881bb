/* SPDX-License-Identifier: Apache-2.0 */
/* clocks.h -- the two clocks.  Code that must be tested against time takes a `now` argument;
 * the edges (threads, handlers, exporters) read these. */
#pragma once

#include <stdint.h>
#include <time.h>

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

/* Nanoseconds since the Unix epoch.  May jump. */
static inline uint64_t clock_unix_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail for this clock */
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Nanoseconds since some start.  Never goes back; for deadlines and delays. */
static inline uint64_t clock_monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}
