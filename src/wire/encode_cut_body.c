/* SPDX-License-Identifier: Apache-2.0 */
/* encode_cut_body.c -- a record with a shorter body, see encode.h. */
#include "telltale/encode.h"
#include "wire/otlp.h"

enum { AROUND = 2 * (PB_TAG_MAX + PB_VARINT_MAX) };

/* Where a character ends at or before `size_max`. */
static struct slice cut(struct slice text, size_t size_max)
{
    size_t size = size_max;

    while (size > 0 && (text.data[size] & 0xc0) == 0x80)
        size--;
    return slice_of(text.data, size);
}

static enum status append_body(struct slice text, struct slice marker, struct buf *out,
                               struct error *err)
{
    size_t size = text.size + marker.size;
    size_t any_size = 1 + pb_varint_size(size) + size;

    enum status st = buf_reserve(out, any_size + AROUND, err);
    if (st != ST_OK)
        return st;
    uint8_t *at = out->data + out->size;
    at = pb_put_header(at, RECORD_BODY, any_size);
    at = pb_put_header(at, ANY_STRING, size);
    out->size = (size_t)(at - out->data);
    buf_append_reserved(out, text.data, text.size);
    buf_append_reserved(out, marker.data, marker.size);
    return ST_OK;
}

enum status encode_cut_body(struct slice record, size_t size_max, struct slice marker,
                            struct buf *out, struct error *err)
{
    struct pb_walk walk = pb_walk_start(record);
    size_t start = out->size;
    struct any_view body = {.type = ANY_TYPE_NONE};
    struct pb_field field;
    enum pb_step step;
    enum status st = ST_OK;

    while (st == ST_OK && (step = pb_next(&walk, &field)) != PB_END) {
        if (step == PB_BROKEN)
            st = error_set(err, ST_CORRUPT, "not a LogRecord");
        else if (field.number != RECORD_BODY || field.type != WIRE_BYTES)
            st = buf_append(out, field.whole.data, field.whole.size, err);
        else
            st = otlp_read_any(field.bytes, &body, err);
        if (st == ST_OK && step == PB_FIELD && field.number == RECORD_BODY &&
            (body.type != ANY_TYPE_STRING || body.bytes.size <= size_max))
            st = buf_append(out, field.whole.data, field.whole.size, err);
    }
    if (st == ST_OK && body.type == ANY_TYPE_STRING && body.bytes.size > size_max)
        st = append_body(cut(body.bytes, size_max), marker, out, err);
    if (st != ST_OK)
        out->size = start;
    return st;
}
