/* SPDX-License-Identifier: Apache-2.0 */
/* split.h -- which part of a batch is to be sent next.
 *
 * A batch that is refused as a whole is halved until the records that are to blame stand alone.
 * The parts are taken from left to right, so that everything before the present part is settled
 * and the cursor can follow at any time.  One bad record among n costs about 2 log2(n) sends.
 *
 * Threads: none of its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "telltale/batch.h"

enum { SPLIT_DEPTH_MAX = 64 }; /* halving a size_t takes no more */

struct split {
    size_t first;                 /* everything before it is settled */
    size_t ends[SPLIT_DEPTH_MAX]; /* of the enclosing parts; the innermost last */
    size_t depth;
};

/* The whole batch is the first part.  `count` is at least 1. */
void split_init(struct split *split, size_t count);

/* False when all is settled. */
bool split_next(const struct split *split, size_t *ret_first, size_t *ret_count);

/* The first `count` records of the present part have their outcome; what is left of it, if
 * anything, is the present part. */
void split_settle(struct split *split, size_t count);

/* The present part, of more than one record, is to be sent in halves. */
void split_halve(struct split *split);

/* The records first..first + count of a batch, as a batch that borrows what it does. */
struct batch split_cut(const struct batch *batch, size_t first, size_t count);
