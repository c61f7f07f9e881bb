/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf.h -- walking and appending protobuf, by hand.
 *
 * The hot path never builds message objects: it walks the fields of the bytes that arrived and
 * appends fields to the bytes that leave.  Laying fields end to end is how protobuf merges
 * messages, so an appended scalar replaces an earlier one and an appended repeated field adds
 * an element; that is what lets us add to a record without touching what its sender wrote.
 *
 * Threads: pure functions.
 */
#pragma once

#include <stdbool.h>

#include "telltale/buf.h"
#include "telltale/error.h"
#include "telltale/slice.h"

enum wire_type {
    WIRE_VARINT = 0,
    WIRE_FIXED64 = 1,
    WIRE_BYTES = 2,
    WIRE_GROUP_START = 3,
    WIRE_GROUP_END = 4,
    WIRE_FIXED32 = 5,
};

struct pb_field {
    uint32_t number;
    enum wire_type type;
    uint64_t value;     /* VARINT, FIXED32, FIXED64 */
    struct slice bytes; /* BYTES: the payload; groups: the fields between start and end */
    struct slice whole; /* tag, length and payload: what to copy to pass the field on */
};

struct pb_walk {
    struct slice rest;
};

static inline struct pb_walk pb_walk_start(struct slice message)
{
    return (struct pb_walk){message};
}

enum pb_step { PB_FIELD, PB_END, PB_BROKEN };

/* pb_next() for every form of field; called by it when the short form does not fit. */
enum pb_step pb_next_any(struct pb_walk *walk, struct pb_field *ret_field);

/* The next field.  PB_BROKEN: the bytes are not protobuf (a varint over 10 bytes, a tag or a
 * length over 5, a length beyond the end, field number 0, an unknown wire type, groups nested
 * over 64 deep); *ret_field then means nothing.  Nearly all fields of a log record are texts or
 * messages of less than 128 bytes with a number below 16: those are read in line. */
static inline enum pb_step pb_next(struct pb_walk *walk, struct pb_field *ret_field)
{
    const uint8_t *data = walk->rest.data;
    size_t size = walk->rest.size;
    if (size >= 2 && (data[0] & 0x87) == WIRE_BYTES && data[0] >= 8 && data[1] < 0x80 &&
        data[1] <= size - 2) {
        size_t length = data[1];
        ret_field->number = data[0] >> 3;
        ret_field->type = WIRE_BYTES;
        ret_field->value = 0;
        ret_field->bytes = slice_of(data + 2, length);
        ret_field->whole = slice_of(data, length + 2);
        walk->rest = slice_of(data + 2 + length, size - 2 - length);
        return PB_FIELD;
    }
    return pb_next_any(walk, ret_field);
}

/* --- Appending.  The room must have been reserved; each says how much it may take. --- */

enum { PB_VARINT_MAX = 10, PB_TAG_MAX = 5 };

size_t pb_varint_size(uint64_t value);
uint8_t *pb_put_varint(uint8_t *out, uint64_t value);
/* PB_TAG_MAX + 8 */
uint8_t *pb_put_fixed64(uint8_t *out, uint32_t number, uint64_t value);
/* PB_TAG_MAX + 4 */
uint8_t *pb_put_fixed32(uint8_t *out, uint32_t number, uint32_t value);
/* PB_TAG_MAX + PB_VARINT_MAX */
uint8_t *pb_put_uint(uint8_t *out, uint32_t number, uint64_t value);
/* PB_TAG_MAX + PB_VARINT_MAX + size */
uint8_t *pb_put_bytes(uint8_t *out, uint32_t number, struct slice bytes);
/* Tag and length only; the payload of `size` bytes follows.  PB_TAG_MAX + PB_VARINT_MAX */
uint8_t *pb_put_header(uint8_t *out, uint32_t number, size_t size);

/* --- KeyValue fields, as in LogRecord.attributes (field 6) and Resource.attributes (1).
 * Each appends one whole field: tag `number`, KeyValue{key, AnyValue}.  They reserve their
 * own room. --- */

MUST_CHECK enum status pb_append_text(struct buf *out, uint32_t number, struct slice key,
                                      struct slice value, struct error *err);
MUST_CHECK enum status pb_append_int(struct buf *out, uint32_t number, struct slice key,
                                     int64_t value, struct error *err);
MUST_CHECK enum status pb_append_double(struct buf *out, uint32_t number, struct slice key,
                                        double value, struct error *err);
MUST_CHECK enum status pb_append_bool(struct buf *out, uint32_t number, struct slice key,
                                      bool value, struct error *err);
/* `any_value` is an encoded AnyValue message, copied as it is. */
MUST_CHECK enum status pb_append_any(struct buf *out, uint32_t number, struct slice key,
                                     struct slice any_value, struct error *err);
/* An array of texts. */
MUST_CHECK enum status pb_append_texts(struct buf *out, uint32_t number, struct slice key,
                                       const struct slice *values, size_t count, struct error *err);
