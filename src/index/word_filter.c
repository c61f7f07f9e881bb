/* SPDX-License-Identifier: Apache-2.0 */
/* word_filter.c -- see word_filter.h.
 *
 * The filter is groups of eight numbers of four bytes, little-endian.  A word belongs to one group,
 * and sets one bit in each number of it.  So adding
 * one takes a few instructions and one cache line.  A binary fuse filter is smaller by a tenth of
 * the index; making it, with the sort it needs, took four times as long.
 */
#include "index/word_filter.h"

#include <endian.h>

#include "util/le.h"

enum { BITS_A_WORD = 12, LANES = 8, LANE_SIZE = 4, GROUP_SIZE = LANES * LANE_SIZE };

/* Any odd numbers do: the upper five bits of a product choose a bit of 32. */
static const uint32_t factors[LANES] = {0x9e3779b1, 0x85ebca77, 0xc2b2ae3d, 0x27d4eb2f,
                                        0x165667b1, 0x5851f42d, 0x2545f491, 0xd1342543};

/* The word is part of a hash: its upper bits choose the group, all of it mixed the bits. */
static size_t group_of(uint32_t word, size_t group_count)
{
    return (size_t)((uint64_t)word * group_count >> 32);
}

static uint32_t mix(uint32_t word)
{
    word = (word ^ word >> 16) * 0x85ebca6b;
    word = (word ^ word >> 13) * 0xc2b2ae35;
    return word ^ word >> 16;
}

enum status word_filter_append(const uint32_t *words, size_t count, struct buf *out,
                               struct error *err)
{
    size_t group_count =
        (count * BITS_A_WORD + (size_t)GROUP_SIZE * 8 - 1) / ((size_t)GROUP_SIZE * 8);

    ASSERT(count > 0 && count <= WORD_FILTER_WORDS_MAX);
    enum status st = buf_reserve(out, group_count * GROUP_SIZE, err);
    if (st != ST_OK)
        return st;
    uint8_t *groups = out->data + out->size;
    memset(groups, 0, group_count * GROUP_SIZE);
    for (size_t i = 0; i < count; i++) {
        uint8_t *group = groups + group_of(words[i], group_count) * GROUP_SIZE;
        uint32_t mixed = mix(words[i]);
        uint32_t lanes[LANES];
        memcpy(lanes, group, GROUP_SIZE);
        for (size_t lane = 0; lane < LANES; lane++)
            lanes[lane] |= htole32(UINT32_C(1) << (mixed * factors[lane] >> 27));
        memcpy(group, lanes, GROUP_SIZE);
    }
    out->size += group_count * GROUP_SIZE;
    return ST_OK;
}

bool word_filter_has(struct slice filter, uint32_t word)
{
    size_t group_count = filter.size / GROUP_SIZE;

    if (group_count == 0 || filter.size % GROUP_SIZE != 0 ||
        group_count > (size_t)WORD_FILTER_WORDS_MAX)
        return true;
    const uint8_t *group = filter.data + group_of(word, group_count) * GROUP_SIZE;
    uint32_t mixed = mix(word);
    for (size_t lane = 0; lane < LANES; lane++) {
        if ((le32_get(group + lane * LANE_SIZE) >> (mixed * factors[lane] >> 27) & 1) == 0)
            return false;
    }
    return true;
}
