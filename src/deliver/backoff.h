/* SPDX-License-Identifier: Apache-2.0 */
/* backoff.h -- how long to wait before the next attempt.
 *
 * Full jitter: a delay between nothing and a ceiling that doubles with every attempt, so that
 * many agents that lost one destination do not come back to it all at once.  A delay that the
 * destination asked for is a floor; the jitter comes on top of it.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdint.h>

struct backoff {
    uint64_t initial_ns; /* the first ceiling; not 0 */
    uint64_t max_ns;     /* the last one */
};

/* A destination may not silence us for longer than this. */
#define BACKOFF_ASKED_MAX_NS (UINT64_C(600) * 1000000000)

/* `attempt` counts the failures before, from 0; `random` is any 64 random bits; `asked_ms` is the
 * destination's wish, 0 for none. */
uint64_t backoff_delay_ns(const struct backoff *backoff, uint32_t attempt, uint32_t asked_ms,
                          uint64_t random);
