/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_reply_json.c -- replies in JSON, see include/telltale/otlp_reply.h:
 *
 *     {"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"..."}}
 *     {"code":3,"message":"...","details":[{"@type":".../google.rpc.RetryInfo","retryDelay":"7.5s"}]}
 *
 * A count may be a number or a text, names may be in either of protobuf's two forms, and null is
 * no value, as protobuf's own readers have it.  The last occurrence of a member counts.
 */
#include "telltale/otlp_reply.h"
#include "wire/json_scan.h"
#include "wire/otlp_reply_parts.h"

struct reading {
    struct json_scan scan;
    struct buf *text; /* borrowed; decoded messages */
};

typedef bool (*read_member_fn)(struct reading *reading, const struct json_text *key, void *ret);

static bool is_key(const struct json_text *key, struct slice camel, struct slice snake)
{
    return json_text_equal(key, camel) || json_text_equal(key, snake);
}

/* Calls `read_member` for each member, which reads or skips its value.  null is an object without
 * members. */
static bool read_object(struct reading *reading, read_member_fn read_member, void *ret)
{
    struct json_scan *scan = &reading->scan;
    struct json_text key;
    bool more;

    if (json_peek(scan) == 'n')
        return json_read_word(scan, SLICE("null"));
    if (!json_open(scan, '{', '}', &more))
        return false;
    while (more) {
        if (!json_read_key(scan, &key) || !read_member(reading, &key, ret) ||
            !json_read_separator(scan, '}', &more))
            return false;
    }
    return true;
}

/* A text, decoded; empty when it does not fit, or is something else. */
static bool read_message(struct reading *reading, struct slice *ret)
{
    struct json_text text;
    struct error ignored;
    struct buf *out = reading->text;

    *ret = SLICE_EMPTY;
    if (json_peek(&reading->scan) != '"')
        return json_skip_value(&reading->scan);
    if (!json_read_text(&reading->scan, &text))
        return false;
    /* One message is kept at a time: `ret` is the only one that borrows. */
    buf_clear(out);
    if (buf_reserve(out, text.size + JSON_TEXT_SLACK, &ignored) != ST_OK)
        return true;
    out->size = (size_t)(json_text_decode(&text, out->data) - out->data);
    *ret = buf_slice(out);
    return true;
}

static bool read_count(struct reading *reading, uint64_t *ret)
{
    struct json_scan *scan = &reading->scan;
    struct json_number number;
    struct json_text text;

    *ret = 0;
    if (json_peek(scan) == '"') {
        if (!json_read_text(scan, &text))
            return false;
        struct json_scan inner = json_scan_start(slice_of(text.raw, text.raw_size));
        if (json_read_number(&inner, &number) && number.is_integer && json_read_end(&inner))
            *ret = number.integer > 0 ? (uint64_t)number.integer : 0;
        return true;
    }
    uint8_t byte = json_peek(scan);
    if (byte != '-' && (byte < '0' || byte > '9'))
        return json_skip_value(scan);
    if (!json_read_number(scan, &number))
        return false;
    if (number.is_integer && number.integer > 0)
        *ret = (uint64_t)number.integer;
    return true;
}

/* --- Partial success ------------------------------------------------------------------------- */

static bool read_partial_member(struct reading *reading, const struct json_text *key, void *ret)
{
    struct otlp_partial_success *partial = ret;

    if (is_key(key, SLICE("rejectedLogRecords"), SLICE("rejected_log_records")) ||
        is_key(key, SLICE("rejectedSpans"), SLICE("rejected_spans")) ||
        is_key(key, SLICE("rejectedDataPoints"), SLICE("rejected_data_points")))
        return read_count(reading, &partial->rejected_count);
    if (is_key(key, SLICE("errorMessage"), SLICE("error_message")))
        return read_message(reading, &partial->message);
    return json_skip_value(&reading->scan);
}

static bool read_response_member(struct reading *reading, const struct json_text *key, void *ret)
{
    if (is_key(key, SLICE("partialSuccess"), SLICE("partial_success")))
        return read_object(reading, read_partial_member, ret);
    return json_skip_value(&reading->scan);
}

static bool read_all(struct reading *reading, read_member_fn read_member, void *ret)
{
    return read_object(reading, read_member, ret) && json_read_end(&reading->scan);
}

enum status otlp_reply_read_partial_success_json(struct slice reply, struct buf *text,
                                                 struct otlp_partial_success *ret,
                                                 struct error *err)
{
    struct otlp_partial_success found = {.rejected_count = 0};
    struct reading reading = {.scan = json_scan_start(reply), .text = text};

    if (reply.size > 0 && !read_all(&reading, read_response_member, &found))
        return error_set(err, ST_CORRUPT, "the reply is no response to an Export: %s",
                         reading.scan.reason);
    *ret = found;
    return ST_OK;
}

/* --- Status ---------------------------------------------------------------------------------- */

struct detail {
    bool is_retry_info;
    uint32_t delay_ms;
};

/* "7.5s" */
static uint32_t delay_of(struct slice text)
{
    uint64_t seconds = 0;
    uint64_t nanos = 0;
    uint64_t digit = 100000000;
    size_t i = 0;

    for (; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++) {
        if (seconds < UINT32_MAX)
            seconds = seconds * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (i < text.size && text.data[i] == '.') {
        for (i++; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++, digit /= 10)
            nanos += (uint64_t)(text.data[i] - '0') * digit;
    }
    bool is_whole = i + 1 == text.size && text.data[i] == 's';
    return is_whole ? otlp_reply_delay_ms(seconds, nanos) : 0;
}

static bool read_detail_member(struct reading *reading, const struct json_text *key, void *ret)
{
    struct detail *detail = ret;
    struct json_text text;

    if (json_peek(&reading->scan) != '"')
        return json_skip_value(&reading->scan);
    if (!json_read_text(&reading->scan, &text))
        return false;
    if (json_text_equal(key, SLICE("@type")))
        detail->is_retry_info = otlp_reply_names_retry_info(slice_of(text.raw, text.raw_size));
    else if (is_key(key, SLICE("retryDelay"), SLICE("retry_delay")))
        detail->delay_ms = delay_of(slice_of(text.raw, text.raw_size));
    return true;
}

static bool read_details(struct reading *reading, struct otlp_retry_info *ret)
{
    struct json_scan *scan = &reading->scan;
    bool more;

    if (json_peek(scan) != '[')
        return json_skip_value(scan);
    if (!json_open(scan, '[', ']', &more))
        return false;
    while (more) {
        struct detail detail = {.is_retry_info = false};
        bool read = json_peek(scan) == '{' ? read_object(reading, read_detail_member, &detail)
                                           : json_skip_value(scan);
        if (!read || !json_read_separator(scan, ']', &more))
            return false;
        if (detail.is_retry_info)
            *ret = (struct otlp_retry_info){.present = true, .delay_ms = detail.delay_ms};
    }
    return true;
}

struct status_found {
    struct otlp_rpc_status status;
    bool is_status;
};

static bool read_status_member(struct reading *reading, const struct json_text *key, void *ret)
{
    struct status_found *found = ret;

    if (json_text_equal(key, SLICE("message")))
        return read_message(reading, &found->status.message);
    if (json_text_equal(key, SLICE("details")))
        return read_details(reading, &found->status.retry);
    if (json_text_equal(key, SLICE("code"))) {
        uint8_t byte = json_peek(&reading->scan);
        found->is_status = byte >= '0' && byte <= '9';
    }
    return json_skip_value(&reading->scan);
}

bool otlp_reply_read_status_json(struct slice reply, struct buf *text, struct otlp_rpc_status *ret)
{
    struct status_found found = {.is_status = false};
    struct reading reading = {.scan = json_scan_start(reply), .text = text};

    if (!read_all(&reading, read_status_member, &found) || !found.is_status)
        return false;
    *ret = found.status;
    return true;
}
