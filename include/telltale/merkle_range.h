/* SPDX-License-Identifier: Apache-2.0 */
/* merkle_range.h -- a stretch of the leaves of an RFC 6962 tree, as the roots of the largest
 * aligned subtrees that it fills ("compact range").  Implemented in src/integrity/.
 *
 * Ranges that lie side by side are merged without their leaves, so that those of all files, in
 * order, give the root of the tree.  A range has a fixed size, about 4 KB, and allocates nothing.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "telltale/error.h"
#include "telltale/hash.h"

#define MERKLE_SIZE_MAX (UINT64_C(1) << 62) /* leaves of a tree */

enum {
    MERKLE_LEVELS = 63,                      /* of subtrees: 2^0 to 2^62 leaves */
    MERKLE_RANGE_HASHES = 2 * MERKLE_LEVELS, /* of a range, at most */
};

struct merkle_range {
    uint64_t first;                          /* index of its first leaf */
    uint64_t end;                            /* and behind its last one */
    size_t count;                            /* of hashes; always merkle_range_count(first, end) */
    struct hash hashes[MERKLE_RANGE_HASHES]; /* from left to right */
};

/* SHA-256(0x01 || left || right). `ret` may be one of them. */
void merkle_node(const struct hash *left, const struct hash *right, struct hash *ret);

/* SHA-256(0x00 || entry). */
void merkle_leaf(struct slice entry, struct hash *ret);

/* Level of the largest aligned subtree that begins at `first` and ends at or before `end`, which is
 * larger: so a range is taken apart from left to right. */
unsigned merkle_level_at(uint64_t first, uint64_t end);

/* How many hashes the range from `first` to `end` has. */
size_t merkle_range_count(uint64_t first, uint64_t end);

/* Empty, at `first`, which is at most MERKLE_SIZE_MAX. */
void merkle_range_init(struct merkle_range *range, uint64_t first);

/* Whether a range read from somewhere has limits and a count that go together. */
bool merkle_range_is_sound(const struct merkle_range *range);

/* The leaf with index range->end.  Below MERKLE_SIZE_MAX, which the caller cannot reach. */
void merkle_range_append_leaf(struct merkle_range *range, const struct hash *leaf);

/* The root of the 2^level leaves from range->end on.  ST_INVALID: none begins there. */
MUST_CHECK enum status merkle_range_append_subtree(struct merkle_range *range, unsigned level,
                                                   const struct hash *root, struct error *err);

/* All of `next`, which must begin where `range` ends: ST_INVALID otherwise, and nothing changed. */
MUST_CHECK enum status merkle_range_append(struct merkle_range *range,
                                           const struct merkle_range *next, struct error *err);

/* The hash of the RFC 6962 tree over its leaves.  Its first index must be 0.  Of none it is
 * SHA-256 of nothing. */
void merkle_range_root(const struct merkle_range *range, struct hash *ret);
