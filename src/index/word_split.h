/* SPDX-License-Identifier: Apache-2.0 */
/* word_split.h -- the words of a text and their hashes, the same for those who make an index and
 * those who ask it.
 *
 * A word is as many letters, digits, '_' and bytes above ASCII as stand together.  Words of one
 * byte are none.  Of long ones the first WORD_SIZE_MAX bytes count.  Case of ASCII letters is
 * ignored, and a bit of other bytes with it: words that differ in nothing else are one.
 *
 * Threads: pure functions.
 */
#pragma once

#include <endian.h>

#include "telltale/slice.h"
#include "util/text_scan.h"

enum { WORD_SIZE_MIN = 2, WORD_SIZE_MAX = 64 };

struct word_split {
    const uint8_t *at; /* where the bits begin */
    uint64_t mask;     /* of the bytes that words are made of, but those that were given */
    const uint8_t *end;
    const uint8_t *readable; /* bytes may be read up to here; not before `end` */
};

/* The bits of the words in the text, from `at` on. */
HOT_INLINE uint64_t word_split_mask(const struct word_split *split)
{
    uint64_t mask = 0;
    size_t left = (size_t)(split->end - split->at);

    if (__builtin_expect(split->readable - split->at >= TEXT_WORD_STEP, 1)) {
        mask = text_word_mask(split->at);
        return left < 64 ? mask & ((UINT64_C(1) << left) - 1) : mask;
    }
    for (size_t i = 0; i < left && i < 64; i++)
        mask |= (uint64_t)(text_byte_is_word(split->at[i]) != 0) << i;
    return mask;
}

/* `text` is not empty. */
static inline struct word_split word_split_start(struct slice text, const uint8_t *readable)
{
    struct word_split split = {.at = text.data, .end = text.data + text.size, .readable = readable};

    split.mask = word_split_mask(&split);
    return split;
}

/* A word that begins at `at` and has no end in the bits. */
static inline struct slice word_split_take_long(struct word_split *split)
{
    const uint8_t *word = split->at;
    const uint8_t *end = word + TEXT_WORD_STEP;

    while (end < split->end && text_byte_is_word(*end))
        end++;
    split->at = end;
    split->mask = end < split->end ? word_split_mask(split) : 0;
    return slice_of(word, (size_t)(end - word));
}

/* The next run of bytes of a word, however short or long; false: there is none. */
HOT_INLINE bool word_split_next(struct word_split *split, struct slice *ret)
{
    for (;;) {
        while (split->mask == 0) {
            if (split->end - split->at <= TEXT_WORD_STEP)
                return false;
            split->at += TEXT_WORD_STEP;
            split->mask = word_split_mask(split);
        }
        unsigned first = (unsigned)__builtin_ctzll(split->mask);
        uint64_t rest = ~(split->mask >> first);
        unsigned size = rest != 0 ? (unsigned)__builtin_ctzll(rest) : 64;
        const uint8_t *word = split->at + first;
        if (first + size < TEXT_WORD_STEP) { /* it ends within the bits */
            split->mask &= ~UINT64_C(0) << (first + size);
            *ret = slice_of(word, size);
            return true;
        }
        if (first == 0) {
            *ret = word_split_take_long(split);
            return true;
        }
        split->at = word; /* once more, with bits that begin with it */
        split->mask = word_split_mask(split);
    }
}

HOT_INLINE uint64_t word_split_load(const uint8_t *at, size_t size)
{
    uint64_t bytes = 0;
    memcpy(&bytes, at, size);
    return le64toh(bytes);
}

HOT_INLINE uint64_t word_split_mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Bytes may be read up to `readable`. */
HOT_INLINE uint64_t word_hash(struct slice word, const uint8_t *readable, uint64_t seed)
{
    const uint64_t to_lower = UINT64_C(0x2020202020202020);
    size_t size = word.size < WORD_SIZE_MAX ? word.size : WORD_SIZE_MAX;
    const uint8_t *at = word.data;
    uint64_t hash = seed ^ size;

    for (; size > 8; size -= 8, at += 8)
        hash = word_split_mix(hash ^ (word_split_load(at, 8) | to_lower),
                              UINT64_C(0x9e3779b97f4a7c15));
    uint64_t last = 0;
    if (__builtin_expect(readable - at >= 8, 1))
        last = word_split_load(at, 8) & (~UINT64_C(0) >> (64 - 8 * size));
    else
        last = word_split_load(at, size);
    hash = word_split_mix(hash ^ (last | to_lower), UINT64_C(0xbf58476d1ce4e5b9));
    return word_split_mix(hash ^ seed, UINT64_C(0x94d049bb133111eb));
}
