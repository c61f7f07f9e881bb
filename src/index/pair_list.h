/* SPDX-License-Identifier: Apache-2.0 */
/* pair_list.h -- which things stand where: pairs of the hash of a thing and the number of a place,
 * gathered in any order of things and rising order of places.
 *
 * Threads: one owner at a time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "telltale/error.h"

enum {
    PAIR_HASH_BITS = 40,
    PAIR_PLACE_BITS = 24,
    PAIR_PLACE_MAX = (1 << PAIR_PLACE_BITS) - 1,
};

struct pair_list {
    uint64_t *pairs;   /* owned: the hash above the place */
    uint64_t *scratch; /* owned; as large */
    size_t count;
    size_t capacity;
    size_t max;
};

void pair_list_init(struct pair_list *list, size_t max);
void pair_list_fini(struct pair_list *list);

/* Makes room for one more.  ST_LIMIT: there is none. */
MUST_CHECK enum status pair_list_grow(struct pair_list *list, struct error *err);

/* Adds the upper PAIR_HASH_BITS of `hash`. */
MUST_CHECK static inline enum status pair_list_add(struct pair_list *list, uint64_t hash,
                                                   uint32_t place, struct error *err)
{
    if (__builtin_expect(list->count == list->capacity, 0)) {
        enum status st = pair_list_grow(list, err);
        if (st != ST_OK)
            return st;
    }
    list->pairs[list->count++] = (hash >> PAIR_PLACE_BITS << PAIR_PLACE_BITS) | place;
    return ST_OK;
}

static inline uint64_t pair_hash(uint64_t pair)
{
    return pair >> PAIR_PLACE_BITS;
}

static inline uint32_t pair_place(uint64_t pair)
{
    return (uint32_t)pair & PAIR_PLACE_MAX;
}

/* Sorts by hash, then place, and keeps one of pairs that are alike. */
void pair_list_sort(struct pair_list *list);
