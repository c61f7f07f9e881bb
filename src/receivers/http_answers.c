/* SPDX-License-Identifier: Apache-2.0 */
/* http_answers.c -- see http_answers.h. */
#include "receivers/http_answers.h"

#include <inttypes.h>
#include <stdio.h>

#include "wire/otlp_json.h"
#include "wire/protobuf.h"

enum {
    STATUS_CODE = 1,
    STATUS_MESSAGE = 2,
    RESPONSE_PARTIAL_SUCCESS = 1,
    PARTIAL_REJECTED = 1,
    PARTIAL_MESSAGE = 2,
};

const char *http_answer_content_type(enum otlp_encoding encoding)
{
    return encoding == OTLP_JSON ? "application/json" : "application/x-protobuf";
}

static enum status append_text(struct buf *out, const char *text, struct error *err)
{
    return buf_append(out, text, strlen(text), err);
}

/* {1: number, 2: text}: the shape of both messages here. */
static enum status append_number_and_text(struct buf *out, uint32_t number_field, uint64_t number,
                                          uint32_t text_field, struct slice text, struct error *err)
{
    enum status st = buf_reserve(out, (size_t)2 * (PB_TAG_MAX + PB_VARINT_MAX) + text.size, err);

    if (st != ST_OK)
        return st;
    uint8_t *end = pb_put_uint(out->data + out->size, number_field, number);
    end = pb_put_bytes(end, text_field, text);
    out->size = (size_t)(end - out->data);
    return ST_OK;
}

enum status http_answer_status(enum otlp_encoding encoding, enum rpc_code code, const char *message,
                               struct buf *out, struct error *err)
{
    char head[48];

    if (encoding == OTLP_PROTOBUF) {
        return append_number_and_text(out, STATUS_CODE, (uint64_t)code, STATUS_MESSAGE,
                                      slice_of_text(message), err);
    }
    snprintf(head, sizeof(head), "{\"code\":%d,\"message\":", (int)code);
    enum status st = append_text(out, head, err);
    if (st == ST_OK)
        st = json_append_text(out, slice_of_text(message), err);
    return st == ST_OK ? append_text(out, "}", err) : st;
}

static enum status export_protobuf(uint64_t rejected, const char *message, struct buf *out,
                                   struct error *err)
{
    struct buf partial;

    if (rejected == 0)
        return ST_OK; /* an empty message is no bytes */
    buf_init(&partial, 4096);
    enum status st = append_number_and_text(&partial, PARTIAL_REJECTED, rejected, PARTIAL_MESSAGE,
                                            slice_of_text(message), err);
    if (st == ST_OK)
        st = buf_reserve(out, PB_TAG_MAX + PB_VARINT_MAX + partial.size, err);
    if (st == ST_OK) {
        uint8_t *end =
            pb_put_bytes(out->data + out->size, RESPONSE_PARTIAL_SUCCESS, buf_slice(&partial));
        out->size = (size_t)(end - out->data);
    }
    buf_fini(&partial);
    return st;
}

enum status http_answer_export(enum otlp_encoding encoding, enum signal signal, uint64_t rejected,
                               const char *message, struct buf *out, struct error *err)
{
    static const char *const names[SIGNAL_COUNT] = {
        [SIGNAL_LOGS] = "rejectedLogRecords",
        [SIGNAL_TRACES] = "rejectedSpans",
        [SIGNAL_METRICS] = "rejectedDataPoints",
    };
    char head[96];

    if (encoding == OTLP_PROTOBUF)
        return export_protobuf(rejected, message, out, err);
    if (rejected == 0)
        return append_text(out, "{\"partialSuccess\":{}}", err);
    /* 64-bit integers are decimal texts in the JSON mapping. */
    snprintf(head, sizeof(head),
             "{\"partialSuccess\":{\"%s\":\"%" PRIu64 "\",\"errorMessage\":", names[signal],
             rejected);
    enum status st = append_text(out, head, err);
    if (st == ST_OK)
        st = json_append_text(out, slice_of_text(message), err);
    return st == ST_OK ? append_text(out, "}}", err) : st;
}
