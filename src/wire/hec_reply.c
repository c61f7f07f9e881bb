/* SPDX-License-Identifier: Apache-2.0 */
/* hec_reply.c -- see include/telltale/hec_reply.h. */
#include "telltale/hec_reply.h"

#include <inttypes.h>
#include <stdio.h>

#include "wire/json_scan.h"

struct reading {
    struct json_scan scan;
    struct buf *text; /* borrowed; the decoded message */
    struct hec_reply *reply;
    bool has_code;
    struct slice id; /* that is looked for among the acks */
    enum hec_ack ack;
};

typedef bool (*read_member_fn)(struct reading *reading, const struct json_text *key);

/* Calls `read_member` for each member, which reads or skips its value. */
static bool read_object(struct reading *reading, read_member_fn read_member)
{
    struct json_text key;
    bool more;

    if (!json_open(&reading->scan, '{', '}', &more))
        return false;
    while (more) {
        if (!json_read_key(&reading->scan, &key) || !read_member(reading, &key) ||
            !json_read_separator(&reading->scan, '}', &more))
            return false;
    }
    return true;
}

/* A number that counts something; anything else is passed over, and the member is as if absent. */
static bool read_count(struct json_scan *scan, bool *ret_has, uint64_t *ret)
{
    struct json_number number;
    uint8_t byte = json_peek(scan);

    *ret_has = false;
    if (byte != '-' && (byte < '0' || byte > '9'))
        return json_skip_value(scan);
    if (!json_read_number(scan, &number))
        return false;
    *ret_has = number.is_integer && number.integer >= 0;
    *ret = *ret_has ? (uint64_t)number.integer : 0;
    return true;
}

/* Empty when it is none, or does not fit. */
static bool read_message(struct reading *reading)
{
    struct buf *out = reading->text;
    struct json_text text;
    struct error ignored;

    reading->reply->text = SLICE_EMPTY;
    if (json_peek(&reading->scan) != '"')
        return json_skip_value(&reading->scan);
    if (!json_read_text(&reading->scan, &text))
        return false;
    buf_clear(out);
    if (buf_reserve(out, text.size + JSON_TEXT_SLACK, &ignored) != ST_OK)
        return true;
    out->size = (size_t)(json_text_decode(&text, out->data) - out->data);
    reading->reply->text = buf_slice(out);
    return true;
}

static bool read_reply_member(struct reading *reading, const struct json_text *key)
{
    struct hec_reply *reply = reading->reply;
    uint64_t code = 0;

    if (json_text_equal(key, SLICE("text")))
        return read_message(reading);
    if (json_text_equal(key, SLICE("invalid-event-number")))
        return read_count(&reading->scan, &reply->has_event_number, &reply->event_number);
    if (json_text_equal(key, SLICE("ackId")))
        return read_count(&reading->scan, &reply->has_ack_id, &reply->ack_id);
    if (!json_text_equal(key, SLICE("code")))
        return json_skip_value(&reading->scan);
    if (!read_count(&reading->scan, &reading->has_code, &code))
        return false;
    reading->has_code = reading->has_code && code <= HEC_CODE_MAX;
    reply->code = reading->has_code ? (unsigned)code : 0;
    return true;
}

bool hec_reply_read(struct slice reply, struct buf *text, struct hec_reply *ret)
{
    struct reading reading = {.scan = json_scan_start(reply), .text = text, .reply = ret};

    *ret = (struct hec_reply){.code = 0};
    if (read_object(&reading, read_reply_member) && json_read_end(&reading.scan) &&
        reading.has_code)
        return true;
    *ret = (struct hec_reply){.code = 0};
    return false;
}

/* --- Acknowledgements ------------------------------------------------------------------------ */

static bool read_ack(struct reading *reading, const struct json_text *key)
{
    if (!json_text_equal(key, reading->id))
        return json_skip_value(&reading->scan);
    switch (json_peek(&reading->scan)) {
    case 't':
        reading->ack = HEC_ACK_TRUE;
        return json_read_word(&reading->scan, SLICE("true"));
    case 'f':
        reading->ack = HEC_ACK_PENDING;
        return json_read_word(&reading->scan, SLICE("false"));
    default:
        reading->ack = HEC_ACK_UNSAID;
        return json_skip_value(&reading->scan);
    }
}

static bool read_acks_member(struct reading *reading, const struct json_text *key)
{
    if (!json_text_equal(key, SLICE("acks")) || json_peek(&reading->scan) != '{')
        return json_skip_value(&reading->scan);
    return read_object(reading, read_ack);
}

enum hec_ack hec_reply_read_ack(struct slice reply, uint64_t id)
{
    struct reading reading = {.scan = json_scan_start(reply), .ack = HEC_ACK_UNSAID};
    char digits[24];

    int size = snprintf(digits, sizeof(digits), "%" PRIu64, id);
    reading.id = slice_of(digits, (size_t)size);
    if (!read_object(&reading, read_acks_member) || !json_read_end(&reading.scan))
        return HEC_ACK_UNSAID;
    return reading.ack;
}
