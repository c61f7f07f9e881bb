/* SPDX-License-Identifier: Apache-2.0 */
/* merkle_range.c -- see include/telltale/merkle_range.h.
 *
 * A subtree of level l has 2^l leaves and begins at a multiple of that.  The hashes of a range are
 * those of the largest subtrees within it.  Whatever is appended is aligned, and then joins with
 * the last hash as often as that is its left sibling: a left sibling that lies within the range is
 * a hash of its own, because what it would be part of has what is appended as its other half. */
#include "telltale/merkle_range.h"

#include <inttypes.h>

void merkle_node(const struct hash *left, const struct hash *right, struct hash *ret)
{
    uint8_t input[1 + 2 * HASH_SIZE];

    input[0] = 1;
    memcpy(input + 1, left->bytes, HASH_SIZE);
    memcpy(input + 1 + HASH_SIZE, right->bytes, HASH_SIZE);
    const struct slice whole = slice_of(input, sizeof(input));
    hash_parts(&whole, 1, ret);
}

void merkle_leaf(struct slice entry, struct hash *ret)
{
    const uint8_t zero = 0;
    const struct slice parts[] = {slice_of(&zero, 1), entry};

    hash_parts(parts, COUNT_OF(parts), ret);
}

unsigned merkle_level_at(uint64_t first, uint64_t end)
{
    ASSERT(first < end && end <= MERKLE_SIZE_MAX);
    unsigned fits = 63U - (unsigned)__builtin_clzll(end - first);
    if (first == 0)
        return fits;
    unsigned aligned = (unsigned)__builtin_ctzll(first);
    return aligned < fits ? aligned : fits;
}

size_t merkle_range_count(uint64_t first, uint64_t end)
{
    size_t count = 0;

    for (; first < end; count++)
        first += UINT64_C(1) << merkle_level_at(first, end);
    return count;
}

void merkle_range_init(struct merkle_range *range, uint64_t first)
{
    ASSERT(first <= MERKLE_SIZE_MAX);
    range->first = first;
    range->end = first;
    range->count = 0;
}

bool merkle_range_is_sound(const struct merkle_range *range)
{
    return range->first <= range->end && range->end <= MERKLE_SIZE_MAX &&
           range->count == merkle_range_count(range->first, range->end);
}

/* Appends the root of an aligned subtree. */
static void push(struct merkle_range *range, unsigned level, const struct hash *root)
{
    struct hash hash = *root;
    uint64_t at = range->end;

    range->end += UINT64_C(1) << level;
    /* While it is a right child whose sibling is in the range as well. */
    while ((at >> level & 1) != 0 && at - range->first >= UINT64_C(1) << level) {
        ASSERT(range->count > 0);
        range->count--;
        merkle_node(&range->hashes[range->count], &hash, &hash);
        at -= UINT64_C(1) << level;
        level++;
    }
    ASSERT(range->count < MERKLE_RANGE_HASHES);
    range->hashes[range->count++] = hash;
}

void merkle_range_append_leaf(struct merkle_range *range, const struct hash *leaf)
{
    ASSERT(range->end < MERKLE_SIZE_MAX);
    push(range, 0, leaf);
}

enum status merkle_range_append_subtree(struct merkle_range *range, unsigned level,
                                        const struct hash *root, struct error *err)
{
    if (level >= MERKLE_LEVELS || MERKLE_SIZE_MAX - range->end < UINT64_C(1) << level ||
        (range->end & ((UINT64_C(1) << level) - 1)) != 0)
        return error_set(err, ST_INVALID, "no subtree of level %u begins at leaf %" PRIu64, level,
                         range->end);
    push(range, level, root);
    return ST_OK;
}

enum status merkle_range_append(struct merkle_range *range, const struct merkle_range *next,
                                struct error *err)
{
    uint64_t at = next->first;

    if (!merkle_range_is_sound(next))
        return error_set(err, ST_INVALID,
                         "a range of leaves %" PRIu64 " to %" PRIu64 " does not have %zu hashes",
                         next->first, next->end, next->count);
    if (next->first != range->end)
        return error_set(err, ST_INVALID, "leaves %" PRIu64 " on do not follow leaf %" PRIu64,
                         next->first, range->end);
    for (size_t i = 0; i < next->count; i++) {
        unsigned level = merkle_level_at(at, next->end);
        push(range, level, &next->hashes[i]);
        at += UINT64_C(1) << level;
    }
    return ST_OK;
}

void merkle_range_root(const struct merkle_range *range, struct hash *ret)
{
    ASSERT(range->first == 0);
    if (range->count == 0) {
        *ret = hash_bytes(SLICE_EMPTY);
        return;
    }
    struct hash hash = range->hashes[range->count - 1];
    for (size_t i = range->count - 1; i > 0; i--)
        merkle_node(&range->hashes[i - 1], &hash, &hash);
    *ret = hash;
}
