/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_reply.c -- see otlp_reply.h.  The messages, with the fields that are read:
 *
 *     ExportLogsServiceResponse  1 partial_success { 1 rejected_log_records, 2 error_message },
 *     and those of the other signals with the same numbers
 *     google.rpc.Status          3 details, repeated Any { 1 type_url, 2 value }
 *     google.rpc.RetryInfo       1 retry_delay, Duration { 1 seconds, 2 nanos }
 *
 * As protobuf has it, the last occurrence of a field counts.  Each level is one loop over the
 * bytes of its message, so depth and work are bounded by the shape of this file and the size of
 * the reply.
 */
#include "otlp_reply.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

enum { VARINT_SIZE_MAX = 10 };

struct field {
    uint32_t number;
    enum wire_type type;
    uint64_t value;     /* WIRE_VARINT */
    struct slice bytes; /* WIRE_BYTES */
};

/* Cuts a varint off the front. */
static bool take_varint(struct slice *in, uint64_t *ret)
{
    uint64_t value = 0;

    for (size_t i = 0; i < VARINT_SIZE_MAX && i < in->size; i++) {
        value |= (uint64_t)(in->data[i] & 0x7f) << (7 * i);
        if ((in->data[i] & 0x80) == 0) {
            *ret = value;
            *in = slice_from(*in, i + 1);
            return true;
        }
    }
    return false;
}

static bool take_bytes(struct slice *in, uint64_t size, struct slice *ret)
{
    if (size > in->size)
        return false;
    *ret = slice_of(in->data, (size_t)size);
    *in = slice_from(*in, (size_t)size);
    return true;
}

/* Cuts a field off the front.  False: the bytes are not protobuf. */
static bool take_field(struct slice *in, struct field *ret)
{
    uint64_t tag;
    uint64_t size;

    *ret = (struct field){.number = 0};
    if (!take_varint(in, &tag) || tag >> 3 == 0 || tag >> 3 > (UINT32_MAX >> 3))
        return false;
    ret->number = (uint32_t)(tag >> 3);
    ret->type = (enum wire_type)(tag & 7);
    switch (ret->type) {
    case WIRE_VARINT:
        return take_varint(in, &ret->value);
    case WIRE_FIXED64:
        return take_bytes(in, 8, &ret->bytes);
    case WIRE_FIXED32:
        return take_bytes(in, 4, &ret->bytes);
    case WIRE_BYTES:
        return take_varint(in, &size) && take_bytes(in, size, &ret->bytes);
    default:
        return false; /* groups are not in these messages */
    }
}

static bool read_partial_success(struct slice in, struct otlp_partial_success *ret)
{
    struct field field;

    while (in.size > 0) {
        if (!take_field(&in, &field))
            return false;
        if (field.number == 1 && field.type == WIRE_VARINT)
            ret->rejected_count = field.value > INT64_MAX ? 0 : field.value;
        else if (field.number == 2 && field.type == WIRE_BYTES)
            ret->message = field.bytes;
    }
    return true;
}

enum status otlp_reply_read_partial_success(struct slice reply, struct otlp_partial_success *ret,
                                            struct error *err)
{
    struct otlp_partial_success found = {.rejected_count = 0};
    struct field field;

    while (reply.size > 0) {
        if (!take_field(&reply, &field))
            return error_set(err, ST_CORRUPT, "the reply is no response to an Export");
        if (field.number != 1 || field.type != WIRE_BYTES)
            continue;
        if (!read_partial_success(field.bytes, &found))
            return error_set(err, ST_CORRUPT, "the reply's partial_success is not protobuf");
    }
    *ret = found;
    return ST_OK;
}

/* Seconds and nanoseconds as milliseconds; a negative part counts as nothing. */
static uint32_t delay_to_ms(uint64_t seconds, uint64_t nanos)
{
    if (seconds > INT64_MAX)
        seconds = 0;
    if (nanos >= UINT64_C(1000000000))
        nanos = 0;
    if (seconds >= UINT32_MAX / 1000)
        return UINT32_MAX;
    return (uint32_t)(seconds * 1000 + (nanos + 999999) / 1000000);
}

static bool read_duration(struct slice in, uint32_t *ret_ms)
{
    struct field field;
    uint64_t seconds = 0;
    uint64_t nanos = 0;

    while (in.size > 0) {
        if (!take_field(&in, &field))
            return false;
        if (field.number == 1 && field.type == WIRE_VARINT)
            seconds = field.value;
        else if (field.number == 2 && field.type == WIRE_VARINT)
            nanos = field.value;
    }
    *ret_ms = delay_to_ms(seconds, nanos);
    return true;
}

static bool read_retry_info(struct slice in, uint32_t *ret_ms)
{
    struct field field;

    *ret_ms = 0;
    while (in.size > 0) {
        if (!take_field(&in, &field))
            return false;
        if (field.number == 1 && field.type == WIRE_BYTES && !read_duration(field.bytes, ret_ms))
            return false;
    }
    return true;
}

/* The part of a type URL behind its last slash names the message. */
static bool names_retry_info(struct slice type_url)
{
    const struct slice name = SLICE("/google.rpc.RetryInfo");

    return type_url.size >= name.size &&
           slice_equal(slice_from(type_url, type_url.size - name.size), name);
}

static bool read_detail(struct slice in, struct otlp_retry_info *ret)
{
    struct field field;
    struct slice type_url = SLICE_EMPTY;
    struct slice value = SLICE_EMPTY;
    uint32_t delay_ms;

    while (in.size > 0) {
        if (!take_field(&in, &field))
            return false;
        if (field.number == 1 && field.type == WIRE_BYTES)
            type_url = field.bytes;
        else if (field.number == 2 && field.type == WIRE_BYTES)
            value = field.bytes;
    }
    if (!names_retry_info(type_url))
        return true;
    if (!read_retry_info(value, &delay_ms))
        return false;
    *ret = (struct otlp_retry_info){.present = true, .delay_ms = delay_ms};
    return true;
}

struct otlp_retry_info otlp_reply_find_retry_info(struct slice rpc_status)
{
    struct otlp_retry_info found = {.present = false};
    struct field field;

    while (rpc_status.size > 0) {
        bool readable = take_field(&rpc_status, &field);
        if (readable && field.number == 3 && field.type == WIRE_BYTES)
            readable = read_detail(field.bytes, &found);
        if (!readable)
            return (struct otlp_retry_info){.present = false};
    }
    return found;
}
