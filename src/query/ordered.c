/* SPDX-License-Identifier: Apache-2.0 */
/* ordered.c -- see ordered.h.  A heap whose root is what would go next. */
#include "query/ordered.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    uint64_t unix_ns;
    uint64_t number; /* in which it was added: breaks ties */
    uint8_t *data;   /* owned */
    size_t size;
};

struct ordered {
    struct entry *entries; /* owned */
    size_t count, capacity, count_max;
    size_t size_bytes;
    uint64_t seen;
    bool latest_first;
};

enum status ordered_create(size_t count_max, bool latest_first, struct ordered **ret,
                           struct error *err)
{
    ASSERT(count_max > 0 && count_max <= ORDERED_COUNT_MAX);
    struct ordered *ordered = calloc(1, sizeof(*ordered));
    if (ordered == NULL)
        return error_set(err, ST_NO_MEMORY, "an order of lines");
    ordered->count_max = count_max;
    ordered->latest_first = latest_first;
    *ret = ordered;
    return ST_OK;
}

void ordered_destroy(struct ordered *ordered)
{
    if (ordered == NULL)
        return;
    for (size_t i = 0; i < ordered->count; i++)
        free(ordered->entries[i].data);
    free(ordered->entries);
    free(ordered);
}

static bool is_before(const struct ordered *ordered, const struct entry *a, const struct entry *b)
{
    if (a->unix_ns != b->unix_ns)
        return (a->unix_ns < b->unix_ns) != ordered->latest_first;
    return (a->number < b->number) != ordered->latest_first;
}

static void swap(struct entry *a, struct entry *b)
{
    struct entry kept = *a;

    *a = *b;
    *b = kept;
}

static void sift_up(struct ordered *ordered, size_t at)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!is_before(ordered, &ordered->entries[parent], &ordered->entries[at]))
            return;
        swap(&ordered->entries[parent], &ordered->entries[at]);
        at = parent;
    }
}

static void sift_down(struct ordered *ordered, size_t at, size_t count)
{
    for (;;) {
        size_t last = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++) {
            if (is_before(ordered, &ordered->entries[last], &ordered->entries[child]))
                last = child;
        }
        if (last == at)
            return;
        swap(&ordered->entries[at], &ordered->entries[last]);
        at = last;
    }
}

static enum status grow(struct ordered *ordered, struct error *err)
{
    enum { CAPACITY_FIRST = 64 };

    if (ordered->count < ordered->capacity)
        return ST_OK;
    size_t capacity = ordered->capacity == 0 ? CAPACITY_FIRST : 2 * ordered->capacity;
    struct entry *entries = reallocarray(ordered->entries, capacity, sizeof(*entries));
    if (entries == NULL)
        return error_set(err, ST_NO_MEMORY, "keep %zu lines", capacity);
    ordered->entries = entries;
    ordered->capacity = capacity;
    return ST_OK;
}

static void drop_root(struct ordered *ordered)
{
    ordered->size_bytes -= ordered->entries[0].size;
    free(ordered->entries[0].data);
    ordered->entries[0] = ordered->entries[--ordered->count];
    sift_down(ordered, 0, ordered->count);
}

enum status ordered_add(struct ordered *ordered, uint64_t unix_ns, struct slice line,
                        struct error *err)
{
    struct entry entry = {.unix_ns = unix_ns, .number = ordered->seen++, .size = line.size};

    if (ordered->count == ordered->count_max) {
        if (!is_before(ordered, &entry, &ordered->entries[0]))
            return ST_OK;
        drop_root(ordered);
    }
    if (line.size > ORDERED_SIZE_MAX - ordered->size_bytes)
        return error_set(err, ST_NO_MEMORY,
                         "to be put in order, %zu lines are over %zu MiB: ask for fewer, or for "
                         "fewer fields",
                         ordered->count + 1, ORDERED_SIZE_MAX >> 20);
    enum status st = grow(ordered, err);
    if (st != ST_OK)
        return st;
    entry.data = malloc(line.size + 1);
    if (entry.data == NULL)
        return error_set(err, ST_NO_MEMORY, "keep a line of %zu bytes", line.size);
    if (line.size > 0)
        memcpy(entry.data, line.data, line.size);
    ordered->entries[ordered->count] = entry;
    ordered->size_bytes += line.size;
    sift_up(ordered, ordered->count++);
    return ST_OK;
}

uint64_t ordered_seen(const struct ordered *ordered)
{
    return ordered->seen;
}

size_t ordered_finish(struct ordered *ordered)
{
    /* The last one goes behind the others, again and again. */
    for (size_t count = ordered->count; count > 1; count--) {
        swap(&ordered->entries[0], &ordered->entries[count - 1]);
        sift_down(ordered, 0, count - 1);
    }
    return ordered->count;
}

struct slice ordered_line(const struct ordered *ordered, size_t index)
{
    ASSERT(index < ordered->count);
    return slice_of(ordered->entries[index].data, ordered->entries[index].size);
}
