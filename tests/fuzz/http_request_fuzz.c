/* SPDX-License-Identifier: Apache-2.0 */
/* http_request_fuzz.c -- any bytes as the body of an OTLP/HTTP request, all the way: decompressed,
 * translated, taken apart, normalized, and each record that was taken into the store and back.
 *
 * The first byte chooses: bits 0 and 1 the compression, bit 2 JSON, bits 6 and 7 the signal.  Spans
 * and metrics are taken as they came, and their JSON says what they said. */
#include "deliver/letter.h"
#include "receivers/http_request.h"
#include "receivers/otlp_intake.h"
#include "support/collected.h"
#include "support/made_record.h"
#include "support/taken.h"
#include "telltale/encode.h"
#include "wire/otlp_check.h"
#include "wire/otlp_span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    IS_JSON = 4,
    SIZE_MAX_OF_BODY = 16 << 10, /* small enough that no limit on the whole refuses good records */
    BATCH_SIZE = 64 << 20,
    READ_COUNT_MAX = 32, /* records taken to the store and back; it is slow */
    ATTRIBUTES_MAX = 1024,
};

static const struct http_request_limits limits = {
    .body_size_max = SIZE_MAX_OF_BODY,
    .decoded_size_max = SIZE_MAX_OF_BODY,
};

static struct admission admission; /* nothing is counted in it: the body does not arrive */
static struct otlp_intake *intake;
static struct store_record *reader;

static void set_up(void)
{
    struct error err;

    if (intake != NULL)
        return;
    ASSERT(otlp_intake_create(&otlp_limits_default, &intake, &err) == ST_OK);
    ASSERT(store_record_create(&reader, &err) == ST_OK);
}

static bool is_good(enum signal signal, struct slice record)
{
    static struct attribute_view attributes[ATTRIBUTES_MAX];
    struct record_view view;
    struct error err;

    if (signal != SIGNAL_LOGS)
        return otlp_check_record(signal, record, &otlp_limits_default, &err) == ST_OK;
    return otlp_read_record(record, &otlp_limits_default, attributes, ATTRIBUTES_MAX, &view,
                            &err) == ST_OK;
}

/* As JSON, and from there to protobuf and back: the same. */
static void check_json(const struct record_group *group, struct slice record)
{
    struct letter_record again;
    struct letter read = {.signal = group->signal};
    struct buf first, second;
    struct error err;

    buf_init(&first, BATCH_SIZE);
    buf_init(&second, BATCH_SIZE);
    letter_record_init(&again);
    ASSERT(encode_otlp_json_line(group, record, SLICE_EMPTY, &first, &err) == ST_OK);
    read.otlp = buf_slice(&first);
    ASSERT(letter_record_read(&again, &read, &err) == ST_OK);
    ASSERT(encode_otlp_json_line(&again.group, again.record.bytes, SLICE_EMPTY, &second, &err) ==
           ST_OK);
    ASSERT(slice_equal(buf_slice(&first), buf_slice(&second)));
    letter_record_fini(&again);
    buf_fini(&first);
    buf_fini(&second);
}

static void check_taken(const struct append_batch *batch, size_t index, enum signal signal,
                        struct slice sent)
{
    if (signal == SIGNAL_LOGS) {
        taken_check(batch, index, sent, reader);
        return;
    }
    struct record_group group = taken_group(batch, index);
    struct slice bytes = taken_bytes(batch, index);
    struct attribute_view attributes[ATTRIBUTES_MAX];
    struct span_view span;
    struct error err;

    ASSERT(group.signal == signal && slice_equal(bytes, sent));
    ASSERT(signal != SIGNAL_TRACES || otlp_read_span(bytes, &otlp_limits_default, attributes,
                                                     ATTRIBUTES_MAX, &span, &err) == ST_OK);
    check_json(&group, bytes);
}

/* The good records were taken, in order, whatever stands beside them. */
static void check_batch(const struct append_batch *batch, enum signal signal, struct slice request,
                        const struct otlp_intake_result *result)
{
    struct collected collected;
    struct error err;
    size_t taken = 0;

    ASSERT(collected_read(&collected, request, &err) == ST_OK);
    ASSERT(result->accepted == append_batch_count(batch));
    ASSERT(result->accepted + result->rejected == collected.record_count);
    ASSERT((result->rejected > 0) == (result->message[0] != 0));
    for (size_t i = 0; i < collected.record_count; i++) {
        struct slice sent = collected.records[i].bytes;
        if (!is_good(signal, sent))
            continue;
        ASSERT(taken < append_batch_count(batch));
        if (taken < READ_COUNT_MAX)
            check_taken(batch, taken, signal, sent);
        taken++;
    }
    ASSERT(taken == append_batch_count(batch));
    collected_fini(&collected);
}

static void take(enum signal signal, struct slice request, enum transport transport)
{
    const struct otlp_intake_input input = {
        .signal = signal,
        .request = request,
        .sender_fields = made_peer(),
        .transport = transport,
        .now_unix_ns = 1795209900000000000,
    };
    struct otlp_intake_result result;
    struct append_batch *batch;
    struct error err;

    ASSERT(append_batch_create(BATCH_SIZE, &batch, &err) == ST_OK);
    enum status st = otlp_intake_add(intake, &input, batch, &result, &err);
    ASSERT(st == ST_OK || st == ST_CORRUPT || st == ST_LIMIT);
    if (st == ST_OK)
        check_batch(batch, signal, request, &result);
    append_batch_destroy(batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_request request = {.limits = &limits, .admission = &admission};
    struct http_decoded decoded;
    struct error err;

    if (size < 1 || size > SIZE_MAX_OF_BODY)
        return -1;
    set_up();
    request.encoding = (data[0] & IS_JSON) != 0 ? OTLP_JSON : OTLP_PROTOBUF;
    request.signal = (enum signal)((data[0] >> 6) % SIGNAL_COUNT);
    request.compression = (enum content_encoding)(data[0] % 4 % (ENCODING_ZSTD + 1));
    buf_init(&request.body, SIZE_MAX_OF_BODY);
    ASSERT(buf_append(&request.body, data + 1, size - 1, &err) == ST_OK);
    http_decoded_init(&decoded, &limits);
    enum status st = http_request_decode(&request, &otlp_limits_default, &decoded);
    unsigned int answer = request.verdict.http_status;
    ASSERT(st == ST_OK ? answer == 0 : answer >= 400 && answer < 500);
    if (st == ST_OK)
        take(request.signal, decoded.request,
             request.encoding == OTLP_JSON ? TRANSPORT_OTLP_HTTP_JSON
                                           : TRANSPORT_OTLP_HTTP_PROTOBUF);
    http_decoded_fini(&decoded);
    http_request_fini(&request);
    return 0;
}
