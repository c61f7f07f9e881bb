/* SPDX-License-Identifier: Apache-2.0 */
/* tree_growth.h -- how a tree came to its size: ranges that lie side by side from leaf 0 on, which
 * meet at sizes that were signed.  From any of these sizes to the last one a consistency proof
 * follows, without a leaf.  Implemented in src/integrity/.
 *
 *     as text:   0,4096,4130,4131 <base64 of the hashes of all ranges, 44 characters each>
 *
 * Threads: one owner at a time; the functions keep nothing.
 */
#pragma once

#include "telltale/buf.h"
#include "telltale/merkle_proof.h"

enum { TREE_GROWTH_STEPS_MAX = 5 };

struct tree_growth {
    size_t count; /* from 1 */
    struct merkle_range steps[TREE_GROWTH_STEPS_MAX];
};

/* One step: the whole tree, whose first index is 0. */
void tree_growth_start(struct tree_growth *growth, const struct merkle_range *whole);

/* The next leaves are a step of their own; the two oldest become one when there are too many. */
void tree_growth_step(struct tree_growth *growth);

static inline struct merkle_range *tree_growth_last(struct tree_growth *growth)
{
    return &growth->steps[growth->count - 1];
}

/* How many leaves it covers, and the root of the tree over them. */
static inline uint64_t tree_growth_size(const struct tree_growth *growth)
{
    return growth->steps[growth->count - 1].end;
}
void tree_growth_root(const struct tree_growth *growth, struct hash *ret);

/* Whether steps meet at `size`, or end there; *ret: how many lie before it. */
bool tree_growth_meets(const struct tree_growth *growth, uint64_t size, size_t *ret);

/* Puts the steps from `from` to before `to` together; there is one at least. */
void tree_growth_join(const struct tree_growth *growth, size_t from, size_t to,
                      struct merkle_range *ret);

/* Appends the text.  ST_LIMIT, ST_NO_MEMORY. */
MUST_CHECK enum status tree_growth_put(const struct tree_growth *growth, struct buf *out,
                                       struct error *err);

/* ST_INVALID: it is none. */
MUST_CHECK enum status tree_growth_read(struct slice text, struct tree_growth *ret,
                                        struct error *err);

/* That the tree `first` continues to `next.end`: `next` begins where `first`, from 0, ends.
 * ST_NO_MEMORY. */
MUST_CHECK enum status tree_growth_prove(const struct merkle_range *first,
                                         const struct merkle_range *next, struct merkle_path *ret,
                                         struct error *err);
