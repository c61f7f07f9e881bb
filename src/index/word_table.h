/* SPDX-License-Identifier: Apache-2.0 */
/* word_table.h -- the words of each block of frames of a part of a file, in a filter each.
 *
 * Threads: pure functions; a maker has one owner at a time.
 */
#pragma once

#include "index/word_filter.h"
#include "telltale/frame_set.h"

enum { WORD_BLOCK_FRAMES = 8, WORD_BLOCKS_MAX = 1 << 12 };

struct word_table_maker {
    uint32_t *words; /* owned: of the present block, some more than once */
    size_t count;
    size_t capacity;
    struct buf entries; /* of the blocks that ended */
    struct buf filters;
};

void word_table_init(struct word_table_maker *maker);
void word_table_fini(struct word_table_maker *maker);

/* Makes room for one more word.  ST_LIMIT: there is none in this block. */
MUST_CHECK enum status word_table_grow(struct word_table_maker *maker, struct error *err);

/* The filter says as much as these bits of a hash do. */
static inline uint32_t word_table_word(uint64_t hash)
{
    return (uint32_t)(hash >> 32);
}

/* The block ends.  `has_any`: it may have any word. */
MUST_CHECK enum status word_table_end_block(struct word_table_maker *maker, bool has_any,
                                            struct error *err);

/* Appends the table of the blocks that ended, and forgets them. */
MUST_CHECK enum status word_table_append(struct word_table_maker *maker, struct buf *out,
                                         struct error *err);

/* Takes those blocks out of `blocks`, which has a place for each, that do not have the word; none
 * when the table is damaged. */
void word_table_keep(struct slice table, uint64_t hash, struct frame_set *blocks);
