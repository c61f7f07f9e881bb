/* SPDX-License-Identifier: Apache-2.0 */
/* window.h -- which ranges of the journal are being delivered, and how far the cursor may go.
 *
 *      settled                      next
 *         |                          |
 *     ----+####----+########+##------+--------->  sequence numbers
 *     done| claim  | claim  | claim  | nobody's yet
 *
 * A claim is a range that one lane has taken; ranges follow each other without gaps.  Inside a
 * claim records are settled from left to right, the claims in any order.  What is settled behind
 * one that is not waits: the cursor is the end of what is settled without a gap.  The number of
 * claims is bounded, and with it what a crash repeats.
 *
 * Threads: none of its own; its owner has a lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WINDOW_CLAIMS_MAX = 128 };

struct window_claim {
    uint64_t end;     /* the first sequence number behind it */
    uint64_t settled; /* everything of it below this has its outcome */
};

struct window {
    struct window_claim claims[WINDOW_CLAIMS_MAX]; /* a ring */
    uint64_t first;                                /* the oldest claim's ticket */
    uint64_t last;                                 /* behind the newest claim's ticket */
    size_t capacity;
    uint64_t settled;
    uint64_t next;
};

/* `capacity` claims at one time, 1 to WINDOW_CLAIMS_MAX; the first one begins at `next`. */
void window_init(struct window *window, size_t capacity, uint64_t next);

/* Where the next claim begins. */
uint64_t window_next(const struct window *window);

/* Everything below this has its outcome: the cursor. */
uint64_t window_settled(const struct window *window);

bool window_has_room(const struct window *window);
size_t window_count(const struct window *window);

/* Claims everything from window_next() to `end`, which is larger; there must be room.  Gives the
 * ticket of the claim. */
uint64_t window_claim(struct window *window, uint64_t end);

/* Everything of the claim below `next` has its outcome; at its end the claim is done with. */
void window_settle(struct window *window, uint64_t ticket, uint64_t next);
