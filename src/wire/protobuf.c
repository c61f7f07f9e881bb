/* SPDX-License-Identifier: Apache-2.0 */
/* protobuf.c -- see protobuf.h.
 *
 * We are stricter than the format must be where other parsers differ (tags and lengths over
 * five bytes, integers over 64 bits, unmatched groups): what we let through, every destination
 * must be able to read, or one bad record would block a whole batch.
 */
#include "wire/protobuf.h"

#include "util/le.h"

enum {
    TAG_SIZE_MAX = 5,
    GROUP_DEPTH_MAX = 64,
    ANY_FIELD_STRING = 1, /* AnyValue, as in otlp.h, which stands above this file */
    ANY_FIELD_BOOL = 2,
    ANY_FIELD_INT = 3,
    ANY_FIELD_DOUBLE = 4,
    ANY_FIELD_ARRAY = 5,
};

/* Reads a varint of at most `size_max` bytes and returns how many it took; 0: it is broken. */
static size_t read_varint(struct slice in, size_t size_max, uint64_t *ret)
{
    uint64_t value = 0;
    size_t size = in.size < size_max ? in.size : size_max;
    for (size_t i = 0; i < size; i++) {
        uint64_t byte = in.data[i];
        value |= (byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            bool overflows = i + 1 == PB_VARINT_MAX && byte > 1;
            *ret = value;
            return overflows ? 0 : i + 1;
        }
    }
    return 0;
}

/* Reads a tag; 0: it is broken. */
static size_t read_tag(struct slice in, uint32_t *ret_number, enum wire_type *ret_type)
{
    uint64_t tag = 0;
    size_t size = read_varint(in, TAG_SIZE_MAX, &tag);
    if (size == 0 || tag > UINT32_MAX || tag >> 3 == 0 || (tag & 7) > WIRE_FIXED32)
        return 0;
    *ret_number = (uint32_t)(tag >> 3);
    *ret_type = (enum wire_type)(tag & 7);
    return size;
}

/* Reads what follows the tag of a field that is no group; 0: broken, or nothing follows. */
static size_t read_payload(struct slice in, enum wire_type type, struct pb_field *field)
{
    uint64_t length = 0;
    size_t size;
    switch (type) {
    case WIRE_VARINT:
        return read_varint(in, PB_VARINT_MAX, &field->value);
    case WIRE_FIXED64:
        if (in.size < 8)
            return 0;
        field->value = le64_get(in.data);
        return 8;
    case WIRE_FIXED32:
        if (in.size < 4)
            return 0;
        field->value = le32_get(in.data);
        return 4;
    case WIRE_BYTES:
        size = read_varint(in, TAG_SIZE_MAX, &length);
        if (size == 0 || length > in.size - size)
            return 0;
        field->bytes = slice_of(in.data + size, (size_t)length);
        return size + (size_t)length;
    case WIRE_GROUP_START:
    case WIRE_GROUP_END:
        break;
    }
    return 0;
}

/* Reads a group behind its start tag, up to and with its end tag; 0: broken. */
static size_t read_group(struct slice in, uint32_t number, struct pb_field *field)
{
    uint32_t open[GROUP_DEPTH_MAX] = {number};
    size_t depth = 1;
    size_t at = 0;
    for (;;) {
        uint32_t inner = 0;
        enum wire_type type = WIRE_VARINT;
        struct pb_field skipped;
        size_t size = read_tag(slice_from(in, at), &inner, &type);
        if (size == 0)
            return 0;
        size_t tag_at = at;
        at += size;
        if (type == WIRE_GROUP_START) {
            if (depth == GROUP_DEPTH_MAX)
                return 0;
            open[depth++] = inner;
        } else if (type == WIRE_GROUP_END) {
            if (open[--depth] != inner)
                return 0;
            if (depth == 0) {
                field->bytes = slice_of(in.data, tag_at);
                return at;
            }
        } else {
            size = read_payload(slice_from(in, at), type, &skipped);
            if (size == 0)
                return 0;
            at += size;
        }
    }
}

/* A field of BYTES with a tag of one byte and a length of two, as long texts have it; false: it
 * is another one. */
static bool next_long_bytes(struct pb_walk *walk, struct pb_field *ret_field)
{
    const uint8_t *data = walk->rest.data;
    size_t size = walk->rest.size;
    if (size < 3 || (data[0] & 0x87) != WIRE_BYTES || data[0] < 8 || data[1] < 0x80 ||
        data[2] >= 0x80)
        return false;
    size_t length = (size_t)(data[1] & 0x7f) | (size_t)data[2] << 7;
    if (length > size - 3)
        return false;
    ret_field->number = data[0] >> 3;
    ret_field->type = WIRE_BYTES;
    ret_field->value = 0;
    ret_field->bytes = slice_of(data + 3, length);
    ret_field->whole = slice_of(data, length + 3);
    walk->rest = slice_of(data + 3 + length, size - 3 - length);
    return true;
}

enum pb_step pb_next_any(struct pb_walk *walk, struct pb_field *ret_field)
{
    struct slice rest = walk->rest;
    if (rest.size == 0)
        return PB_END;
    if (next_long_bytes(walk, ret_field))
        return PB_FIELD;
    size_t tag_size = read_tag(rest, &ret_field->number, &ret_field->type);
    if (tag_size == 0)
        return PB_BROKEN;
    ret_field->value = 0;
    ret_field->bytes = SLICE_EMPTY;
    struct slice behind = slice_of(rest.data + tag_size, rest.size - tag_size);
    size_t size = ret_field->type == WIRE_GROUP_START
                      ? read_group(behind, ret_field->number, ret_field)
                      : read_payload(behind, ret_field->type, ret_field);
    if (size == 0)
        return PB_BROKEN;
    ret_field->whole = slice_of(rest.data, tag_size + size);
    walk->rest = slice_of(behind.data + size, behind.size - size);
    return PB_FIELD;
}

size_t pb_varint_size(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    return (bits + 6) / 7;
}

uint8_t *pb_put_varint(uint8_t *out, uint64_t value)
{
    while (value >= 0x80) {
        *out++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *out++ = (uint8_t)value;
    return out;
}

static uint8_t *put_tag(uint8_t *out, uint32_t number, enum wire_type type)
{
    return pb_put_varint(out, (uint64_t)number << 3 | type);
}

uint8_t *pb_put_fixed64(uint8_t *out, uint32_t number, uint64_t value)
{
    out = put_tag(out, number, WIRE_FIXED64);
    le64_put(out, value);
    return out + 8;
}

uint8_t *pb_put_fixed32(uint8_t *out, uint32_t number, uint32_t value)
{
    out = put_tag(out, number, WIRE_FIXED32);
    le32_put(out, value);
    return out + 4;
}

uint8_t *pb_put_uint(uint8_t *out, uint32_t number, uint64_t value)
{
    return pb_put_varint(put_tag(out, number, WIRE_VARINT), value);
}

uint8_t *pb_put_header(uint8_t *out, uint32_t number, size_t size)
{
    return pb_put_varint(put_tag(out, number, WIRE_BYTES), size);
}

uint8_t *pb_put_bytes(uint8_t *out, uint32_t number, struct slice bytes)
{
    out = pb_put_header(out, number, bytes.size);
    if (bytes.size > 0)
        memcpy(out, bytes.data, bytes.size);
    return out + bytes.size;
}

/* --- KeyValue fields ------------------------------------------------------------------- */

/* The size of a BYTES field whose number is below 16. */
static size_t bytes_field_size(size_t size)
{
    return 1 + pb_varint_size(size) + size;
}

/* Appends { number: { 1: key, 2: AnyValue } } up to the AnyValue's first byte, with room
 * reserved for its `any_size` bytes. */
static enum status begin_key_value(struct buf *out, uint32_t number, struct slice key,
                                   size_t any_size, struct error *err)
{
    size_t size = bytes_field_size(key.size) + bytes_field_size(any_size);
    enum status st = buf_reserve(out, PB_TAG_MAX + PB_VARINT_MAX + size, err);
    if (st != ST_OK)
        return st;
    uint8_t *at = pb_put_header(out->data + out->size, number, size);
    at = pb_put_bytes(at, 1, key);
    at = pb_put_header(at, 2, any_size);
    out->size = (size_t)(at - out->data);
    return ST_OK;
}

enum status pb_append_any(struct buf *out, uint32_t number, struct slice key,
                          struct slice any_value, struct error *err)
{
    enum status st = begin_key_value(out, number, key, any_value.size, err);
    if (st == ST_OK)
        buf_append_reserved(out, any_value.data, any_value.size);
    return st;
}

enum status pb_append_text(struct buf *out, uint32_t number, struct slice key, struct slice value,
                           struct error *err)
{
    enum status st = begin_key_value(out, number, key, bytes_field_size(value.size), err);
    if (st == ST_OK)
        out->size =
            (size_t)(pb_put_bytes(out->data + out->size, ANY_FIELD_STRING, value) - out->data);
    return st;
}

/* For the AnyValues that are one short field. */
static enum status append_scalar(struct buf *out, uint32_t number, struct slice key,
                                 const uint8_t *any, const uint8_t *any_end, struct error *err)
{
    return pb_append_any(out, number, key, slice_of(any, (size_t)(any_end - any)), err);
}

enum status pb_append_int(struct buf *out, uint32_t number, struct slice key, int64_t value,
                          struct error *err)
{
    uint8_t any[PB_TAG_MAX + PB_VARINT_MAX];
    uint8_t *end = pb_put_uint(any, ANY_FIELD_INT, (uint64_t)value);
    return append_scalar(out, number, key, any, end, err);
}

enum status pb_append_double(struct buf *out, uint32_t number, struct slice key, double value,
                             struct error *err)
{
    uint8_t any[PB_TAG_MAX + 8];
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    uint8_t *end = pb_put_fixed64(any, ANY_FIELD_DOUBLE, bits);
    return append_scalar(out, number, key, any, end, err);
}

enum status pb_append_bool(struct buf *out, uint32_t number, struct slice key, bool value,
                           struct error *err)
{
    uint8_t any[PB_TAG_MAX + PB_VARINT_MAX];
    uint8_t *end = pb_put_uint(any, ANY_FIELD_BOOL, value);
    return append_scalar(out, number, key, any, end, err);
}

enum status pb_append_texts(struct buf *out, uint32_t number, struct slice key,
                            const struct slice *values, size_t count, struct error *err)
{
    size_t array_size = 0;
    for (size_t i = 0; i < count; i++)
        array_size += bytes_field_size(bytes_field_size(values[i].size));
    enum status st = begin_key_value(out, number, key, bytes_field_size(array_size), err);
    if (st != ST_OK)
        return st;
    uint8_t *at = pb_put_header(out->data + out->size, ANY_FIELD_ARRAY, array_size);
    for (size_t i = 0; i < count; i++) {
        at = pb_put_header(at, 1, bytes_field_size(values[i].size));
        at = pb_put_bytes(at, ANY_FIELD_STRING, values[i]);
    }
    out->size = (size_t)(at - out->data);
    return ST_OK;
}
