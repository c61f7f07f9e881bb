/* SPDX-License-Identifier: Apache-2.0 */
/* backoff.c -- see backoff.h. */
#include "deliver/backoff.h"

static uint64_t ceiling_ns(const struct backoff *backoff, uint32_t attempt)
{
    uint64_t ceiling = backoff->initial_ns;

    for (uint32_t i = 0; i < attempt && ceiling < backoff->max_ns; i++)
        ceiling = ceiling > UINT64_MAX / 2 ? UINT64_MAX : ceiling * 2;
    return ceiling < backoff->max_ns ? ceiling : backoff->max_ns;
}

uint64_t backoff_delay_ns(const struct backoff *backoff, uint32_t attempt, uint32_t asked_ms,
                          uint64_t random)
{
    uint64_t asked_ns = (uint64_t)asked_ms * 1000000;
    if (asked_ns > BACKOFF_ASKED_MAX_NS)
        asked_ns = BACKOFF_ASKED_MAX_NS;
    /* When the destination has said how long, the jitter only has to keep us apart. */
    uint64_t ceiling = ceiling_ns(backoff, asked_ns > 0 ? 0 : attempt);
    uint64_t jitter = ceiling == UINT64_MAX ? random : random % (ceiling + 1);
    return asked_ns + jitter;
}
