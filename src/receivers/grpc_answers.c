/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_answers.c -- see grpc_answers.h.  The messages:
 *
 *     google.rpc.Status     1 code, 2 message, 3 details: Any { 1 type_url, 2 value }
 *     google.rpc.RetryInfo  1 retry_delay: Duration { 1 seconds }
 */
#include "receivers/grpc_answers.h"

#include "wire/protobuf.h"

enum {
    STATUS_DETAILS = 3,
    ANY_TYPE_URL = 1,
    ANY_VALUE = 2,
    RETRY_INFO_DELAY = 1,
    DURATION_SECONDS = 1,
    FIELD_MAX = PB_TAG_MAX + PB_VARINT_MAX,
};

static const char retry_info_url[] = "type.googleapis.com/google.rpc.RetryInfo";

static enum status append_retry_info(unsigned int seconds, struct buf *out, struct error *err)
{
    uint8_t duration[FIELD_MAX];
    uint8_t info[FIELD_MAX + sizeof(duration)];
    uint8_t any[(size_t)2 * FIELD_MAX + sizeof(retry_info_url) + sizeof(info)];

    const uint8_t *end = pb_put_uint(duration, DURATION_SECONDS, seconds);
    end = pb_put_bytes(info, RETRY_INFO_DELAY, slice_of(duration, (size_t)(end - duration)));
    const struct slice value = slice_of(info, (size_t)(end - info));
    uint8_t *next = pb_put_bytes(any, ANY_TYPE_URL, slice_of_text(retry_info_url));
    end = pb_put_bytes(next, ANY_VALUE, value);
    enum status st = buf_reserve(out, FIELD_MAX + sizeof(any), err);
    if (st != ST_OK)
        return st;
    end = pb_put_bytes(out->data + out->size, STATUS_DETAILS, slice_of(any, (size_t)(end - any)));
    out->size = (size_t)(end - out->data);
    return ST_OK;
}

enum status grpc_answer_details(enum rpc_code code, const char *message, unsigned int retry_after_s,
                                struct buf *out, struct error *err)
{
    enum status st = http_answer_status(OTLP_PROTOBUF, code, message, out, err);

    if (st != ST_OK || retry_after_s == 0)
        return st;
    return append_retry_info(retry_after_s, out, err);
}
