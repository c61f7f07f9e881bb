/* SPDX-License-Identifier: Apache-2.0 */
/* otlp_json_fuzz.c -- any bytes as a log request in OTLP JSON.  What is accepted must be a request
 * to our own reader and to protobuf-c, with records that can be read; what is refused must leave
 * the output alone and give a reason.
 */
#include "support/collected.h"
#include "support/otlp_oracle.h"
#include "wire/otlp_json.h"

enum {
    INPUT_MAX = 1 << 16,
    OUT_MAX = 1 << 26,
    ATTRIBUTES_MAX = INPUT_MAX / 3, /* "{}," is one */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All limits but that on nesting are the business of others. */
static void check_record(struct slice record)
{
    static struct attribute_view attributes[ATTRIBUTES_MAX];
    static const struct otlp_limits wide = {
        .record_size_max = OUT_MAX,
        .attribute_count_max = ATTRIBUTES_MAX,
        .key_size_max = OUT_MAX,
        .depth_max = OTLP_DEPTH_MAX,
    };
    struct record_view view;
    struct error err;
    ASSERT(otlp_read_record(record, &wide, attributes, ATTRIBUTES_MAX, &view, &err) == ST_OK);
}

static void check_request(struct slice request)
{
    struct collected collected;
    struct error err;

    ASSERT(collected_read(&collected, request, &err) == ST_OK);
    for (size_t i = 0; i < collected.record_count; i++)
        check_record(collected.records[i].bytes);
    collected_fini(&collected);
    oracle_request *oracle = oracle_read_request(request);
    ASSERT(oracle != NULL);
    oracle_free(oracle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err;
    struct buf out;

    if (size > INPUT_MAX)
        return -1;
    buf_init(&out, OUT_MAX);
    ASSERT(buf_append(&out, "before", 6, &err) == ST_OK);
    err.text[0] = 0;
    enum status st = otlp_json_read_request(slice_of(data, size), &otlp_limits_default, &out, &err);
    if (st == ST_OK) {
        /* Nothing is written longer than it stood in the text. */
        ASSERT(out.size - 6 <= size);
        check_request(slice_from(buf_slice(&out), 6));
    } else {
        ASSERT((st == ST_INVALID || st == ST_LIMIT) && err.text[0] != 0);
        ASSERT(out.size == 6);
    }
    buf_fini(&out);
    return 0;
}
