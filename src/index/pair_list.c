/* SPDX-License-Identifier: Apache-2.0 */
/* pair_list.c -- see pair_list.h.
 *
 * Places come in rising order, so a stable sort by the hash alone orders both: four passes over
 * ten bits each, whatever the pairs are. */
#include "index/pair_list.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 1 << 12, DIGIT_BITS = 10, DIGITS = 1 << DIGIT_BITS };

void pair_list_init(struct pair_list *list, size_t max)
{
    *list = (struct pair_list){.max = max};
}

void pair_list_fini(struct pair_list *list)
{
    free(list->pairs);
    free(list->scratch);
    pair_list_init(list, list->max);
}

enum status pair_list_grow(struct pair_list *list, struct error *err)
{
    if (list->count >= list->max)
        return error_set(err, ST_LIMIT, "more than %zu pairs", list->max);
    size_t capacity = list->capacity > 0 ? 2 * list->capacity : FIRST_CAPACITY;
    if (capacity > list->max)
        capacity = list->max;
    uint64_t *pairs = reallocarray(list->pairs, capacity, sizeof(*pairs));
    if (pairs == NULL)
        return error_set(err, ST_NO_MEMORY, "%zu pairs", capacity);
    list->pairs = pairs;
    uint64_t *scratch = reallocarray(list->scratch, capacity, sizeof(*scratch));
    if (scratch == NULL)
        return error_set(err, ST_NO_MEMORY, "%zu pairs", capacity);
    list->scratch = scratch;
    list->capacity = capacity;
    return ST_OK;
}

static void sort_by_digit(struct pair_list *list, unsigned shift)
{
    size_t ends[DIGITS] = {0};
    size_t start = 0;

    for (size_t i = 0; i < list->count; i++)
        ends[list->pairs[i] >> shift & (DIGITS - 1)]++;
    for (size_t digit = 0; digit < DIGITS; digit++) {
        size_t count = ends[digit];
        ends[digit] = start;
        start += count;
    }
    for (size_t i = 0; i < list->count; i++)
        list->scratch[ends[list->pairs[i] >> shift & (DIGITS - 1)]++] = list->pairs[i];
    uint64_t *sorted = list->scratch;
    list->scratch = list->pairs;
    list->pairs = sorted;
}

void pair_list_sort(struct pair_list *list)
{
    size_t kept = 0;

    for (unsigned shift = PAIR_PLACE_BITS; shift < 64; shift += DIGIT_BITS)
        sort_by_digit(list, shift);
    for (size_t i = 0; i < list->count; i++) {
        if (kept == 0 || list->pairs[kept - 1] != list->pairs[i])
            list->pairs[kept++] = list->pairs[i];
    }
    list->count = kept;
}
