/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_reply.c -- see include/telltale/otlp_reply.h.  The messages, with the fields that are read:
 *
 *     ExportLogsServiceResponse  1 partial_success { 1 rejected_log_records, 2 error_message },
 *     and those of the other signals with the same numbers
 *     google.rpc.Status          1 code, 2 message, 3 details, repeated Any { 1 type_url, 2 value }
 *     google.rpc.RetryInfo       1 retry_delay, Duration { 1 seconds, 2 nanos }
 *
 * As protobuf has it, the last occurrence of a field counts.  Each level is one loop over the
 * bytes of its message, so depth and work are bounded by the shape of this file and the size of
 * the reply.
 */
#include "telltale/otlp_reply.h"

#include "telltale/encode.h"
#include "wire/otlp_reply_parts.h"
#include "wire/protobuf.h"

enum {
    RESPONSE_PARTIAL_SUCCESS = 1,
    PARTIAL_REJECTED = 1,
    PARTIAL_MESSAGE = 2,
    STATUS_CODE = 1,
    STATUS_MESSAGE = 2,
    STATUS_DETAILS = 3,
    DETAIL_TYPE_URL = 1,
    DETAIL_VALUE = 2,
    RETRY_INFO_DELAY = 1,
    DURATION_SECONDS = 1,
    DURATION_NANOS = 2,
};

static bool read_partial_success(struct slice in, struct otlp_partial_success *ret)
{
    struct pb_walk walk = pb_walk_start(in);
    struct pb_field field;
    enum pb_step step;

    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number == PARTIAL_REJECTED && field.type == WIRE_VARINT)
            ret->rejected_count = field.value > INT64_MAX ? 0 : field.value;
        else if (field.number == PARTIAL_MESSAGE && field.type == WIRE_BYTES)
            ret->message = field.bytes;
    }
    return step == PB_END;
}

enum status otlp_reply_read_partial_success(struct slice reply, struct otlp_partial_success *ret,
                                            struct error *err)
{
    struct otlp_partial_success found = {.rejected_count = 0};
    struct pb_walk walk = pb_walk_start(reply);
    struct pb_field field;
    enum pb_step step;

    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number == RESPONSE_PARTIAL_SUCCESS && field.type == WIRE_BYTES &&
            !read_partial_success(field.bytes, &found))
            return error_set(err, ST_CORRUPT, "the reply's partial_success is not protobuf");
    }
    if (step != PB_END)
        return error_set(err, ST_CORRUPT, "the reply is no response to an Export");
    *ret = found;
    return ST_OK;
}

uint32_t otlp_reply_delay_ms(uint64_t seconds, uint64_t nanos)
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
    struct pb_walk walk = pb_walk_start(in);
    struct pb_field field;
    enum pb_step step;
    uint64_t seconds = 0;
    uint64_t nanos = 0;

    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number == DURATION_SECONDS && field.type == WIRE_VARINT)
            seconds = field.value;
        else if (field.number == DURATION_NANOS && field.type == WIRE_VARINT)
            nanos = field.value;
    }
    *ret_ms = otlp_reply_delay_ms(seconds, nanos);
    return step == PB_END;
}

static bool read_retry_info(struct slice in, uint32_t *ret_ms)
{
    struct pb_walk walk = pb_walk_start(in);
    struct pb_field field;
    enum pb_step step;

    *ret_ms = 0;
    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number == RETRY_INFO_DELAY && field.type == WIRE_BYTES &&
            !read_duration(field.bytes, ret_ms))
            return false;
    }
    return step == PB_END;
}

/* The part of a type URL behind its last slash names the message. */
bool otlp_reply_names_retry_info(struct slice type_url)
{
    const struct slice name = SLICE("/google.rpc.RetryInfo");

    return type_url.size >= name.size &&
           slice_equal(slice_from(type_url, type_url.size - name.size), name);
}

static bool read_detail(struct slice in, struct otlp_retry_info *ret)
{
    struct pb_walk walk = pb_walk_start(in);
    struct pb_field field;
    enum pb_step step;
    struct slice type_url = SLICE_EMPTY;
    struct slice value = SLICE_EMPTY;
    uint32_t delay_ms;

    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number == DETAIL_TYPE_URL && field.type == WIRE_BYTES)
            type_url = field.bytes;
        else if (field.number == DETAIL_VALUE && field.type == WIRE_BYTES)
            value = field.bytes;
    }
    if (step != PB_END)
        return false;
    if (!otlp_reply_names_retry_info(type_url))
        return true;
    if (!read_retry_info(value, &delay_ms))
        return false;
    *ret = (struct otlp_retry_info){.present = true, .delay_ms = delay_ms};
    return true;
}

bool otlp_reply_read_status(struct slice reply, struct otlp_rpc_status *ret)
{
    struct otlp_rpc_status found = {.message = SLICE_EMPTY};
    struct pb_walk walk = pb_walk_start(reply);
    struct pb_field field;
    enum pb_step step;
    bool has_code = false;

    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number == STATUS_CODE && field.type == WIRE_VARINT)
            has_code = true;
        else if (field.number == STATUS_MESSAGE && field.type == WIRE_BYTES)
            found.message = field.bytes;
        else if (field.number == STATUS_DETAILS && field.type == WIRE_BYTES &&
                 !read_detail(field.bytes, &found.retry))
            return false;
    }
    if (step != PB_END || !has_code)
        return false;
    *ret = found;
    return true;
}

struct otlp_retry_info otlp_reply_find_retry_info(struct slice rpc_status)
{
    struct otlp_retry_info found = {.present = false};
    struct pb_walk walk = pb_walk_start(rpc_status);
    struct pb_field field;
    enum pb_step step;

    while ((step = pb_next(&walk, &field)) == PB_FIELD) {
        if (field.number == STATUS_DETAILS && field.type == WIRE_BYTES &&
            !read_detail(field.bytes, &found))
            return (struct otlp_retry_info){.present = false};
    }
    return step == PB_END ? found : (struct otlp_retry_info){.present = false};
}

size_t otlp_partial_count(const struct batch *batch)
{
    size_t count = 0;

    if (batch_signal(batch) != SIGNAL_METRICS)
        return batch->record_count;
    for (size_t i = 0; i < batch->record_count; i++)
        count += otlp_metric_point_count(batch->records[i].bytes);
    return count;
}

uint32_t otlp_partial_records(const struct batch *batch, uint64_t rejected)
{
    uint64_t most = batch->record_count;

    if (batch_signal(batch) == SIGNAL_METRICS && rejected < otlp_partial_count(batch))
        most -= most > 1;
    return (uint32_t)(rejected < most ? rejected : most);
}
