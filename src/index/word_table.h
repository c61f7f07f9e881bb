/* SPDX-License-Identifier: Apache-2.0 */
/* word_table.h -- for each word of a part of a file, the blocks of frames that may have it.
 *
 * Threads: pure functions; a maker has one owner at a time.
 */
#pragma once

#include "index/fuse_filter.h"
#include "index/pair_list.h"
#include "telltale/frame_set.h"

enum { WORD_BLOCK_FRAMES = 8, WORD_BLOCKS_MAX = 1 << 12 };

/* Appends the table of the words in `pairs`, which are sorted; places are blocks of the part.
 * `unknown`, a bit for each block: it may have any word. */
MUST_CHECK enum status word_table_append(const struct pair_list *pairs, const uint64_t *unknown,
                                         size_t block_count, struct fuse_maker *maker,
                                         struct buf *out, struct error *err);

/* Takes those blocks out of `blocks`, which has a place for each, that do not have the word; none
 * when the table is damaged. */
void word_table_keep(struct slice table, uint64_t hash, struct frame_set *blocks);
