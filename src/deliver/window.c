/* SPDX-License-Identifier: Apache-2.0 */
/* window.c -- see window.h.  Invariants: settled <= next; without claims they are equal; tickets
 * rise by one, so a ticket's place in the ring follows from it. */
#include "deliver/window.h"

#include "telltale/base.h"

void window_init(struct window *window, size_t capacity, uint64_t next)
{
    ASSERT(capacity > 0 && capacity <= WINDOW_CLAIMS_MAX);
    *window = (struct window){.capacity = capacity, .settled = next, .next = next};
}

uint64_t window_next(const struct window *window)
{
    return window->next;
}

uint64_t window_settled(const struct window *window)
{
    return window->settled;
}

size_t window_count(const struct window *window)
{
    return (size_t)(window->last - window->first);
}

bool window_has_room(const struct window *window)
{
    return window_count(window) < window->capacity;
}

static struct window_claim *claim_of(struct window *window, uint64_t ticket)
{
    return &window->claims[ticket % WINDOW_CLAIMS_MAX];
}

uint64_t window_claim(struct window *window, uint64_t end)
{
    ASSERT(window_has_room(window) && end > window->next);
    *claim_of(window, window->last) = (struct window_claim){.end = end, .settled = window->next};
    window->next = end;
    return window->last++;
}

void window_settle(struct window *window, uint64_t ticket, uint64_t next)
{
    ASSERT(ticket >= window->first && ticket < window->last);
    struct window_claim *claim = claim_of(window, ticket);

    ASSERT(next >= claim->settled && next <= claim->end);
    claim->settled = next;
    while (window->first < window->last) {
        const struct window_claim *oldest = claim_of(window, window->first);
        window->settled = oldest->settled;
        if (oldest->settled < oldest->end)
            break;
        window->first++;
    }
}
