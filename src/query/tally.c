/* SPDX-License-Identifier: Apache-2.0 */
/* tally.c -- see tally.h. */
#include "query/tally.h"

#include <stdlib.h>
#include <string.h>

#include "util/utf8.h"

enum { PLACES = 4096 };
_Static_assert(PLACES >= 2 * TALLY_ROWS_MAX, "half of the places stay empty");

static const char others[] = "(others)";

enum status tally_init(struct tally *tally, struct error *err)
{
    *tally = (struct tally){.rows = calloc(TALLY_ROWS_MAX + 1, sizeof(*tally->rows)),
                            .places = calloc(PLACES, sizeof(*tally->places))};
    if (tally->rows != NULL && tally->places != NULL)
        return ST_OK;
    tally_fini(tally);
    return error_set(err, ST_NO_MEMORY, "a tally");
}

void tally_fini(struct tally *tally)
{
    free(tally->rows);
    free(tally->places);
    *tally = (struct tally){0};
}

uint64_t tally_hash(uint64_t before, struct slice text)
{
    uint64_t hash = before ^ UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < text.size; i++)
        hash = (hash ^ text.data[i]) * UINT64_C(0x100000001b3);
    /* The size too: else "ab" before "c" would be "a" before "bc". */
    return (hash ^ text.size) * UINT64_C(0x100000001b3);
}

static size_t cut(struct slice name)
{
    size_t size = name.size < TALLY_NAME_MAX ? name.size : TALLY_NAME_MAX;

    while (size > 0 && size < name.size && utf8_is_tail(name.data[size]))
        size--;
    return size;
}

struct tally_row *tally_row(struct tally *tally, struct slice name)
{
    name.size = cut(name);
    size_t place = (size_t)(tally_hash(0, name) >> 32) % PLACES;
    for (; tally->places[place] != 0; place = (place + 1) % PLACES) {
        struct tally_row *row = &tally->rows[tally->places[place] - 1];
        if (slice_equal(slice_of(row->name, row->name_size), name))
            return row;
    }
    if (tally->count >= TALLY_ROWS_MAX && !slice_equal(name, slice_of_text(others)))
        return tally_row(tally, slice_of_text(others));
    struct tally_row *row = &tally->rows[tally->count++];
    if (name.size > 0)
        memcpy(row->name, name.data, name.size);
    row->name_size = name.size;
    tally->places[place] = (uint16_t)tally->count;
    return row;
}

void tally_add(struct tally *tally, struct slice name, unsigned column, double number)
{
    ASSERT(column < TALLY_COLUMNS_MAX);
    tally_row(tally, name)->values[column] += number;
}

static int by_values(const void *left, const void *right, void *context)
{
    const struct tally_row *a = left;
    const struct tally_row *b = right;
    const unsigned *column = context;

    if (a->values[*column] != b->values[*column])
        return a->values[*column] > b->values[*column] ? -1 : 1;
    return strcmp(a->name, b->name);
}

void tally_sort(struct tally *tally, unsigned column)
{
    qsort_r(tally->rows, tally->count, sizeof(*tally->rows), by_values, &column);
}
