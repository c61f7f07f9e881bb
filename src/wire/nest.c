/* SPDX-License-Identifier: Apache-2.0 */
/* nest.c -- one byte is left for each length.  Most messages are shorter than 128 bytes, and it
 * is enough.
 *
 * A message that turns out longer than that, but shorter than MOVE_MAX, is moved up: cheap, as
 * it has just been written.  Were long ones moved too, a deep nest of one long text would move
 * that text once a level.  They are put on a list instead, and nest_finish() opens all their
 * gaps in one sweep from the end.  A message on the list has MOVE_MAX bytes of content, so the
 * list stays small beside the output: below depth * output / MOVE_MAX entries.
 *
 * Gaps never lie within a message that is moved, as that is shorter than any on the list.
 */
#include "wire/nest.h"

#include <stdlib.h>

#include "wire/protobuf.h"

enum {
    ONE_BYTE_MAX = 127,
    MOVE_MAX = 4096,
    GAPS_FIRST = 16,
};

void nest_init(struct nest *nest, struct buf *out)
{
    *nest = (struct nest){.out = out};
}

void nest_fini(struct nest *nest)
{
    free(nest->gaps);
    *nest = (struct nest){.out = nest->out};
}

enum status nest_open(struct nest *nest, uint32_t number, struct nest_mark *ret, struct error *err)
{
    struct buf *out = nest->out;

    ASSERT(number > 0 && number < 16);
    enum status st = buf_reserve(out, 2, err);
    if (st != ST_OK)
        return st;
    out->data[out->size] = (uint8_t)(number << 3 | WIRE_BYTES);
    out->data[out->size + 1] = 0;
    out->size += 2;
    *ret = (struct nest_mark){.content = out->size, .gap_bytes = nest->gap_bytes};
    return ST_OK;
}

static enum status add_gap(struct nest *nest, size_t place, size_t length, struct error *err)
{
    if (nest->gap_count == nest->gap_capacity) {
        size_t capacity = nest->gap_capacity > 0 ? 2 * nest->gap_capacity : GAPS_FIRST;
        struct nest_gap *gaps = reallocarray(nest->gaps, capacity, sizeof(*gaps));
        if (gaps == NULL)
            return error_set(err, ST_NO_MEMORY, "remember %zu message lengths", capacity);
        nest->gaps = gaps;
        nest->gap_capacity = capacity;
    }
    nest->gaps[nest->gap_count++] = (struct nest_gap){place, length};
    nest->gap_bytes += pb_varint_size(length) - 1;
    return ST_OK;
}

enum status nest_close(struct nest *nest, struct nest_mark mark, struct error *err)
{
    struct buf *out = nest->out;

    ASSERT(mark.content <= out->size && mark.content > 0);
    size_t size = out->size - mark.content;
    size_t length = size + nest->gap_bytes - mark.gap_bytes;
    if (length > ONE_BYTE_MAX && length < MOVE_MAX) {
        enum status st = buf_reserve(out, 1, err);
        if (st != ST_OK)
            return st;
        memmove(out->data + mark.content + 1, out->data + mark.content, size);
        out->size++;
    } else if (length >= MOVE_MAX) {
        return add_gap(nest, mark.content - 1, length, err);
    }
    pb_put_varint(out->data + mark.content - 1, length);
    return ST_OK;
}

static int compare_places(const void *a, const void *b)
{
    const struct nest_gap *left = a;
    const struct nest_gap *right = b;
    return (left->place > right->place) - (left->place < right->place);
}

enum status nest_finish(struct nest *nest, struct error *err)
{
    struct buf *out = nest->out;

    if (nest->gap_count == 0)
        return ST_OK;
    enum status st = buf_reserve(out, nest->gap_bytes, err);
    if (st != ST_OK)
        return st;
    /* They were noted as they closed, which is not the order in which they stand. */
    qsort(nest->gaps, nest->gap_count, sizeof(*nest->gaps), compare_places);
    size_t end = out->size;
    size_t shift = nest->gap_bytes;
    for (size_t i = nest->gap_count; i-- > 0;) {
        const struct nest_gap *gap = &nest->gaps[i];
        size_t content = gap->place + 1;
        memmove(out->data + content + shift, out->data + content, end - content);
        shift -= pb_varint_size(gap->length) - 1;
        pb_put_varint(out->data + gap->place + shift, gap->length);
        end = gap->place;
    }
    ASSERT(shift == 0);
    out->size += nest->gap_bytes;
    nest->gap_bytes = 0;
    nest->gap_count = 0;
    return ST_OK;
}
