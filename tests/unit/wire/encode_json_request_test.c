/* SPDX-License-Identifier: Apache-2.0 */
/* encode_json_request_test.c -- batches as requests in OTLP JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "support/collected.h"
#include "support/otlp_json_oracle.h"
#include "support/recorded.h"
#include "telltale/encode.h"

enum { BIG = 1 << 26 };

static void flatten(oracle_request *request, struct buf *out)
{
    assert_non_null(request);
    buf_init(out, BIG);
    oracle_flatten(request, out);
    oracle_free(request);
}

/* Another reader of the JSON finds the request that it was made of. */
static void assert_same_in_json(struct slice request)
{
    struct collected collected;
    struct buf json, in_json, in_protobuf;
    struct error err;

    buf_init(&json, BIG);
    assert_int_equal(collected_read(&collected, request, &err), ST_OK);
    struct batch batch = collected_batch(&collected);
    assert_int_equal(encode_otlp_json_request(&batch, &json, &err), ST_OK);
    flatten(oracle_request_of_json(buf_slice(&json)), &in_json);
    flatten(oracle_read_request(request), &in_protobuf);
    assert_true(slice_equal(buf_slice(&in_json), buf_slice(&in_protobuf)));
    collected_fini(&collected);
    buf_fini(&in_protobuf);
    buf_fini(&in_json);
    buf_fini(&json);
}

static void test_recorded_requests_say_the_same_in_json(void **state)
{
    (void)state;
    for (size_t i = 0; recorded_log_requests[i] != NULL; i++) {
        struct buf request;
        buf_init(&request, BIG);
        recorded_read(recorded_log_requests[i], &request);
        assert_same_in_json(buf_slice(&request));
        buf_fini(&request);
    }
}

static void assert_json(const struct batch *batch, const char *expected)
{
    struct buf json;
    struct error err;

    buf_init(&json, BIG);
    assert_int_equal(encode_otlp_json_request(batch, &json, &err), ST_OK);
    assert_int_equal(buf_append(&json, "", 1, &err), ST_OK);
    assert_string_equal((const char *)json.data, expected);
    buf_fini(&json);
}

static const struct record_group groups[] = {
    {.scope_logs_fields = SLICE("\x0a\x03\x0a\x01s")},
    {.signal = SIGNAL_LOGS},
};

static void test_records_of_a_group_stand_together_in_batch_order(void **state)
{
    const struct record records[] = {
        {.sequence = 1, .bytes = SLICE("\x1a\x01\x61"), .group_index = 0},
        {.sequence = 2, .bytes = SLICE("\x1a\x01\x62"), .group_index = 1},
        {.sequence = 3, .bytes = SLICE("\x1a\x01\x63"), .group_index = 0},
    };
    struct batch batch = {
        .records = records, .record_count = 3, .groups = groups, .group_count = 2};
    (void)state;

    assert_json(&batch,
                "{\"resourceLogs\":[{\"resource\":{\"attributes\":[]},\"scopeLogs\":[{\"scope\":"
                "{\"name\":\"s\",\"attributes\":[]},\"logRecords\":["
                "{\"severityText\":\"a\",\"attributes\":[]},"
                "{\"severityText\":\"c\",\"attributes\":[]}]}]},"
                "{\"resource\":{\"attributes\":[]},\"scopeLogs\":[{\"scope\":{\"attributes\":[]},"
                "\"logRecords\":[{\"severityText\":\"b\",\"attributes\":[]}]}]}]}");
    batch.record_count = 0;
    assert_json(&batch, "{}");
}

static void test_spans_and_metrics_have_their_own_names(void **state)
{
    struct record_group group = {.signal = SIGNAL_TRACES};
    const struct record records[] = {{.sequence = 1, .bytes = SLICE("\x2a\x01\x61")},
                                     {.sequence = 2, .bytes = SLICE("\x2a\x01\x62")}};
    const struct record metric = {.sequence = 1, .bytes = SLICE("\x0a\x01\x61")};
    struct batch batch = {
        .records = records, .record_count = 2, .groups = &group, .group_count = 1};
    (void)state;

    assert_json(&batch, "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"a\"},"
                        "{\"name\":\"b\"}]}]}]}");
    group.signal = SIGNAL_METRICS;
    batch.records = &metric;
    batch.record_count = 1;
    assert_json(&batch,
                "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"a\"}]}]}]}");
}

static void test_a_broken_record_or_a_full_buffer_leaves_it_as_it_was(void **state)
{
    const struct record records[] = {{.sequence = 1, .bytes = SLICE("\x1a\x01\x61")},
                                     {.sequence = 2, .bytes = SLICE("\x1a\x09\x62")}};
    struct batch batch = {
        .records = records, .record_count = 2, .groups = groups, .group_count = 1};
    struct buf json;
    struct error err;
    (void)state;

    buf_init(&json, BIG);
    assert_int_equal(buf_append(&json, "head", 4, &err), ST_OK);
    assert_int_equal(encode_otlp_json_request(&batch, &json, &err), ST_CORRUPT);
    assert_int_equal(json.size, 4);
    batch.record_count = 1;
    json.limit = 64;
    buf_fini(&json);
    assert_int_equal(encode_otlp_json_request(&batch, &json, &err), ST_LIMIT);
    assert_int_equal(json.size, 0);
    buf_fini(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_requests_say_the_same_in_json),
        cmocka_unit_test(test_records_of_a_group_stand_together_in_batch_order),
        cmocka_unit_test(test_spans_and_metrics_have_their_own_names),
        cmocka_unit_test(test_a_broken_record_or_a_full_buffer_leaves_it_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
