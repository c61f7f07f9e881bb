/* SPDX-License-Identifier: Apache-2.0 */
/* index_part.h -- the ids and words of the lines of one part of a file, as they come.
 *
 * A part ends when its memory is nearly used up, at the end of a block of frames, so that memory
 * does not depend on the size of the file.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include "index/contents.h"
#include "index/index_format.h"
#include "index/line_walk.h"
#include "index/pair_list.h"
#include "index/word_table.h"

enum {
    PART_PAIRS_MAX = 1 << 18,                 /* of ids: what one call can sort and write */
    PART_PAIRS_FULL = PART_PAIRS_MAX / 4 * 3, /* then it ends with the block */
    PART_FRAMES_MAX = WORD_BLOCKS_MAX * WORD_BLOCK_FRAMES / 2,
    PART_SCRATCH_MAX = 64 << 20, /* for one text with escapes, or in base64 */
};

struct index_part;

MUST_CHECK enum status index_part_create(uint64_t seed, struct index_part **ret, struct error *err);
void index_part_destroy(struct index_part *part); /* accepts NULL */

/* Takes a line of the present frame, without its '\n'.  What the line says is counted in
 * `contents` and its times widen the ranges. */
MUST_CHECK enum status index_part_add(struct index_part *part, struct slice line,
                                      struct contents *contents, struct time_range *times,
                                      struct time_range *arrivals, struct error *err);

/* The present frame may have anything: one of its lines cannot be looked at. */
void index_part_give_up_frame(struct index_part *part, struct time_range *times,
                              struct time_range *arrivals);

MUST_CHECK enum status index_part_end_frame(struct index_part *part, struct error *err);

/* How many frames it has. */
size_t index_part_frame_count(const struct index_part *part);

/* Whether it should end here. */
bool index_part_is_full(const struct index_part *part);

/* Append its sections; index_part_clear() then begins the next part. */
MUST_CHECK enum status index_part_append_ids(struct index_part *part, struct buf *out,
                                             struct error *err);
MUST_CHECK enum status index_part_append_words(struct index_part *part, struct buf *out,
                                               struct error *err);
void index_part_clear(struct index_part *part);
