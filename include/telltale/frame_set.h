/* SPDX-License-Identifier: Apache-2.0 */
/* frame_set.h -- a set of frames of one file.
 *
 * Threads: none of its own; one owner at a time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "telltale/error.h"

struct frame_set {
    uint64_t *bits; /* owned; NULL while it is not made */
    size_t count;   /* frames that it has a place for */
};

static inline size_t frame_set_word_count(const struct frame_set *set)
{
    return (set->count + 63) / 64;
}

/* An empty set with places for `count` frames. */
MUST_CHECK static inline enum status frame_set_init(struct frame_set *set, size_t count,
                                                    struct error *err)
{
    *set = (struct frame_set){.count = count};
    set->bits = calloc(frame_set_word_count(set) + 1, sizeof(*set->bits));
    return set->bits != NULL ? ST_OK : error_set(err, ST_NO_MEMORY, "a set of %zu frames", count);
}

static inline void frame_set_fini(struct frame_set *set) /* accepts one that is zeroed */
{
    free(set->bits);
    *set = (struct frame_set){0};
}

static inline void frame_set_clear(struct frame_set *set)
{
    memset(set->bits, 0, frame_set_word_count(set) * sizeof(*set->bits));
}

/* Adds the frames from `first` up to, not including, `end`. */
static inline void frame_set_add(struct frame_set *set, size_t first, size_t end)
{
    ASSERT(end <= set->count);
    for (size_t i = first; i < end; i++)
        set->bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static inline void frame_set_add_all(struct frame_set *set)
{
    frame_set_add(set, 0, set->count);
}

static inline bool frame_set_has(const struct frame_set *set, size_t frame)
{
    ASSERT(frame < set->count);
    return (set->bits[frame / 64] >> (frame % 64) & 1) != 0;
}

/* The first frame of the set from `from` on; `count` of the set when there is none. */
static inline size_t frame_set_next(const struct frame_set *set, size_t from)
{
    for (size_t i = from; i < set->count; i = (i / 64 + 1) * 64) {
        uint64_t rest = set->bits[i / 64] >> (i % 64);
        if (rest != 0)
            return i + (size_t)__builtin_ctzll(rest);
    }
    return set->count;
}

/* Keeps what is in both; they are of one file. */
static inline void frame_set_intersect(struct frame_set *set, const struct frame_set *other)
{
    ASSERT(set->count == other->count);
    for (size_t i = 0; i < frame_set_word_count(set); i++)
        set->bits[i] &= other->bits[i];
}

/* Keeps what is in one of them. */
static inline void frame_set_unite(struct frame_set *set, const struct frame_set *other)
{
    ASSERT(set->count == other->count);
    for (size_t i = 0; i < frame_set_word_count(set); i++)
        set->bits[i] |= other->bits[i];
}

static inline size_t frame_set_size(const struct frame_set *set)
{
    size_t size = 0;

    for (size_t i = 0; i < frame_set_word_count(set); i++)
        size += (size_t)__builtin_popcountll(set->bits[i]);
    return size;
}
