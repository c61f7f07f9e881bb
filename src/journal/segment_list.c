/* SPDX-License-Identifier: Apache-2.0 */
/* segment_list.c -- see segment_list.h.  There are tens of segments, rarely thousands. */
#include "journal/segment_list.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 };

void segment_list_fini(struct segment_list *list)
{
    free(list->items);
    *list = (struct segment_list){0};
}

enum status segment_list_reserve(struct segment_list *list, struct error *err)
{
    if (list->count < list->capacity)
        return ST_OK;
    size_t capacity = list->capacity > 0 ? list->capacity * 2 : FIRST_CAPACITY;
    struct segment *items = realloc(list->items, capacity * sizeof(*items));
    if (items == NULL)
        return error_set(err, ST_NO_MEMORY, "grow a list to %zu segments", capacity);
    list->items = items;
    list->capacity = capacity;
    return ST_OK;
}

void segment_list_add(struct segment_list *list, const struct segment *segment)
{
    if (list->count > 0 && list->items[list->count - 1].first == segment->first) {
        list->count--;
        list->size -= list->items[list->count].size;
    }
    ASSERT(list->count < list->capacity);
    ASSERT(list->count == 0 || list->items[list->count - 1].first < segment->first);
    list->items[list->count++] = *segment;
    list->size += segment->size;
}

void segment_list_extend(struct segment_list *list, uint64_t end)
{
    struct segment *last = &list->items[list->count - 1];
    ASSERT(end >= last->end);
    list->size += end - last->size;
    last->end = last->size = end;
}

void segment_list_close(struct segment_list *list, uint64_t first, uint64_t size, bool is_reusable)
{
    struct segment *last = list->count > 0 ? &list->items[list->count - 1] : NULL;

    if (last == NULL || last->first != first)
        return;
    list->size += size - last->size;
    last->size = size;
    last->is_reusable = is_reusable;
}

size_t segment_list_find(const struct segment_list *list, uint64_t sequence)
{
    size_t low = 0;
    size_t high = list->count;

    ASSERT(list->count > 0);
    while (high - low > 1) { /* items[low].first <= sequence, or low is 0 */
        size_t middle = low + (high - low) / 2;
        if (list->items[middle].first <= sequence)
            low = middle;
        else
            high = middle;
    }
    return low;
}

bool segment_list_may_retire(const struct segment_list *list, uint64_t sequence)
{
    return list->count > 1 && list->items[1].first <= sequence;
}

void segment_list_retire(struct segment_list *list, uint64_t first)
{
    if (list->count < 2 || list->items[0].first != first)
        return;
    list->size -= list->items[0].size;
    list->count--;
    memmove(list->items, list->items + 1, list->count * sizeof(*list->items));
}
