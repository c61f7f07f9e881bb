/* SPDX-License-Identifier: Apache-2.0 */
/* index_format.h -- the bytes of an index, for its maker and its reader; docs/STORE_FORMAT.md says
 * what they mean.  Numbers are little-endian.
 *
 *      0  8  "TTINDEX" and a NUL
 *      8  4  version
 *     12  4  number of sections
 *     16  8  size of the compressed file that it is of
 *     24  8  XXH3 of that file's seek table
 *     32  8  seed of the hashes of ids and words
 *     40  8  number of frames
 *     48  8  reserved, 0
 *     56  8  XXH3 of the bytes before, and of the table that follows
 *     64     a row of SECTION_ROW_SIZE for each section:
 *             0  4  what it is
 *             4  4  reserved, 0
 *             8  4  first frame that it is about
 *            12  4  number of these
 *            16  8  offset
 *            24  8  size
 *            32  8  XXH3 of its bytes
 *
 * Ids are hashed by XXH3 with the seed, words by word_split.h.
 *
 * A section of frames is, for each, as varints: compressed size, size, number of lines, earliest
 * time as the zigzag difference to that of the frame before, and how much later the latest is, plus
 * one (0: no record tells a time, and no difference counts); and the same of the times of arrival.
 *
 * Threads: constants.
 */
#pragma once

#include <stdint.h>

#include <xxhash.h>

#include "telltale/slice.h"

#define INDEX_MAGIC "TTINDEX" /* with its NUL */

enum {
    INDEX_VERSION = 2,
    INDEX_MAGIC_SIZE = 8,
    INDEX_HEAD_SIZE = 64,
    INDEX_HEAD_SUM_AT = 56,
    SECTION_ROW_SIZE = 40,
    INDEX_SECTIONS_MAX = 1 << 16,
};

enum index_section {
    SECTION_FRAMES = 1,
    SECTION_CONTENTS = 2,
    SECTION_IDS = 3,
    SECTION_WORDS = 4,
};

/* A record tells a time within the frame, or none does. */
struct time_range {
    uint64_t first; /* above `last`: none */
    uint64_t last;
};

static inline uint64_t index_id_hash(struct slice id, uint64_t seed)
{
    return XXH3_64bits_withSeed(id.data, id.size, seed);
}

/* Of the head, whose own sum counts as 0, and the table of `rows_size` bytes behind it. */
static inline uint64_t index_head_sum(const uint8_t *head, size_t rows_size)
{
    uint64_t sum = XXH3_64bits(head, INDEX_HEAD_SUM_AT);
    return XXH3_64bits_withSeed(head + INDEX_HEAD_SIZE, rows_size, sum);
}
